"""What the first steps of a training show: its inputs, its outputs, its first loss, its gradients."""

import math

from hpsearch.core.trial import Objective
from hpsearch.preflight.judge.check import Check, failed, listed, passed, skipped, warned
from hpsearch.preflight.measurements import Measured

OFF = 2.0
"""A loss at the start that is so many times what chance gives, or one over that, is odd."""

LARGE, HUGE = 3.0, 10.0
"""Root mean square of what reaches the first layer: beyond the first it is said, beyond the second it is a fault."""

NO_MODEL = "the trainer names no model to run.track(model=…)"
NO_OPTIMIZER = "the trainer names no optimizer to run.track(optimizer=…)"
NO_LOSS = "the trainer calls no torch backward"


def inputs(measured: Measured, _: Objective) -> Check:
    steps = measured.steps
    if not steps.models:
        return skipped("inputs", NO_MODEL)
    if steps.inputs is None:
        return passed("inputs", "the first layer takes whole numbers, or scales its inputs itself")
    seen = steps.inputs
    size = math.hypot(seen.mean, seen.std)
    numbers = {"mean": seen.mean, "std": seen.std, "low": seen.low, "high": seen.high}
    said = (
        f"what reaches the first layer, {seen.layer}, has mean {seen.mean:.3g} and standard deviation {seen.std:.3g}, "
        f"from {seen.low:.3g} to {seen.high:.3g}"
    )
    if not math.isfinite(size):
        return failed("inputs", f"{said}: there are NaN or infinite inputs", numbers)
    if size > HUGE:
        return failed("inputs", f"{said}: scale the inputs to mean 0 and standard deviation 1", numbers)
    if size > LARGE:
        return warned("inputs", f"{said}: from mean 0 and standard deviation 1 it is easier to learn", numbers)
    return passed("inputs", said, numbers)


def outputs(measured: Measured, _: Objective) -> Check:
    steps = measured.steps
    if not steps.losses:
        return skipped("outputs", NO_LOSS)
    if steps.loss_kind not in ("cross entropy", "binary cross entropy"):
        return skipped("outputs", "the loss takes no logits, as far as can be seen")
    if not steps.probabilities:
        return passed("outputs", f"the {steps.loss_kind} gets what it takes")
    function, layer = ("cross_entropy", "softmax")
    if steps.loss_kind == "binary cross entropy":
        function, layer = ("binary_cross_entropy_with_logits", "sigmoid")
    return failed(
        "outputs",
        f"the model's outputs are probabilities already, and {function} takes a {layer} of them once more, so that the "
        f"loss cannot come near zero: leave the {layer} out of the model",
        {"loss": steps.losses[0]},
    )


def loss_at_start(measured: Measured, _: Objective) -> Check:
    steps = measured.steps
    if not steps.losses:
        return skipped("loss at start", NO_LOSS)
    if steps.chance is None or steps.chance <= 0:
        return skipped("loss at start", "what chance gives is known of cross entropies and mean squared errors alone")
    loss, chance = steps.losses[0], steps.chance
    numbers = {"loss": loss, "chance": chance}
    formula = "the targets' variance" if steps.loss_kind == "squared error" else f"ln {steps.classes or 2}"
    said = f"the first loss is {loss:.3g}, and outputs that say nothing give {chance:.3g} ({formula})"
    # With several calls of backward for a step each loss is commonly a part of the whole.
    if any(chance / OFF <= value <= chance * OFF for value in (loss, loss * steps.backwards)):
        return passed("loss at start", said, numbers)
    hint = "scale the inputs, begin with smaller weights in the last layer, or see what else the loss holds"
    if steps.loss_kind == "squared error":
        hint = "scale the targets, or let the last layer's bias begin at their mean"
    return warned("loss at start", f"{said}: {hint}", numbers)


def gradients(measured: Measured, _: Objective) -> Check:
    layers = measured.steps.layers
    if layers is None:
        return skipped("gradients", NO_MODEL)
    if not measured.steps.losses:
        return skipped("gradients", NO_LOSS)
    without, zero, broken = layers.without_gradient, layers.zero_gradient, layers.not_finite
    numbers = {"parameters": layers.count, "without": len(without), "zero": len(zero), "frozen": layers.frozen}
    if layers.count == 0:
        return failed("gradients", "every parameter of the model is frozen (requires_grad is off)", numbers)
    if without:
        return failed(
            "gradients",
            f"backward never reaches {listed(without)}: look for detach(), .data, torch.no_grad() or a detour over "
            "NumPy behind them, or layers that forward does not use; freeze what is not to be trained",
            numbers,
        )
    if broken:
        return failed("gradients", f"the gradient of {listed(broken)} is NaN or infinite in the first steps", numbers)
    if zero:
        return failed(
            "gradients",
            f"the gradient of {listed(zero)} is zero in each of the first {len(measured.steps.losses)} steps: look for "
            "dead activations, weights that begin at zero, or a factor of zero behind them",
            numbers,
        )
    frozen = f", {layers.frozen} others are frozen" if layers.frozen else ""
    return passed("gradients", f"they reach all {layers.count} parameters that are to be trained{frozen}", numbers)


def optimizer(measured: Measured, _: Objective) -> Check:
    steps = measured.steps
    if not steps.optimizers:
        return skipped("optimizer", NO_OPTIMIZER)
    if steps.layers is None:
        return skipped("optimizer", NO_MODEL)
    left, count = steps.layers.not_optimized, steps.layers.count
    numbers = {"parameters": count, "left": len(left)}
    if left and len(left) == count:
        return failed("optimizer", "it has none of the model's parameters: it was given those of another", numbers)
    if left:
        return warned(
            "optimizer",
            f"no tracked optimizer has {listed(left)}, though they get a gradient: were they made after it? Freeze "
            "what is not to be trained",
            numbers,
        )
    return passed("optimizer", f"it has all {count} parameters that are to be trained", numbers)


def zero_grad(measured: Measured, _: Objective) -> Check:
    steps = measured.steps
    if not steps.optimizers:
        return skipped("zero_grad", NO_OPTIMIZER)
    if len(steps.losses) < 2:
        return skipped("zero_grad", NO_LOSS)
    numbers = {"steps": len(steps.losses), "accumulated": steps.accumulated}
    if not steps.accumulated:
        return passed("zero_grad", "every step begins with an empty gradient", numbers)
    return failed(
        "zero_grad",
        f"before {steps.accumulated} of the first {len(steps.losses)} steps the gradient still held that of the step "
        "before: call optimizer.zero_grad() once for every step",
        numbers,
    )
