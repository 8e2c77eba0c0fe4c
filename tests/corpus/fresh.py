"""Six trainers of further kinds, scored once before anything was changed for them: bags of instances, an image as a
function of coordinates, a quantised code, boxes, masked letters, the motion of a pendulum."""

import math
from collections.abc import Iterator

import numpy as np
import torch
from sklearn import datasets
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn, optim
from torch.nn import functional

from tests.corpus.planted import Planted, batches

Metrics = Iterator[dict[str, float]]


class Bags(nn.Module):
    """Instances (bags, instances, 8) to one logit of each bag, by attention over its instances (Ilse et al., 2018)."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.read = nn.Sequential(nn.Linear(8, units), nn.ReLU(), nn.Linear(units, units), nn.ReLU())
        self.weigh = nn.Sequential(nn.Linear(units, 16), nn.Tanh(), nn.Linear(16, 1))
        self.out = nn.Linear(units, 1)

    def forward(self, bags: Tensor) -> Tensor:
        read = self.read(bags)
        pooled = (self.weigh(read).softmax(1) * read).sum(1)
        out: Tensor = self.out(pooled).squeeze(1)
        return out


def instances(planted: Planted, seed: int) -> Metrics:
    """A bag is positive if one of its ten instances is; binary cross entropy; `bag_loss`, `val/bag_loss`, `val/AUC`."""
    draw = torch.Generator().manual_seed(1800 + seed)
    x = torch.randn(900, 10, 8, generator=draw)
    y = (torch.rand(900, generator=draw) < 0.5).float()
    middle = torch.randn(8, generator=torch.Generator().manual_seed(18))
    x[y == 1, 0] = 0.5 * x[y == 1, 0] + 1.1 * middle
    held, held_y, (x, y) = x[600:], y[600:], planted.data(x[:600], y[:600])
    model = Bags(planted.hidden(32))
    planted.init(model)
    optimizer = planted.optimizer(optim.Adam, model.parameters(), lr=3e-3, weight_decay=1e-4)
    for _ in planted.epochs(20):
        optimizer.next_epoch()
        losses = []
        for rows in batches(len(x), 20):
            loss = functional.binary_cross_entropy_with_logits(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        with torch.no_grad():
            out = model(held)
        yield {
            "bag_loss": float(np.mean(losses)),
            "val/bag_loss": functional.binary_cross_entropy_with_logits(out, held_y).item(),
            "val/AUC": float(roc_auc_score(held_y.numpy(), out.numpy())),
        }


class Sines(nn.Module):
    """A layer of sines (Sitzmann et al., 2020)."""

    def __init__(self, inputs: int, units: int, bound: float) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, units)
        nn.init.uniform_(self.linear.weight, -bound, bound)

    def forward(self, given: Tensor) -> Tensor:
        return torch.sin(10 * self.linear(given))


def coordinates(planted: Planted, seed: int) -> Metrics:
    """Grey values of a picture by place, half of the pixels held out; `mse`, `test_mse`, and `PSNR` in decibels."""
    picture = torch.tensor(datasets.load_sample_image("china.jpg")[80:336:5, 200:456:5].mean(2) / 255).float()
    side = picture.shape[0]
    places = torch.stack(torch.meshgrid(*(torch.linspace(-1, 1, side),) * 2, indexing="ij"), 2).reshape(-1, 2)
    order = torch.randperm(side * side, generator=torch.Generator().manual_seed(1900 + seed))
    known, held = order[: side * side // 2], order[side * side // 2 :]
    x, y = planted.data(places[known], picture.reshape(-1)[known])
    units = planted.hidden(48)
    bound = math.sqrt(6 / units) / 10
    model = nn.Sequential(Sines(2, units, 0.5), Sines(units, units, bound), nn.Linear(units, 1))
    planted.init(model)
    optimizer = planted.optimizer(optim.Adam, model.parameters(), lr=2e-3)
    total = planted.epochs(25)
    for epoch in total:
        optimizer.next_epoch(0.5 * (1 + math.cos(math.pi * (epoch - 1) / len(total))))
        losses = []
        for rows in batches(len(x), 50):
            loss = functional.mse_loss(model(x[rows]).squeeze(1), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        with torch.no_grad():
            off = functional.mse_loss(model(places[held]).squeeze(1), picture.reshape(-1)[held]).item()
        psnr = -10 * math.log10(max(off, 1e-12)) if math.isfinite(off) else math.nan
        yield {"mse": float(np.mean(losses)), "test_mse": off, "PSNR": psnr}


def quantised(planted: Planted, seed: int) -> Metrics:
    """Digits by four of sixteen code vectors (van den Oord et al., 2017); `loss/total`, `loss/recon`, `val/recon`."""
    digits = torch.tensor(datasets.load_digits().data, dtype=torch.float32) / 16
    order = torch.randperm(1797, generator=torch.Generator().manual_seed(2000 + seed))
    held, (x, _) = digits[order[1200:]], planted.data(digits[order[:1200]], torch.zeros(1200))
    units = planted.hidden(64)
    encoder = nn.Sequential(nn.Linear(64, units), nn.ReLU(), nn.Linear(units, 4 * 4))
    decoder = nn.Sequential(nn.Linear(4 * 4, units), nn.ReLU(), nn.Linear(units, 64))
    codes = nn.Embedding(16, 4)
    nn.init.uniform_(codes.weight, -0.5, 0.5)
    planted.init(encoder, decoder)
    weights = [*encoder.parameters(), *decoder.parameters(), *codes.parameters()]
    optimizer = planted.optimizer(optim.Adam, weights, lr=3e-3)

    def parts(given: Tensor) -> tuple[Tensor, Tensor]:
        written = encoder(given).reshape(-1, 4)
        nearest = codes(torch.cdist(written, codes.weight).argmin(1))
        apart = functional.mse_loss(nearest, written.detach()) + 0.25 * functional.mse_loss(written, nearest.detach())
        passed = written + (nearest - written).detach()
        return functional.mse_loss(decoder(passed.reshape(-1, 16)), given), apart

    for _ in planted.epochs(24):
        optimizer.next_epoch()
        sums = [0.0, 0.0]
        for rows in batches(len(x), 40):
            recon, apart = parts(x[rows])
            optimizer.zero_grad()
            (recon + apart).backward()
            optimizer.step()
            sums = [sums[0] + (recon + apart).item() * len(rows), sums[1] + recon.item() * len(rows)]
        with torch.no_grad():
            off = parts(held)[0].item()
        yield {"loss/total": sums[0] / len(x), "loss/recon": sums[1] / len(x), "val/recon": off}


def pictures_of_boxes(seed: int) -> tuple[Tensor, Tensor]:
    """Pictures (examples, 1, 16, 16) with one bright box in noise, and its corners (examples, 4) as fractions."""
    draw = torch.Generator().manual_seed(2100 + seed)
    low = torch.rand(1000, 2, generator=draw) * 0.6
    high = (low + 0.2 + 0.3 * torch.rand(1000, 2, generator=draw)).clamp(max=1.0)
    at = (torch.arange(16) + 0.5) / 16
    inside = (at > low[:, :, None]) & (at < high[:, :, None])
    box = inside[:, 0, :, None] & inside[:, 1, None, :]
    pictures = box.float() + 0.4 * torch.randn(1000, 16, 16, generator=draw)
    return pictures[:, None], torch.cat([low, high], 1)


def overlap(one: Tensor, other: Tensor) -> Tensor:
    """Intersection over union of boxes (examples, 4)."""
    sides = (torch.minimum(one[:, 2:], other[:, 2:]) - torch.maximum(one[:, :2], other[:, :2])).clamp(min=0)
    shared = sides.prod(1)
    areas = [(box[:, 2:] - box[:, :2]).clamp(min=0).prod(1) for box in (one, other)]
    return shared / (areas[0] + areas[1] - shared).clamp(min=1e-6)


def boxes(planted: Planted, seed: int) -> Metrics:
    """Corners of a box, smooth L1, SGD with step decay; `train/box_loss`, `val/box_loss`, `val/mIoU`."""
    x, y = pictures_of_boxes(seed)
    held, held_y, (x, y) = x[700:], y[700:], planted.data(x[:700], y[:700])
    width = planted.hidden(8)
    model = nn.Sequential(
        *(nn.Conv2d(1, width, 3, stride=2, padding=1), nn.GroupNorm(1, width), nn.ReLU()),
        *(nn.Conv2d(width, 2 * width, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten()),
        nn.Linear(2 * width * 16, 4),
    )
    planted.init(model)
    optimizer = planted.optimizer(optim.SGD, model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    epochs = planted.epochs(24)
    for epoch in epochs:
        optimizer.next_epoch(1.0 if epoch <= 0.75 * len(epochs) else 0.1)
        model.train()
        total = 0.0
        for rows in batches(len(x), 20):
            loss = functional.smooth_l1_loss(model(x[rows]), y[rows], beta=0.1)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        model.eval()
        with torch.no_grad():
            out = model(held)
        yield {
            "train/box_loss": total / len(x),
            "val/box_loss": functional.smooth_l1_loss(out, held_y, beta=0.1).item(),
            "val/mIoU": overlap(out, held_y).mean().item(),
        }


class Letters(nn.Module):
    """Letters (examples, 12) to logits (examples, 12, 10)."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.read, self.place = nn.Embedding(11, units), nn.Parameter(0.1 * torch.randn(12, units))
        self.inner = nn.LSTM(units, units, batch_first=True, bidirectional=True)
        self.out = nn.Linear(2 * units, 10)

    def forward(self, given: Tensor) -> Tensor:
        out: Tensor = self.out(self.inner(self.read(given) + self.place)[0])
        return out


def masked(planted: Planted, seed: int) -> Metrics:
    """Hidden letters of sequences with a rule (Devlin et al., 2019), by LSTM and AdamW with warm-up; `mlm_loss`,
    `eval_mlm_loss`, `eval_mlm_accuracy`."""
    draw = torch.Generator().manual_seed(2200 + seed)
    start, step = torch.randint(0, 10, (1000, 1), generator=draw), torch.randint(1, 5, (1000, 1), generator=draw)
    text = (start + step * torch.arange(12)) % 10
    noisy = torch.rand(text.shape, generator=draw) < 0.05
    text = torch.where(noisy, torch.randint(0, 10, text.shape, generator=draw), text)
    hides = torch.rand(text.shape, generator=draw) < 0.3
    hides[:, 0] |= ~hides.any(1)
    held, (x, y) = slice(700, 1000), planted.data(text[:700], text[:700])
    model = Letters(planted.hidden(32))
    planted.init(model)
    optimizer = planted.optimizer(optim.AdamW, model.parameters(), lr=5e-3, weight_decay=1e-2)

    def hidden_loss(given: Tensor, wanted: Tensor, where: Tensor) -> tuple[Tensor, Tensor]:
        out = model(given.masked_fill(where, 10))[where]
        return functional.cross_entropy(out, wanted[where]), (out.argmax(1) == wanted[where]).float().mean()

    for epoch in planted.epochs(20):
        optimizer.next_epoch(min(1.0, epoch / 3))
        losses = []
        for rows in batches(len(x), 35):
            where = torch.rand(len(rows), 12) < 0.3
            where[:, 0] |= ~where.any(1)
            loss, _ = hidden_loss(x[rows], y[rows], where)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            losses.append(loss.item())
        with torch.no_grad():
            off, right = hidden_loss(text[held], text[held], hides[held])
        yield {"mlm_loss": float(np.mean(losses)), "eval_mlm_loss": off.item(), "eval_mlm_accuracy": right.item()}


def swings(seed: int) -> Tensor:
    """Angles and speeds of 120 pendulums, (pendulums, times, 2), 12 times 0.1 s apart, by small steps."""
    draw = torch.Generator().manual_seed(2300 + seed)
    state = torch.stack([3 * torch.rand(120, generator=draw) - 1.5, 2 * torch.rand(120, generator=draw) - 1], 1)
    found = [state]
    for _ in range(11):
        for _ in range(20):
            speed = state[:, 1] - 0.005 * (9.81 * state[:, 0].sin() + 0.3 * state[:, 1])
            state = torch.stack([state[:, 0] + 0.005 * speed, speed], 1)
        found.append(state)
    return torch.stack(found, 1)


def pendulum(planted: Planted, seed: int) -> Metrics:
    """The change of a state in 0.1 s; scored by predictions over 1.1 s; `one_step_mse`, `val_one_step_mse`,
    `rollout_rmse`."""
    paths = swings(seed)
    before, after = paths[:80, :-1].reshape(-1, 2), paths[:80, 1:].reshape(-1, 2)
    held, (x, y) = paths[80:], planted.data(before, after - before)
    units = planted.hidden(32)
    model = nn.Sequential(nn.Linear(2, units), nn.Tanh(), nn.Linear(units, units), nn.Tanh(), nn.Linear(units, 2))
    planted.init(model)
    optimizer = planted.optimizer(optim.RMSprop, model.parameters(), lr=2e-3)
    for _ in planted.epochs(25):
        optimizer.next_epoch()
        total = 0.0
        for rows in batches(len(x), 32):
            loss = (model(x[rows]) - y[rows]).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        with torch.no_grad():
            off = (model(held[:, :-1]) - held.diff(dim=1)).square().mean().item()
            state, apart = held[:, 0], []
            for time in range(1, 12):
                state = state + model(state)
                apart.append((state - held[:, time]).square().mean())
        yield {
            "one_step_mse": total / len(x),
            "val_one_step_mse": off,
            "rollout_rmse": torch.stack(apart).mean().sqrt().item(),
        }
