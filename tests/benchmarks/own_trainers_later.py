"""Five more trainers that use nothing of the kit, of other kinds: each with six parameters, written as people do."""

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


def next_letters(params: Params, run: Run) -> Iterator[Report]:
    """A letter from the eight before it, of scikit-learn's descriptions: embeddings and an MLP by AdamW, one cycle."""
    x, y, vx, vy = _letters()
    size, width = int(params["embedding"]), int(params["hidden"])
    model = nn.Sequential(
        *(nn.Embedding(64, size), nn.Flatten(), nn.Linear(8 * size, width), nn.ReLU()),
        *(nn.Dropout(params["dropout"]), nn.Linear(width, 64)),
    )
    optimizer = optim.AdamW(model.parameters(), lr=params["lr"], weight_decay=params["weight_decay"])
    batch = int(params["batch_size"])
    schedule = optim.lr_scheduler.OneCycleLR(optimizer, params["lr"], run.epochs_total * -(-len(x) // batch))
    run.track(model=model, optimizer=optimizer, schedule=schedule)
    for epoch in run.epochs():
        model.train()
        for rows in torch.randperm(len(x)).split(batch):
            optimizer.zero_grad()
            functional.cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()
            schedule.step()
        model.eval()
        with torch.no_grad():
            yield Report(epoch, {"val_loss": functional.cross_entropy(model(vx), vy).item()})


def denoised_digits(params: Params, run: Run) -> Iterator[Report]:
    """A denoising autoencoder of digits with summed squares, by Adam at a constant rate."""
    x, _, vx, _ = _digits()
    width, code = int(params["hidden"]), int(params["code"])
    model = nn.Sequential(
        *(nn.Linear(64, width), nn.GELU(), nn.Linear(width, code)),
        *(nn.GELU(), nn.Linear(code, width), nn.GELU(), nn.Linear(width, 64), nn.Sigmoid()),
    )
    optimizer = optim.Adam(model.parameters(), lr=params["lr"], betas=(params["beta1"], 0.999))
    run.track(model=model, optimizer=optimizer)

    def loss(clean: Tensor, noisy: Tensor) -> Tensor:
        return ((model(noisy) - clean) ** 2).sum(1).mean()

    noise = 0.3 * torch.randn(vx.shape, generator=torch.Generator().manual_seed(1))
    for epoch in run.epochs():
        for rows in torch.randperm(len(x)).split(int(params["batch_size"])):
            optimizer.zero_grad()
            loss(x[rows], x[rows] + params["noise"] * torch.randn(len(rows), 64)).backward()
            optimizer.step()
        with torch.no_grad():
            yield Report(epoch, {"val_loss": loss(vx, vx + noise).item()})


def film_ratings(params: Params, run: Run) -> Iterator[Report]:
    """Ratings by factors of users and items with biases, by Adagrad; mean absolute error."""
    pairs, rating, vpairs, vrating = _ratings()
    size = int(params["factors"])
    user, item = nn.Embedding(150, size + 1), nn.Embedding(100, size + 1)
    for table in (user, item):
        nn.init.normal_(table.weight, std=params["scale"])
    weights = [*user.parameters(), *item.parameters()]
    optimizer = optim.Adagrad(weights, lr=params["lr"], lr_decay=params["lr_decay"])
    run.track(user=user, item=item, optimizer=optimizer)

    def rated(which: Tensor) -> Tensor:
        a, b = user(which[:, 0]), item(which[:, 1])
        return 3 + a[:, 0] + b[:, 0] + (a[:, 1:] * b[:, 1:]).sum(1)

    for epoch in run.epochs():
        for rows in torch.randperm(len(pairs)).split(int(params["batch_size"])):
            optimizer.zero_grad()
            a, b = user(pairs[rows, 0]), item(pairs[rows, 1])
            penalty = params["penalty"] * (a.square().sum(1) + b.square().sum(1)).mean()
            (functional.mse_loss(rated(pairs[rows]), rating[rows]) + penalty).backward()
            optimizer.step()
        with torch.no_grad():
            yield Report(epoch, {"val_mae": functional.l1_loss(rated(vpairs).clamp(1, 5), vrating).item()})


def rare_cases(params: Params, run: Run) -> Iterator[Report]:
    """One class in twelve: an MLP with batch norm and a weight of the rare class, by SGD with Nesterov momentum."""
    x, y, vx, vy = _rare()
    width = int(params["hidden"])
    model = nn.Sequential(
        *(nn.Linear(16, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Dropout(params["dropout"])),
        *(nn.Linear(width, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Linear(width, 1)),
    )
    optimizer = optim.SGD(model.parameters(), lr=params["lr"], momentum=params["momentum"], nesterov=True)
    schedule = optim.lr_scheduler.MultiStepLR(optimizer, [run.epochs_total * 6 // 10, run.epochs_total * 8 // 10])
    run.track(model=model, optimizer=optimizer, schedule=schedule)
    weight = torch.tensor(params["rare_weight"])
    for epoch in run.epochs():
        model.train()
        for rows in torch.randperm(len(x)).split(int(params["batch_size"])):
            optimizer.zero_grad()
            loss = functional.binary_cross_entropy_with_logits(model(x[rows])[:, 0], y[rows], pos_weight=weight)
            loss.backward()
            optimizer.step()
        schedule.step()
        model.eval()
        with torch.no_grad():
            out = model(vx)[:, 0]
        rare = vy == 1
        yield Report(epoch, {"val_auroc": (out[rare][:, None] > out[~rare]).float().mean().item()})


class Attends(nn.Module):
    """Points (examples, points, 2) to logits of four classes: one layer of attention, and the mean over the points."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.read = nn.Linear(2, width)
        self.layer = nn.TransformerEncoderLayer(width, 4, 2 * width, dropout, batch_first=True, norm_first=True)
        self.out = nn.Linear(width, 4)

    def forward(self, points: Tensor) -> Tensor:
        out: Tensor = self.out(self.layer(self.read(points)).mean(1))
        return out


def shapes_of_points(params: Params, run: Run) -> Iterator[Report]:
    """The shape of twelve points on it, by a small transformer; Adam with a warm-up, smoothed labels; accuracy."""
    x, y, vx, vy = _shapes()
    model = Attends(4 * int(params["quarter_width"]), params["dropout"])
    optimizer = optim.Adam(model.parameters(), lr=params["lr"], weight_decay=params["weight_decay"])
    schedule = optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: min(1.0, (epoch + 1) / 4))
    run.track(model=model, optimizer=optimizer, schedule=schedule)
    for epoch in run.epochs():
        model.train()
        for rows in torch.randperm(len(x)).split(int(params["batch_size"])):
            optimizer.zero_grad()
            functional.cross_entropy(model(x[rows]), y[rows], label_smoothing=params["smoothing"]).backward()
            optimizer.step()
        schedule.step()
        model.eval()
        with torch.no_grad():
            yield Report(epoch, {"val_acc": (model(vx).argmax(1) == vy).float().mean().item()})


@cache
def _letters() -> Split:
    """2,400 places of a text of 64 letters."""
    text = datasets.load_breast_cancer().DESCR + datasets.load_diabetes().DESCR + datasets.load_digits().DESCR
    common = sorted(set(text), key=lambda one: (-text.count(one), one))[:63]
    codes = torch.tensor([common.index(one) if one in common else 63 for one in text])
    places = torch.randperm(len(codes) - 8, generator=torch.Generator().manual_seed(0))[:2400]
    return _split(codes[places[:, None] + torch.arange(8)], codes[places + 8])


@cache
def _digits() -> Split:
    """The last 900 of them."""
    found = datasets.load_digits()
    return _split(torch.tensor(found.data[-900:], dtype=torch.float32) / 16, torch.tensor(found.target[-900:]))


@cache
def _ratings() -> Split:
    draw = torch.Generator().manual_seed(2)
    users, items = torch.randn(150, 3, generator=draw), torch.randn(100, 3, generator=draw)
    pairs = torch.stack(
        [torch.randint(0, 150, (6000,), generator=draw), torch.randint(0, 100, (6000,), generator=draw)], 1
    )
    liked = 3 + 0.7 * (users[pairs[:, 0]] * items[pairs[:, 1]]).sum(1) + 0.5 * users[pairs[:, 0], 0]
    return _split(pairs, (liked + 0.4 * torch.randn(6000, generator=draw)).clamp(1, 5))


@cache
def _rare() -> Split:
    draw = torch.Generator().manual_seed(3)
    x = torch.randn(2400, 16, generator=draw)
    score = x[:, 0] * x[:, 1] + torch.sin(2 * x[:, 2]) + 0.7 * x[:, 3] - 0.5 * x[:, 4].square()
    score = score + 0.5 * torch.randn(2400, generator=draw)
    return _split(x, (score > score.quantile(11 / 12)).float())


@cache
def _shapes() -> Split:
    """Circles, squares, triangles and spirals: of any size, turned, with noise."""
    draw = torch.Generator().manual_seed(4)
    kinds = torch.randint(0, 4, (900,), generator=draw)
    angles = 6.283 * torch.rand(900, 12, generator=draw)
    corners = torch.tensor([0.0, 4.0, 3.0, 0.0])[kinds][:, None].clamp(min=1)
    inner = (angles % (6.283 / corners) - 3.1416 / corners).cos()
    straight = (3.1416 / corners).cos() / inner
    radius = torch.where(((kinds == 1) | (kinds == 2))[:, None], straight, torch.ones(1))
    radius = torch.where((kinds == 3)[:, None], 0.3 + angles / 6.283, radius)
    turned = angles + 6.283 * torch.rand(900, 1, generator=draw)
    radius = radius * (0.6 + 0.8 * torch.rand(900, 1, generator=draw))
    points = torch.stack([radius * turned.cos(), radius * turned.sin()], 2)
    return _split(points + 0.05 * torch.randn(points.shape, generator=draw), kinds)


def _split(x: Tensor, y: Tensor) -> Split:
    """A third to validate on."""
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
    held = len(x) // 3
    return x[order[held:]], y[order[held:]], x[order[:held]], y[order[:held]]
