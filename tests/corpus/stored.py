"""The recorded curves of the corpus, and which of their faults do harm."""

import gzip
import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from hpsearch.core.trial import Report, Trial
from tests.corpus.planted import FAULTS, SOUND
from tests.corpus.record import FOLDER
from tests.corpus.trainers import TRAINERS, Trainer

NOISE = 3.0
"""Standard deviations of the sound results; a fault does harm where its result is worse by more."""

LEAST = 0.2
"""And by more than this share of what a sound training gains over one whose weights never change."""


@dataclass(frozen=True)
class Training:
    """harmful: its result is worse than those of sound trainings, by more than noise and by enough to matter."""

    trainer: Trainer
    fault: str
    seed: int
    trial: Trial
    harmful: bool = False


@cache
def trainings(name: str) -> tuple[Training, ...]:
    """Of one trainer."""
    trainer = next(one for one in TRAINERS if one.name == name)
    with gzip.open(FOLDER / f"{name}.json.gz", "rt", encoding="utf-8") as file:
        found = [_training(trainer, number, **one) for number, one in enumerate(json.load(file))]
    return tuple(_judged(found))


def _training(
    trainer: Trainer, number: int, fault: str, seed: int, lr: float, curve: dict[str, list[float | None]]
) -> Training:
    rows = [
        {name: value for name, value in zip(curve, row, strict=True) if value is not None}
        for row in zip(*curve.values(), strict=True)
    ]
    reports = tuple(Report(step, row) for step, row in enumerate(rows, start=1))
    params = {"lr": lr, "width": FAULTS[fault].width}
    return Training(trainer, fault, seed, Trial(number, params, seed, len(rows), curve=reports))


def _judged(found: Sequence[Training]) -> list[Training]:
    sound = [result(one) for one in found if one.fault == SOUND]
    mean, spread = statistics.fmean(sound), statistics.stdev(sound)
    first = statistics.fmean(
        one.trainer.objective.loss_of(one.trial.curve[0]) for one in found if one.fault == "no step"
    )
    limit = mean + max(NOISE * spread, LEAST * (first - mean))
    return [
        Training(one.trainer, one.fault, one.seed, one.trial, one.fault != SOUND and not result(one) <= limit)
        for one in found
    ]


def result(one: Training) -> float:
    """At its best epoch; smaller is better."""
    objective = one.trainer.objective
    return min(objective.loss_of(report) for report in one.trial.curve)
