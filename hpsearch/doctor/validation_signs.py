"""Signs that training works and the result could be better. Each looks at the curves and says what it sees, or None.

Limits as in `training_signs`: measured, between the sound and the faulty, in units of the loss to begin with.
"""

from collections.abc import Sequence
from itertools import groupby, pairwise
from statistics import fmean, median

from hpsearch.doctor.curves import Curves, Series
from hpsearch.doctor.findings import Finding, Label, Severity
from hpsearch.doctor.shape import FLAT, GOOD_SHARE, LONG_ENOUGH, fallen, gap, learns_little, steady

TRANSFERS = 0.2
"""A validation loss that never fell by more has not followed the training loss; else it falls by 0.3 or more."""

FEW_EXAMPLES = 20
"""One of so few is five points of accuracy."""

WIDE_GAP, SOME_GAP = 0.33, 0.2
"""The second is overfitting only with a second sign; sound trainings of 182 examples reach 0.26."""

FINE_SHARE = 0.9
"""So much right says that the loss is low from the beginning, not high to the end."""

TURNED = 0.06
"""How far the validation loss is above its best in the end; sound trainings with early stopping reach 0.034."""

ALIKE = 0.04
"""Shares that differ by less between the splits are alike: then losses of an easy task may differ as they like."""

FAST = 0.01
"""An epoch that lowers the loss by so much is not to be followed by a much lower learning rate."""


def metric_stuck(c: Curves) -> Finding | None:
    """The training loss falls, and what is validated never gets much better than it was to begin with."""
    return _loss_stuck(c) or _share_stuck(c)


def _loss_stuck(c: Curves) -> Finding | None:
    if c.train is None or c.validation is None:
        return None
    fell, (step, best) = (c.start - c.train.end) / c.scale, c.validation.lowest
    if fell < 0.1 or (gap(c) or 0.0) < 0.15 or (c.start - best) / c.scale > TRANSFERS:
        return None
    said = f"train_loss fell by {fell:.0%}, val_loss was never below {best:.3g} (epoch {step})"
    numbers = {"train_fallen": fell, "val_fallen": (c.start - best) / c.scale}
    return Finding(Label.METRIC_STUCK, Severity.SEVERE, said, numbers, (1, c.last))


def _share_stuck(c: Curves) -> Finding | None:
    """Both losses fall, and the share that is right stays: then it is not a share of what the loss is taken on."""
    if c.train is None or c.validation is None or fallen(c) < 0.4 or (gap(c) or 0.0) > SOME_GAP:
        return None
    for name, one in c.shares.items():
        best = max(one.smooth.values)
        if not name.startswith("train") and best < 0.7 and best - one.first < 0.02:
            said = f"the loss fell by {fallen(c):.0%}, {name} was never above {best:.3g}"
            numbers = {"val_fallen": fallen(c), "best": best}
            return Finding(Label.METRIC_STUCK, Severity.SEVERE, said, numbers, (1, c.last))
    return None


def decayed_too_early(c: Curves) -> Finding | None:
    """The learning rate fell to a tenth, and all that came after was less than one more epoch would have brought."""
    one = steady(c)
    if c.rate is None or one is None or min(c.rate.values) > max(c.rate.values) / 10:
        return None
    peak = max(c.rate.values)
    top = max(step for step, rate in zip(c.rate.steps, c.rate.values, strict=True) if rate == peak)
    halved = next((step for step in c.rate.steps if step > top and c.rate.at(step) <= peak / 2), None)
    if halved is None or c.last - halved < 3 or halved <= one.steps[0]:
        return None
    points = [c.start, *(value for step, value in zip(one.steps, one.values, strict=True) if step < halved)]
    pace, before = (points[-2] - points[-1]) / c.scale, _pace(points) / c.scale
    after = (one.at(halved - 1) - one.end) / c.scale
    if min(pace, before) < FAST or after > pace:
        return None
    said = (
        f"the loss fell by {pace:.1%} of its start in the epoch before the learning rate was halved (epoch {halved}), "
        f"and by {after:.1%} in all the {c.last - halved + 1} epochs from then on"
    )
    numbers = {"pace": pace, "after": after}
    return Finding(Label.DECAYED_TOO_EARLY, Severity.WARNING, said, numbers, (halved, c.last))


def _pace(points: Sequence[float]) -> float:
    """How far they fall from one to the next in the end: between medians of three, in the mean where there are few."""
    if len(points) < 6:
        return (points[0] - points[-1]) / (len(points) - 1)
    return (median(points[-6:-3]) - median(points[-3:])) / 3


def noisy_validation(c: Curves) -> Finding | None:
    """A share moves in steps so coarse that it must be one of few examples."""
    if learns_little(c):
        return None
    for name, one in c.shares.items():
        values = {value for value in one.values if 0 < value < 1}
        size = _examples(values)
        if name.startswith("train") or size is None:
            continue
        if (size / 80) ** len(values) < 0.05 or _sticks(c, one) or _flickers(one):
            said = f"{name} moves in steps of 1/{size}, as a share of {size} examples does"
            return Finding(Label.NOISY_VALIDATION, Severity.WARNING, said, {"examples": size}, (1, c.last))
    return None


def _examples(values: set[float]) -> int | None:
    """The fewest of which all the values are shares; None where that takes more than FEW_EXAMPLES.

    Shares of 80 examples are all shares of n too with a chance of about n / 80 for each.
    """
    sizes = (n for n in range(2, FEW_EXAMPLES + 1) if all(abs(v * n - round(v * n)) < 1e-4 for v in values))
    return next(sizes, None) if values else None


def _sticks(c: Curves, one: Series) -> bool:
    """It stays exactly the same for five epochs or more, while the validation loss nearly doubles or halves."""
    if c.validation is None:
        return False
    for value, run in groupby(zip(one.steps, one.values, strict=True), key=lambda point: point[1]):
        steps = [step for step, _ in run]
        losses = [c.validation.smooth.at(step) for step in (steps[0], steps[-1])]
        if 0 < value < 1 and len(steps) >= 5 and max(losses) > 1.8 * min(losses) > 0:
            return True
    return False


def _flickers(one: Series) -> bool:
    """In the second half of the epochs it changes by two points from one to the next, in the mean."""
    late = one.values[len(one) // 2 :]
    return len(late) > 4 and fmean(abs(b - a) for a, b in pairwise(late)) >= 0.02


def overfitting(c: Curves) -> Finding | None:
    """The gap between the splits is wide, or opens while the validation loss turns or the training loss is used up."""
    if c.train is None or c.judged is None:
        return None
    step, best = c.judged.lowest
    turned = (c.judged.end - best) / c.judged_scale
    apart = gap(c)
    if not _opens(c, apart, turned, step):
        return None
    said = f"train_loss ends at {c.train.end:.3g}; {c.judged_name} was best at epoch {step}"
    if c.validation is not None:
        said += f" with {best:.3g} and ends at {c.validation.end:.3g}"
    numbers = {"turned": turned} | ({"gap": apart} if apart is not None else {})
    return Finding(Label.OVERFITTING, Severity.WARNING, said, numbers, (step, c.last))


def _opens(c: Curves, apart: float | None, turned: float, best: int) -> bool:
    assert c.train is not None
    if apart is None:
        return turned >= 0.15 and (c.train.at(best) - c.train.end) / c.scale > FLAT
    same = c.share_gap
    if same is not None and same < ALIKE and turned < TURNED:
        return False
    return apart >= WIDE_GAP or (apart >= SOME_GAP and (turned >= TURNED or c.train.end < 0.2 * c.scale))


def still_improving(c: Curves) -> Finding | None:
    """The last third of the epochs brought a good part of all that was won, or of what was left to win."""
    one = c.judged
    if one is None or c.metric is None or (won := (c.judged_start - one.third(2)) / c.judged_scale) < 0.03:
        return None
    late, left = (one.third(1) - one.third(2)) / c.judged_scale, one.third(2)
    relative = one.third(1) / left - 1 if left > 0 else 0.0
    stale = c.metric.lowest[0] <= c.metric.steps[len(c.metric) // 2]
    if stale or late < 0.02 * won or (late < 0.12 * won and relative < 0.15):
        return None
    said = f"{c.judged_name} went from {one.third(1):.3g} in the second third of the epochs to {left:.3g} in the last"
    numbers = {"late": late, "won": won}
    return Finding(Label.STILL_IMPROVING, Severity.HINT, said, numbers, (one.steps[round(len(one) * 2 / 3)], c.last))


def underfitting(c: Curves) -> Finding | None:
    """No gap, and both losses stay high: what that is, the share that is right tells best."""
    apart = gap(c)
    if c.train is None or c.validation is None or apart is None or apart > SOME_GAP:
        return None
    left = c.train.end / c.scale
    if c.share is None:
        poor = left >= 0.6
    else:
        poor = (left >= 0.35 and c.share <= GOOD_SHARE) or (left >= 0.75 and c.share <= FINE_SHARE)
    if not poor or (c.epochs < LONG_ENOUGH and fallen(c) <= FLAT):
        return None
    said = f"train_loss ends at {left:.0%} of its start, with val_loss beside it ({c.validation.end:.3g})"
    numbers = {"left": left, "gap": apart} | ({"share": c.share} if c.share is not None else {})
    return Finding(Label.UNDERFITTING, Severity.WARNING, said, numbers, (1, c.last))
