"""A regression on scikit-learn's diabetes data with plain SGD, whose best rates are 0.04 to 0.15."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import torch
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split
from torch import Tensor, nn

from hpsearch import Report, Run


@dataclass(frozen=True)
class Params:
    lr: float
    hidden: int = 16


@cache
def split() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    inputs, targets = load_diabetes(return_X_y=True, scaled=False)
    x, vx, y, vy = train_test_split(inputs, targets, test_size=0.3, random_state=0)
    x, vx = (one / x.std(0) - x.mean(0) / x.std(0) for one in (x, vx))
    y, vy = ((one - y.mean()) / y.std() for one in (y, vy))
    x, y, vx, vy = (torch.tensor(one, dtype=torch.float32) for one in (x, y, vx, vy))
    return x, y, vx, vy


def train(params: Params, run: Run) -> Iterator[Report]:
    x, y, vx, vy = split()
    model = nn.Sequential(nn.Linear(10, params.hidden), nn.ReLU(), nn.Linear(params.hidden, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=params.lr)
    run.track(model=model, optimizer=optimizer)
    for epoch in run.epochs():
        total = 0.0
        for rows in torch.randperm(len(x)).split(32):
            loss = nn.functional.mse_loss(model(x[rows]).flatten(), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        with torch.no_grad():
            held = nn.functional.mse_loss(model(vx).flatten(), vy).item()
        yield Report(epoch, {"train_loss": total / len(x), "val_loss": held})
