"""Signs of a learning rate that was lowered too early. Each function returns a finding, or None.

The limits are measured as in `training_signs`, in units of the initial loss (`Curves.scale`).
"""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import fmean, median

from hpsearch.doctor.curves import Curves
from hpsearch.doctor.evidence import Change, Computed, Fact
from hpsearch.doctor.findings import Finding, Label, Severity
from hpsearch.doctor.series import Series
from hpsearch.doctor.shape import LONG_ENOUGH, SIGNIFICANT, validated

DECAYED_HIGH = 0.1
"""Below this fraction of the initial loss, a later decay could have gained little."""

FROZEN_FALL, FROZEN_HIGH = 0.03, 0.2
"""Fractions of the initial loss: the fall in the last epoch before a curve stops falling, and the level at which it
stops."""

FAST, FAST_OF_LEFT = 0.01, 0.03
"""As long as one epoch lowers the loss by FAST, or by FAST_OF_LEFT of what is left of it, it is too early to decay the
learning rate."""

MOST, UNDECIDED = 0.75, 0.5
"""A training ends early if at least MOST of its epochs have a low rate, and the loss ends above UNDECIDED of its first
value: too few epochs had a high rate to show how far the loss can fall."""

MEASURABLE = 0.5
"""The least sum of the low rates, in epochs at the highest rate, in which the loss can still fall noticeably."""

FEW = 4
"""The initial loss and those of at most three epochs do not show whether a training has converged."""

STEADY, STOPPED, SLOWER = 4, 8, 0.6
"""A curve has a bend where STEADY epochs fall about equally, and the epochs after it STOPPED times less. They do not if
the second half of them falls by less than SLOWER times the first half."""


def decayed_too_early(c: Curves) -> Finding | None:
    """The learning rate fell to a tenth while the loss was still falling fast.

    If no learning rate is reported, the curve shows it: it suddenly stops falling and hardly changes afterwards.
    """
    one = validated(c)
    if one is None:
        return None
    if c.rate is None:
        return _froze(c, one) or _bends(c, one)
    peak = max(c.rate.values)
    if not 0 < peak < math.inf or min(c.rate.values) > peak / 10 or c.is_low(one, DECAYED_HIGH):
        return None
    rates = {step: rate / peak for step, rate in zip(c.rate.steps, c.rate.values, strict=True)}
    top = max(step for step, rate in rates.items() if rate == 1)
    halved = next((step for step, rate in rates.items() if step > top and rate <= 0.5), None)
    if halved is None or c.last - halved < 3 or halved <= one.steps[0]:
        return None
    low = [step for step, rate in rates.items() if step >= halved and rate <= 0.1]
    mostly_low = 2 * len(low) >= len(rates)
    if c.train is not None and c.is_low(c.train, DECAYED_HIGH):
        return None  # there is nothing left to learn
    found = _stops(c, one, halved, mostly_low)
    if found is None and mostly_low:
        found = _runs_out(c, one, halved, low, rates)
    if found is None and len(low) >= MOST * len(rates):
        found = _ends_early(c, one, halved)
    return found


def _stops(c: Curves, one: Series, halved: int, mostly_low: bool) -> Finding | None:
    """All epochs from `halved` on together improve the loss less than the last one before, or than STEADY before.

    mostly_low: the rate is low in most epochs. A rate that falls slowly, as a cosine, lets the loss fall slowly.
    """
    points = _until(c, one, halved)
    last_fall, before = (points[-2] - points[-1]) / c.scale, _mean_fall(points) / c.scale
    after = (one.at(halved - 1) - one.end) / c.scale
    is_known = mostly_low and len(points) >= 2 * STEADY  # the mean fall does not depend on a single epoch
    if min(before, before if is_known else last_fall) < FAST or after > max(last_fall, STEADY * before * is_known):
        return None
    return _decayed(c, one, halved, {"pace": before if is_known else last_fall, "after": after})


def _runs_out(c: Curves, one: Series, halved: int, low: Sequence[int], rates: Mapping[int, float]) -> Finding | None:
    """The rate is low in most epochs, and the loss falls as fast as before in proportion to the rate.

    low: the epochs with a low rate. rates: of the epochs, as fractions of the highest one.
    """
    fast = min(FAST * c.scale, FAST_OF_LEFT * one.end) if one.end > 0 else FAST * c.scale
    points = _until(c, one, halved)
    if len(points) > 2 and _mean_fall(points) < fast:
        return None

    def pace(first: int, least: float) -> float | None:
        """The fall from the epoch before `first` to the end, for each epoch at the highest rate.

        None if the rates sum up to less than `least` such epochs.
        """
        total = sum(rate for step, rate in rates.items() if step >= first)
        return (one.at(first - 1) - one.end) / total if total > least else None

    after, late = pace(halved, 0.0), pace(low[len(low) // 2], MEASURABLE)
    if after is None or after < fast:
        return None
    if late is not None and (late < fast or one.late_fall_significance() <= SIGNIFICANT):
        return None
    return _decayed(c, one, halved, {"pace": after / c.scale})


def _ends_early(c: Curves, one: Series, halved: int) -> Finding | None:
    """Hardly any epochs have a high rate; they improve a loss that stays high, and all others change nothing."""
    points = _until(c, one, halved)
    fell, after = points[0] - points[-1], one.at(halved - 1) - one.end
    if len(points) > FEW or c.is_low(one, UNDECIDED) or fell <= max(STOPPED * one.jitter, 0.0) or after > fell / 2:
        return None
    return _decayed(c, one, halved, {"fell": fell / c.scale, "after": after / c.scale})


def _decayed(c: Curves, one: Series, halved: int, numbers: dict[str, float]) -> Finding:
    place = sum(step < halved for step in one.steps) - 1  # of the last epoch before
    facts: list[Fact] = [Computed(f"the learning rate is at most half of its maximum from {c.unit} {halved} on")]
    facts += [Change(one.point(place - 1), one.point(place))] if place else []
    facts += [Change(one.point(place), one.end_point)]
    severity = Severity.WARNING if 2 * (halved - 1) <= c.last else Severity.HINT  # most epochs are before the decay
    return Finding(Label.DECAYED_TOO_EARLY, severity, tuple(facts), numbers, (halved, c.last))


def _until(c: Curves, one: Series, halved: int) -> list[float]:
    """The initial loss, and those of the epochs before `halved`."""
    return [c.start, *(value for step, value in zip(one.steps, one.values, strict=True) if step < halved)]


def _mean_fall(points: Sequence[float]) -> float:
    """The fall per epoch at the end: between medians of three points, or on average if there are few points."""
    if len(points) < 6:
        return (points[0] - points[-1]) / (len(points) - 1)
    return (median(points[-6:-3]) - median(points[-3:])) / 3


def _froze(c: Curves, one: Series) -> Finding | None:
    """The curve falls fast in the first third, then suddenly stops falling. A converging curve slows down gradually."""
    count = len(one)
    if count < 2 * LONG_ENOUGH or c.is_low(one, FROZEN_HIGH):
        return None
    falls = [(a - b) / c.scale for a, b in pairwise((c.start, *one.values))]
    for place in range(1, count // 3):
        before, after = falls[place], one.values[place] - one.end
        late = fmean(abs(fall) for fall in falls[count // 2 :])
        stops = max(falls[place + 1 : place + 3]) < before / 3
        sudden = before > falls[place - 1] / 2
        if before >= FROZEN_FALL and sudden and stops and after / c.scale < before and late < before / 200:
            facts = (Change(one.point(place - 1), one.point(place)), Change(one.point(place), one.end_point))
            numbers = {"pace": before, "after": after / c.scale}
            return Finding(Label.DECAYED_TOO_EARLY, Severity.WARNING, facts, numbers, (one.steps[place], c.last))
    return None


def _bends(c: Curves, one: Series) -> Finding | None:
    """The curve falls steadily, and from one epoch to the next far more slowly."""
    count = len(one)
    if count < 2 * LONG_ENOUGH or c.is_low(one, FROZEN_HIGH):
        return None
    falls = [(a - b) / c.scale for a, b in pairwise(one.values)]
    for place in range(STEADY, count // 2):
        before, after = falls[place - STEADY : place], falls[place + 1 :]
        pace = median(before)
        first, second = sum(before[: STEADY // 2]), sum(before[STEADY // 2 :])
        if pace < FAST or min(before) <= 0 or second < SLOWER * first:
            continue
        if max(abs(fmean(after[:STEADY])), abs(fmean(after))) < pace / STOPPED:
            facts = (Change(one.point(place - STEADY), one.point(place)), Change(one.point(place), one.end_point))
            numbers = {"pace": pace, "after": fmean(after)}
            return Finding(Label.DECAYED_TOO_EARLY, Severity.WARNING, facts, numbers, (one.steps[place], c.last))
    return None
