"""Three trainers that use nothing of the kit, each with six parameters: written as people write them, and short."""

import math
from collections.abc import Iterator
from functools import cache

import torch
from sklearn import datasets
from torch import Tensor, nn, optim
from torch.nn import functional

from hpsearch import Report, Run
from hpsearch.core.trial import Params

Split = tuple[Tensor, Tensor, Tensor, Tensor]
"""Inputs and targets to train on, then those to validate on."""


def rows_of_digits(params: Params, run: Run) -> Iterator[Report]:
    """A GRU that reads a digit row by row, at a constant learning rate."""
    x, y, vx, vy = _digits()
    reader = nn.GRU(8, int(params["hidden"]), batch_first=True)
    head = nn.Linear(int(params["hidden"]), 10)
    weights = [*reader.parameters(), *head.parameters()]
    optimizer = optim.AdamW(
        weights, lr=params["lr"], weight_decay=params["weight_decay"], betas=(params["beta1"], 0.99)
    )
    run.track(reader=reader, head=head, optimizer=optimizer)

    def loss(inputs: Tensor, classes: Tensor, noise: float = 0.0) -> Tensor:
        states, _ = reader(inputs + noise * torch.randn_like(inputs))
        return functional.cross_entropy(head(states[:, -1]), classes)

    for epoch in run.epochs():
        for batch in torch.randperm(len(x)).split(int(params["batch_size"])):
            optimizer.zero_grad()
            loss(x[batch], y[batch], params["noise"]).backward()
            nn.utils.clip_grad_norm_(weights, 1.0)
            optimizer.step()
        with torch.no_grad():
            yield Report(epoch, {"val_loss": loss(vx, vy).item()})


def small_convolutions(params: Params, run: Run) -> Iterator[Report]:
    """A convolutional network on digits, by SGD with a cosine schedule over all epochs."""
    x, y, vx, vy = _digits()
    width = int(params["filters"])
    model = nn.Sequential(
        *(nn.Unflatten(1, (1, 8)), nn.Conv2d(1, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()),
        *(nn.Conv2d(width, 2 * width, 3, stride=2), nn.ReLU(), nn.Flatten()),
        *(nn.Dropout(params["dropout"]), nn.Linear(2 * width * 9, 10)),
    )
    optimizer = optim.SGD(model.parameters(), params["lr"], params["momentum"], weight_decay=params["weight_decay"])
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, run.epochs_total)
    run.track(model=model, optimizer=optimizer, schedule=schedule)
    for epoch in run.epochs():
        model.train()
        for batch in torch.randperm(len(x)).split(int(params["batch_size"])):
            optimizer.zero_grad()
            functional.cross_entropy(model(x[batch]), y[batch]).backward()
            optimizer.step()
        schedule.step()
        model.eval()
        with torch.no_grad():
            yield Report(epoch, {"val_loss": functional.cross_entropy(model(vx), vy).item()})


def tabular_regression(params: Params, run: Run) -> Iterator[Report]:
    """Progression of diabetes a year later, from ten measurements: an MLP with weight decay and dropout by RMSprop."""
    x, y, vx, vy = _diabetes()
    width = int(params["hidden"])
    model = nn.Sequential(
        *(nn.Linear(10, width), nn.Tanh(), nn.Dropout(params["dropout"])),
        *(nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1)),
    )
    for layer in model:
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=params["scale"] / math.sqrt(layer.in_features))
    optimizer = optim.RMSprop(model.parameters(), params["lr"], weight_decay=params["weight_decay"])
    run.track(model=model, optimizer=optimizer)
    for epoch in run.epochs():
        model.train()
        for batch in torch.randperm(len(x)).split(int(params["batch_size"])):
            optimizer.zero_grad()
            functional.mse_loss(model(x[batch])[:, 0], y[batch]).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            yield Report(epoch, {"val_loss": functional.mse_loss(model(vx)[:, 0], vy).item()})


@cache
def _digits() -> Split:
    """900 of them."""
    found = datasets.load_digits()
    return _split(torch.tensor(found.images[:900], dtype=torch.float32) / 16, torch.tensor(found.target[:900]))


@cache
def _diabetes() -> Split:
    found = datasets.load_diabetes()
    x, y = (torch.tensor(part, dtype=torch.float32) for part in (found.data, found.target))
    return _split((x - x.mean(0)) / x.std(0), (y - y.mean()) / y.std())


def _split(x: Tensor, y: Tensor) -> Split:
    """A third to validate on."""
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
    held = len(x) // 3
    return x[order[held:]], y[order[held:]], x[order[:held]], y[order[:held]]
