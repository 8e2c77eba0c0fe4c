"""Five more trainers of other kinds, scored once before anything was changed for them, and three with which signs
were developed then."""

import copy
import math
from collections.abc import Iterator

import numpy as np
import torch
from sklearn import datasets
from torch import Tensor, nn, optim
from torch.nn import functional

from tests.corpus.planted import Planted, batches

Metrics = Iterator[dict[str, float]]


def ranker(planted: Planted, seed: int) -> Metrics:
    """Pairwise ranking (RankNet) of items by a hidden score; `train_pair_loss`, `valid_pair_loss`, `tau`."""
    g = torch.Generator().manual_seed(400 + seed)
    w = torch.randn(12, generator=torch.Generator().manual_seed(4))
    x = torch.randn(1100, 12, generator=g)
    score = x @ w + (x[:, :4] ** 2).sum(1) + 0.3 * torch.randn(1100, generator=g)
    vx, vs = x[800:], score[800:]
    x, s = planted.data(x[:800], score[:800])
    model = nn.Sequential(nn.Linear(12, planted.hidden(48)), nn.Tanh(), nn.Linear(planted.hidden(48), 1))
    planted.init(model)
    optimizer = planted.optimizer(optim.RMSprop, model.parameters(), lr=3e-3)

    def loss_of(xs: Tensor, ss: Tensor) -> Tensor:
        out = model(xs).squeeze(1)
        apart = out[:, None] - out[None]
        wanted = (ss[:, None] > ss[None]).float()
        off = ~torch.eye(len(xs), dtype=torch.bool)
        return functional.binary_cross_entropy_with_logits(apart[off], wanted[off])

    for _ in planted.epochs(20):
        optimizer.next_epoch()
        losses = []
        for rows in batches(len(x), 32):
            loss = loss_of(x[rows], s[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        with torch.no_grad():
            out = model(vx).squeeze(1)
            tau = ((out[:, None] - out[None]).sign() * (vs[:, None] - vs[None]).sign()).sum() / (
                len(vx) * (len(vx) - 1)
            )
            yield {
                "train_pair_loss": float(np.mean(losses)),
                "valid_pair_loss": loss_of(vx, vs).item(),
                "tau": tau.item(),
            }


def survival(planted: Planted, seed: int) -> Metrics:
    """Cox regression by the partial likelihood, in the whole batch order; `loss`, `val_loss`, `c_index`."""
    g = torch.Generator().manual_seed(500 + seed)
    x = torch.randn(900, 8, generator=g)
    hazard = x[:, 0] - 1.2 * x[:, 1] * x[:, 2] + 0.7 * x[:, 3]
    time = -torch.rand(900, generator=g).log() / hazard.exp()
    vx, vt = x[600:], time[600:]
    x, t = planted.data(x[:600], time[:600])
    units = planted.hidden(40)
    model = nn.Sequential(nn.Linear(8, units), nn.ReLU(), nn.Linear(units, units), nn.ReLU(), nn.Linear(units, 1))
    planted.init(model)
    optimizer = planted.optimizer(optim.AdamW, model.parameters(), lr=1e-3, weight_decay=1e-2)

    def loss_of(xs: Tensor, ts: Tensor) -> Tensor:
        out = model(xs).squeeze(1)[ts.argsort(descending=True)]
        return (out.logcumsumexp(0) - out).mean()

    for _ in planted.epochs(25):
        optimizer.next_epoch()
        total = 0.0
        for rows in batches(len(x), 60):
            loss = loss_of(x[rows], t[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        with torch.no_grad():
            out = model(vx).squeeze(1)
            earlier = vt[:, None] < vt[None]
            index = (out[:, None] > out[None])[earlier].float().mean()
            held = np.mean([loss_of(vx[at : at + 60], vt[at : at + 60]).item() for at in range(0, 300, 60)])
        yield {"loss": total / len(x), "val_loss": float(held), "c_index": index.item()}


def recommender(planted: Planted, seed: int) -> Metrics:
    """Matrix factorisation of ratings from 1 to 5, plain SGD; `train/mse`, `test/mse`."""
    g = torch.Generator().manual_seed(600)
    users, items = torch.randn(120, 4, generator=g), torch.randn(90, 4, generator=g)
    g = torch.Generator().manual_seed(600 + seed)
    pairs = torch.stack([torch.randint(0, 120, (7000,), generator=g), torch.randint(0, 90, (7000,), generator=g)], 1)
    rating = (3 + (users[pairs[:, 0]] * items[pairs[:, 1]]).sum(1) + 0.3 * torch.randn(7000, generator=g)).clamp(1, 5)
    vp, vr = pairs[5500:], rating[5500:]
    p, r = planted.data(pairs[:5500].float(), rating[:5500])
    p = p.long()

    class Factors(nn.Module):
        def __init__(self, size: int) -> None:
            super().__init__()
            self.user, self.item = nn.Embedding(120, size), nn.Embedding(90, size)
            self.bias = nn.Linear(1, 1)
            nn.init.normal_(self.user.weight, std=0.3)
            nn.init.normal_(self.item.weight, std=0.3)

        def forward(self, which: Tensor) -> Tensor:
            both = (self.user(which[:, 0]) * self.item(which[:, 1])).sum(1)
            return both + self.bias(torch.ones(len(which), 1)).squeeze(1)

    model = Factors(planted.hidden(6))
    planted.init(model)
    optimizer = planted.optimizer(optim.SGD, model.parameters(), lr=0.1, momentum=0.9)
    for _ in planted.epochs(30):
        optimizer.next_epoch()
        losses = []
        for rows in batches(len(p), 100):
            loss = functional.mse_loss(model(p[rows]), r[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        with torch.no_grad():
            yield {"train/mse": float(np.mean(losses)), "test/mse": functional.mse_loss(model(vp), vr).item()}


def graph(planted: Planted, seed: int) -> Metrics:
    """A graph convolution on communities, one step an epoch; `loss`, and `train_acc`, `val_acc` in percent."""
    g = torch.Generator().manual_seed(700 + seed)
    y = torch.randint(0, 4, (400,), generator=g)
    near = torch.where(y[:, None] == y[None], 0.06, 0.012)
    edges = (torch.rand(400, 400, generator=g) < near).float()
    edges = ((edges + edges.T) > 0).float() + torch.eye(400)
    spread = edges / edges.sum(1, keepdim=True)
    features = functional.one_hot(y, 4).float() + 1.0 * torch.randn(400, 4, generator=g)
    extra = torch.randn(400, 12, generator=g)
    x = torch.cat([features, extra], 1)
    known, held = torch.arange(160), torch.arange(200, 400)
    chosen, targets = planted.data(known.float(), y[known])
    chosen = chosen.long()

    class Gcn(nn.Module):
        def __init__(self, units: int) -> None:
            super().__init__()
            self.a, self.b, self.drop = nn.Linear(16, units), nn.Linear(units, 4), nn.Dropout(0.3)

        def forward(self, nodes: Tensor) -> Tensor:
            return spread @ self.b(self.drop(torch.relu(spread @ self.a(nodes))))

    model = Gcn(planted.hidden(32))
    planted.init(model)
    optimizer = planted.optimizer(optim.Adam, model.parameters(), lr=1e-2, weight_decay=5e-4)
    for _ in planted.epochs(60):
        optimizer.next_epoch()
        model.train()
        for _rows in batches(1, 1):
            out = model(x)[chosen]
            loss = functional.cross_entropy(out, targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            guess = model(x).argmax(1)
        yield {
            "loss": loss.item(),
            "train_acc": 100 * (guess[chosen] == targets).float().mean().item(),
            "val_acc": 100 * (guess[held] == y[held]).float().mean().item(),
        }


def distilled(planted: Planted, seed: int) -> Metrics:
    """A small student of soft targets at a temperature, KL loss; `train_kd_loss`, `val_kd_loss`, `val_top1`."""
    digits = datasets.load_digits()
    order = torch.randperm(1797, generator=torch.Generator().manual_seed(800 + seed))
    x, y = torch.tensor(digits.data, dtype=torch.float32)[order] / 16, torch.tensor(digits.target)[order]
    middle = torch.stack([x[y == c].mean(0) for c in range(10)])
    soft = (-(torch.cdist(x, middle) ** 2) / 2.0).softmax(1)
    soft = 0.7 * soft + 0.3 * functional.one_hot(y, 10)
    vx, vsoft, vy = x[1200:], soft[1200:], y[1200:]
    x, soft = planted.data(x[:1200], soft[:1200])
    model = nn.Sequential(nn.Linear(64, planted.hidden(24)), nn.ELU(), nn.Linear(planted.hidden(24), 10))
    planted.init(model)
    optimizer = planted.optimizer(optim.SGD, model.parameters(), lr=0.3, nesterov=True, momentum=0.9)
    epochs = planted.epochs(16)

    def loss_of(xs: Tensor, wanted: Tensor) -> Tensor:
        return functional.kl_div(model(xs).log_softmax(1), wanted, reduction="batchmean")

    for epoch in epochs:
        rate = optimizer.next_epoch(0.5 * (1 + np.cos(np.pi * (epoch - 1) / len(epochs))))
        total = 0.0
        for rows in batches(len(x), 64):
            loss = loss_of(x[rows], soft[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        with torch.no_grad():
            right = (model(vx).argmax(1) == vy).float().mean().item()
            yield {
                "train_kd_loss": total / len(x),
                "val_kd_loss": loss_of(vx, vsoft).item(),
                "val_top1": right,
                "lr": float(rate),
            }


def td_learning(planted: Planted, seed: int) -> Metrics:
    """Q-learning of a cart that shall stop in the middle, with a replay memory: `td_loss`, `q_mean`, `eval_reward`."""
    draw = torch.Generator().manual_seed(1200 + seed)
    units = planted.hidden(32)
    model = nn.Sequential(nn.Linear(2, units), nn.ReLU(), nn.Linear(units, units), nn.ReLU(), nn.Linear(units, 3))
    planted.init(model)
    target = copy.deepcopy(model)
    optimizer = planted.optimizer(optim.Adam, model.parameters(), lr=2e-3)

    def moved(states: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
        """The next states (place, speed), and the rewards."""
        speeds = 0.95 * states[:, 1] + 0.15 * (actions - 1)
        places = (states[:, 0] + 0.3 * speeds).clamp(-1.5, 1.5)
        return torch.stack([places, speeds], 1), -places.abs() - 0.1 * speeds.abs()

    memory: list[tuple[Tensor, ...]] = []
    carts = 2 * torch.rand(16, 2, generator=draw) - 1
    epochs = planted.epochs(25)
    for epoch in epochs:
        optimizer.next_epoch()
        explored = max(0.1, 1 - epoch / (0.5 * len(epochs)))
        for _ in range(12):
            with torch.no_grad():
                best = model(carts).argmax(1)
            free = torch.rand(16, generator=draw) < explored
            actions = torch.where(free, torch.randint(0, 3, (16,), generator=draw), best)
            after, rewards = moved(carts, actions)
            memory.append((carts, actions, rewards, after))
            fresh = torch.rand(16, 1, generator=draw) < 0.03
            carts = torch.where(fresh, 2 * torch.rand(16, 2, generator=draw) - 1, after)
        before, actions, rewards, after = (
            torch.cat(one)[-(planted.few or 2000) :] for one in zip(*memory, strict=True)
        )
        losses, values = [], []
        for rows in batches(max(len(before), 640), 32):
            rows = rows % len(before)
            with torch.no_grad():
                wanted = rewards[rows] + 0.9 * target(after[rows]).amax(1)
            out = model(before[rows]).gather(1, actions[rows][:, None])[:, 0]
            loss = functional.smooth_l1_loss(out, wanted)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            values.append(out.mean().item())
        target.load_state_dict(model.state_dict())
        states = 2 * torch.rand(60, 2, generator=torch.Generator().manual_seed(5)) - 1
        total = torch.zeros(60)
        for _ in range(40):
            with torch.no_grad():
                states, rewards = moved(states, model(states).argmax(1))
            total += rewards
        yield {
            "td_loss": float(np.mean(losses)),
            "q_mean": float(np.mean(values)),
            "eval_reward": total.mean().item(),
            "epsilon": explored,
        }


def diffusion(planted: Planted, seed: int) -> Metrics:
    """The noise in points of a spiral (DDPM), with a moving average of the weights: `train/loss`, `val/loss_ema`."""
    draw = torch.Generator().manual_seed(1300 + seed)
    turn = 1.5 * math.pi * (1 + 2 * torch.rand(1400, generator=draw))
    points = torch.stack([turn * turn.cos(), turn * turn.sin()], 1) / 8 + 0.03 * torch.randn(1400, 2, generator=draw)
    held, (x, _) = points[1000:], planted.data(points[:1000], points[:1000])
    kept = torch.cumprod(1 - torch.linspace(1e-3, 0.15, 40), 0)
    units = planted.hidden(64)
    model = nn.Sequential(nn.Linear(6, units), nn.SiLU(), nn.Linear(units, units), nn.SiLU(), nn.Linear(units, 2))
    planted.init(model)
    average = copy.deepcopy(model)
    optimizer = planted.optimizer(optim.AdamW, model.parameters(), lr=1e-2)

    def loss_of(network: nn.Module, clean: Tensor, times: Tensor, noise: Tensor) -> Tensor:
        left = kept[times][:, None]
        noisy = left.sqrt() * clean + (1 - left).sqrt() * noise
        phases = times[:, None] / 40 * torch.tensor([1.0, 4.0])
        return functional.mse_loss(network(torch.cat([noisy, phases.sin(), phases.cos()], 1)), noise)

    fixed = torch.Generator().manual_seed(9)
    times_held = torch.randint(0, 40, (400,), generator=fixed)
    noise_held = torch.randn(400, 2, generator=fixed)
    for _ in planted.epochs(40):
        optimizer.next_epoch()
        total = 0.0
        for rows in batches(len(x), 50):
            clean = x[rows]
            loss = loss_of(model, clean, torch.randint(0, 40, (len(clean),)), torch.randn_like(clean))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
            with torch.no_grad():
                for slow, fast in zip(average.parameters(), model.parameters(), strict=True):
                    slow.lerp_(fast, 0.05)
        with torch.no_grad():
            score = loss_of(average, held, times_held, noise_held).item()
        yield {"train/loss": total / len(x), "val/loss_ema": score}


class Reverser(nn.Module):
    """An encoder and a decoder with the state of the encoder."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.read, self.write = nn.Embedding(8, 16), nn.Embedding(9, 16)
        self.encoder, self.decoder = nn.GRU(16, units, batch_first=True), nn.GRU(16, units, batch_first=True)
        self.out = nn.Linear(units, 8)

    def forward(self, source: Tensor, given: Tensor) -> Tensor:
        _, state = self.encoder(self.read(source))
        return self.out(self.decoder(self.write(given), state)[0])


def teacher_forcing(planted: Planted, seed: int) -> Metrics:
    """Sequences in reverse, with the true letter before as input: `loss`, `val_loss`, `exact_match` in percent."""
    draw = torch.Generator().manual_seed(1400 + seed)
    text = torch.randint(0, 8, (1300, 5), generator=draw)
    start = torch.full((1300, 1), 8)
    held, held_y, (x, y) = text[1000:], text[1000:].flip(1), planted.data(text[:1000], text[:1000].flip(1))
    model = Reverser(planted.hidden(48))
    planted.init(model)
    optimizer = planted.optimizer(optim.Adam, model.parameters(), lr=4e-3)
    for epoch in planted.epochs(24):
        optimizer.next_epoch(min(1.0, epoch / 3))
        total = 0.0
        for rows in batches(len(x), 40):
            given = torch.cat([start[: len(rows)], y[rows][:, :-1]], 1)
            loss = functional.cross_entropy(model(x[rows], given).flatten(0, 1), y[rows].flatten())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            total += loss.item() * len(rows)
        with torch.no_grad():
            out = model(held, torch.cat([start[:300], held_y[:, :-1]], 1))
            written = start[:300]
            for _ in range(5):
                written = torch.cat([written, model(held, written)[:, -1:].argmax(2)], 1)
        exact = 100 * (written[:, 1:] == held_y).all(1).float().mean().item()
        held_loss = functional.cross_entropy(out.flatten(0, 1), held_y.flatten()).item()
        yield {"loss": total / len(x), "val_loss": held_loss, "exact_match": exact}
