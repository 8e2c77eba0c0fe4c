"""Three more trainers that no setting was chosen on, written after the doctor's limits."""

from collections.abc import Iterator

import numpy as np
import torch
from sklearn.datasets import make_friedman3
from torch import Tensor, nn, optim
from torch.nn import functional

from tests.corpus import pictures
from tests.corpus.planted import Planted, batches
from tests.corpus.tables import split

Metrics = Iterator[dict[str, float]]


def likelihood(planted: Planted, seed: int) -> Metrics:
    """A mean and a variance for each example, by their likelihood, with RMSprop; `Test MAE`, the error of the mean."""
    inputs, targets = make_friedman3(1000, noise=0.1, random_state=21)
    x, y, vx, vy = split(inputs, targets.astype(np.float32), seed)
    x, y = planted.data(x, y)
    units = planted.hidden(40)
    model = nn.Sequential(nn.Linear(4, units), nn.SiLU(), nn.Linear(units, units), nn.SiLU(), nn.Linear(units, 2))
    planted.init(model)
    optimizer = planted.optimizer(optim.RMSprop, model.parameters(), lr=2e-3)

    def nll(inputs: Tensor, wanted: Tensor) -> Tensor:
        mean, raw = model(inputs).unbind(1)
        return functional.gaussian_nll_loss(mean, wanted, functional.softplus(raw) + 1e-4)

    for _ in planted.epochs(25):
        optimizer.next_epoch()
        total = 0.0
        for rows in batches(len(x), 50):
            optimizer.zero_grad()
            loss = nll(x[rows], y[rows])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        with torch.no_grad():
            off = (model(vx)[:, 0] - vy).abs().mean().item()
            yield {"Train NLL": total / len(x), "Test NLL": nll(vx, vy).item(), "Test MAE": off}


def denoising(planted: Planted, seed: int) -> Metrics:
    """Convolutions that remove noise from pictures: smooth L1 losses, with one-cycle rates."""
    x, _, vx, _ = pictures.split(seed, train=600, validation=200)
    x, vx = x.view(-1, 1, 8, 8) / 16, vx.view(-1, 1, 8, 8) / 16
    x, clean = planted.data(x, x)
    channels = planted.hidden(12)
    model = nn.Sequential(
        *(nn.Conv2d(1, channels, 3, padding=1), nn.LeakyReLU(0.1)),
        *(nn.Conv2d(channels, channels, 3, padding=1, stride=2), nn.LeakyReLU(0.1)),
        *(nn.ConvTranspose2d(channels, channels, 2, stride=2), nn.LeakyReLU(0.1), nn.Conv2d(channels, 1, 1)),
    )
    planted.init(model)
    optimizer = planted.optimizer(optim.NAdam, model.parameters(), lr=1e-2)
    epochs = planted.epochs(18)
    noise = 0.3 * torch.randn(vx.shape, generator=torch.Generator().manual_seed(seed))
    for epoch in epochs:
        rate = optimizer.next_epoch(min(1.0, epoch / 4, 1.2 * (1 - (epoch - 1) / len(epochs))))
        model.train()
        losses = []
        for rows in batches(len(x), 40):
            out = model(x[rows] + 0.3 * torch.randn(len(rows), 1, 8, 8))
            loss = functional.smooth_l1_loss(out, clean[rows], beta=0.1)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        model.eval()
        with torch.no_grad():
            held = functional.smooth_l1_loss(model(vx + noise), vx, beta=0.1).item()
        yield {"train_huber": float(np.mean(losses)), "val_huber": held, "lr-NAdam": float(rate)}


def sentences(seed: int) -> tuple[Tensor, Tensor]:
    """Sequences of 10 of 20 letters, in four classes: which of two letters comes first, and which of two others."""
    draw = torch.Generator().manual_seed(90)
    letters = torch.randint(4, 20, (900, 10), generator=draw)
    places = torch.rand(900, 10, generator=draw).argsort(1)[:, :4]
    for letter in range(4):
        letters[torch.arange(900), places[:, letter]] = letter
    classes = 2 * (places[:, 0] < places[:, 1]).long() + (places[:, 2] < places[:, 3]).long()
    rows = torch.randperm(900, generator=torch.Generator().manual_seed(seed))
    return letters[rows], classes[rows]


class Reader(nn.Module):
    def __init__(self, units: int) -> None:
        super().__init__()
        self.letters, self.places = nn.Embedding(20, 16), nn.Embedding(10, 16)
        self.attend = nn.MultiheadAttention(16, 2, batch_first=True)
        self.head = nn.Sequential(nn.LayerNorm(16), nn.Linear(16, units), nn.ReLU(), nn.Linear(units, 4))

    def forward(self, text: Tensor) -> Tensor:
        x = self.letters(text) + self.places(torch.arange(10))
        return self.head((x + self.attend(x, x, x, need_weights=False)[0]).mean(1))


def attention(planted: Planted, seed: int) -> Metrics:
    """A sequence classifier with attention, label smoothing and clipped gradients: `training/loss`, `validation/f1`."""
    x, y = sentences(seed)
    vx, vy, (x, y) = x[650:], y[650:], planted.data(x[:650], y[:650])
    model = Reader(planted.hidden(32))
    planted.init(model)
    optimizer = planted.optimizer(optim.AdamW, model.parameters(), lr=1e-2)
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    for _ in planted.epochs(20):
        optimizer.next_epoch()
        total, seen = 0.0, 0
        for rows in batches(len(x), 50):
            optimizer.zero_grad()
            loss = criterion(model(x[rows]), y[rows])
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            total, seen = total + loss.item(), seen + 1
        with torch.no_grad():
            out = model(vx)
        found = [f1_of(out.argmax(1) == one, vy == one) for one in range(4)]
        yield {
            "training/loss": total / seen,
            "validation/loss": criterion(out, vy).item(),
            "validation/f1": sum(found) / 4,
        }


def f1_of(said: Tensor, true: Tensor) -> float:
    return (2 * (said & true).sum() / (said.sum() + true.sum()).clamp_min(1)).item()
