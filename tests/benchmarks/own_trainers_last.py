"""Four more trainers of other kinds, two with annealed rates and two with constant ones; looked at once."""

from collections.abc import Iterator
from functools import cache

import torch
from torch import Tensor, nn, optim
from torch.nn import functional

from hpsearch import Report, Run
from hpsearch.core.trial import Params

Split = tuple[Tensor, Tensor, Tensor, Tensor]
"""Inputs and targets to train on, then those to validate on."""


def waves(params: Params, run: Run) -> Iterator[Report]:
    """The form of a noisy wave, by convolutions over time; SGD with a rate that falls as a polynomial."""
    x, y, vx, vy = _waves()
    width = int(params["filters"])
    model = nn.Sequential(
        *(nn.Conv1d(1, width, 7, stride=2), nn.ReLU(), nn.Conv1d(width, 2 * width, 5, stride=2), nn.ReLU()),
        *(nn.AdaptiveAvgPool1d(4), nn.Flatten(), nn.Dropout(params["dropout"]), nn.Linear(8 * width, 4)),
    )
    optimizer = optim.SGD(model.parameters(), params["lr"], params["momentum"], weight_decay=params["weight_decay"])
    schedule = optim.lr_scheduler.PolynomialLR(optimizer, run.epochs_total, power=2.0)
    run.track(model=model, optimizer=optimizer, schedule=schedule)
    for epoch in run.epochs():
        model.train()
        for rows in torch.randperm(len(x)).split(int(params["batch_size"])):
            optimizer.zero_grad()
            functional.cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()
        schedule.step()
        model.eval()
        with torch.no_grad():
            yield Report(epoch, {"val_loss": functional.cross_entropy(model(vx), vy).item()})


def sets(params: Params, run: Run) -> Iterator[Report]:
    """The spread of a set of numbers, by a network of sums over the set; AdamW, warm-up, then a linear fall to 0."""
    x, y, vx, vy = _sets()
    width, batch = int(params["hidden"]), int(params["batch_size"])
    each = nn.Sequential(nn.Linear(1, width), nn.SiLU(), nn.Linear(width, width))
    whole = nn.Sequential(nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 1))
    weights = [*each.parameters(), *whole.parameters()]
    optimizer = optim.AdamW(
        weights, lr=params["lr"], weight_decay=params["weight_decay"], betas=(params["beta1"], 0.99)
    )
    steps = run.epochs_total * -(-len(x) // batch)
    schedule = optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / (0.1 * steps), max(0.0, 1 - step / steps))
    )
    run.track(each=each, whole=whole, optimizer=optimizer, schedule=schedule)

    def loss(numbers: Tensor, spread: Tensor) -> Tensor:
        return functional.smooth_l1_loss(whole(each(numbers[..., None]).mean(1))[:, 0], spread, beta=params["beta"])

    for epoch in run.epochs():
        for rows in torch.randperm(len(x)).split(batch):
            optimizer.zero_grad()
            loss(x[rows], y[rows]).backward()
            optimizer.step()
            schedule.step()
        with torch.no_grad():
            out = whole(each(vx[..., None]).mean(1))[:, 0]
            yield Report(epoch, {"val_mae": functional.l1_loss(out, vy).item()})


def communities(params: Params, run: Run) -> Iterator[Report]:
    """The community of each node of a graph, by two graph convolutions over half of the edges; Adam."""
    near, x, y, known = _graph()
    width = int(params["hidden"])
    first, second = nn.Linear(x.shape[1], width), nn.Linear(width, 5)
    optimizer = optim.Adam(
        [*first.parameters(), *second.parameters()], lr=params["lr"], weight_decay=params["weight_decay"]
    )
    run.track(first=first, second=second, optimizer=optimizer)

    def out(edges: Tensor, dropout: float) -> Tensor:
        hidden = functional.dropout(functional.relu(edges @ first(x)), dropout)
        found: Tensor = edges @ second(hidden)
        return found

    for epoch in run.epochs():
        for _ in range(int(params["steps"])):
            kept = functional.dropout(near, params["edge_dropout"])
            optimizer.zero_grad()
            functional.cross_entropy(out(kept, params["dropout"])[known], y[known]).backward()
            optimizer.step()
        with torch.no_grad():
            yield Report(epoch, {"val_loss": functional.cross_entropy(out(near, 0.0)[~known], y[~known]).item()})


def quantiles(params: Params, run: Run) -> Iterator[Report]:
    """Three quantiles of a target with varying noise, by the pinball loss and SGD with momentum."""
    x, y, vx, vy = _noisy()
    width = int(params["hidden"])
    model = nn.Sequential(
        *(nn.Linear(4, width), nn.Tanh(), nn.Dropout(params["dropout"])),
        *(nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 3)),
    )
    optimizer = optim.SGD(model.parameters(), params["lr"], params["momentum"], weight_decay=params["weight_decay"])
    run.track(model=model, optimizer=optimizer)
    levels = torch.tensor([0.1, 0.5, 0.9])

    def pinball(out: Tensor, target: Tensor) -> Tensor:
        above = target[:, None] - out
        return torch.maximum(levels * above, (levels - 1) * above).mean()

    for epoch in run.epochs():
        model.train()
        for rows in torch.randperm(len(x)).split(int(params["batch_size"])):
            optimizer.zero_grad()
            pinball(model(x[rows]), y[rows]).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            yield Report(epoch, {"val_loss": pinball(model(vx), vy).item()})


@cache
def _waves() -> Split:
    """Sines, squares, saws and chirps of any phase."""
    draw = torch.Generator().manual_seed(5)
    kinds = torch.randint(0, 4, (600,), generator=draw)
    turns = 2 + 3 * torch.rand(600, 1, generator=draw)
    time = torch.linspace(0, 1, 64) * turns + torch.rand(600, 1, generator=draw)
    sine = (6.283 * time).sin()
    forms = torch.stack([sine, sine.sign(), 2 * (time % 1) - 1, (6.283 * time * time / turns).sin()])
    x = forms[kinds, torch.arange(600)] + 0.7 * torch.randn(600, 64, generator=draw)
    return _split(x[:, None], kinds)


@cache
def _sets() -> Split:
    draw = torch.Generator().manual_seed(6)
    scale = 0.3 + 2 * torch.rand(900, 1, generator=draw)
    x = torch.randn(900, 10, generator=draw) * scale + torch.randn(900, 1, generator=draw)
    return _split(x, x.std(1))


@cache
def _graph() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The normalised edges, the features and the community of each node, and the nodes to train on."""
    draw = torch.Generator().manual_seed(7)
    y = torch.randint(0, 5, (300,), generator=draw)
    likely = torch.where(y[:, None] == y, 0.06, 0.015)
    edges = (torch.rand(300, 300, generator=draw) < likely).float().triu(1)
    edges = edges + edges.T + torch.eye(300)
    degree = edges.sum(1).rsqrt()
    x = functional.one_hot(y, 5).float() @ torch.randn(5, 16, generator=draw) + 2.5 * torch.randn(
        300, 16, generator=draw
    )
    return degree[:, None] * edges * degree, x, y, torch.rand(300, generator=draw) < 0.5


@cache
def _noisy() -> Split:
    draw = torch.Generator().manual_seed(8)
    x = torch.randn(900, 4, generator=draw)
    noise = (0.2 + x[:, 1].abs()) * torch.randn(900, generator=draw)
    return _split(x, (2 * x[:, 0]).sin() + x[:, 2] * x[:, 3] + 0.5 * noise)


def _split(x: Tensor, y: Tensor) -> Split:
    """A third to validate on."""
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
    held = len(x) // 3
    return x[order[held:]], y[order[held:]], x[order[:held]], y[order[:held]]
