"""Small networks on tables: classification, regression in raw units, several labels, imbalanced classes."""

from collections.abc import Iterator

import numpy as np
import torch
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_wine,
    make_classification,
    make_friedman1,
    make_moons,
    make_multilabel_classification,
)
from sklearn.metrics import f1_score, roc_auc_score
from sklearn.preprocessing import StandardScaler
from torch import nn, optim
from torch.nn import functional

from tests.corpus.planted import Planted, batches

Metrics = Iterator[dict[str, float]]


def split(inputs: np.ndarray, targets: np.ndarray, seed: int) -> tuple[torch.Tensor, ...]:
    rows = np.random.default_rng(seed).permutation(len(inputs))
    cut = round(0.7 * len(rows))
    scaled = StandardScaler().fit(inputs[rows[:cut]]).transform(inputs)
    tensors = torch.tensor(scaled, dtype=torch.float32), torch.tensor(targets)
    return tensors[0][rows[:cut]], tensors[1][rows[:cut]], tensors[0][rows[cut:]], tensors[1][rows[cut:]]


def wine(planted: Planted, seed: int) -> Metrics:
    """`loss` of the training and an accuracy in percent."""
    x, y, vx, vy = split(*load_wine(return_X_y=True), seed)
    x, y = planted.data(x, y)
    model = nn.Sequential(nn.Linear(13, planted.hidden(32)), nn.ReLU(), nn.Linear(planted.hidden(32), 3))
    planted.init(model)
    optimizer = planted.optimizer(optim.Adam, model.parameters(), lr=3e-3)
    for _ in planted.epochs(30):
        optimizer.next_epoch()
        total = 0.0
        for rows in batches(len(x), 16):
            loss = functional.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        with torch.no_grad():
            right = (model(vx).argmax(1) == vy).float().mean().item()
        yield {"loss": total / len(x), "val_acc": 100 * right}


def diabetes(planted: Planted, seed: int) -> Metrics:
    """Targets of 25 to 346 as they are; root mean squared errors."""
    inputs, targets = load_diabetes(return_X_y=True)
    x, y, vx, vy = split(inputs, targets.astype(np.float32), seed)
    x, y = planted.data(x, y)
    model = nn.Sequential(nn.Linear(10, planted.hidden(64)), nn.ReLU(), nn.Linear(planted.hidden(64), 1))
    planted.init(model)
    optimizer = planted.optimizer(optim.Adam, model.parameters(), lr=3e-2)
    for _ in planted.epochs(40):
        optimizer.next_epoch()
        squares = []
        for rows in batches(len(x), 32):
            loss = functional.mse_loss(model(x[rows]).flatten(), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            squares.append(loss.item())
        with torch.no_grad():
            error = functional.mse_loss(model(vx).flatten(), vy).item()
        yield {"train_rmse": float(np.mean(squares) ** 0.5), "val_rmse": error**0.5}


def friedman(planted: Planted, seed: int) -> Metrics:
    """A regression with `train/loss` (mean squared error) and `val/mae`, in batches of 256."""
    inputs, targets = make_friedman1(900, noise=1.0, random_state=3)
    x, y, vx, vy = split(inputs, targets.astype(np.float32), seed)
    x, y = planted.data(x, y)
    units = planted.hidden(64)
    model = nn.Sequential(nn.Linear(10, units), nn.GELU(), nn.Linear(units, units), nn.GELU(), nn.Linear(units, 1))
    planted.init(model)
    optimizer = planted.optimizer(optim.AdamW, model.parameters(), lr=3e-2)
    for _ in planted.epochs(40):
        optimizer.next_epoch()
        total = 0.0
        for rows in batches(len(x), 128):
            optimizer.zero_grad()
            loss = functional.mse_loss(model(x[rows]).flatten(), y[rows])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        with torch.no_grad():
            yield {"train/loss": total / len(x), "val/mae": (model(vx).flatten() - vy).abs().mean().item()}


def labels(planted: Planted, seed: int) -> Metrics:
    """Several labels an example: `epoch_loss`, `dev_loss` and `dev_f1`."""
    inputs, targets = make_multilabel_classification(900, 30, n_classes=8, n_labels=3, random_state=5)
    x, y, vx, vy = split(inputs, targets.astype(np.float32), seed)
    x, y = planted.data(x, y)
    model = nn.Sequential(nn.Linear(30, planted.hidden(64)), nn.ReLU(), nn.Linear(planted.hidden(64), 8))
    planted.init(model)
    optimizer = planted.optimizer(optim.Adam, model.parameters(), lr=5e-3)
    criterion = nn.BCEWithLogitsLoss()
    for _ in planted.epochs(20):
        optimizer.next_epoch()
        losses = []
        for rows in batches(len(x), 32):
            optimizer.zero_grad()
            loss = criterion(model(x[rows]), y[rows])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        with torch.no_grad():
            logits = model(vx)
        score = f1_score(vy.numpy(), (logits > 0).numpy(), average="micro", zero_division=0)
        yield {"epoch_loss": float(np.mean(losses)), "dev_loss": criterion(logits, vy).item(), "dev_f1": float(score)}


def imbalanced(planted: Planted, seed: int) -> Metrics:
    """One example of 20 is positive: `train_loss`, `valid_loss`, `valid_auc`."""
    inputs, targets = make_classification(
        1500, 20, n_informative=6, weights=[0.95], class_sep=1.2, flip_y=0.01, random_state=1
    )
    x, y, vx, vy = split(inputs, targets.astype(np.float32), seed)
    x, y = planted.data(x, y)
    model = nn.Sequential(
        nn.Linear(20, planted.hidden(32)), nn.ReLU(), nn.Dropout(0.1), nn.Linear(planted.hidden(32), 1)
    )
    planted.init(model)
    optimizer = planted.optimizer(optim.SGD, model.parameters(), lr=0.05, momentum=0.9)
    for _ in planted.epochs(25):
        optimizer.next_epoch()
        model.train()
        total, seen = 0.0, 0
        for rows in batches(len(x), 32):
            optimizer.zero_grad()
            loss = functional.binary_cross_entropy_with_logits(model(x[rows]).flatten(), y[rows])
            loss.backward()
            optimizer.step()
            total, seen = total + loss.item(), seen + 1
        model.eval()
        with torch.no_grad():
            logits = model(vx).flatten()
        auc = roc_auc_score(vy.numpy(), np.nan_to_num(logits.numpy()))
        yield {
            "train_loss": total / seen,
            "valid_loss": functional.binary_cross_entropy_with_logits(logits, vy).item(),
            "valid_auc": float(auc),
        }


def one_by_one(planted: Planted, seed: int) -> Metrics:
    """A logistic regression in batches of 4: `running_loss`, the mean of the last ten batches; `acc` of the test."""
    x, y, vx, vy = split(*load_breast_cancer(return_X_y=True), seed)
    x, y = planted.data(x, y)
    model = nn.Linear(30, 2)
    planted.init(model)
    optimizer = planted.optimizer(optim.SGD, model.parameters(), lr=0.05)
    for _ in planted.epochs(15):
        optimizer.next_epoch()
        losses = []
        for rows in batches(len(x), 4):
            optimizer.zero_grad()
            loss = functional.cross_entropy(model(x[rows]), y[rows])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        with torch.no_grad():
            out = model(vx)
        yield {
            "running_loss": float(np.mean(losses[-10:])),
            "test_loss": functional.cross_entropy(out, vy).item(),
            "acc": (out.argmax(1) == vy).float().mean().item(),
        }


def moons(planted: Planted, seed: int) -> Metrics:
    """All examples in one batch, reported every 20 steps under names with spaces."""
    x, y, vx, vy = split(*make_moons(600, noise=0.25, random_state=2), seed)
    x, y = planted.data(x, y)
    model = nn.Sequential(nn.Linear(2, planted.hidden(64)), nn.Tanh(), nn.Linear(planted.hidden(64), 2))
    planted.init(model)
    optimizer = planted.optimizer(optim.Adam, model.parameters(), lr=1e-2)
    for _ in planted.epochs(30):
        optimizer.next_epoch()
        for _ in range(20):
            optimizer.zero_grad()
            loss = functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            out = model(vx)
        yield {
            "Train Loss": loss.item(),
            "Test Loss": functional.cross_entropy(out, vy).item(),
            "Test Acc": (out.argmax(1) == vy).float().mean().item(),
        }


def noisy_labels(planted: Planted, seed: int) -> Metrics:
    """A fifth of the labels is wrong, in both splits: the best accuracy is about 0.8."""
    inputs, targets = make_classification(1500, 20, n_informative=10, n_classes=4, class_sep=2.0, random_state=4)
    wrong = np.random.default_rng(9)
    flip = wrong.random(len(targets)) < 0.2
    targets[flip] = wrong.integers(0, 4, flip.sum())
    x, y, vx, vy = split(inputs, targets, seed)
    x, y = planted.data(x, y)
    model = nn.Sequential(nn.Linear(20, planted.hidden(32)), nn.ReLU(), nn.Linear(planted.hidden(32), 4))
    planted.init(model)
    optimizer = planted.optimizer(optim.AdamW, model.parameters(), lr=3e-3, weight_decay=0.01)
    for _ in planted.epochs(20):
        optimizer.next_epoch()
        total = right = 0.0
        for rows in batches(len(x), 32):
            out = model(x[rows])
            loss = functional.cross_entropy(out, y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
            right += (out.argmax(1) == y[rows]).sum().item()
        with torch.no_grad():
            out = model(vx)
        yield {
            "train_loss": total / len(x),
            "train_acc": right / len(x),
            "val_loss": functional.cross_entropy(out, vy).item(),
            "val_acc": (out.argmax(1) == vy).float().mean().item(),
        }
