"""Trainers that no setting was chosen on: looked at once, when the doctor is done."""

import math
from collections.abc import Iterator

import numpy as np
import torch
from sklearn.datasets import make_friedman2
from torch import nn, optim
from torch.nn import functional

from tests.corpus import pictures
from tests.corpus.planted import Planted, batches
from tests.corpus.sequences import Recurrent
from tests.corpus.tables import split

Metrics = Iterator[dict[str, float]]


def fine_tuned(planted: Planted, seed: int) -> Metrics:
    """Features learnt on the digits 0 to 4, then a new head and all weights on 5 to 9."""
    x, y, vx, vy = pictures.split(seed, train=1200)
    body = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 32), nn.ReLU())
    first = nn.Sequential(body, nn.Linear(32, 5))
    known = optim.Adam(first.parameters(), lr=3e-3)
    old = y < 5
    for _ in range(8):
        for rows in batches(int(old.sum()), 64):
            known.zero_grad()
            functional.cross_entropy(first(x[old][rows] / 16), y[old][rows]).backward()
            known.step()
    x, y = planted.data(x[~old] / 16, y[~old] - 5)
    vx, vy = vx[vy > 4] / 16, vy[vy > 4] - 5
    model = nn.Sequential(body, nn.Linear(32, 5))
    planted.init(model[1])
    optimizer = planted.optimizer(optim.Adam, model.parameters(), lr=3e-3)
    for _ in planted.epochs(15):
        optimizer.next_epoch()
        total = right = 0.0
        for rows in batches(len(x), 32):
            optimizer.zero_grad()
            out = model(x[rows])
            loss = functional.cross_entropy(out, y[rows])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
            right += (out.argmax(1) == y[rows]).sum().item()
        with torch.no_grad():
            out = model(vx)
        yield {
            "loss": total / len(x),
            "accuracy": right / len(x),
            "val_loss": functional.cross_entropy(out, vy).item(),
            "val_accuracy": (out.argmax(1) == vy).float().mean().item(),
        }


def two_optimizers(planted: Planted, seed: int) -> Metrics:
    """A generative adversarial network on a ring of two dimensions: losses that show little, and a distance."""
    draw = torch.Generator().manual_seed(40 + seed)
    angle = 2 * math.pi * torch.rand(1024, generator=draw)
    ring = torch.stack([angle.cos(), angle.sin()], 1) + 0.05 * torch.randn(1024, 2, generator=draw)
    real, _ = planted.data(ring[:768], ring[:768])
    held = ring[768:]
    units = planted.hidden(32)
    generator = nn.Sequential(nn.Linear(4, units), nn.ReLU(), nn.Linear(units, units), nn.ReLU(), nn.Linear(units, 2))
    critic = nn.Sequential(
        nn.Linear(2, units), nn.LeakyReLU(0.2), nn.Linear(units, units), nn.LeakyReLU(0.2), nn.Linear(units, 1)
    )
    planted.init(generator, critic)
    for_generator = planted.optimizer(optim.Adam, generator.parameters(), lr=2e-3, betas=(0.5, 0.99))
    for_critic = planted.optimizer(optim.Adam, critic.parameters(), lr=2e-3, betas=(0.5, 0.99))
    judge = functional.binary_cross_entropy_with_logits
    for _ in planted.epochs(25):
        for_generator.next_epoch(), for_critic.next_epoch()
        for rows in batches(len(real), 64):
            size = len(rows)
            made = generator(torch.randn(size, 4))
            for_critic.zero_grad()
            d_loss = judge(critic(real[rows]), torch.ones(size, 1)) + judge(critic(made.detach()), torch.zeros(size, 1))
            d_loss.backward()
            for_critic.step()
            for_generator.zero_grad()
            g_loss = judge(critic(made), torch.ones(size, 1))
            g_loss.backward()
            for_generator.step()
        with torch.no_grad():
            made = generator(torch.randn(256, 4))
            own = torch.cdist(made, made).mean() + torch.cdist(held, held).mean()
            distance = (2 * torch.cdist(made, held).mean() - own).item()
        yield {"d_loss": d_loss.item(), "g_loss": g_loss.item(), "energy_distance": distance}


def forecast(planted: Planted, seed: int) -> Metrics:
    """The next value of noisy waves, by a recurrent network: mean absolute errors."""
    draw = torch.Generator().manual_seed(60 + seed)
    phase, pace = 6 * torch.rand(700, 1, generator=draw), 0.3 + torch.rand(700, 1, generator=draw)
    waves = 40 * torch.sin(phase + pace * torch.arange(13)) + 3 * torch.randn(700, 13, generator=draw) + 100
    waves = (waves - 100) / 30
    x, y = planted.data(waves[:500, :-1].unsqueeze(2), waves[:500, -1])
    vx, vy = waves[500:, :-1].unsqueeze(2), waves[500:, -1]
    model = Recurrent(1, planted.hidden(16), 1)
    planted.init(model)
    optimizer = planted.optimizer(optim.Adam, model.parameters(), lr=3e-2)
    for _ in planted.epochs(20):
        optimizer.next_epoch()
        total = 0.0
        for rows in batches(len(x), 50):
            optimizer.zero_grad()
            loss = functional.l1_loss(model(x[rows]).flatten(), y[rows])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        with torch.no_grad():
            held = functional.l1_loss(model(vx).flatten(), vy).item()
        yield {"mae/train": 30 * total / len(x), "mae/valid": 30 * held}


def warm_restarts(planted: Planted, seed: int) -> Metrics:
    """A regression with cosine restarts every 8 epochs; standardised targets."""
    inputs, targets = make_friedman2(800, noise=60.0, random_state=8)
    targets = ((targets - targets.mean()) / targets.std()).astype(np.float32)
    x, y, vx, vy = split(inputs, targets, seed)
    x, y = planted.data(x, y)
    model = nn.Sequential(nn.Linear(4, planted.hidden(48)), nn.ReLU(), nn.Linear(planted.hidden(48), 1))
    planted.init(model)
    optimizer = planted.optimizer(optim.SGD, model.parameters(), lr=0.1, momentum=0.9)
    for epoch in planted.epochs(24):
        rate = optimizer.next_epoch((1 + math.cos(math.pi * ((epoch - 1) % 8) / 8)) / 2)
        total = 0.0
        for rows in batches(len(x), 32):
            optimizer.zero_grad()
            loss = functional.mse_loss(model(x[rows]).flatten(), y[rows])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        with torch.no_grad():
            held = functional.mse_loss(model(vx).flatten(), vy).item()
        yield {"Loss/train": total / len(x), "Loss/val": held, "LR": rate}


def counts(planted: Planted, seed: int) -> Metrics:
    """A Poisson regression; its negative log likelihood without the constant is negative."""
    draw = np.random.default_rng(11)
    inputs = draw.normal(size=(900, 8))
    mean = np.exp(1.5 + 0.5 * inputs[:, 0] + 0.4 * np.sin(2 * inputs[:, 1]) - 0.3 * inputs[:, 2])
    x, y, vx, vy = split(inputs, draw.poisson(mean).astype(np.float32), seed)
    x, y = planted.data(x, y)
    model = nn.Sequential(nn.Linear(8, planted.hidden(32)), nn.ReLU(), nn.Linear(planted.hidden(32), 1))
    planted.init(model)
    optimizer = planted.optimizer(optim.Adam, model.parameters(), lr=1e-2)
    criterion = nn.PoissonNLLLoss()
    for _ in planted.epochs(20):
        optimizer.next_epoch()
        total = 0.0
        for rows in batches(len(x), 32):
            optimizer.zero_grad()
            loss = criterion(model(x[rows]).flatten(), y[rows])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        with torch.no_grad():
            yield {"train_nll": total / len(x), "val_nll": criterion(model(vx).flatten(), vy).item()}
