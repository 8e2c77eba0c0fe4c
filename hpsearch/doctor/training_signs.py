"""Signs that training itself goes wrong. Each looks at the curves and says what it sees, or None.

The limits lie between what sound trainings do and what trainings with that fault do, as measured on the half of the
labelled trainings that is for developing (docs/doctor.md).
"""

from hpsearch.doctor.curves import Curves
from hpsearch.doctor.findings import Finding, Label, Severity
from hpsearch.doctor.shape import (
    FLAT,
    GOOD_SHARE,
    LONG_ENOUGH,
    climbs,
    creeps,
    fallen,
    late_fall,
    layer_ratio,
    learns_little,
    silent_layers,
    steady,
    straightness,
)

BLOWN_UP = 10.0
"""A loss that ends at so many times its start has diverged, though it is finite."""

LONG_STRIDE = 0.04
"""Update ratio: sound trainings are below 0.006, those with 300 times the rate above 0.07 while they move. Networks of
few weights may take such steps and come to rest all the same, so that the losses must show it too."""

SHAKEN = 0.01
"""Of its start, in the mean epoch: what a validation loss climbs by in sound trainings is below half of that."""

CHANCE = 12.0
"""Nats: a cross-entropy beyond it is worse than guessing among 160,000 classes."""

HOT_RATE, WILD_RATE = 0.1, 0.3
"""Learning rates: from the first an explosion is put down to it, from the second that nothing is learnt."""

CLIMBS = 0.015
"""Of its start, in the mean epoch: the training loss of a sound training climbs by half of that at most."""

LOST_GRADIENT = 1e-5
"""Smallest layer's gradient over the largest's: sound trainings are above 0.05, twelve sigmoids below 1e-8."""

HELD = 0.75
"""Of its largest: a norm of the weights below it, where nothing is learnt and steps are not small, is held there."""


def diverged(c: Curves) -> Finding | None:
    if c.broken is not None:
        name, value, step = c.broken
        return Finding(Label.DIVERGED, Severity.SEVERE, f"{name} is {value} at epoch {step}", {}, (step, step))
    loss = c.losses[0] if c.losses else None
    if loss is None or len(loss) < 3 or loss.end <= BLOWN_UP * loss.first or loss.first <= 0:
        return None
    said = f"the loss rose from {loss.first:.3g} to {loss.end:.3g}"
    return Finding(Label.DIVERGED, Severity.SEVERE, said, {"first": loss.first, "end": loss.end}, (1, c.last))


def held(c: Curves) -> Finding | None:
    """Underfitting of a kind that shows: the weights are pulled to 0 harder than the data pulls them away."""
    if c.weights is None or not learns_little(c) or silent_layers(c):
        return None
    most = max(c.weights.values)
    if c.weights.end >= HELD * most or (c.stride is not None and c.stride < LONG_STRIDE / 10):
        return None
    said = f"the norm of the weights shrank from {most:.2g} to {c.weights.end:.2g}, the loss fell by {fallen(c):.0%}"
    numbers = {"weight_norm": c.weights.end, "fallen": fallen(c)}
    return Finding(Label.UNDERFITTING, Severity.SEVERE, said, numbers, (1, c.last))


def rate_too_high(c: Curves) -> Finding | None:
    """Steps as long as the weights, an explosion or a standstill at a high rate, or a loss that leaps about."""
    rate = c.peak_rate
    if c.stride is not None and c.stride >= LONG_STRIDE and _shaken(c):
        return _hot(c, f"one step moves the weights by {c.stride:.2g} of their norm", update_ratio=c.stride)
    if rate is not None and rate >= HOT_RATE and exploded(c):
        return _hot(c, f"the loss exploded to {c.start:.3g} with a learning rate of {rate:.2g}", lr=rate, first=c.start)
    if rate is not None and rate >= WILD_RATE and _stands_still(c):
        return _hot(c, f"the loss fell by {fallen(c):.0%} with a learning rate of {rate:.2g}", lr=rate)
    if c.train is not None and (up := climbs(c, c.train)) >= CLIMBS and not exploded(c):
        return _hot(c, f"train_loss leaps up by {up:.1%} of its start in the mean epoch", climbs=up)
    return None


def _hot(c: Curves, said: str, **numbers: float) -> Finding:
    severity = Severity.SEVERE if exploded(c) or learns_little(c) else Severity.WARNING
    return Finding(Label.LR_TOO_HIGH, severity, said, numbers, (1, c.last))


def _shaken(c: Curves) -> bool:
    if silent_layers(c):
        return False
    return exploded(c) or learns_little(c) or any(climbs(c, one) >= SHAKEN for one in c.losses)


def _stands_still(c: Curves) -> bool:
    one = steady(c)
    fails = learns_little(c) or (c.share is not None and c.share < 0.4)
    return one is not None and fails and late_fall(c, one) < FLAT


def exploding(c: Curves) -> Finding | None:
    """The loss begins far above what guessing costs, at no high rate."""
    if not exploded(c):
        return None
    norm = f", the gradient's norm at {c.gradient.first:.2g}" if c.gradient is not None else ""
    said = f"the loss begins at {c.start:.3g}, far above what guessing costs{norm}"
    numbers = {"first": c.start} | ({"grad_norm": c.gradient.first} if c.gradient is not None else {})
    return Finding(Label.EXPLODING_GRADIENTS, Severity.SEVERE, said, numbers, (1, 1))


def exploded(c: Curves) -> bool:
    """Only judged where a share says that it is a classification: other losses have no scale of their own."""
    return bool(c.shares) and len(c.losses) > 0 and c.start > CHANCE


def vanishing(c: Curves) -> Finding | None:
    ratio = layer_ratio(c)
    if ratio is None or not 0 < ratio < LOST_GRADIENT or not learns_little(c):
        return None
    said = f"one layer's gradient is {ratio:.0e} of another's, the loss fell by {fallen(c):.1%}"
    numbers = {"layer_ratio": ratio, "fallen": fallen(c)}
    return Finding(Label.VANISHING_GRADIENTS, Severity.SEVERE, said, numbers, (1, c.last))


def plateau(c: Curves) -> Finding | None:
    """The loss stays where it was: with layers that get no gradient at all, or for no reason that shows."""
    silent = silent_layers(c)
    right = c.share is not None and c.share > GOOD_SHARE
    if not c.losses or not learns_little(c) or right or not (silent or _stays(c)):
        return None
    said = f"the loss moved by {abs(fallen(c)):.1%} in {c.epochs} epochs"
    if silent:
        said += f"; {', '.join(silent)} {'is' if len(silent) == 1 else 'are'} exactly 0"
    return Finding(Label.PLATEAU, Severity.SEVERE, said, {"fallen": fallen(c)}, (1, c.last))


def _stays(c: Curves) -> bool:
    """For long enough, and no share that is right moves either."""
    better = max((max(one.smooth.values) - one.first for one in c.shares.values()), default=0.0)
    return c.epochs >= LONG_ENOUGH and fallen(c) <= FLAT and better < 0.1 and not creeps(c)


def rate_too_low(c: Curves) -> Finding | None:
    """Still falling, nearly straight, in steps that hardly move the weights."""
    one = steady(c)
    if one is None or not creeps(c):
        return None
    said = f"the loss falls nearly straight, by {fallen(c):.1%} in {c.epochs} epochs"
    numbers = {"fallen": fallen(c), "straightness": straightness(one)}
    if c.stride is not None:
        said += f"; one step moves the weights by {c.stride:.0e} of their norm"
        numbers["update_ratio"] = c.stride
    return Finding(Label.LR_TOO_LOW, Severity.WARNING, said, numbers, (1, c.last))
