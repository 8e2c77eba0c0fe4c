"""Signs that the training works but its result could be better. Each function returns a finding, or None.

The limits are measured as in `training_signs`, in units of the initial loss (`Curves.scale`).
"""

from itertools import groupby, pairwise
from statistics import fmean

from hpsearch.doctor.curves import Curves
from hpsearch.doctor.evidence import Change, Computed, Extreme, Fact, Value
from hpsearch.doctor.findings import Finding, Label, Severity
from hpsearch.doctor.series import Series
from hpsearch.doctor.shape import (
    FLAT,
    GOOD_FRACTION,
    HIGH_FRACTION,
    LITTLE,
    LONG_ENOUGH,
    SOME_GAP,
    after_twice_the_epochs,
    fallen,
    gap,
    learns_little,
    metric_was_better,
    sudden_fall,
    train_falls_alone,
    validated,
)

FEW_EXAMPLES = 20
"""With this many validation examples, one of them is 5% of the accuracy."""

WIDE_GAP = 0.33
"""A gap above this fraction of the possible gain is overfitting. A gap above `SOME_GAP` is one only with another
sign."""

ROSE_AGAIN = 0.06
"""How far the final validation loss is above its best; healthy trainings with early stopping reach 0.034."""

ALONE = 0.1
"""Without a validation loss or an accuracy: the training loss fell below this fraction of its value at the epoch of the
best metric."""

SAME_FRACTION = 0.04
"""If the accuracies of the two splits differ by less, a gap between the losses is not overfitting (an easy task)."""

LOST = 0.25
"""If the metric lost less than this fraction of its gain, the overfitting is slight and often best in practice."""

NOISY_LEVEL = 0.02
"""A training loss that varies by more than this fraction of its level per epoch may fall further at a lower rate."""

NOT_YET = 0.05
"""A loss is still at its initial value if it fell by less than this fraction of its total fall."""

LATE_START = 0.2
"""If the loss is flat for this fraction of the epochs at first, the initial weights are bad."""

LITTLE_MORE = 0.1
"""A high loss that twice the epochs would lower by less than this fraction stays high."""

RISING = 0.02
"""An accuracy is constant if it rises by less than this from the second third of the epochs to the last."""

QUICKLY = 0.1
"""A low accuracy that rises by less than this fraction of its distance to 1 stays low: the model underfits."""


def noisy_validation(c: Curves) -> Finding | None:
    """An accuracy has only few different values, so it is computed on few examples."""
    if learns_little(c):
        return None
    for name, one in c.held_fractions.items():
        values = {value for value in one.values if 0 < value < 1}
        size = _examples(values)
        if size is None:
            continue
        if (size / 80) ** len(values) < 0.05 or _is_constant(c, one) or _jumps(one):
            facts = (Computed(f"{name} changes in steps of 1/{size}, as with {size} validation examples"),)
            return Finding(Label.NOISY_VALIDATION, Severity.WARNING, facts, {"examples": size}, (1, c.last))
    return None


def _examples(values: set[float]) -> int | None:
    """The smallest n for which all values are multiples of 1/n; None if n would be more than FEW_EXAMPLES.

    A multiple of 1/80 is also a multiple of 1/n with a probability of about n / 80.
    """
    sizes = (n for n in range(2, FEW_EXAMPLES + 1) if all(abs(v * n - round(v * n)) < 1e-4 for v in values))
    return next(sizes, None) if values else None


def _is_constant(c: Curves, one: Series) -> bool:
    """Whether it is exactly constant for five or more epochs, while the validation loss nearly doubles or halves."""
    if c.validation is None:
        return False
    for value, run in groupby(zip(one.steps, one.values, strict=True), key=lambda point: point[1]):
        steps = [step for step, _ in run]
        losses = [c.validation.smooth.at(step) for step in (steps[0], steps[-1])]
        if 0 < value < 1 and len(steps) >= 5 and max(losses) > 1.8 * min(losses) > 0:
            return True
    return False


def _jumps(one: Series) -> bool:
    """Whether it changes by 0.02 or more per epoch on average in the second half of the epochs."""
    late = one.values[len(one) // 2 :]
    return len(late) > 4 and fmean(abs(b - a) for a, b in pairwise(late)) >= 0.02


def overfitting(c: Curves) -> Finding | None:
    """A wide gap between the splits, or a gap that is most of the validation loss, or grows while that loss rises."""
    if c.train is None or c.judged is None:
        return None
    step, best = c.judged.lowest
    rise = (c.judged.end - best) / c.judged_scale
    apart = gap(c)
    if not _overfits(c, apart, rise, step):
        return None
    facts: list[Fact] = [c.train.change, Extreme(c.judged.lowest_point, "best"), Value(c.judged.end_point)]
    if _fractions_apart(c):
        facts += [Value(one.end_point) for one in (c.train_fraction, c.held_fraction) if one is not None]
    numbers = {"turned": rise} | ({"gap": apart} if apart is not None else {})
    is_wide = apart is None or apart >= SOME_GAP or rise >= ROSE_AGAIN
    severity = Severity.WARNING if is_wide and _harms(c) else Severity.HINT
    return Finding(Label.OVERFITTING, severity, tuple(facts), numbers, (step, c.last))


def _harms(c: Curves) -> bool:
    """Whether the study's metric gets worse, beyond its noise."""
    if c.metric is None or c.metric.name == (c.validation.name if c.validation is not None else None):
        return True
    smooth = c.metric.smooth.values
    lost = c.metric.end - min(smooth)
    return lost > max(3 * c.metric.jitter, LOST * (c.metric.first - min(smooth)), _step(c.metric))


def _step(one: Series) -> float:
    """Twice the smallest difference between two values, which is large for a small validation split."""
    steps = [abs(b - a) for a, b in pairwise(sorted(set(one.values))) if abs(b - a) > 1e-9]
    return 2 * min(steps, default=0.0)


def _overfits(c: Curves, apart: float | None, rise: float, best: int) -> bool:
    """rise: how far the validation curve ends above its best value, which is at epoch `best`."""
    assert c.train is not None
    if _memorises(c):
        return True
    if apart is None:
        lost = c.judged.end - c.judged.lowest[1] if c.judged is not None else 0.0
        real = c.judged is not None and lost > max(3 * c.judged.jitter, _step(c.judged))
        before = c.train.at(best) if metric_was_better(c) else c.train.first
        falls_alone = c.train.end < ALONE * before and c.fraction is None
        return (real and rise >= 0.15 and (c.train.at(best) - c.train.end) / c.scale > FLAT) or falls_alone
    difference = c.fraction_gap
    if difference is not None and difference < SAME_FRACTION and rise < ROSE_AGAIN:
        return False
    if _fractions_apart(c) or _is_mostly_gap(c):
        return True
    if train_falls_alone(c) and _is_poor(c):
        return True
    return apart >= WIDE_GAP or (apart >= SOME_GAP and rise >= ROSE_AGAIN)


def _fractions_apart(c: Curves) -> bool:
    """Whether the accuracy is high on the training split and far lower on the validation split."""
    return (c.fraction_gap or 0.0) > SOME_GAP and (c.fraction or 0.0) > GOOD_FRACTION


def _is_mostly_gap(c: Curves) -> bool:
    """Whether the validation loss is not low, and half of it or more is due to the gap."""
    if c.train is None or c.validation is None or c.validation.end <= SOME_GAP * max(c.scale, c.level):
        return False
    return c.validation.end - c.train.end > c.validation.end / 2


def _memorises(c: Curves) -> bool:
    """Without a validation loss: the training loss is near 0, and the accuracy stays low and no longer rises."""
    one = c.held_fraction
    if one is None or c.validation is not None or c.train is None or len(one) < 2 * LONG_ENOUGH:
        return False
    fraction, rise = c.fraction, one.third(2) - one.third(1)
    is_low = fraction is not None and fraction <= GOOD_FRACTION and c.train_fraction is None
    return is_low and c.train.end < 0.2 * c.scale and rise < 0.1 * (1 - one.end)


def slow_start(c: Curves) -> Finding | None:
    """The loss stays at its initial value at first, then falls far: the initial weights are bad."""
    one = validated(c)
    if one is None or len(one) < 2 * LONG_ENOUGH or learns_little(c):
        return None
    fall = one.first - one.end
    flat = next((at for at, value in enumerate(one.values) if one.first - value > NOT_YET * fall), len(one))
    if fall < LITTLE * abs(one.first) or not max(3, LATE_START * len(one)) <= flat <= len(one) / 2:
        return None
    if max(one.values[:flat]) - one.first > NOT_YET * fall:
        return None
    facts = (Change(one.first_point, one.point(flat - 1)), Change(one.point(flat - 1), one.end_point))
    return Finding(Label.SLOW_START, Severity.HINT, facts, {"flat": flat}, (1, one.steps[flat - 1]))


def accuracy_rises(c: Curves) -> Finding | None:
    """The losses hardly change, but the accuracy still rises beyond its noise: train longer."""
    one = c.held_fraction
    if one is None or len(one) < 2 * LONG_ENOUGH or one.end > HIGH_FRACTION:
        return None
    if any(abs(loss.third(1) - loss.third(2)) > FLAT * c.scale for loss in c.losses):
        return None
    rise = one.third(2) - one.third(1)
    noise = max(3 * one.jitter / (len(one) / 3) ** 0.5, _step(one))
    if rise < max(RISING, noise) or rise < 0.1 * (one.third(2) - one.first):
        return None
    if rise < QUICKLY * (1 - one.end) and underfitting(c) is not None:
        return None
    facts = (Change(one.third_point(1), one.third_point(2)),)
    at = one.steps[round(len(one) * 2 / 3)]
    return Finding(Label.STILL_IMPROVING, Severity.HINT, facts, {"rise": rise}, (at, c.last))


def still_improving(c: Curves) -> Finding | None:
    """The last third of the epochs gained a large part of the total improvement, or of the remaining loss."""
    one = c.judged
    if (sudden := _falls_suddenly(c)) is not None:
        return sudden
    if one is None or c.metric is None or (won := (c.judged_start - one.third(2)) / c.judged_scale) < 0.03:
        return None
    late, left = (one.third(1) - one.third(2)) / c.judged_scale, one.third(2)
    relative = one.third(1) / left - 1 if left > 0 else 0.0
    stale = c.metric.lowest[0] <= c.metric.steps[len(c.metric) // 2]
    if stale or late < 0.02 * won or (late < 0.12 * won and relative < 0.15):
        return None
    facts: list[Fact] = [Change(one.third_point(1), one.third_point(2))]
    numbers = {"late": late, "won": won}
    expected = after_twice_the_epochs(one)
    little = expected is not None and left - expected[0] < LITTLE_MORE * left and not c.measured.descends
    if little and underfitting(c) is not None:
        return None
    if not one.reported and expected is not None:
        numbers |= {"expected_low": expected[0], "expected_high": expected[1]}
        low, high = (f"{value:.3g}" for value in expected)
        ends = low if low == high else f"{low} to {high}"
        facts.append(Computed(f"if the trend continues, {2 * c.last} {c.unit}s reach {ends}"))
    at = one.steps[round(len(one) * 2 / 3)]
    return Finding(Label.STILL_IMPROVING, Severity.HINT, tuple(facts), numbers, (at, c.last))


def _falls_suddenly(c: Curves) -> Finding | None:
    one, count = validated(c), sudden_fall(c)
    if one is None or not count:
        return None
    before = one.point(len(one) - count - 1)
    facts = (Change(one.first_point, before), Change(before, one.point(len(one) - 1)))
    fell = (one.values[-count - 1] - one.values[-1]) / c.scale
    return Finding(Label.STILL_IMPROVING, Severity.HINT, facts, {"late": fell}, (one.steps[-count], c.last))


def underfitting(c: Curves) -> Finding | None:
    """There is no gap, and both losses stay high. If an accuracy is reported, it decides."""
    apart = gap(c)
    if c.train is None or (apart is not None and apart > SOME_GAP) or (apart is None and c.held_fraction is None):
        return None
    if train_falls_alone(c):
        return None
    left = c.train.end / c.scale
    if not _is_poor(c) or (c.epochs < LONG_ENOUGH and fallen(c) <= FLAT):
        return None
    facts = tuple(one.change for one in (c.train, c.judged) if one is not None)
    numbers = {"left": left} | ({"gap": apart} if apart is not None else {})
    numbers |= {"share": c.fraction} if c.fraction is not None else {}
    # Without a low accuracy it is not known how low the loss can be.
    severity = Severity.WARNING if c.fraction is not None and c.fraction <= GOOD_FRACTION else Severity.HINT
    return Finding(Label.UNDERFITTING, severity, facts, numbers, (1, c.last))


def _is_poor(c: Curves) -> bool:
    """Whether the training loss stays high, and the accuracy is low if there is one."""
    left = c.train.end / c.scale if c.train is not None else 0.0
    if c.fraction is None:
        return left >= 0.6
    return (left >= 0.35 and c.fraction <= GOOD_FRACTION) or (left >= 0.75 and c.fraction <= HIGH_FRACTION)


def plateau_at_end(c: Curves) -> Finding | None:
    """In the second half, the loss varies around one level by more than it falls, and the rate was never decayed."""
    one = c.train
    rate = c.rate
    if one is None or c.judged is None or len(one) < 2 * LONG_ENOUGH or c.is_low(one, 0.1):
        return None
    if rate is not None and min(rate.values[len(rate) // 2 :]) < max(rate.values) / 2:
        return None
    noise = one.jitter / max(abs(one.end), 1e-12)
    flat = abs(one.late_fall_significance()) < 2 and abs(c.judged.late_fall_significance()) < 2
    if not flat or noise < NOISY_LEVEL or learns_little(c):
        return None
    facts = (Change(one.third_point(1), one.third_point(2)),)
    return Finding(Label.PLATEAU_AT_END, Severity.HINT, facts, {"noise": noise}, (one.steps[len(one) // 2], c.last))
