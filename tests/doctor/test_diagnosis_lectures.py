"""The figures of lectures: as drawn, with the metrics that people report, and as real trainings."""

import random

import pytest

from hpsearch.core.trial import Objective, Trial
from hpsearch.doctor.diagnosis import diagnose
from hpsearch.doctor.findings import Label, Severity
from tests.doctor.curve import ACCURACY, LOSS, falling, trial
from tests.doctor.lectures import LECTURES, stored

COUNT = 60
REAL = dict(stored())

DRAWN: dict[str, tuple[list[float], list[float], Label]] = {
    "flat at first": (
        [*[2.3] * 20, *falling(2.28, 0.3, 40, 0.85)],
        [*[2.3] * 20, *falling(2.28, 0.45, 40, 0.85)],
        Label.SLOW_START,
    ),
    "slow and straight": (
        [2.3 - 0.012 * at for at in range(COUNT)],
        [2.32 - 0.0118 * at for at in range(COUNT)],
        Label.LR_TOO_LOW,
    ),
    "decayed too early": (
        [*(2.3 - 0.06 * at for at in range(15)), *(1.43 - 0.001 * at for at in range(45))],
        [*(2.3 - 0.06 * at for at in range(15)), *(1.46 - 0.0008 * at for at in range(45))],
        Label.DECAYED_TOO_EARLY,
    ),
    "a gap, validation rises": (
        falling(2.3, 0.01, COUNT, 0.9),
        [1.1 + 1.2 * 0.8**at + 0.012 * at for at in range(COUNT)],
        Label.OVERFITTING,
    ),
    "a small gap": (falling(2.3, 0.15, COUNT, 0.9), falling(2.3, 0.45, COUNT, 0.88), Label.HEALTHY),
    "both fall": (falling(2.3, 0.0, COUNT, 0.975), falling(2.3, 0.0, COUNT, 0.978), Label.STILL_IMPROVING),
    "no gap, both high": (falling(2.3, 1.5, COUNT, 0.9), falling(2.3, 1.52, COUNT, 0.9), Label.UNDERFITTING),
}
"""Training and validation losses, and the label that has the lecture's advice."""


def noisy(values: list[float], share: float, seed: int = 0) -> list[float]:
    draw = random.Random(seed)
    return [value * (1 + draw.gauss(0, share)) for value in values]


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize("reported", ["all", "no rate", "losses", "training loss and accuracy"])
def test_a_drawn_figure(name: str, reported: str) -> None:
    train, held, label = DRAWN[name]
    train, held = noisy(train, 0.004), noisy(held, 0.005, 1)
    rates = [0.1] * 15 + [0.01] * 45 if label is Label.DECAYED_TOO_EARLY else [0.01] * COUNT
    curves = {"train_loss": train, "val_loss": held, "val_accuracy": [max(0.1, 1 - 0.39 * one) for one in held]}
    curves |= {"train_accuracy": [max(0.1, 1 - 0.39 * one) for one in train], "lr": rates}
    keys = {
        "all": tuple(curves),
        "no rate": ("train_loss", "val_loss", "train_accuracy", "val_accuracy"),
        "losses": ("train_loss", "val_loss"),
        "training loss and accuracy": ("train_loss", "val_accuracy"),
    }[reported]
    objective = LOSS if "val_loss" in keys else ACCURACY
    assert first(trial(**{key: curves[key] for key in keys}), objective) is label


def test_a_plateau_is_where_the_rate_should_be_decayed() -> None:
    train, held = noisy(falling(2.3, 0.7, COUNT), 0.05), noisy(falling(2.3, 0.8, COUNT), 0.05, 1)
    found = diagnose(trial(train_loss=train, val_loss=held, lr=[0.1] * COUNT), LOSS)
    assert [one.label for one in found] == [Label.PLATEAU_AT_END]
    assert "Decay the learning rate" in found[0].advice


def test_an_accuracy_that_still_rises_while_the_loss_is_flat_and_high() -> None:
    """It is low as well, as that of a model that underfits; but it rises by far more than its noise."""
    train, held = noisy(falling(2.3, 0.9, COUNT), 0.01), noisy(falling(2.3, 0.95, COUNT), 0.01, 1)
    rising = noisy([0.3 + 0.4 * at / COUNT for at in range(COUNT)], 0.01, 2)
    seen = trial(train_loss=train, val_loss=held, train_accuracy=rising, val_accuracy=rising)
    assert [one.label for one in diagnose(seen, LOSS)] == [Label.STILL_IMPROVING]


@pytest.mark.parametrize("name", LECTURES)
def test_a_real_training(name: str) -> None:
    found = diagnose(REAL[name], LOSS)
    wanted = LECTURES[name].label
    if wanted is None:
        assert {one.severity for one in found} <= {Severity.NONE, Severity.HINT}
    else:
        assert found[0].label is wanted
        assert Label.STILL_IMPROVING not in {one.label for one in found}, "advice would contradict itself"


def first(seen: Trial, objective: Objective) -> Label:
    return diagnose(seen, objective)[0].label
