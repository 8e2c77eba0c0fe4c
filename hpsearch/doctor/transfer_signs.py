"""Signs that the validation split does not improve with the training split, because labels do not match their inputs.

The limits are as in `validation_signs`.
"""

from itertools import accumulate

from hpsearch.doctor.curves import Curves
from hpsearch.doctor.evidence import Change, Extreme, Value
from hpsearch.doctor.findings import Finding, Label, Severity
from hpsearch.doctor.series import Series
from hpsearch.doctor.shape import (
    HIGH_FRACTION,
    LONG_ENOUGH,
    SIGNIFICANT,
    SOME_GAP,
    fallen,
    gap,
    learns_little,
    lowest_loss,
)

TRANSFERS = 0.2
"""A validation loss that never fell by more did not follow the training loss; in healthy trainings it falls by 0.3
(in units of the initial loss)."""

HELD = 0.05
"""A validation loss did not follow either if it fell by less than this below its first value (in units of the initial
loss)."""


AT_ONCE, MEMORISED, PARTLY = 150, 0.2, 2 / 3
"""Few examples are memorised in at most AT_ONCE steps: the training loss falls to MEMORISED of its value, or to PARTLY
of its initial value if each epoch is a single step."""

FALLS_ON, RISES_BACK = 0.02, 0.02
"""FALLS_ON: the least fall of the training loss after the second epoch. RISES_BACK: the validation loss must end above
its first value minus this. Both are fractions of the value at that epoch."""

WORSE, FAR_WORSE = 0.04, 0.1
"""The limits of the fall of an accuracy from the first third of the epochs to the last: WORSE where little else is
learnt."""

AT_CHANCE, NO_MORE = 0.5, 0.1
"""An accuracy that was never above AT_CHANCE, and ends at most NO_MORE above its first value, can be that of random
guessing."""


def metric_stuck(c: Curves) -> Finding | None:
    """The training loss falls, but the validation loss or metric never becomes much better than its initial value."""
    if _few_examples(c):
        return None
    found = _loss_stuck(c) or _fraction_stuck(c) or _held_stuck(c) or _never_better(c) or _gets_worse(c)
    return found or _stays_at_chance(c)


def _few_examples(c: Curves) -> bool:
    """Whether the training data is memorised within few steps; many examples with wrong labels need far more steps.

    Memorised is what the training loss falls after the best validation loss: before, an offset may be learnt. If each
    epoch is one step on all of the data, a third of the loss is enough.
    """
    counts = c.measured.found.get("steps")
    if c.train is None or c.judged is None or counts is None:
        return False
    made = accumulate(counts.values)
    early = next((step for step, total in zip(counts.steps, made, strict=True) if total > AT_ONCE), c.last + 1)
    known = (value for step, value in zip(c.train.steps, c.train.values, strict=True) if step < early)
    least, before = min(known, default=c.scale), min(c.scale, c.train.at(c.judged.lowest[0]))
    return least < MEMORISED * before or (max(counts.values) <= 1 and least < PARTLY * c.scale)


def _never_better(c: Curves) -> Finding | None:
    """After the first epoch the training loss still falls, but the validation loss rises and is never lower."""
    one = c.judged
    if c.train is None or one is None or len(c.train) < LONG_ENOUGH or len(one) != len(c.train):
        return None
    if _fraction_improves(c) or (c.held_fraction is not None and c.held_fraction.end > HIGH_FRACTION):
        return None
    fell = (c.train.values[1] - c.train.end) / abs(c.train.values[1] or 1.0)
    better = (one.first - one.lowest[1]) / c.judged_scale
    falls = fell > FALLS_ON and c.train.late_fall_significance() > SIGNIFICANT
    rises = one.end >= one.first - RISES_BACK * c.judged_scale and one.third(2) > one.lowest[1]
    if not falls or better > HELD or not rises:
        return None
    facts = (c.train.change, Extreme(one.lowest_point, "best"), Value(one.end_point))
    return Finding(Label.METRIC_STUCK, Severity.SEVERE, facts, {"train_fallen": fell, "better": better}, (1, c.last))


def _gets_worse(c: Curves) -> Finding | None:
    """The accuracy falls from the first epoch on, by far more than its noise, and little else is learnt."""
    one = c.held_fraction
    if one is None or len(one) < LONG_ENOUGH:
        return None
    worse = one.third(0) - one.third(2)
    if _fraction_improves(c):
        return None
    if worse >= FAR_WORSE and worse >= 5 * one.jitter and max(one.third(1), one.third(2)) <= one.third(0):
        facts = (Change(one.third_point(0), one.third_point(2)), lowest_loss(c).change)
        return Finding(Label.METRIC_STUCK, Severity.SEVERE, facts, {"worse": worse}, (1, c.last))
    if not learns_little(c):
        return None
    if worse < WORSE or worse < 3 * one.jitter or max(one.third(1), one.third(2)) > one.third(0):
        return None
    held = c.validation
    if held is not None and (held.first - held.end) / c.scale > HELD and held.late_fall_significance() > SIGNIFICANT:
        return None
    facts = (Change(one.third_point(0), one.third_point(2)), lowest_loss(c).change)
    return Finding(Label.METRIC_STUCK, Severity.SEVERE, facts, {"worse": worse}, (1, c.last))


def _stays_at_chance(c: Curves) -> Finding | None:
    """The training loss falls far beyond its noise, and a low accuracy stays where it is."""
    one = c.held_fraction
    if c.train is None or one is None or c.validation is not None or c.fraction is None or c.measured.descends:
        return None
    if len(one) < 2 * LONG_ENOUGH or max(one.smooth.values) > AT_CHANCE or c.train_fraction is not None:
        return None
    if one.third(2) - one.first > NO_MORE:
        return None
    fell, rise = (c.train.first - c.train.end) / c.scale, one.third(2) - one.third(0)
    if fell < 0.1 or c.train.late_fall_significance() <= SIGNIFICANT or rise > max(0.02, one.jitter):
        return None
    facts = (c.train.change, Change(one.third_point(0), one.third_point(2)))
    return Finding(Label.METRIC_STUCK, Severity.SEVERE, facts, {"train_fallen": fell, "rise": rise}, (1, c.last))


def _loss_stuck(c: Curves) -> Finding | None:
    if c.train is None or c.validation is None:
        return None
    fell, (_, best) = (c.start - c.train.end) / c.scale, c.validation.lowest
    if fell < 0.1 or (gap(c) or 0.0) < 0.15 or (c.start - best) / c.scale > TRANSFERS or _fraction_improves(c):
        return None
    facts = (c.train.change, Extreme(c.validation.lowest_point, "best"))
    numbers = {"train_fallen": fell, "val_fallen": (c.start - best) / c.scale}
    return Finding(Label.METRIC_STUCK, Severity.SEVERE, facts, numbers, (1, c.last))


def _held_stuck(c: Curves) -> Finding | None:
    """The training loss falls, but the validation loss and the accuracy are never better than after one epoch."""
    if c.train is None or c.held_fraction is None or len(c.train) < LONG_ENOUGH or _fraction_improves(c):
        return None
    if c.measured.descends or _still_rises(c.held_fraction):
        return None
    fell = (c.train.first - c.train.end) / c.scale
    held = c.validation
    falls = held is not None and (held.first - held.lowest[1]) / c.scale > HELD
    if fell < 0.3 or falls or c.held_fraction.end > HIGH_FRACTION or c.train.late_fall_significance() < 0:
        return None
    facts = (c.train.change, Extreme(c.held_fraction.highest_point, "highest"))
    numbers = {"train_fallen": fell, "best": max(c.held_fraction.values)}
    return Finding(Label.METRIC_STUCK, Severity.SEVERE, facts, numbers, (1, c.last))


def _still_rises(one: Series) -> bool:
    """Whether the accuracy rises beyond its noise, to more than its first values."""
    return one.late_fall_significance() < -SIGNIFICANT and one.third(2) > max(one.first, one.third(0))


def _fraction_improves(c: Curves) -> bool:
    """Whether the accuracy covers a large part of the distance from its first value to 1. Then the training helps the
    validation split, although its loss does not show it."""
    one = c.held_fraction
    return one is not None and max(one.smooth.values) - one.first > TRANSFERS * (1 - one.first)


def _fraction_stuck(c: Curves) -> Finding | None:
    """Both losses fall but the accuracy does not rise: it is probably computed on other data than the loss."""
    if c.train is None or c.validation is None or fallen(c) < 0.4 or (gap(c) or 0.0) > SOME_GAP:
        return None
    for one in c.held_fractions.values():
        best = max(one.smooth.values)
        if best < 0.7 and best - one.first < 0.02:
            facts = (lowest_loss(c).change, Extreme(one.highest_point, "highest"))
            numbers = {"val_fallen": fallen(c), "best": best}
            return Finding(Label.METRIC_STUCK, Severity.SEVERE, facts, numbers, (1, c.last))
    return None
