"""Signs that the training itself fails. Each function returns a finding, or None.

Each limit is between the values of healthy trainings and of trainings with the fault, measured on the development half
of the labelled trainings (docs/doctor.md). "Of its initial value" means in units of `Curves.scale`.
"""

from hpsearch.doctor.curves import Curves
from hpsearch.doctor.decay_signs import decayed_too_early
from hpsearch.doctor.evidence import Change, Computed, CurvePoint, Fact, Value
from hpsearch.doctor.findings import Finding, Label, Severity
from hpsearch.doctor.shape import (
    FLAT,
    GOOD_FRACTION,
    HIGH_FRACTION,
    HIGH_UPDATE_RATIO,
    LONG_ENOUGH,
    SIGNIFICANT,
    VANISHING_RATIO,
    fallen,
    falls_slowly,
    is_at_full_rate,
    late_fall,
    layer_ratio,
    learns_little,
    lowest_loss,
    mean_rise,
    metric_improves,
    silent_layers,
    steps_are_small,
    straightness,
    sudden_fall,
    validated,
    weights_hardly_moved,
)

DIVERGED_RATIO = 10.0
"""A finite loss has diverged if it ends above this many times its initial value."""

UNSTABLE_RISE = 0.01
"""The limit of the mean rise per epoch, as a fraction of the initial value: in healthy trainings the validation loss
rises by less than half of it."""

CHANCE_LOSS = 12.0
"""A cross-entropy (in nats) above this is worse than random guessing among 160,000 classes."""

PER_ERROR = 100.0
"""If the loss per wrong example (in nats) is above this in every epoch, the loss is not a mean in nats."""

EXPLODING_LR, STUCK_LR = 0.1, 0.3
"""A learning rate from EXPLODING_LR on explains an exploding loss, from STUCK_LR on a loss that does not fall."""

NEARLY_FLAT = 0.05
"""Nothing is learnt if the loss fell by less than this fraction of its first value and the accuracy did not rise."""

UNCHANGED = 1e-6
"""A curve is unchanged if it varies by less than this fraction of its largest value."""

RISES = 0.015
"""The limit of the mean rise per epoch, as a fraction of the initial value: in healthy trainings the training loss
rises by at most half of it."""

STAYS_HIGH = 0.25
"""A training loss is high if it stays above this fraction of its initial value."""

JUMPS = 0.3
"""A training loss that varies by more than this fraction of its level per epoch is measured on few batches."""

CLIMBED = 0.5
"""A training became unstable if its loss ends above its minimum by this fraction of its initial value."""

SHRUNK_WEIGHTS = 0.75
"""If the weight norm falls below this fraction of its largest value, in a training that learns little with normal
steps, the regularisation is too strong."""


def diverged(c: Curves) -> Finding | None:
    if c.broken is not None:
        name, value, step = c.broken
        facts = (Value(CurvePoint(name, step, value)),)
        return Finding(Label.DIVERGED, Severity.SEVERE, facts, {}, (step, step))
    loss = c.losses[0] if c.losses else None
    if loss is None or len(loss) < 3 or loss.end <= DIVERGED_RATIO * loss.first or loss.first <= 0:
        return None
    return Finding(Label.DIVERGED, Severity.SEVERE, (loss.change,), {"first": loss.first, "end": loss.end}, (1, c.last))


def unchanged(c: Curves) -> Finding | None:
    """The validation loss, or the metric, is the same in all epochs: the weights do not change."""
    one = c.judged
    if one is None or len(one) < LONG_ENOUGH or weights_hardly_moved(c) is not None:
        return None
    if c.fraction is not None and c.fraction > HIGH_FRACTION:
        return None
    if max(one.values) - min(one.values) > UNCHANGED * max(map(abs, one.values)):
        return None
    if c.train is not None and c.train.late_fall_significance() > SIGNIFICANT:
        return None
    change = "" if c.measured.moves else ", so the weights do not change"
    facts: list[Fact] = [one.change, Computed(f"it is the same in all {c.report}s{change}")]
    return Finding(Label.PLATEAU, Severity.SEVERE, tuple(facts), {"fallen": 0.0}, (1, c.last))


def weights_shrink(c: Curves) -> Finding | None:
    """Underfitting because regularisation shrinks the weights faster than the gradients increase them."""
    if c.weights is None or not learns_little(c) or silent_layers(c):
        return None
    most = max(c.weights.values)
    if c.weights.end >= SHRUNK_WEIGHTS * most or (c.update_size is not None and c.update_size < HIGH_UPDATE_RATIO / 10):
        return None
    facts = (Change(c.weights.highest_point, c.weights.end_point), lowest_loss(c).change)
    numbers = {"weight_norm": c.weights.end, "fallen": fallen(c)}
    return Finding(Label.UNDERFITTING, Severity.SEVERE, facts, numbers, (1, c.last))


def rate_too_high(c: Curves) -> Finding | None:
    """Very large steps, an exploding or constant loss with a high learning rate, or a loss that keeps rising."""
    rate = c.peak_rate
    if c.measured.descends:
        return None
    if c.update_size is not None and c.update_size >= HIGH_UPDATE_RATIO and _is_unstable(c) and is_at_full_rate(c):
        return _too_high(c, _update_size(c.update_size), update_ratio=c.update_size)
    if rate is not None and c.growth is None:  # the growth of the weights says more than the rate
        if rate >= EXPLODING_LR and exploded(c):
            return _too_high(c, Value(_initial(c)), _peak_rate(rate), lr=rate, first=c.start)
        if rate >= STUCK_LR and _is_stuck(c):
            return _too_high(c, lowest_loss(c).change, _peak_rate(rate), lr=rate)
    if c.train is not None and (rise := mean_rise(c, c.train)) >= RISES and not exploded(c) and _is_not_noise(c):
        share = rise * c.scale / (abs(c.train.first) or c.scale)
        said = f"train_loss rises by {share:.1%} of its initial value per {c.report} on average (falls count as 0)"
        return _too_high(c, Computed(said), climbs=rise)
    return _climbed(c)


def _climbed(c: Curves) -> Finding | None:
    """The training loss ends far above its minimum, by more than it varies from epoch to epoch."""
    if c.train is None or len(c.train) < LONG_ENOUGH:
        return None
    lowest = min(c.train.smooth.values)
    rise = c.train.end - lowest
    if rise < CLIMBED * max(abs(c.train.first), abs(lowest)) or rise < 3 * c.train.jitter:
        return None
    facts = (Change(c.train.lowest_point, c.train.end_point),)
    return Finding(Label.LR_TOO_HIGH, Severity.SEVERE, facts, {"climbed": rise}, (c.train.lowest[0], c.last))


def _is_not_noise(c: Curves) -> bool:
    """Whether the training loss stays high, or the validation loss rises too. In good trainings, the loss of single
    batches varies around a low level, or the validation loss or metric still falls beyond its noise."""
    assert c.train is not None
    if c.judged is not None and c.judged.late_fall_significance() > SIGNIFICANT:
        return False
    mean = c.measured.found.get("mean_loss")
    if mean is not None and mean_rise(c, mean) * c.scale < RISES * abs(mean.first):
        return False
    is_smooth = c.train.jitter < JUMPS * abs(c.train.end)
    if is_smooth and c.train.end > STAYS_HIGH * c.scale:
        return True
    return c.validation is not None and mean_rise(c, c.validation) >= RISES


def _too_high(c: Curves, *facts: Fact, **numbers: float) -> Finding:
    severity = Severity.SEVERE if exploded(c) or learns_little(c) else Severity.WARNING
    return Finding(Label.LR_TOO_HIGH, severity, facts, numbers, (1, c.last))


def _peak_rate(rate: float) -> Computed:
    return Computed(f"the highest learning rate is {rate:.2g}")


def _update_size(size: float) -> Computed:
    return Computed(f"one step changes the weights by {size:.1g} of their norm (median update_ratio)")


def _initial(c: Curves) -> CurvePoint:
    """`Curves.start`, with the loss and the epoch that reported it."""
    return max(c.losses, key=lambda one: one.first).first_point


def _is_unstable(c: Curves) -> bool:
    if silent_layers(c):
        return False
    return exploded(c) or learns_little(c) or any(mean_rise(c, one) >= UNSTABLE_RISE for one in c.losses)


def _is_stuck(c: Curves) -> bool:
    one = validated(c)
    fails = learns_little(c) or (c.fraction is not None and c.fraction < 0.4)
    return one is not None and fails and late_fall(c, one) < FLAT


def exploding(c: Curves) -> Finding | None:
    """The initial loss is far above that of random guessing, and the learning rate is not high."""
    if not exploded(c):
        return None
    facts: list[Fact] = [Value(_initial(c)), Computed("random guessing would have a far lower loss")]
    facts += [Value(c.gradient.first_point)] if c.gradient is not None else []
    numbers = {"first": c.start} | ({"grad_norm": c.gradient.first} if c.gradient is not None else {})
    return Finding(Label.EXPLODING_GRADIENTS, Severity.SEVERE, tuple(facts), numbers, (1, 1))


def exploded(c: Curves) -> bool:
    """Only for a classification, which is recognised by an accuracy (or F1, …): other losses have no known scale."""
    return len(c.losses) > 0 and c.start > CHANCE_LOSS and _is_in_nats(c)


def _is_in_nats(c: Curves) -> bool:
    """Whether the loss per wrong example is plausible in some epoch; for a sum or another unit it is far larger."""
    for loss, fraction in ((c.validation, c.held_fraction), (c.train, c.train_fraction)):
        if loss is not None and fraction is not None:
            pairs = zip(loss.steps, loss.values, strict=True)
            return any(value <= PER_ERROR * (1 - fraction.at(step)) for step, value in pairs)
    # For different splits, only the first values are comparable.
    return bool(c.fractions) and c.start <= PER_ERROR * (1 - c.fractions[0].first)


def vanishing(c: Curves) -> Finding | None:
    ratio = layer_ratio(c)
    if ratio is None or not 0 < ratio < VANISHING_RATIO or not learns_little(c):
        return None
    said = f"the smallest gradient norm of a layer is {ratio:.0e} of the largest (median over the {c.report}s)"
    facts = (Computed(said), lowest_loss(c).change)
    numbers = {"layer_ratio": ratio, "fallen": fallen(c)}
    return Finding(Label.VANISHING_GRADIENTS, Severity.SEVERE, facts, numbers, (1, c.last))


def plateau(c: Curves) -> Finding | None:
    """The loss stays at its initial value, because layers have no gradient or for an unknown reason."""
    silent = silent_layers(c)
    right = c.fraction is not None and c.fraction > GOOD_FRACTION
    if not c.losses or not learns_little(c) or right or _other_metric_improves(c) or sudden_fall(c):
        return None
    if not (silent or _is_flat(c) or _is_at_chance(c)) or weights_hardly_moved(c) is not None:
        return None
    if not silent and decayed_too_early(c) is not None:  # the later epochs have a lower rate than the start
        return None
    facts: list[Fact] = [lowest_loss(c).change]
    if silent:
        be = "is" if len(silent) == 1 else "are"
        facts.append(Computed(f"{', '.join(silent)} {be} exactly 0 in at least 90% of the {c.report}s"))
    return Finding(Label.PLATEAU, Severity.SEVERE, tuple(facts), {"fallen": fallen(c)}, (1, c.last))


def _other_metric_improves(c: Curves) -> bool:
    """Whether the study's metric is not a loss and improves. In adversarial training, for example, the losses need not
    fall."""
    one = c.metric
    if one is None or any(one.name == loss.name for loss in c.losses) or one.name in c.held_fractions:
        return False
    return metric_improves(c)


def _is_flat(c: Curves) -> bool:
    """Whether the loss is constant for enough epochs, and no reported fraction (accuracy, F1, …) improves either."""
    better = max((max(one.smooth.values) - one.first for one in c.fractions), default=0.0)
    return c.epochs >= LONG_ENOUGH and fallen(c) <= FLAT and better < 0.1 and not falls_slowly(c)


def _is_at_chance(c: Curves) -> bool:
    """Whether neither loss falls, and the validation accuracy is never better than after the first epoch."""
    one, held = c.held_fraction, c.judged
    if one is None or held is None or c.epochs < LONG_ENOUGH or falls_slowly(c):
        return False
    gained = max(one.smooth.values) - one.first
    constant = all((each.third(0) - each.third(2)) <= NEARLY_FLAT * abs(each.first) for each in c.losses)
    return constant and gained <= NEARLY_FLAT * (1 - one.first)


def rate_too_low(c: Curves) -> Finding | None:
    """The loss still falls nearly in a straight line, with steps that hardly change the weights."""
    one = validated(c)
    if one is None or not falls_slowly(c):
        return None
    facts: list[Fact] = [one.change]
    if steps_are_small(c):
        facts.append(Computed("the negative gradient after a step still points in the direction of the step"))
    else:
        facts.append(Computed("the curve is nearly a straight line"))
    numbers = {"fallen": fallen(c), "straightness": straightness(one)}
    if c.update_size is not None:
        facts.append(_update_size(c.update_size))
        numbers["update_ratio"] = c.update_size
    return Finding(Label.LR_TOO_LOW, Severity.WARNING, tuple(facts), numbers, (1, c.last))
