"""The analysis of a learning-rate range test: the rates at which the loss begins to fall, falls fastest, is lowest and
diverges. They give the range to search (Smith 2015, arXiv 1506.01186, section 3.3; Howard and Gugger 2020, "fastai",
arXiv 2002.04688, lr_find).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, pstdev

from hpsearch.preflight.measurements import SweepLosses

SMOOTH = 0.85
"""The smoothing factor of two moving averages, one from each end. Their mean does not lag behind the loss."""

LEVEL = 0.1
"""The fraction of the steps, at the beginning, from which the initial loss and its noise are computed."""

FALLEN = 0.1
"""The loss begins to fall at the rate where it has fallen by this fraction of the difference to its minimum."""

BELOW = 3.0
"""The range starts at this rate divided by BELOW, because a long training needs lower rates than a short test."""

LEARNT = 0.5
"""A training with a constant rate learns if its loss falls by this fraction of the fall to the lowest loss."""

MIN_STEPS = 20
"""The fewest steps for a result."""


@dataclass(frozen=True)
class SweepResult:
    """The result of one test: learning rates, as values of the parameter. smoothed: the smoothed losses.

    begins < steepest <= best < diverges. diverges is None if the loss never rose back to its initial value.
    holds: a rate above `diverges` with which a training from the start learns; None if there is none or none was tried.
    problem: why there is no result, "" if there is one.
    """

    sweep: SweepLosses
    smoothed: tuple[float, ...] = ()
    begins: float = math.nan
    steepest: float = math.nan
    best: float = math.nan
    diverges: float | None = None
    problem: str = ""
    holds: float | None = None

    @property
    def low(self) -> float:
        return max(self.begins / BELOW, self.sweep.rates[0])

    @property
    def high(self) -> float:
        return self.holds or self.diverges or self.sweep.rates[-1]


@dataclass(frozen=True)
class LrRange:
    """The range to search for the parameter: it contains the ranges of all tests. evidence: as text."""

    parameter: str
    low: float
    high: float
    evidence: str

    @property
    def middle(self) -> float:
        return math.sqrt(self.low * self.high)

    @property
    def reason(self) -> str:
        return f"{self.parameter}: range [{self.low:.3g}, {self.high:.3g}] from {self.evidence}"


def read(sweep: SweepLosses) -> SweepResult:
    losses = _without_batch_noise(_finite(sweep.losses), sweep.unmoved)
    if sweep.problem and len(losses) < MIN_STEPS:
        return SweepResult(sweep, problem=sweep.problem)
    if len(losses) < MIN_STEPS:
        return SweepResult(
            sweep,
            problem=f"too few steps to judge ({len(losses)}; {MIN_STEPS} needed) before the loss became NaN or "
            "diverged: start at a lower learning rate",
        )
    smoothed = smooth(losses)
    first = max(round(LEVEL * len(losses)), 5)
    level, noise = fmean(losses[:first]), pstdev(losses[:first]) / math.sqrt(1 / (1 - SMOOTH))
    best = min(range(len(smoothed)), key=smoothed.__getitem__)
    drop = level - smoothed[best]
    if drop <= max(3 * noise, 0.02 * abs(level)) or best < first:
        return SweepResult(
            sweep,
            tuple(smoothed),
            problem=f"the loss, initially {level:.3g}, does not fall at any learning rate",
        )
    begins = 1 + max((i for i in range(best) if smoothed[i] > level - max(FALLEN * drop, 2 * noise)), default=-1)
    steepest = max(range(begins, best + 1), key=lambda i: smoothed[i - 1] - smoothed[i] if i else 0.0)
    diverges = next((i for i in range(best, len(smoothed)) if smoothed[i] >= level), None)
    if diverges is None and len(losses) < len(sweep.losses):
        diverges = len(losses)  # the first NaN
    rates = sweep.rates
    return SweepResult(
        sweep,
        tuple(smoothed),
        rates[begins],
        rates[steepest],
        rates[best],
        rates[min(diverges, len(rates) - 1)] if diverges is not None else None,
        holds=_holds(sweep, level - LEARNT * drop),
    )


def _holds(sweep: SweepLosses, low_enough: float) -> float | None:
    if sweep.beyond is None or len(sweep.beyond[1]) < MIN_STEPS:
        return None
    rate, losses = sweep.beyond
    end = losses[-max(len(losses) // 5, 5) :]
    return rate if all(map(math.isfinite, losses)) and fmean(end) < low_enough else None


def lr_range(results: Sequence[SweepResult]) -> LrRange | None:
    """The range that contains the ranges of all tests with a result; None if no test has one."""
    good = [result for result in results if not result.problem]
    if not good:
        return None
    low, high = _rounded(min(one.low for one in good)), _rounded(max(one.high for one in good))
    return LrRange(good[0].sweep.parameter, low, high, _evidence(good, len(results)))


def _evidence(good: Sequence[SweepResult], among: int) -> str:
    begins, best = min(one.begins for one in good), [one.best for one in good]
    diverges = [one.diverges for one in good if one.diverges is not None]
    lowest = f"{min(best):.2g}" if len(best) == 1 else f"{min(best):.2g} to {max(best):.2g}"
    end = f"diverges at {max(diverges):.2g}" if diverges else "does not diverge"
    if holds := [one.holds for one in good if one.holds is not None]:
        end += f", but learns from the start at {max(holds):.2g}"
    tests = "the learning-rate range test" if among == 1 else f"{len(good)} of {among} learning-rate range tests"
    return f"{tests} (the loss begins to fall at {begins:.2g}, is lowest at {lowest}, {end})"


def misses(results: Sequence[SweepResult], low: float, high: float) -> str:
    """How the range of a study file differs from the result, with the numbers; "" if it agrees."""
    found = lr_range(results)
    if found is None or not (low > 0 and high > 0):
        return ""
    best = [one.best for one in results if not one.problem]
    if found.low <= high and low <= found.high and any(low <= one <= high for one in best):
        return ""
    direction = "low" if high < min(best) else "high"
    rates = " and ".join(dict.fromkeys(f"{rate:.2g}" for rate in sorted(best)))
    return (
        f"{found.parameter}: the range [{low:.3g}, {high:.3g}] in the study file is too {direction}, but is kept; the "
        f"range test finds [{found.low:.3g}, {found.high:.3g}], with the lowest loss at {rates}: widen the range, or "
        f"set {found.parameter} = {{ auto = true }}"
    )


def _without_batch_noise(losses: list[float], unmoved: Sequence[float]) -> list[float]:
    """The losses without the differences between batches (a control variate).

    The loss of the same batch at a rate of 0 shows how much harder it is than the mean batch. This difference is
    subtracted, scaled down in proportion as the loss falls.
    """
    if not losses or len(unmoved) < len(losses):
        return losses
    mean = fmean(unmoved)
    shares = [min(max(level / mean, 0.0), 1.0) if mean > 0 else 1.0 for level in smooth(losses)]
    return [loss - share * (hard - mean) for loss, share, hard in zip(losses, shares, unmoved, strict=False)]


def smooth(losses: Sequence[float]) -> list[float]:
    """The mean of two moving averages, from the beginning and from the end, each bias-corrected as in Adam."""
    forward, backward = _average(losses), _average(losses[::-1])[::-1]
    return [(one + other) / 2 for one, other in zip(forward, backward, strict=True)]


def _average(losses: Sequence[float]) -> list[float]:
    average, weight, found = 0.0, 0.0, []
    for loss in losses:
        average, weight = SMOOTH * average + (1 - SMOOTH) * loss, SMOOTH * weight + (1 - SMOOTH)
        found.append(average / weight)
    return found


def _finite(losses: Sequence[float]) -> list[float]:
    """The losses before the first NaN or infinity."""
    end = next((i for i, loss in enumerate(losses) if not math.isfinite(loss)), len(losses))
    return list(losses[:end])


def _rounded(rate: float) -> float:
    return float(f"{rate:.2g}")
