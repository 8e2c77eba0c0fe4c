"""Three trainers of further kinds: words by their neighbours, ordered classes, sequences without alignment."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn, optim
from torch.nn import functional

from tests.corpus.planted import Planted, batches

Metrics = Iterator[dict[str, float]]


def pairs_of_words(seed: int) -> Tensor:
    """Words and neighbours: (pairs, 2) of 90 words on a ring, where a neighbour is near by or one of three common."""
    draw = torch.Generator().manual_seed(1500 + seed)
    words = torch.randint(0, 90, (5200,), generator=draw)
    near = (words + torch.randint(-4, 5, (5200,), generator=draw)) % 90
    common = torch.rand(5200, generator=draw) < 0.15
    return torch.stack([words, torch.where(common, torch.randint(0, 3, (5200,), generator=draw), near)], 1)


def skip_gram(planted: Planted, seed: int) -> Metrics:
    """Word vectors from neighbours and five drawn words (Mikolov et al., 2013): `train_sgns`, `valid_sgns_loss`."""
    every = pairs_of_words(seed)
    held, (x, y) = every[4000:], planted.data(every[:4000, :1].float(), every[:4000, 1])
    x, size = x.long()[:, 0], planted.hidden(16)
    model = nn.ModuleDict({"word": nn.Embedding(90, size), "near": nn.Embedding(90, size)})
    for table in model.values():
        nn.init.normal_(table.weight, std=0.1)
    planted.init(model)
    optimizer = planted.optimizer(optim.Adam, model.parameters(), lr=1e-2)
    drawn_held = torch.randint(0, 90, (len(held), 5), generator=torch.Generator().manual_seed(3))

    def loss_of(words: Tensor, near: Tensor, drawn: Tensor) -> Tensor:
        vectors = model["word"](words)[:, None]
        right = (vectors * model["near"](near)[:, None]).sum(2)
        wrong = (vectors * model["near"](drawn)).sum(2)
        return -functional.logsigmoid(right).mean() - functional.logsigmoid(-wrong).sum(1).mean()

    for _ in planted.epochs(25):
        optimizer.next_epoch()
        losses = []
        for rows in batches(len(x), 100):
            loss = loss_of(x[rows], y[rows], torch.randint(0, 90, (len(rows), 5)))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        with torch.no_grad():
            score = loss_of(held[:, 0], held[:, 1], drawn_held).item()
        yield {"train_sgns_loss": float(np.mean(losses)), "valid_sgns_loss": score}


def ordinal(planted: Planted, seed: int) -> Metrics:
    """Six ordered classes by five thresholds of one score (CORAL): `epoch/train_loss`, `levels_off`, …."""
    draw = torch.Generator().manual_seed(1600 + seed)
    inputs = torch.randn(1100, 10, generator=draw)
    score = (
        inputs[:, 0]
        + inputs[:, 1] * inputs[:, 2]
        + torch.sin(2 * inputs[:, 3])
        + 0.2 * torch.randn(1100, generator=draw)
    )
    levels = torch.bucketize(score, torch.tensor([-1.6, -0.7, 0.0, 0.7, 1.6]))
    held, held_y, (x, y) = inputs[700:], levels[700:], planted.data(inputs[:700], levels[:700])
    units = planted.hidden(48)
    model = nn.Sequential(nn.Linear(10, units), nn.GELU(), nn.Linear(units, units), nn.GELU(), nn.Linear(units, 1))
    places = nn.Parameter(torch.linspace(1, -1, 5))
    planted.init(model)
    optimizer = planted.optimizer(optim.RMSprop, [*model.parameters(), places], lr=6e-3, weight_decay=1e-3)
    epochs = planted.epochs(24)

    def loss_of(rows: Tensor, wanted: Tensor) -> Tensor:
        above = (wanted[:, None] > torch.arange(5)).float()
        return functional.binary_cross_entropy_with_logits(model(rows) + places, above)

    for epoch in epochs:
        optimizer.next_epoch(1.0 if epoch <= 0.7 * len(epochs) else 0.1)
        total = 0.0
        for rows in batches(len(x), 25):
            loss = loss_of(x[rows], y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        with torch.no_grad():
            off = ((model(held) + places > 0).sum(1) - held_y).abs().float().mean().item()
            score = loss_of(held, held_y).item()
        yield {"epoch/train_loss": total / len(x), "epoch/val_loss": score, "levels_off": off}


def strokes(seed: int) -> tuple[Tensor, Tensor]:
    """Signals (examples, 3, 20) in which four of five symbols follow each other, of different lengths, with noise."""
    draw = torch.Generator().manual_seed(1700 + seed)
    shapes = torch.randn(5, 3, generator=torch.Generator().manual_seed(17))
    wanted = torch.randint(0, 5, (700, 4), generator=draw)
    starts = torch.arange(4) * 5 + torch.randint(0, 2, (700, 4), generator=draw)
    signals = 0.5 * torch.randn(700, 20, 3, generator=draw)
    for place in range(3):
        at = (starts + place)[:, :, None].expand(-1, -1, 3)
        signals.scatter_add_(1, at, shapes[wanted])
    return signals.transpose(1, 2), wanted + 1


def without_alignment(planted: Planted, seed: int) -> Metrics:
    """Convolutions over time with a CTC loss (Graves et al., 2006): `ctc`, `val_ctc_loss`, and `symbol_acc`."""
    signals, symbols = strokes(seed)
    held, held_y, (x, y) = signals[500:], symbols[500:], planted.data(signals[:500], symbols[:500])
    channels = planted.hidden(24)
    model = nn.Sequential(nn.Conv1d(3, channels, 5, padding=2), nn.ReLU())
    model.extend([nn.Conv1d(channels, channels, 3, padding=1), nn.ReLU(), nn.Conv1d(channels, 6, 1)])
    planted.init(model)
    optimizer = planted.optimizer(optim.NAdam, model.parameters(), lr=1e-2)

    def loss_of(rows: Tensor, wanted: Tensor) -> Tensor:
        logs = model(rows).permute(2, 0, 1).log_softmax(2)
        counts = (torch.full((len(rows),), 20), torch.full((len(rows),), 4))
        return functional.ctc_loss(logs, wanted, *counts, zero_infinity=True)

    for _ in planted.epochs(22):
        optimizer.next_epoch()
        losses = []
        for rows in batches(len(x), 25):
            loss = loss_of(x[rows], y[rows])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            losses.append(loss.item())
        with torch.no_grad():
            best, score = model(held).argmax(1), loss_of(held, held_y).item()
        right = 0
        for path, wanted in zip(best.tolist(), held_y.tolist(), strict=True):
            read = [one for one, before in zip(path, [0, *path[:-1]], strict=True) if one and one != before]
            right += sum(a == b for a, b in zip(read, wanted, strict=False)) if len(read) == 4 else 0
        yield {"ctc_loss": float(np.mean(losses)), "val_ctc_loss": score, "symbol_acc": right / (4 * len(held_y))}
