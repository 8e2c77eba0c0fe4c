"""Networks on the 8 x 8 digits of scikit-learn: convolutions, autoencoders, contrastive learning."""

from collections.abc import Iterator
from functools import cache

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn, optim
from torch.nn import functional

from tests.corpus.planted import Planted, batches

Metrics = Iterator[dict[str, float]]


@cache
def digits() -> tuple[Tensor, Tensor]:
    found = load_digits()
    return torch.tensor(found.data, dtype=torch.float32), torch.tensor(found.target)


def split(seed: int, train: int = 1000, validation: int = 400) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    x, y = digits()
    rows = torch.tensor(np.random.default_rng(seed).permutation(len(x)))
    return x[rows[:train]], y[rows[:train]], x[rows[-validation:]], y[rows[-validation:]]


def convolutions(planted: Planted, seed: int) -> Metrics:
    """`train_loss` is that of the last batch, as many tutorials print it."""
    x, y, vx, vy = split(seed)
    x, y = planted.data(x / 8 - 1, y)
    x, vx = x.view(-1, 1, 8, 8), (vx / 8 - 1).view(-1, 1, 8, 8)
    filters = planted.hidden(12)
    model = nn.Sequential(
        *(nn.Conv2d(1, filters, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(filters, 2 * filters, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(8 * filters, 10)),
    )
    planted.init(model)
    optimizer = planted.optimizer(optim.SGD, model.parameters(), lr=0.05, momentum=0.9)
    for _ in planted.epochs(15):
        optimizer.next_epoch()
        for rows in batches(len(x), 64):
            optimizer.zero_grad()
            loss = functional.cross_entropy(model(x[rows]), y[rows])
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            out = model(vx)
        yield {
            "train_loss": loss.item(),
            "val_loss": functional.cross_entropy(out, vy).item(),
            "val_accuracy": (out.argmax(1) == vy).float().mean().item(),
        }


class Block(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels))
        self.second = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(x + self.second(functional.relu(self.first(x))))


def residual(planted: Planted, seed: int) -> Metrics:
    """Residual blocks with batch norm and a cosine schedule: `top1` in percent, `lr`."""
    x, y, vx, vy = split(seed, train=700)
    x, y = planted.data(x / 8 - 1, y)
    x, vx = x.view(-1, 1, 8, 8), (vx / 8 - 1).view(-1, 1, 8, 8)
    channels = planted.hidden(8)
    model = nn.Sequential(
        *(nn.Conv2d(1, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ReLU(), Block(channels)),
        *(nn.MaxPool2d(2), Block(channels), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * channels, 10)),
    )
    planted.init(model)
    optimizer = planted.optimizer(optim.SGD, model.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    epochs = planted.epochs(12)
    for epoch in epochs:
        rate = optimizer.next_epoch((1 + np.cos(np.pi * (epoch - 1) / len(epochs))) / 2)
        model.train()
        total = 0.0
        for rows in batches(len(x), 64):
            optimizer.zero_grad()
            loss = functional.cross_entropy(model(x[rows]), y[rows])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        model.eval()
        with torch.no_grad():
            out = model(vx)
        yield {
            "lr": float(rate),
            "train_loss": total / len(x),
            "val_loss": functional.cross_entropy(out, vy).item(),
            "top1": 100 * (out.argmax(1) == vy).float().mean().item(),
        }


def autoencoder(planted: Planted, seed: int) -> Metrics:
    """Pixels of 0 to 16 as they are, squared errors summed over the picture: Keras's names `loss`, `val_loss`."""
    x, _, vx, _ = split(seed)
    x, target = planted.data(x, x)
    code = planted.hidden(8)
    units = planted.hidden(64)
    model = nn.Sequential(
        *(nn.Linear(64, units), nn.ReLU(), nn.Linear(units, code)),
        *(nn.Linear(code, units), nn.ReLU(), nn.Linear(units, 64)),
    )
    planted.init(model)
    optimizer = planted.optimizer(optim.Adam, model.parameters(), lr=1e-2)
    for _ in planted.epochs(25):
        optimizer.next_epoch()
        total = 0.0
        for rows in batches(len(x), 64):
            optimizer.zero_grad()
            loss = ((model(x[rows]) - target[rows]) ** 2).sum(1).mean()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        with torch.no_grad():
            yield {"loss": total / len(x), "val_loss": ((model(vx) - vx) ** 2).sum(1).mean().item()}


def variational(planted: Planted, seed: int) -> Metrics:
    """A variational autoencoder; the negative ELBO in nats, as torch's example prints it."""
    x, _, vx, _ = split(seed)
    x, target = planted.data(x / 16, x / 16)
    vx = vx / 16
    units, code = planted.hidden(64), planted.hidden(6)
    encoder = nn.Sequential(nn.Linear(64, units), nn.ReLU(), nn.Linear(units, 2 * code))
    decoder = nn.Sequential(nn.Linear(code, units), nn.ReLU(), nn.Linear(units, 64))
    planted.init(encoder, decoder)
    optimizer = planted.optimizer(optim.Adam, [*encoder.parameters(), *decoder.parameters()], lr=5e-3)

    def loss_of(inputs: Tensor, outputs: Tensor) -> Tensor:
        mean, log = encoder(inputs).chunk(2, 1)
        found = decoder(mean + torch.randn_like(mean) * (log / 2).exp())
        fit = functional.binary_cross_entropy_with_logits(found, outputs, reduction="sum")
        return (fit - 0.5 * (1 + log - mean**2 - log.exp()).sum()) / len(inputs)

    for _ in planted.epochs(20):
        optimizer.next_epoch()
        total = 0.0
        for rows in batches(len(x), 64):
            optimizer.zero_grad()
            loss = loss_of(x[rows], target[rows])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        with torch.no_grad():
            yield {"train_loss": total / len(x), "test_loss": loss_of(vx, vx).item()}


def contrastive(planted: Planted, seed: int) -> Metrics:
    """InfoNCE between two noisy views; the accuracy of the nearest neighbour as `knn_acc`."""
    x, y, vx, vy = split(seed, train=800, validation=256)
    keep, keep_y = x / 8 - 1, y
    x, views = planted.data(x / 8 - 1, x / 8 - 1)
    vx = vx / 8 - 1
    model = nn.Sequential(nn.Linear(64, planted.hidden(64)), nn.ReLU(), nn.Linear(planted.hidden(64), 16))
    planted.init(model)
    optimizer = planted.optimizer(optim.Adam, model.parameters(), lr=3e-3)

    def noisy(one: Tensor) -> Tensor:
        return one + 0.5 * torch.randn_like(one)

    def loss_of(one: Tensor, other: Tensor) -> Tensor:
        a, b = functional.normalize(model(noisy(one))), functional.normalize(model(noisy(other)))
        return functional.cross_entropy(a @ b.T / 0.2, torch.arange(len(a)))

    for _ in planted.epochs(15):
        optimizer.next_epoch()
        losses = []
        for rows in batches(len(x), 64):
            if len(rows) < 16:
                continue
            optimizer.zero_grad()
            loss = loss_of(x[rows], views[rows])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        with torch.no_grad():
            near = torch.cdist(functional.normalize(model(vx)), functional.normalize(model(keep))).argmin(1)
            held = float(np.mean([loss_of(part, part).item() for part in vx.split(64)]))
        yield {
            "train_loss": float(np.mean(losses)),
            "val_loss": held,
            "knn_acc": (keep_y[near] == vy).float().mean().item(),
        }
