"""Real trainings of small networks with optional faults, and their curves.

They report what the trainers' kit reports, under the same names.
"""

import math
import os
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn, optim
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from hpsearch.core.trial import Report
from trainers.kit import cleveland
from trainers.kit.watch import Watch

Task = Literal["digits", "heart"]
Activation = Literal["relu", "tanh", "gelu", "sigmoid"]

ACTIVATIONS: dict[Activation, type[nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "gelu": nn.GELU,
    "sigmoid": nn.Sigmoid,
}


@dataclass(frozen=True)
class Setup:
    """One training.

    gain: what torch's initial weights are multiplied with. bias: what hidden biases begin with; None: as in torch.
    decay_every, decay: after so many epochs the learning rate is multiplied with it (0: never); cosine: it falls to 0.
    train, validation: how many examples, at most. columns: the inputs that it sees, None for all.
    shuffled: the training labels are dealt out anew, at random.
    patience: it ends when the validation loss has not fallen for so many epochs (0: never).
    """

    task: Task
    seed: int
    hidden: int
    layers: int
    activation: Activation
    optimizer: Literal["adam", "sgd"]
    lr: float
    weight_decay: float
    batch: int
    epochs: int
    dropout: float = 0.0
    cosine: bool = False
    decay_every: int = 0
    decay: float = 0.1
    gain: float = 1.0
    bias: float | None = None
    train: int = 100_000
    validation: int = 100_000
    columns: tuple[int, ...] | None = None
    shuffled: bool = False
    patience: int = 0


@dataclass(frozen=True)
class Split:
    inputs: Tensor
    targets: Tensor


def train(setup: Setup) -> tuple[Report, ...]:
    """The curve, which ends with the first loss that is not finite, as the loop ends such a trial."""
    torch.manual_seed(setup.seed)
    training, validation = splits(setup)
    model = network(setup, training.inputs.shape[1], 10 if setup.task == "digits" else 1)
    optimizer = optimizer_of(setup, model)
    curve: list[Report] = []
    for epoch in range(1, setup.epochs + 1):
        for group in optimizer.param_groups:
            group["lr"] = rate(setup, epoch - 1)
        metrics = fit(setup, model, optimizer, training) | evaluate(setup, model, validation)
        curve.append(Report(epoch, {**metrics, "lr": rate(setup, epoch - 1)}))
        if not all(math.isfinite(metrics[name]) for name in ("train_loss", "val_loss")):
            break
        if setup.patience and epoch - best_epoch(curve) >= setup.patience:
            break
    return tuple(curve)


def best_epoch(curve: list[Report]) -> int:
    return min(curve, key=lambda report: report.metrics["val_loss"]).step


def rate(setup: Setup, done: int) -> float:
    if setup.cosine:
        return setup.lr * (1 + math.cos(math.pi * done / setup.epochs)) / 2
    return setup.lr * (setup.decay ** (done // setup.decay_every) if setup.decay_every else 1.0)


def network(setup: Setup, inputs: int, outputs: int) -> nn.Sequential:
    widths = [inputs] + [setup.hidden] * setup.layers
    parts: list[nn.Module] = []
    for before, after in pairwise(widths):
        parts += [nn.Linear(before, after), ACTIVATIONS[setup.activation](), nn.Dropout(setup.dropout)]
    model = nn.Sequential(*parts, nn.Linear(widths[-1], outputs))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(setup.gain)
        for layer in list(model)[:-1]:
            if setup.bias is not None and isinstance(layer, nn.Linear):
                layer.bias.fill_(setup.bias)
    return model


def optimizer_of(setup: Setup, model: nn.Module) -> optim.Optimizer:
    if setup.optimizer == "adam":
        return optim.AdamW(model.parameters(), setup.lr, weight_decay=setup.weight_decay)
    return optim.SGD(model.parameters(), setup.lr, momentum=0.9, weight_decay=setup.weight_decay)


def loss_of(setup: Setup, outputs: Tensor, targets: Tensor) -> Tensor:
    if setup.task == "digits":
        return cross_entropy(outputs, targets)
    return binary_cross_entropy_with_logits(outputs.flatten(), targets.float())


def accuracy_of(setup: Setup, outputs: Tensor, targets: Tensor) -> float:
    chosen = outputs.argmax(1) if setup.task == "digits" else (outputs.flatten() > 0).long()
    return float((chosen == targets).double().mean())


def fit(setup: Setup, model: nn.Sequential, optimizer: optim.Optimizer, examples: Split) -> dict[str, float]:
    """One epoch. Norms are those of the last step; losses are those on the way, before each step."""
    model.train()
    watch = Watch(model)
    losses, right = 0.0, 0.0
    batches = torch.split(torch.randperm(len(examples.targets)), setup.batch)
    for rows in batches:
        optimizer.zero_grad()
        outputs, targets = model(examples.inputs[rows]), examples.targets[rows]
        loss = loss_of(setup, outputs, targets)
        loss.backward()
        if rows is batches[-1]:
            watch.before()
        optimizer.step()
        losses += loss.item() * len(rows)
        right += accuracy_of(setup, outputs, targets) * len(rows)
    watch.after()
    count = len(examples.targets)
    return {"train_loss": losses / count, "train_accuracy": right / count, **watch.metrics()}


@torch.no_grad()
def evaluate(setup: Setup, model: nn.Sequential, examples: Split) -> dict[str, float]:
    model.eval()
    outputs = model(examples.inputs)
    return {
        "val_loss": float(loss_of(setup, outputs, examples.targets)),
        "val_accuracy": accuracy_of(setup, outputs, examples.targets),
    }


# Data ────────────────────────────────────────────────────────────────────────────────────────────


def splits(setup: Setup) -> tuple[Split, Split]:
    """60% to train on, 20% to validate on, as many of them as the setup has; another split for every seed."""
    inputs, targets = digits() if setup.task == "digits" else heart()
    draw = np.random.default_rng(setup.seed)
    rows = draw.permutation(len(targets))
    first, second = round(0.6 * len(rows)), round(0.8 * len(rows))
    training, validation = rows[:first][: setup.train], rows[first:second][: setup.validation]
    mean, std = inputs[training].mean(0), inputs[training].std(0) + 1e-2
    inputs = (inputs - mean) / std if setup.task == "heart" else inputs
    if setup.columns is not None:
        inputs = inputs[:, list(setup.columns)]
    labels = targets[training]
    if setup.shuffled:
        labels = draw.permutation(labels)
    return (
        Split(torch.tensor(inputs[training], dtype=torch.float32), torch.tensor(labels)),
        Split(torch.tensor(inputs[validation], dtype=torch.float32), torch.tensor(targets[validation])),
    )


Table = tuple[np.ndarray[tuple[int, int], np.dtype[np.float64]], np.ndarray[tuple[int], np.dtype[np.int64]]]


@cache
def digits() -> Table:
    found = load_digits()
    return (found.data - 4.9) / 6.0, found.target.astype(np.int64)


@cache
def heart() -> Table:
    folder = os.environ.get("HPSEARCH_DATA")
    table = cleveland.table(Path(folder) if folder else None)
    return cleveland.Encoding.of(table).inputs(table), cleveland.sick(table)
