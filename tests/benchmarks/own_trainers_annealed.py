"""Two trainers that use nothing of the kit and anneal their learning rate over `run.epochs_total`."""

import math
from collections.abc import Iterator
from functools import cache

import torch
from torch import nn, optim
from torch.nn import functional

from hpsearch import Report, Run
from hpsearch.core.trial import Params
from tests.benchmarks.own_trainers import Split, _split


def waves_forecast(params: Params, run: Run) -> Iterator[Report]:
    """The next eight values of noisy sums of waves: dilated convolutions by Adam, the rate lowered linearly to 0."""
    x, y, vx, vy = _waves()
    width = int(params["channels"])
    model = nn.Sequential(
        *(nn.Unflatten(1, (1, 48)), nn.Conv1d(1, width, 3, dilation=1), nn.SiLU()),
        *(nn.Conv1d(width, width, 3, dilation=4), nn.SiLU(), nn.Dropout(params["dropout"])),
        *(nn.Flatten(), nn.Linear(38 * width, 8)),
    )
    optimizer = optim.Adam(
        model.parameters(), params["lr"], (params["beta1"], 0.999), weight_decay=params["weight_decay"]
    )
    schedule = optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 1 - epoch / run.epochs_total)
    run.track(model=model, optimizer=optimizer, schedule=schedule)
    for epoch in run.epochs():
        model.train()
        for rows in torch.randperm(len(x)).split(int(params["batch_size"])):
            optimizer.zero_grad()
            functional.smooth_l1_loss(model(x[rows]), y[rows]).backward()
            optimizer.step()
        schedule.step()
        model.eval()
        with torch.no_grad():
            yield Report(epoch, {"val_loss": functional.mse_loss(model(vx), vy).item()})


def clouds_of_points(params: Params, run: Run) -> Iterator[Report]:
    """The correlation of a cloud of points: a network with a mean over the points, by SGD with momentum; a warm-up of a
    fifth of all epochs, then half a cosine."""
    x, y, vx, vy = _clouds()
    width = int(params["hidden"])
    each = nn.Sequential(nn.Linear(2, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
    whole = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 1))
    weights = [*each.parameters(), *whole.parameters()]
    optimizer = optim.SGD(weights, params["lr"], params["momentum"], weight_decay=params["weight_decay"])
    warm = max(1, run.epochs_total // 5)

    def factor(epoch: int) -> float:
        if epoch < warm:
            return (epoch + 1) / (warm + 1)
        return 0.5 + 0.5 * math.cos(math.pi * (epoch - warm) / (run.epochs_total - warm))

    schedule = optim.lr_scheduler.LambdaLR(optimizer, factor)
    run.track(each=each, whole=whole, optimizer=optimizer, schedule=schedule)
    for epoch in run.epochs():
        for rows in torch.randperm(len(x)).split(int(params["batch_size"])):
            optimizer.zero_grad()
            points = x[rows] + params["jitter"] * torch.randn(len(rows), 24, 2)
            functional.mse_loss(whole(each(points).mean(1))[:, 0], y[rows]).backward()
            optimizer.step()
        schedule.step()
        with torch.no_grad():
            yield Report(epoch, {"val_loss": functional.mse_loss(whole(each(vx).mean(1))[:, 0], vy).item()})


@cache
def _waves() -> Split:
    draw = torch.Generator().manual_seed(5)
    time = torch.arange(56) / 8
    rate, phase = 0.5 + 2.5 * torch.rand(1200, 3, 1, generator=draw), 6.283 * torch.rand(1200, 3, 1, generator=draw)
    size = torch.rand(1200, 3, 1, generator=draw)
    values = (size * (rate * time + phase).sin()).sum(1) + 0.05 * torch.randn(1200, 56, generator=draw)
    return _split(values[:, :48], values[:, 48:])


@cache
def _clouds() -> Split:
    """24 points of a normal distribution with any mean and widths, and its correlation."""
    draw = torch.Generator().manual_seed(6)
    correlation = 1.9 * torch.rand(1500, generator=draw) - 0.95
    a, b = torch.randn(2, 1500, 24, generator=draw)
    c = correlation[:, None]
    points = torch.stack([a, c * a + (1 - c.square()).sqrt() * b], 2)
    widths, means = 0.5 + torch.rand(1500, 1, 2, generator=draw), torch.randn(1500, 1, 2, generator=draw)
    return _split(widths * points + means, correlation)
