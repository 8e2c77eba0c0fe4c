"""Sound trainings, and the same ones with one fault planted in each: what the curve doctor is measured on.

A class is a fault, a task and its seeds. The seed draws the sound setup and the split, the fault spoils it.
Even seeds are to develop on; odd ones are only for the report (docs/doctor.md).
"""

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from hpsearch.doctor.findings import Label
from tests.doctor.trainings import Setup, Task

TASKS: tuple[Task, ...] = ("digits", "heart")


def sound(task: Task, seed: int) -> Setup:
    """A setup that learns its task: what a seed draws lies within what a careful engineer would choose."""
    draw = random.Random(f"{task} {seed}")
    setup = _digits(seed, draw) if task == "digits" else _heart(seed, draw)
    match draw.choice(["constant", "cosine", "step"]):
        case "cosine":
            return replace(setup, cosine=True)
        case "step":
            return replace(setup, decay_every=setup.epochs * 2 // 3)
    return replace(setup, epochs=100)


def _digits(seed: int, draw: random.Random) -> Setup:
    adam = draw.random() < 0.5
    return Setup(
        "digits",
        seed,
        hidden=draw.choice([32, 64, 128]),
        layers=draw.choice([1, 2]),
        activation=draw.choice(["relu", "tanh", "gelu"]),
        optimizer="adam" if adam else "sgd",
        lr=_log_uniform(draw, 1e-3, 5e-3) if adam else _log_uniform(draw, 0.01, 0.05),
        weight_decay=draw.choice([0.0, 1e-4, 1e-3]),
        batch=draw.choice([32, 64]),
        epochs=draw.choice([40, 60]),
        dropout=draw.choice([0.0, 0.1, 0.2]),
        patience=8,
    )


def _heart(seed: int, draw: random.Random) -> Setup:
    """182 examples are memorised quickly: small networks, low learning rates, stronger regularisation."""
    adam = draw.random() < 0.5
    return Setup(
        "heart",
        seed,
        hidden=draw.choice([8, 16]),
        layers=1,
        activation=draw.choice(["relu", "tanh", "gelu"]),
        optimizer="adam" if adam else "sgd",
        lr=_log_uniform(draw, 1e-3, 2.5e-3) if adam else _log_uniform(draw, 0.002, 0.005),
        weight_decay=draw.choice([0.1, 0.3]) if adam else draw.choice([0.01, 0.02]),
        batch=16,
        epochs=draw.choice([40, 50]),
        dropout=draw.choice([0.1, 0.2, 0.3]),
        patience=8,
    )


def _log_uniform(draw: random.Random, low: float, high: float) -> float:
    return math.exp(draw.uniform(math.log(low), math.log(high)))


Spoil = Callable[[Setup, random.Random], Setup]


@dataclass(frozen=True)
class Fault:
    """labels: what the doctor may say first about it. tasks: where it is a fault at all."""

    labels: frozenset[Label]
    spoil: Spoil
    tasks: tuple[Task, ...] = TASKS
    seeds: int = 40


def constant(setup: Setup, epochs: int, **changes: Any) -> Setup:
    """A constant learning rate for this many epochs."""
    return replace(setup, epochs=epochs, cosine=False, decay_every=0, patience=0, **changes)


def _none(setup: Setup, draw: random.Random) -> Setup:
    return setup


def _hot(setup: Setup, draw: random.Random) -> Setup:
    return replace(setup, lr=setup.lr * 300)


def _cold(setup: Setup, draw: random.Random) -> Setup:
    return replace(setup, lr=setup.lr / 300)


def _diverging(setup: Setup, draw: random.Random) -> Setup:
    return replace(setup, optimizer="sgd", lr=1e4, activation="relu", layers=3)


def _zero(setup: Setup, draw: random.Random) -> Setup:
    return replace(setup, gain=0.0, patience=draw.choice([0, 8]))


def _dead(setup: Setup, draw: random.Random) -> Setup:
    return replace(setup, activation="relu", bias=-30.0, patience=draw.choice([0, 8]))


def _huge(setup: Setup, draw: random.Random) -> Setup:
    return replace(setup, activation=draw.choice(["relu", "gelu"]), gain=draw.choice([20.0, 50.0]), layers=2)


def _deep_sigmoid(setup: Setup, draw: random.Random) -> Setup:
    return replace(setup, activation="sigmoid", layers=12)


def _few_examples(setup: Setup, draw: random.Random) -> Setup:
    return constant(setup, 150, train=50, batch=10, dropout=0.0)


def _two_units(setup: Setup, draw: random.Random) -> Setup:
    return constant(setup, 150, hidden=2, layers=1, activation="tanh", dropout=0.0)


def _two_inputs(setup: Setup, draw: random.Random) -> Setup:
    """Of the heart's: age, greatest heart rate, ST depression; of the digits' pixels those in the middle."""
    some = (0, 3, 4) if setup.task == "heart" else (19, 20, 27, 28, 35, 36, 43, 44)
    return replace(setup, columns=tuple(draw.sample(some, 2)))


def _held_weights(setup: Setup, draw: random.Random) -> Setup:
    """L2 in the gradient with sgd; with adam apart from it, where it takes more to hurt."""
    decay = draw.choice([50.0, 100.0]) if setup.optimizer == "adam" else draw.choice([0.5, 1.0])
    return replace(setup, weight_decay=decay)


def _early_decay(setup: Setup, draw: random.Random) -> Setup:
    return replace(setup, cosine=False, decay_every=2, decay=draw.choice([0.1, 0.2]))


def _shuffled(setup: Setup, draw: random.Random) -> Setup:
    return constant(setup, 100, shuffled=True, hidden=128, dropout=0.0)


def _tiny_validation(setup: Setup, draw: random.Random) -> Setup:
    return replace(setup, validation=draw.randint(8, 16))


def _too_few_epochs(setup: Setup, draw: random.Random) -> Setup:
    return constant(setup, draw.randint(6, 10), lr=setup.lr / 4)


def _two_epochs(setup: Setup, draw: random.Random) -> Setup:
    return replace(setup, epochs=draw.randint(1, 2))


def _expecting(*labels: Label) -> frozenset[Label]:
    return frozenset(labels)


FAULTS: dict[str, Fault] = {
    "none": Fault(_expecting(Label.HEALTHY), _none, seeds=80),
    "learning rate x 300": Fault(_expecting(Label.LR_TOO_HIGH, Label.DIVERGED), _hot),
    "learning rate 10,000": Fault(_expecting(Label.DIVERGED), _diverging),
    "learning rate / 300": Fault(_expecting(Label.LR_TOO_LOW), _cold),
    "weights x 20 to 50": Fault(_expecting(Label.EXPLODING_GRADIENTS), _huge),
    "sigmoid, 12 layers": Fault(_expecting(Label.VANISHING_GRADIENTS), _deep_sigmoid),
    "all weights 0": Fault(_expecting(Label.PLATEAU), _zero),
    "dead units": Fault(_expecting(Label.PLATEAU), _dead),
    "shuffled labels": Fault(_expecting(Label.METRIC_STUCK), _shuffled),
    "decay every 2 epochs": Fault(_expecting(Label.DECAYED_TOO_EARLY), _early_decay),
    "8 to 16 validation examples": Fault(_expecting(Label.NOISY_VALIDATION), _tiny_validation),
    "50 training examples": Fault(_expecting(Label.OVERFITTING), _few_examples),
    "6 to 10 epochs, gently": Fault(_expecting(Label.STILL_IMPROVING), _too_few_epochs),
    "2 units": Fault(_expecting(Label.UNDERFITTING), _two_units, tasks=("digits",)),
    "2 inputs": Fault(_expecting(Label.UNDERFITTING), _two_inputs),
    "weights held at 0": Fault(_expecting(Label.UNDERFITTING), _held_weights),
    "1 or 2 epochs": Fault(_expecting(Label.TOO_EARLY), _two_epochs),
}


@dataclass(frozen=True)
class Case:
    fault: str
    task: Task
    seed: int

    @property
    def setup(self) -> Setup:
        draw = random.Random(f"{self.fault} {self.task} {self.seed}")
        return FAULTS[self.fault].spoil(sound(self.task, self.seed), draw)


def cases(half: Literal["develop", "report"]) -> Iterator[Case]:
    for name, fault in FAULTS.items():
        for task in fault.tasks:
            yield from (Case(name, task, seed) for seed in range(half == "report", fault.seeds, 2))
