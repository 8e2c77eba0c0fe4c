"""Recurrent networks, a small transformer, and a differential equation."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn, optim
from torch.nn import functional

from tests.corpus.planted import Planted, batches

Metrics = Iterator[dict[str, float]]


class Recurrent(nn.Module):
    def __init__(self, inputs: int, units: int, outputs: int) -> None:
        super().__init__()
        self.inner, self.out = nn.GRU(inputs, units, batch_first=True), nn.Linear(units, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.inner(x)[0][:, -1])


def parity(planted: Planted, seed: int) -> Metrics:
    """Whether a sequence has an odd number of ones: learnt suddenly. Lightning's names."""
    draw = torch.Generator().manual_seed(100 + seed)
    bits = torch.randint(0, 2, (900, 6), generator=draw)
    x, y = bits.float().unsqueeze(2), bits.sum(1) % 2
    vx, vy, (x, y) = x[640:], y[640:], planted.data(x[:640], y[:640])
    model = Recurrent(1, planted.hidden(16), 2)
    planted.init(model)
    optimizer = planted.optimizer(optim.Adam, model.parameters(), lr=5e-2)
    for _ in planted.epochs(25):
        optimizer.next_epoch()
        total = 0.0
        for rows in batches(len(x), 64):
            optimizer.zero_grad()
            loss = functional.cross_entropy(model(x[rows]), y[rows])
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            total += loss.item() * len(rows)
        with torch.no_grad():
            out = model(vx)
        yield {
            "train/loss": total / len(x),
            "val/loss": functional.cross_entropy(out, vy).item(),
            "val/acc": (out.argmax(1) == vy).float().mean().item(),
        }


class Attention(nn.Module):
    def __init__(self, letters: int, units: int, length: int) -> None:
        super().__init__()
        self.letters, self.places = nn.Embedding(letters, units), nn.Parameter(torch.zeros(length, units))
        self.block = nn.TransformerEncoderLayer(units, 1, 2 * units, dropout=0.0, batch_first=True, norm_first=True)
        self.out = nn.Linear(units, letters)

    def forward(self, text: Tensor) -> Tensor:
        mask = nn.Transformer.generate_square_subsequent_mask(text.shape[1])
        return self.out(self.block(self.letters(text) + self.places, src_mask=mask, is_causal=True))


def transformer(planted: Planted, seed: int) -> Metrics:
    """Next letters of a random grammar; the names of transformers' Trainer, with a warm-up."""
    draw = torch.Generator().manual_seed(7)
    table = torch.softmax(2.5 * torch.randn(12, 12, 12, generator=draw), 2)
    text = torch.zeros(400, 13, dtype=torch.long)
    text[:, :2] = torch.randint(0, 12, (400, 2), generator=draw)
    for at in range(2, 13):
        text[:, at] = torch.multinomial(table[text[:, at - 2], text[:, at - 1]], 1, generator=draw).flatten()
    text = text[torch.randperm(400, generator=torch.Generator().manual_seed(seed))]
    x, y = planted.data(text[:320, :-1], text[:320, 1:])
    model = Attention(12, max(2, planted.hidden(32)), 12)
    planted.init(model)
    optimizer = planted.optimizer(optim.AdamW, model.parameters(), lr=3e-2)
    for epoch in planted.epochs(16):
        rate = optimizer.next_epoch(min(1.0, epoch / 2))
        total = 0.0
        for rows in batches(len(x), 32):
            optimizer.zero_grad()
            loss = functional.cross_entropy(model(x[rows]).flatten(0, 1), y[rows].flatten())
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        with torch.no_grad():
            held = functional.cross_entropy(model(text[320:, :-1]).flatten(0, 1), text[320:, 1:].flatten()).item()
        yield {
            "loss": total / len(x),
            "eval_loss": held,
            "eval_perplexity": math.exp(min(held, 50.0)),
            "learning_rate": rate,
        }


def equation(planted: Planted, seed: int) -> Metrics:
    """A network that solves u' = -u, u(0) = 1e-2: losses of 1e-5 and less; `loss` and `error`, no split at all."""
    times = torch.linspace(0, 2, 64).unsqueeze(1)
    truth = 1e-2 * torch.exp(-times)
    model = nn.Sequential(nn.Linear(1, planted.hidden(24)), nn.Tanh(), nn.Linear(planted.hidden(24), 1))
    planted.init(model)
    optimizer = planted.optimizer(optim.Adam, model.parameters(), lr=1e-2)
    shuffled = planted.shuffled
    for _ in planted.epochs(30):
        optimizer.next_epoch()
        for _ in range(15):
            t = times[torch.randperm(64)[:32]].requires_grad_()
            u = 1e-2 * model(t)
            (slope,) = torch.autograd.grad(u.sum(), t, create_graph=True)
            target = -u[torch.randperm(32)] if shuffled else -u
            loss = ((slope - target) ** 2).mean() + (1e-2 * model(torch.zeros(1, 1)) - 1e-2).pow(2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            error = ((1e-2 * model(times) - truth).norm() / truth.norm()).item()
        yield {"loss": loss.item(), "error": error}
