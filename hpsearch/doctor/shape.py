"""What several signs read off the curves. Differences of losses are in units of `Curves.scale`."""

from itertools import pairwise
from statistics import fmean, median

from hpsearch.doctor.curves import Curves, Series

GOOD_SHARE = 0.75
"""So much right is no accident: sound trainings are above 0.8, those that underfit below 0.73."""

LITTLE = 0.25
"""A loss that fell by less of its start has learnt little: in sound trainings it falls by 0.34 or more."""

FLAT = 0.02
"""Of its start: a loss that fell by less has not moved."""

LONG_ENOUGH = 6
"""Epochs without any fall: fewer are no standstill yet."""

SHORT_STRIDE = 2.5e-4
"""Update ratio; about 1e-3 is usual. In trainings that are too slow it is below 1.5e-4, in others above 5e-4."""

SLOW = 0.003
"""Of its start in an epoch: at that pace it takes hundreds of epochs."""

FAR_FROM_DONE = 0.3
"""Of its start: a loss above it has somewhere to fall to."""


def fallen(c: Curves) -> float:
    """How far the loss is below its start in the end, on the better of the splits."""
    return max(((c.start - one.end) / c.scale for one in c.losses), default=0.0)


def learns_little(c: Curves) -> bool:
    return fallen(c) < LITTLE


def steady(c: Curves) -> Series | None:
    """The curve that shows best how training goes on: a validation loss knows neither dropout nor batches."""
    return c.losses[-1] if c.losses else None


def late_fall(c: Curves, one: Series) -> float:
    """From the second third of the epochs to the last."""
    return (one.third(1) - one.third(2)) / c.scale


def straightness(one: Series) -> float:
    """How far it fell from the second third to the last, over how far from the first to the second.

    1: a straight line. 0: it has settled, or never fell. Negative: it turned.
    """
    before, after = one.third(0) - one.third(1), one.third(1) - one.third(2)
    return after / before if before > 0 else 0.0


def creeps(c: Curves) -> bool:
    """Still falling, nearly straight, far from done: by steps that are too short, or so slowly that it shows."""
    one = steady(c)
    if one is None or one.end < FAR_FROM_DONE * c.scale or late_fall(c, one) <= 0:
        return False
    if c.stride is not None and c.stride < SHORT_STRIDE and straightness(one) > 0.25:
        return True
    fall = one.third(1) - one.third(2)
    calm = one.jitter < fall / len(one)
    return len(one) >= 6 and straightness(one) > 0.7 and calm and fallen(c) / c.last < SLOW


def climbs(c: Curves, one: Series) -> float:
    """What it goes up by in the mean epoch, falls not counted, and the highest climb neither."""
    ups = sorted(max(0.0, b - a) for a, b in pairwise(one.values))[:-1]
    return fmean(ups) / c.scale if ups else 0.0


def gap(c: Curves) -> float | None:
    """How far the validation loss is above the training loss in the end."""
    if c.train is None or c.validation is None:
        return None
    return (c.validation.end - c.train.end) / c.scale


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
