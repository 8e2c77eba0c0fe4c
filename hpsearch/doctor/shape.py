"""Quantities of curves that several signs use. Differences of losses are in units of `Curves.scale`."""

import math
from itertools import pairwise
from statistics import fmean, median

from hpsearch.doctor.curves import Curves
from hpsearch.doctor.series import Series

GOOD_FRACTION = 0.75
"""An accuracy above this shows that much was learnt: healthy trainings are above 0.8, underfitted ones below 0.73."""

HIGH_FRACTION = 0.9
"""If the accuracy is above this, the initial loss was already low, so a small fall does not mean underfitting."""

LITTLE = 0.25
"""A training learnt little if its loss fell by less than this; in healthy trainings it falls by 0.34 or more."""

FLAT = 0.02
"""A loss is constant if it fell by less than this fraction of its initial value."""

SUDDEN = 0.1
"""A sudden fall is at least this fraction of the initial loss, below all earlier values."""

LONG_ENOUGH = 6
"""The fewest epochs of a constant loss that count as a plateau."""

LOW_UPDATE_RATIO = 2.5e-4
"""An update ratio below this is low; about 1e-3 is usual. With a learning rate that is too low it is below 1.5e-4, in
other trainings above 5e-4."""

SMALL_UPDATE_RATIO, DESCENDING = 1.6e-3, 0.18
"""If the update ratio is below SMALL_UPDATE_RATIO and `MeasuredSteps.descent` is above DESCENDING, larger steps would
have lowered the loss further."""

VERY_SMALL_RATIO, STRAIGHT_DOWN, LOW_LOSS = 5e-4, 0.3, 0.1
"""With an update ratio below VERY_SMALL_RATIO and a descent above STRAIGHT_DOWN, a loss above LOW_LOSS of its initial
value is high enough to fall further: SGD at 1/100 of the best rate reaches 0.25 of it in 60 epochs."""

SLOW, VERY_SLOW = 0.02, 0.003
"""Falls of a loss per epoch, as fractions of its initial value: SLOW in the last third of the epochs; VERY_SLOW over
all epochs, if the steps are of normal size."""

HARDLY_MOVED, TINY_UPDATE_RATIO = 0.01, 2.5e-5
"""If every measured step is below TINY_UPDATE_RATIO, and all steps together cannot change the weights by more than
HARDLY_MOVED of their norm (ten usual steps), the training cannot have learned, whatever its curve is."""

STRAIGHT = 0.7
"""The limit of `straightness`. Good trainings that still improve are below 0.4, those with 1/30 of the rate above
0.75."""

AT_ONCE = 0.5
"""The fraction of the total fall in the first epochs above which it is not a straight line, which falls by a fifth in
the first sixth of the epochs."""

SIGNIFICANT = 3.0
"""A fall is significant from this many standard errors on, estimated from the noise of the curve."""

VANISHING_RATIO = 1e-5
"""The limit of the smallest gradient norm of a layer divided by the largest: healthy trainings are above 0.05, a
network with twelve sigmoid layers is below 1e-8."""

GAP_OF_GAIN, FALLS_WITH, SMALL_GAP = 0.5, 0.2, 0.05
"""The training loss falls without the validation loss if that falls by less than FALLS_WITH of it. GAP_OF_GAIN: the gap
that is overfitting then, as a fraction of the validation loss's whole fall; SMALL_GAP: its least size, as a fraction of
the initial loss."""

HIGH_LOSS = 0.3
"""A loss above this fraction of its initial value can still fall."""


HIGH_UPDATE_RATIO = 0.06
"""The limit of the update ratio: healthy trainings are below 0.04, those with 300 times the learning rate above 0.07
while their weights change. Small networks can converge with such steps, so the losses must also be unstable."""

GREW = 12.0
"""The limit of the growth of the weight norm, as a factor: good trainings have at most 6.6, those with 300 times the
rate at least 20."""

FULL_RATE = 4
"""The fewest epochs with at least half of the highest learning rate that say whether it is too high: the first steps
of Adam are large at every rate."""

SOME_GAP = 0.2
"""The limit of `gap`, as a fraction of the possible gain; healthy trainings on 182 examples reach 0.26."""


def fallen(c: Curves) -> float:
    """How far the final loss is below its initial value, on the better one of the two splits."""
    return max(((c.start - one.end) / c.scale for one in c.losses), default=0.0)


def learns_little(c: Curves) -> bool:
    return fallen(c) < LITTLE


def metric_improves(c: Curves) -> bool:
    """Whether the study's metric improves by more than its noise and by LITTLE of its initial value."""
    one = c.metric
    if one is None:
        return False
    gained = one.third(0) - one.third(2)
    return gained > LITTLE * abs(one.first) and gained > SIGNIFICANT * one.jitter


def metric_was_better(c: Curves) -> bool:
    """Whether the study's metric was ever better than its first value by LITTLE of it."""
    return c.metric is not None and c.metric.first - c.metric.lowest[1] > LITTLE * abs(c.metric.first)


def lowest_loss(c: Curves) -> Series:
    """The loss in `losses` that fell furthest. There must be at least one."""
    return min(c.losses, key=lambda one: one.end)


def validated(c: Curves) -> Series | None:
    """The validation loss, which does not depend on dropout and the order of batches; otherwise the training loss."""
    return c.losses[-1] if c.losses else None


def sudden_fall(c: Curves) -> int:
    """The number of last epochs in which both losses are far below all earlier values, after a plateau; otherwise 0.

    The median of the last epochs does not show such a fall.
    """
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
    """The fall from the second third of the epochs to the last, divided by the fall from the first third to the second.

    1: a straight line. 0: flat at the end, or it never fell. Negative: it rises at the end.
    """
    before, after = one.third(0) - one.third(1), one.third(1) - one.third(2)
    return after / before if before > 0 else 0.0


def falls_slowly(c: Curves) -> bool:
    """Whether a high loss still falls nearly in a straight line, with very small steps or very slowly per epoch.

    A straight line does not approach a level, so the number of epochs that would be enough is unknown. The fall alone
    is one sign: where the steps are measured, they must be small, or the loss must still fall in their direction.
    """
    one = validated(c)
    high = LOW_LOSS if _steps_are_very_small(c) else HIGH_LOSS
    if one is None or c.is_low(one, high) or late_fall(c, one) <= 0:
        return False
    if (c.growth or 0.0) >= GREW:  # small steps, as shares of weights that large steps made large
        return False
    if c.update_size is not None and c.update_size < LOW_UPDATE_RATIO and straightness(one) > 0.25:
        return True
    if steps_are_small(c):
        return True
    if len(one) < LONG_ENOUGH or straightness(one) <= STRAIGHT or one.late_fall_significance() <= SIGNIFICANT:
        return False
    if one.first - one.third(0) > AT_ONCE * (one.first - one.third(2)):
        return False  # most was learnt in the first epochs
    if c.update_size is not None:  # the steps are not small
        return c.measured.descends and fallen(c) / c.last < VERY_SLOW
    return 3 * late_fall(c, one) / len(one) < SLOW


def is_at_full_rate(c: Curves) -> bool:
    """Whether the highest learning rate was kept for enough epochs, so that the steps and losses are those of it."""
    rate = c.rate
    return rate is None or sum(one >= max(rate.values) / 2 for one in rate.values) >= min(FULL_RATE, len(rate))


def steps_are_small(c: Curves) -> bool:
    """Whether the measured steps are small and in the right direction."""
    descent = c.measured.descent
    if c.fraction is not None and c.fraction > HIGH_FRACTION:
        return False
    return descent is not None and descent > DESCENDING and (c.update_size or math.inf) < SMALL_UPDATE_RATIO


def weights_hardly_moved(c: Curves) -> float | None:
    """The most that all steps together can have changed the weights, as a fraction of their norm, if that is so little
    that the rate is too low. None if it is more or not known, and where another cause makes the steps small."""
    counts = c.measured.found.get("steps")
    if c.update is None or counts is None or not learns_little(c) or not is_at_full_rate(c) or silent_layers(c):
        return None
    if c.fraction is not None and c.fraction > HIGH_FRACTION:
        return None
    largest = max(c.update.values)
    moved = largest * sum(counts.values)
    return moved if 0 < largest < TINY_UPDATE_RATIO and moved < HARDLY_MOVED else None


def _steps_are_very_small(c: Curves) -> bool:
    return steps_are_small(c) and (c.measured.descent or 0) > STRAIGHT_DOWN and (c.update_size or 0) < VERY_SMALL_RATIO


def after_twice_the_epochs(one: Series) -> tuple[float, float] | None:
    """The expected range (low, high) of a falling curve after twice the epochs, from its noise; None if it is unknown.

    It is assumed that each third of the epochs falls by a constant fraction (at most 1) of the previous third's fall.
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
    """The mean rise per epoch. Falls count as 0, and the largest rise is left out."""
    rises = sorted(max(0.0, b - a) for a, b in pairwise(one.values))[:-1]
    return fmean(rises) / c.scale if rises else 0.0


def gap(c: Curves) -> float | None:
    """How far the final validation loss is above the final training loss, as a fraction of the possible gain."""
    if c.train is None or c.validation is None:
        return None
    return (c.validation.end - c.train.end) / max(c.scale, c.level)


def train_falls_alone(c: Curves) -> bool:
    """Whether the training loss still falls, the validation loss does not, and the gap is half of what it gained.

    The gap is compared with the gain because many losses, such as a perplexity's, have a floor far above 0.
    """
    if c.train is None or c.validation is None or len(c.validation) < 2 * LONG_ENOUGH:
        return False
    gained, apart = c.validation.first - c.validation.end, c.validation.end - c.train.end
    late, train_late = (one.third(1) - one.third(2) for one in (c.validation, c.train))
    alone = c.train.late_fall_significance() > SIGNIFICANT and late < FALLS_WITH * train_late
    return alone and apart > max(SMALL_GAP * c.scale, GAP_OF_GAIN * gained) > 0


def silent_layers(c: Curves) -> list[str]:
    """Layers whose gradient is exactly 0 in nearly all epochs."""
    return [name for name, one in c.layers.items() if sum(norm == 0 for norm in one.values) >= 0.9 * len(one)]


def layer_ratio(c: Curves) -> float | None:
    """The smallest gradient norm of a layer divided by the largest, in the median epoch; None with fewer than two
    layers."""
    layers = list(c.layers.values())
    if len(layers) < 2:
        return None
    norms = ([one.at(step) for one in layers] for step in layers[0].steps)
    ratios = [min(epoch) / max(epoch) for epoch in norms if max(epoch) > 0]
    return median(ratios) if ratios else None
