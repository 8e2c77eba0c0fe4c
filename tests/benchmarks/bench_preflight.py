"""How often a preflight catches a planted fault, on ten seeds each, and what it says about trainers that are sound.

All trainings are real, one after the other on one thread; nothing is timed but the preflight as a whole.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

import torch

from hpsearch import Report, Run
from hpsearch.core.trial import Params
from hpsearch.preflight.judge.check import Check
from hpsearch.preflight.judge.checklist import judge
from hpsearch.preflight.measure.learning import LearningMeasurement
from tests.benchmarks.processes import progress
from tests.benchmarks.table import Row, Table
from tests.preflight.measure import faulty, sound
from tests.preflight.measure.helpers import SCORE, context

SEEDS = range(10)

SOUND = 5
"""Seeds for each trainer with nothing wrong."""

EPOCHS = 10
"""What a trial of the study would train."""

Trainer = Callable[[Params, Run], Iterator[Report]]


@dataclass(frozen=True)
class Tried:
    """What a preflight said of a trainer; seconds: that it took."""

    trainer: Trainer
    checks: tuple[Check, ...]
    seconds: float

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the checks that failed, warnings in brackets."""
        return tuple(one.name if one.stops else f"({one.name})" for one in self.checks if one.outcome == "failed")

    @property
    def skipped(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.checks if one.outcome == "skipped")

    @property
    def starts(self) -> bool:
        return not any(check.stops for check in self.checks)

    @property
    def caught(self) -> bool:
        """By the check that is meant for it."""
        name = faulty.CAUGHT[self.trainer]
        return (f"({name})" if self.trainer in faulty.SAID_ONLY else name) in self.failed


def tables(seeds: Sequence[int] = SEEDS) -> Iterator[Table]:
    yield _faults(tried(faulty.ALL, seeds))
    yield _sound(tried(sound.ALL, seeds[:SOUND]))


def tried(trainers: Sequence[Trainer], seeds: Sequence[int]) -> list[Tried]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return [_tried(trainer, seed) for seed in seeds for trainer in trainers]
    finally:
        torch.set_num_threads(threads)


def _tried(trainer: Trainer, seed: int) -> Tried:
    measured = LearningMeasurement({}, seed, EPOCHS).measure(context(trainer))
    found = Tried(trainer, judge(measured, SCORE), measured.seconds)
    progress(f"{trainer.__name__}, seed {seed}: {', '.join(found.failed) or 'passed'}, {found.seconds:.1f} s")
    return found


def _faults(planted: Sequence[Tried]) -> Table:
    rows: list[Row] = []
    for trainer, check in faulty.CAUGHT.items():
        mine = [one for one in planted if one.trainer is trainer]
        beside = sorted({name for one in mine for name in one.failed if name.strip("()") != check})
        missed = sum(not one.caught for one in mine)
        seconds = median(one.seconds for one in mine)
        rows.append([trainer.__name__, check, len(mine) - missed, len(mine), ", ".join(beside), seconds])
    note = f"detected: {sum(one.caught for one in planted)} of {len(planted)}; in brackets: a warning"
    columns = ["fault", "check", "detected", "of", "other failed checks", "median s"]
    return Table("Preflight of trainers with one fault", columns, rows, note)


def _sound(found: Sequence[Tried]) -> Table:
    rows: list[Row] = []
    for trainer in sound.ALL:
        mine = [one for one in found if one.trainer is trainer]
        said = sorted({name for one in mine for name in one.failed})
        skipped = sorted({name for one in mine for name in one.skipped})
        seconds = median(one.seconds for one in mine)
        starts = sum(one.starts for one in mine)
        rows.append([trainer.__name__, starts, len(mine), ", ".join(said), ", ".join(skipped), seconds])
    note = f"may start: {sum(one.starts for one in found)} of {len(found)}; in brackets: a warning"
    return Table(
        "LearningMeasurement of sound trainers", ["trainer", "starts", "of", "said", "skipped", "median s"], rows, note
    )
