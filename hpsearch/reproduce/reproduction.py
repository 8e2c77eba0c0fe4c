"""The result of retraining a recorded trial, and whether it is identical, number by number."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from hpsearch.core.messages import Failure
from hpsearch.core.metric_names import is_measured
from hpsearch.core.trial import Cause, Report, State, Trial
from hpsearch.records.find import JournalStudy

INTERRUPTED_BY_FAILURE = (State.FAILED, State.INFEASIBLE)
"""States of a trial that an exception of its trainer or the loss of its worker has ended."""

_TIMING = re.compile(r"(^|_)(seconds|milliseconds|ms|per_second)$")


@dataclass(frozen=True, slots=True)
class Difference:
    """One number that differs. recorded, now: None if it is missing in that curve."""

    epoch: int
    metric: str
    recorded: float | None
    now: float | None

    @property
    def relative(self) -> float:
        """The difference relative to the larger of the two; infinite if one is missing or not finite."""
        if self.recorded is None or self.now is None:
            return math.inf
        apart = abs(self.recorded - self.now)
        return apart / max(abs(self.recorded), abs(self.now), math.ulp(0.0)) if math.isfinite(apart) else math.inf

    def document(self) -> dict[str, Any]:
        return {**asdict(self), "relative": self.relative}

    def __str__(self) -> str:
        was, now = ("missing" if value is None else repr(value) for value in (self.recorded, self.now))
        return f"{self.metric} at epoch {self.epoch}: was {was}, is {now}"


@dataclass(frozen=True, slots=True)
class CurveComparison:
    """The comparison of two curves.

    epochs: the number of compared epochs. metrics: the compared ones. timings: metrics that were not compared, because
    they measure time. first: the first difference, by epoch, then by name as reported. largest: the largest relative
    one. None: the curves are identical, bit for bit.
    """

    epochs: int
    metrics: tuple[str, ...]
    timings: tuple[str, ...]
    first: Difference | None
    largest: Difference | None


def compare_curves(recorded: Sequence[Report], now: Sequence[Report], objective: str) -> CurveComparison:
    """Compare two curves bit for bit: NaN equals NaN, and 0.0 does not equal -0.0.

    Metrics that measure time are not compared, by their names: `seconds`, `milliseconds`, `ms`, `per_second`, and names
    that end in _ and one of these, such as examples_per_second. The study's own metric is always compared. hpsearch's
    measurements are not, since they may be switched off.
    """
    every = dict.fromkeys(name for report in (*recorded, *now) for name in report.metrics)
    names = [name for name in every if not is_measured(name)]
    timings = tuple(name for name in names if _TIMING.search(name) and name != objective)
    compared = tuple(name for name in names if name not in timings)
    found = list(_differences(recorded, now, compared))
    largest = max(found, key=lambda one: one.relative, default=None)
    return CurveComparison(len(recorded), compared, timings, found[0] if found else None, largest)


def _differences(recorded: Sequence[Report], now: Sequence[Report], names: Sequence[str]) -> Iterator[Difference]:
    curves = [{report.step: report for report in curve} for curve in (recorded, now)]
    for step in sorted({step for curve in curves for step in curve}):
        reports = [curve.get(step) for curve in curves]
        for name in names:
            was, is_now = (report.metrics.get(name) if report is not None else None for report in reports)
            if repr(was) != repr(is_now):
                yield Difference(step, name, was, is_now)


@dataclass(frozen=True)
class Reproduction:
    """trial: as recorded. curve, failure, cause: of the retraining; cause: of the failure.

    since: changes since the trial was trained, one line each. is_recorded: the environment of the trial is recorded;
    older versions of hpsearch did not record it. other_distributions: the installed packages or a lock file differ.
    """

    study: JournalStudy
    trial: Trial
    curve: Sequence[Report]
    failure: Failure | None
    cause: Cause | None
    since: Sequence[str]
    is_recorded: bool
    other_distributions: bool = False

    @cached_property
    def compared(self) -> CurveComparison:
        now = [report for report in self.curve if report.step <= self.trial.epoch]
        return compare_curves(self.trial.curve, now, self.study.objective.metric)

    @property
    def fails_as_before(self) -> bool:
        """Whether it failed with the same cause, after the same epoch, and with the same exception of the trainer.

        True also if neither training failed.
        """
        failed = self.trial.state in INTERRUPTED_BY_FAILURE or bool(self.trial.exception)
        if self.failure is None or not failed:
            return self.failure is None and not failed
        if self.trial.state is State.COMPLETE:  # the trainer raised after its last report
            return self.failure.exception == self.trial.exception
        if self.cause is not self.trial.cause or (self.curve[-1].step if self.curve else 0) != self.trial.epoch:
            return False
        return self.cause is not Cause.TRAINER_RAISED or self.failure.exception == self.trial.exception

    @property
    def is_identical(self) -> bool:
        return self.compared.first is None and self.fails_as_before

    def document(self) -> dict[str, Any]:
        found = self.compared
        return {
            "study": self.study.record.name,
            "trial": self.trial.number,
            "identical": self.is_identical,
            **asdict(found),
            "first": found.first and found.first.document(),
            "largest": found.largest and found.largest.document(),
            "failure": self.failure.summary if self.failure else None,
            "fails_as_before": self.fails_as_before,
            "since": list(self.since),
            "recorded": self.is_recorded,
            "other_distributions": self.other_distributions,
        }
