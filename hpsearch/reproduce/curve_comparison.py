"""Whether a trial that was trained again has come to the same, number by number."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import zip_longest
from typing import Any

from hpsearch.core.trial import Report

_TIMING = re.compile(r"(^|_)(seconds|milliseconds|ms|per_second)$")


@dataclass(frozen=True, slots=True)
class Difference:
    """One number that is not the same; None: there is none on that side."""

    epoch: int
    metric: str
    recorded: float | None
    now: float | None

    @property
    def relative(self) -> float:
        """To the larger of the two; infinite where one is missing or not finite."""
        if self.recorded is None or self.now is None:
            return math.inf
        apart = abs(self.recorded - self.now)
        return apart / max(abs(self.recorded), abs(self.now), math.ulp(0.0)) if math.isfinite(apart) else math.inf

    def document(self) -> dict[str, Any]:
        return {**asdict(self), "relative": self.relative}

    def __str__(self) -> str:
        was, now = ("absent" if value is None else repr(value) for value in (self.recorded, self.now))
        return f"{self.metric} at epoch {self.epoch}: was {was}, is {now}"


@dataclass(frozen=True, slots=True)
class CurveComparison:
    """Two curves beside each other.

    epochs, metrics: what was compared. timings: metrics that were left out. first: the first difference in the order
    of epochs, then of names as reported; largest: the largest relative one. None: all is the same, bit for bit.
    """

    epochs: int
    metrics: tuple[str, ...]
    timings: tuple[str, ...]
    first: Difference | None
    largest: Difference | None


def compare_curves(recorded: Sequence[Report], now: Sequence[Report], objective: str) -> CurveComparison:
    """NaN is the same as NaN, and 0.0 is not -0.0: what JSON has kept of the recorded curve is all of it.

    A metric that measures time is left out, by its name: `seconds`, `milliseconds`, `ms`, `per_second`, or one that
    ends in _ and one of these, such as examples_per_second; but not the metric that the study is about.
    """
    names = list(dict.fromkeys(name for report in (*recorded, *now) for name in report.metrics))
    timings = tuple(name for name in names if _TIMING.search(name) and name != objective)
    compared = tuple(name for name in names if name not in timings)
    found = list(_differences(recorded, now, compared))
    largest = max(found, key=lambda one: one.relative, default=None)
    return CurveComparison(len(recorded), compared, timings, found[0] if found else None, largest)


def _differences(recorded: Sequence[Report], now: Sequence[Report], names: Sequence[str]) -> Iterator[Difference]:
    for epoch, (old, new) in enumerate(zip_longest(recorded, now), start=1):
        for name in names:
            was, is_now = (report.metrics.get(name) if report is not None else None for report in (old, new))
            if repr(was) != repr(is_now):
                yield Difference(epoch, name, was, is_now)
