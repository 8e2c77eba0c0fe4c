"""Quantities of curves that several signs use. Differences of losses are in units of `Curves.scale`."""

import math
from itertools import pairwise
from statistics import fmean, median

from hpsearch.doctor.curves import Curves
from hpsearch.doctor.series import Series

GOOD_FRACTION = 0.75
"""An accuracy above it shows that much was learnt: healthy trainings are above 0.8, those that underfit below 0.73."""

HIGH_FRACTION = 0.9
"""With such an accuracy the initial loss was low already, so that a small fall is no underfitting."""

LITTLE = 0.25
"""A training learnt little where its loss fell by less than this; in healthy trainings it falls by 0.34 or more."""

FLAT = 0.02
"""Of its initial value: a loss that fell by less is constant."""

SUDDEN = 0.1
"""Of the initial loss: a fall of the last epochs below everything before it."""

LONG_ENOUGH = 6
"""Epochs of a constant loss: fewer are no plateau."""

LOW_UPDATE_RATIO = 2.5e-4
"""Update ratio; about 1e-3 is usual. In trainings with a too low learning rate it is below 1.5e-4, in others above
5e-4."""

SMALL_UPDATE_RATIO, DESCENDING = 1.6e-3, 0.18
"""Smaller steps than the first, whose direction is still right at the step after them, by more than the second (see
`MeasuredSteps.descent`): larger steps would have lowered the loss further."""

SLOW, VERY_SLOW = 0.02, 0.003
"""Of its initial value, per epoch: in the last third; and over all epochs, where the steps are of a normal size."""

STRAIGHT = 0.7
"""See `straightness`. Sound trainings that still improve are below 0.4, those at 1/30 of their rate above 0.75."""

AT_ONCE = 0.5
"""Of its whole fall: a straight line falls by a fifth of it in the first sixth of the epochs."""

SIGNIFICANT = 3.0
"""Standard errors, by a curve's own noise."""

HIGH_LOSS = 0.3
"""Of its initial value: a loss above it can still fall."""


SOME_GAP = 0.2
"""Of what there is to gain; healthy trainings of 182 examples reach 0.26."""


def fallen(c: Curves) -> float:
    """How far the loss ends below its initial value, on the better of the two splits."""
    return max(((c.start - one.end) / c.scale for one in c.losses), default=0.0)


def learns_little(c: Curves) -> bool:
    return fallen(c) < LITTLE


def lowest_loss(c: Curves) -> Series:
    """The loss that fell furthest, of those in `losses`, of which there is at least one."""
    return min(c.losses, key=lambda one: one.end)


def validated(c: Curves) -> Series | None:
    """The validation loss, which dropout and the order of the batches do not change; else the training loss."""
    return c.losses[-1] if c.losses else None


def sudden_fall(c: Curves) -> int:
    """The number of last epochs in which both losses are far below all values before, after a plateau; 0 if they are
    not: the median of the last epochs does not show it."""
    one = validated(c)
    if one is None or len(c.losses) < 2 or len(one) < 2 * LONG_ENOUGH:
        return 0
    count = max(1, len(one) // 10)
    falls = all(min(each.values[:-count]) - max(each.values[-count:]) > SUDDEN * c.scale for each in c.losses)
    return count if falls and (one.first - min(one.values[:-count])) / c.scale < LITTLE else 0


def late_fall(c: Curves, one: Series) -> float:
    """How far the loss falls from the second third of the epochs to the last."""
    return (one.third(1) - one.third(2)) / c.scale


def straightness(one: Series) -> float:
    """Its fall from the second third to the last, over its fall from the first third to the second.

    1: a straight line. 0: it is flat at the end, or never fell. Negative: it rises at the end.
    """
    before, after = one.third(0) - one.third(1), one.third(1) - one.third(2)
    return after / before if before > 0 else 0.0


def falls_slowly(c: Curves) -> bool:
    """A high loss that still falls, nearly in a straight line: in very small steps, or by very little per epoch.

    A straight line has no level that it approaches, so no number of epochs can be given that would be enough.
    """
    one = validated(c)
    if one is None or one.end < HIGH_LOSS * c.scale or late_fall(c, one) <= 0:
        return False
    if c.update_size is not None and c.update_size < LOW_UPDATE_RATIO and straightness(one) > 0.25:
        return True
    if steps_are_small(c):
        return True
    if len(one) < LONG_ENOUGH or straightness(one) <= STRAIGHT or one.late_fall_significance() <= SIGNIFICANT:
        return False
    if one.first - one.third(0) > AT_ONCE * (one.first - one.third(2)):
        return False  # most was learnt in the first epochs, and this is a tail
    if c.update_size is not None:  # the steps are not small, so only a very slow fall shows it
        return fallen(c) / c.last < VERY_SLOW
    return 3 * late_fall(c, one) / len(one) < SLOW


def steps_are_small(c: Curves) -> bool:
    """By what was measured of the steps: small, and in the right direction."""
    descent = c.measured.descent
    if c.fraction is not None and c.fraction > HIGH_FRACTION:
        return False
    return descent is not None and descent > DESCENDING and (c.update_size or math.inf) < SMALL_UPDATE_RATIO


def after_twice_the_epochs(one: Series) -> tuple[float, float] | None:
    """Between which values a falling curve is after as many epochs again, by its own noise; None where it is unknown.

    Each third of the epochs falls by a constant share of the fall of the one before, at most as far as it did.
    """
    before, after = one.third(0) - one.third(1), one.third(1) - one.third(2)
    if len(one) < LONG_ENOUGH or before <= 0 or after <= 0:
        return None
    error = 2 * one.jitter * (6 / len(one)) ** 0.5
    ends = []
    for fall, first in ((max(after - error, 0.0), before + error), (after + error, max(before - error, after))):
        share = min(fall / first, 1.0)
        ends.append(one.third(2) - sum(fall * share**third for third in (1, 2, 3)))
    low, high = min(ends), max(ends)
    return (max(low, 0.0), high) if min(one.values) >= 0 else (low, high)


def mean_rise(c: Curves, one: Series) -> float:
    """Its mean rise per epoch; a fall counts as 0, and the largest rise is left out."""
    rises = sorted(max(0.0, b - a) for a, b in pairwise(one.values))[:-1]
    return fmean(rises) / c.scale if rises else 0.0


def gap(c: Curves) -> float | None:
    """How far the validation loss ends above the training loss, as a share of what there was to gain."""
    if c.train is None or c.validation is None:
        return None
    return (c.validation.end - c.train.end) / max(c.scale, c.level)


def silent_layers(c: Curves) -> list[str]:
    """Layers whose gradient is exactly 0 in nearly all epochs."""
    return [name for name, one in c.layers.items() if sum(norm == 0 for norm in one.values) >= 0.9 * len(one)]


def layer_ratio(c: Curves) -> float | None:
    """The smallest layer's gradient over the largest's in the typical epoch; None with fewer than two layers."""
    layers = list(c.layers.values())
    if len(layers) < 2:
        return None
    norms = ([one.at(step) for one in layers] for step in layers[0].steps)
    ratios = [min(epoch) / max(epoch) for epoch in norms if max(epoch) > 0]
    return median(ratios) if ratios else None
