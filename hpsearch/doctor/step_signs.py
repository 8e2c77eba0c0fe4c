"""Signs in the measured steps. Each function returns a finding, or None.

The limits are between the values of good trainings of the corpus and of trainings with the fault (docs/doctor.md).
"""

from collections.abc import Sequence

from hpsearch.doctor.curves import Curves
from hpsearch.doctor.evidence import Computed, Fact
from hpsearch.doctor.findings import Finding, Label, Severity
from hpsearch.doctor.measured_steps import DESCENDS
from hpsearch.doctor.shape import (
    GREW,
    HIGH_FRACTION,
    HIGH_UPDATE_RATIO,
    VANISHING_RATIO,
    learns_little,
    lowest_loss,
    weights_hardly_moved,
)

LARGE_SCALE = 4.0
"""The limit of `layer_measurements.largest_scale`; usual initialisations have at most 1.7."""

SILENT = 0.95
"""The limit of the fraction of a layer's units without a gradient; in good trainings it is at most 0.72."""

ACCUMULATED = 0.5
"""The limit of the fraction of steps with accumulated gradients; in good trainings there are none."""

MOST_NAMED = 4
"""The most layers that a sentence names."""


def weights_stay(c: Curves) -> Finding | None:
    """The optimizer makes no step, or its steps change nothing."""
    if not learns_little(c):  # something other than the tracked optimizer trains the model
        return None
    if c.measured.is_idle:
        said = f"the tracked optimizer made no step, and the weights are the same after each {c.report}"
    elif c.measured.moves_nothing:
        said = "the steps of the tracked optimizer do not change any weight"
    else:
        return None
    return _finding(c, Label.PLATEAU, Severity.SEVERE, said, fallen=0.0)


def gradients_accumulate(c: Curves) -> Finding | None:
    """zero_grad is not called, so each step uses the gradients of all earlier steps too."""
    share = c.measured.typical("accumulated")
    if share is None or share < ACCUMULATED:
        return None
    said = "the gradient of a step contains the gradients of the steps before it"
    return _finding(c, Label.ACCUMULATING, Severity.SEVERE, said, accumulated=share)


def initial_weights(c: Curves) -> Finding | None:
    """All weight matrices are initialised with zeros, or one of them with weights that are far too large."""
    scale = c.measured.first("initial_scale")
    if scale is None or 0 < scale < LARGE_SCALE:
        return None
    severity = Severity.SEVERE if learns_little(c) else Severity.HINT if _is_good(c) else Severity.WARNING
    if scale == 0:
        said = "the weights of all layers are 0 before the first step"
        return _finding(c, Label.PLATEAU, severity, said, initial_scale=scale)
    said = f"the largest initial weights of a layer are {scale:.2g} / sqrt(inputs); usual values are 0.6 to 1.7"
    return _finding(c, Label.EXPLODING_GRADIENTS, severity, said, initial_scale=scale)


def weights_explode(c: Curves) -> Finding | None:
    """The weight norm grows to many times its initial value, by steps after which the loss does not fall further in
    their direction, and the result is not good."""
    growth = c.growth
    if growth is None or growth < GREW or _is_good(c) or _grows_downhill(c):
        return None
    severity = Severity.SEVERE if learns_little(c) else Severity.WARNING
    said = f"the norm of the weights grew to {growth:.2g} times its initial value"
    return _finding(c, Label.LR_TOO_HIGH, severity, said, growth=growth)


def _grows_downhill(c: Curves) -> bool:
    """Whether the loss still falls in the direction of the steps in the epochs in which the weights grew."""
    if c.weights is None:
        return False
    half = max(c.weights.values) / 2
    grown = next(step for step, norm in zip(c.weights.steps, c.weights.values, strict=True) if norm >= half)
    return (c.measured.descent_until(grown) or 0.0) > DESCENDS


def silent_units(c: Curves) -> Finding | None:
    """Hardly any unit of a layer has a gradient, from the first steps on or after large steps."""
    share, first = c.measured.typical("silent_units"), c.measured.first("silent_units")
    if share is None or first is None or share < SILENT or _is_good(c):
        return None
    severity = Severity.SEVERE if learns_little(c) else Severity.WARNING
    silent = [name for name, one in c.measured.layers("layer_silent").items() if one >= SILENT]
    said = f"{share:.0%} of the units of {_layers(silent)} have a gradient of 0 in the typical step"
    large = (c.measured.first("update_ratio") or 0.0) >= HIGH_UPDATE_RATIO
    if first >= SILENT or c.measured.descends or not large:
        return _finding(c, Label.PLATEAU, severity, said, silent_units=share)
    said += f", and {first:.0%} at first"
    return _finding(c, Label.LR_TOO_HIGH, severity, said, silent_units=share)


def _layers(names: Sequence[str]) -> str:
    if not names:
        return "a layer"
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"layer{'s' if len(names) > 1 else ''} {', '.join(names[:MOST_NAMED])}{more}"


def gradients_vanish(c: Curves) -> Finding | None:
    """The gradient of one layer is far below that of another, as a share of its weights, and little is learnt."""
    ratio = c.measured.typical("layer_ratio")
    if ratio is None or not 0 < ratio < VANISHING_RATIO or not learns_little(c):
        return None
    shares = c.measured.layers("layer_gradient")
    low, high = (min(shares, key=shares.__getitem__), max(shares, key=shares.__getitem__)) if shares else ("", "")
    ends = f"layer {low} is {ratio:.0e} of that of layer {high}" if low else f"a layer is {ratio:.0e} of the largest"
    said = f"the gradient of {ends}, each as a share of the layer's weights"
    return _finding(c, Label.VANISHING_GRADIENTS, Severity.SEVERE, said, layer_ratio=ratio)


def steps_are_tiny(c: Curves) -> Finding | None:
    """The steps are so small that all of them together hardly change the weights."""
    moved = weights_hardly_moved(c)
    if moved is None or c.update_size is None:
        return None
    said = (
        f"one step changes the weights by {c.update_size:.1g} of their norm (about 1e-3 is usual), all steps together "
        f"by at most {moved:.1g}"
    )
    return _finding(c, Label.LR_TOO_LOW, Severity.SEVERE, said, update_ratio=c.update_size, moved=moved)


def _is_good(c: Curves) -> bool:
    return c.fraction is not None and c.fraction > HIGH_FRACTION


def _finding(c: Curves, label: Label, severity: Severity, said: str, **numbers: float) -> Finding:
    facts: list[Fact] = [Computed(said), lowest_loss(c).change]
    return Finding(label, severity, tuple(facts), numbers, (1, c.last))
