"""What a learning-rate range test says: where the loss begins to fall, falls fastest, is lowest, and leaves; and so
which rates are worth a search (Smith 2015, arXiv 1506.01186, section 3.3; Howard and Gugger 2020, "fastai", lr_find).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, pstdev

from hpsearch.preflight.measurements import SweptLosses

SMOOTH = 0.85
"""Of each of two moving averages, one from either end: together they do not lag behind the loss as one does."""

LEVEL = 0.1
"""So large a part of the test, its beginning, says where the loss starts and how noisy it is."""

FALLEN = 0.1
"""The loss has begun to fall where it has come down by this part of the way to its lowest."""

BELOW = 3.0
"""The range begins at a rate so many times lower: a long training needs less than a short test shows."""

FEWEST = 20
"""Steps that a test needs to say anything."""


@dataclass(frozen=True)
class Reading:
    """Of one test: learning rates, as values of the parameter. smoothed: the losses without their noise.

    begins < steepest <= best < diverges; diverges is None where the loss never came back to where it started.
    problem: why nothing can be said, "" where all is known.
    """

    sweep: SweptLosses
    smoothed: tuple[float, ...] = ()
    begins: float = math.nan
    steepest: float = math.nan
    best: float = math.nan
    diverges: float | None = None
    problem: str = ""

    @property
    def low(self) -> float:
        return max(self.begins / BELOW, self.sweep.rates[0])

    @property
    def high(self) -> float:
        return self.diverges if self.diverges is not None else self.sweep.rates[-1]


@dataclass(frozen=True)
class RateRange:
    """Where to search for the parameter; it holds the ranges of all readings. evidence: for a person to read."""

    parameter: str
    low: float
    high: float
    evidence: str

    @property
    def reason(self) -> str:
        return f"{self.parameter}: window [{self.low:.3g}, {self.high:.3g}] from {self.evidence}"


def read(sweep: SweptLosses) -> Reading:
    losses = _finite(sweep.losses)
    if sweep.problem and len(losses) < FEWEST:
        return Reading(sweep, problem=sweep.problem)
    if len(losses) < FEWEST:
        return Reading(
            sweep, problem=f"only {len(losses)} steps before the loss was NaN or left: start at a lower rate"
        )
    smoothed = smooth(losses)
    first = max(round(LEVEL * len(losses)), 5)
    level, noise = fmean(losses[:first]), pstdev(losses[:first]) / math.sqrt(1 / (1 - SMOOTH))
    best = min(range(len(smoothed)), key=smoothed.__getitem__)
    drop = level - smoothed[best]
    if drop <= max(3 * noise, 0.02 * abs(level)) or best < first:
        return Reading(
            sweep,
            tuple(smoothed),
            problem=f"too early to say: the loss, {level:.3g} at first, falls at no learning rate",
        )
    begins = 1 + max((i for i in range(best) if smoothed[i] > level - max(FALLEN * drop, 2 * noise)), default=-1)
    steepest = max(range(begins, best + 1), key=lambda i: smoothed[i - 1] - smoothed[i] if i else 0.0)
    leaves = next((i for i in range(best, len(smoothed)) if smoothed[i] >= level), None)
    if leaves is None and len(losses) < len(sweep.losses):
        leaves = len(losses)  # NaN came first
    rates = sweep.rates
    return Reading(
        sweep,
        tuple(smoothed),
        rates[begins],
        rates[steepest],
        rates[best],
        rates[min(leaves, len(rates) - 1)] if leaves is not None else None,
    )


def rate_range(readings: Sequence[Reading]) -> RateRange | None:
    """The range that holds those of all tests that show something; None where none does."""
    good = [reading for reading in readings if not reading.problem]
    if not good:
        return None
    low, high = _rounded(min(one.low for one in good)), _rounded(max(one.high for one in good))
    return RateRange(good[0].sweep.parameter, low, high, _evidence(good, len(readings)))


def _evidence(good: Sequence[Reading], among: int) -> str:
    begins, best = min(one.begins for one in good), [one.best for one in good]
    leaves = [one.diverges for one in good if one.diverges is not None]
    lowest = f"{min(best):.2g}" if len(best) == 1 else f"{min(best):.2g} to {max(best):.2g}"
    left = f"and leaves at {max(leaves):.2g}" if leaves else "and never leaves"
    tests = "the learning-rate range test" if among == 1 else f"{len(good)} of {among} learning-rate range tests"
    return f"{tests}: the loss begins to fall at {begins:.2g}, is lowest at {lowest} {left}"


def misses(readings: Sequence[Reading], low: float, high: float) -> str:
    """What is wrong with a range that a file asks for, with its numbers; "" where nothing is."""
    found = rate_range(readings)
    if found is None or not (low > 0 and high > 0):
        return ""
    best = [one.best for one in readings if not one.problem]
    if found.low <= high and low <= found.high and any(low <= one <= high for one in best):
        return ""
    side = "below" if high < min(best) else "above"
    rates = ", ".join(dict.fromkeys(f"{rate:.2g}" for rate in sorted(best)))
    return (
        f"{found.parameter}: the window [{low:.3g}, {high:.3g}] is kept, though it lies {side} what the range test "
        f"finds, [{found.low:.3g}, {found.high:.3g}] with the lowest loss at {rates}: widen it, or give "
        f"{found.parameter} = {{ auto = true }}"
    )


def smooth(losses: Sequence[float]) -> list[float]:
    """The mean of two moving averages, from the beginning and from the end, each corrected as Adam's are."""
    forward, backward = _average(losses), _average(losses[::-1])[::-1]
    return [(one + other) / 2 for one, other in zip(forward, backward, strict=True)]


def _average(losses: Sequence[float]) -> list[float]:
    average, weight, found = 0.0, 0.0, []
    for loss in losses:
        average, weight = SMOOTH * average + (1 - SMOOTH) * loss, SMOOTH * weight + (1 - SMOOTH)
        found.append(average / weight)
    return found


def _finite(losses: Sequence[float]) -> list[float]:
    """Up to the first that is none."""
    end = next((i for i, loss in enumerate(losses) if not math.isfinite(loss)), len(losses))
    return list(losses[:end])


def _rounded(rate: float) -> float:
    return float(f"{rate:.2g}")
