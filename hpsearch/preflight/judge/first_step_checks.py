"""Checks of the first training steps: inputs, outputs, first loss, gradients, optimizer."""

import math

from hpsearch.core.format import many
from hpsearch.core.trial import Objective
from hpsearch.doctor.step_signs import LARGE_SCALE
from hpsearch.preflight.judge.check import Check, failed, names_text, passed, skipped, warned
from hpsearch.preflight.measurements import Measurements

MAX_RATIO = 2.0
"""The first loss is suspicious if it is more than this factor above or below the chance level."""

LARGE, HUGE = 3.0, 10.0
"""Root mean square of the first layer's input: above LARGE the check warns, above HUGE it fails."""

NO_MODEL = "the trainer passes no model to run.track(model=…)"
NO_OPTIMIZER = "the trainer passes no optimizer to run.track(optimizer=…)"
NO_LOSS = "the trainer does not call torch's backward"
NO_STEP = "no tracked optimizer makes a step"


def inputs(measured: Measurements, _: Objective) -> Check:
    steps = measured.steps
    if not steps.models:
        return skipped("inputs", NO_MODEL)
    if steps.inputs is None:
        return passed("inputs", "the first layer takes integers, or normalises its inputs")
    seen = steps.inputs
    size = math.hypot(seen.mean, seen.std)
    numbers = {"mean": seen.mean, "std": seen.std, "low": seen.low, "high": seen.high}
    observed = (
        f"the input of the first layer, {seen.layer}, has mean {seen.mean:.3g} and standard deviation {seen.std:.3g} "
        f"(from {seen.low:.3g} to {seen.high:.3g})"
    )
    if not math.isfinite(size):
        return failed("inputs", f"{observed}: it contains NaN or infinity", numbers)
    if size > HUGE:
        return failed("inputs", f"{observed}: scale the inputs to mean 0 and standard deviation 1", numbers)
    if size > LARGE:
        return warned("inputs", f"{observed}: training is easier with mean 0 and standard deviation 1", numbers)
    return passed("inputs", observed, numbers)


def outputs(measured: Measurements, _: Objective) -> Check:
    steps = measured.steps
    if not steps.losses:
        return skipped("outputs", NO_LOSS)
    if steps.broadcast:
        why = (
            "the model's outputs have the shape (n, 1) and the targets (n,), or the other way round, so the loss "
            "compares each output with every target: give both the same shape, such as outputs.squeeze(1)"
        )
        return failed("outputs", why, {"rows": steps.rows})
    if steps.loss_kind not in ("cross entropy", "binary cross entropy"):
        return skipped("outputs", "the loss is not recognised as a cross entropy")
    if not steps.probabilities:
        return passed("outputs", f"the model's outputs fit the {steps.loss_kind}")
    function, layer = ("cross_entropy", "softmax")
    if steps.loss_kind == "binary cross entropy":
        function, layer = ("binary_cross_entropy_with_logits", "sigmoid")
    return failed(
        "outputs",
        f"the model's outputs are already probabilities, and {function} applies {layer} again, so the loss cannot "
        f"approach zero: remove the {layer} from the model",
        {"loss": steps.losses[0]},
    )


def loss_at_start(measured: Measurements, _: Objective) -> Check:
    steps = measured.steps
    if not steps.losses:
        return skipped("loss at start", NO_LOSS)
    if steps.chance is None or steps.chance <= 0:
        why = "the chance level is known only for cross entropy, squared and absolute errors"
        return skipped("loss at start", why)
    loss, chance = steps.losses[0], steps.chance
    numbers = {"loss": loss, "chance": chance}
    is_regression = steps.loss_kind in ("squared error", "absolute error")
    formula = "of a constant prediction" if is_regression else f"ln {steps.classes or 2}"
    observed = f"the first loss is {loss:.3g}, the chance level {chance:.3g} ({formula})"
    # With several calls of backward per step, each loss is usually a part of the total.
    low = (
        -math.inf if is_regression else chance / MAX_RATIO
    )  # a forecast may start from the last value, so its first loss is low
    if any(low <= value <= chance * MAX_RATIO for value in (loss, loss * steps.backwards)):
        return passed("loss at start", observed, numbers)
    hint = "scale the inputs, initialise the last layer with smaller weights, or check for other terms in the loss"
    if is_regression:
        hint = "scale the targets, or initialise the last layer's bias with their mean"
    return warned("loss at start", f"{observed}: {hint}", numbers)


def gradients(measured: Measurements, _: Objective) -> Check:
    layers = measured.steps.layers
    if measured.steps.detached:
        why = (
            "backward is called on a loss that depends on no weight: check for detach(), .data, .item(), "
            "torch.no_grad() or NumPy between the model and the loss"
        )
        return failed("gradients", why)
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
            f"backward does not reach {names_text(without)}: check for detach(), .data, torch.no_grad() or NumPy "
            "between them and the loss, or layers that forward does not use; freeze parameters that should not be "
            "trained",
            numbers,
        )
    if broken:
        return failed(
            "gradients", f"the gradient of {names_text(broken)} is NaN or infinite in the first steps", numbers
        )
    if zero:
        return failed(
            "gradients",
            f"the gradient of {names_text(zero)} is zero in each of the first {len(measured.steps.losses)} steps: "
            "check for dead activations, weights initialised with zero, or a factor of zero between them and the loss",
            numbers,
        )
    frozen = f"; {layers.frozen} more are frozen" if layers.frozen else ""
    return passed("gradients", f"all {layers.count} trainable parameters get a gradient{frozen}", numbers)


def initial_weights(measured: Measurements, _: Objective) -> Check:
    steps, name = measured.steps, "initial weights"
    if not steps.models:
        return skipped(name, NO_MODEL)
    if steps.initial_scale is None:
        return passed(name, "fewer than two layers with weight matrices are trained, and one may begin with zeros")
    scale = steps.initial_scale
    numbers = {"scale": scale}
    if scale == 0:
        why = "the weights of all layers are 0, so the outputs do not depend on the inputs: keep torch's initialisation"
        return warned(name, why, numbers)
    observed = f"the largest weights of a layer are {scale:.2g} / sqrt(inputs); 0.6 to 1.7 is usual"
    if scale > LARGE_SCALE:
        return warned(name, f"{observed}: initialise with smaller weights, such as Kaiming's", numbers)
    return passed(name, observed, numbers)


def optimizer(measured: Measurements, _: Objective) -> Check:
    steps = measured.steps
    if not steps.optimizers:
        return skipped("optimizer", NO_OPTIMIZER)
    if steps.layers is None:
        return skipped("optimizer", NO_MODEL)
    if steps.without_step and steps.moves:
        why = (
            f"the weights change, but the tracked optimizer made no step in the first "
            f"{many(steps.without_step, 'call')} of backward. Pass the optimizer that makes the steps to run.track"
        )
        return warned("optimizer", why, {"backwards": steps.without_step})
    if steps.without_step:
        why = (
            f"the optimizer made no step in the first {many(steps.without_step, 'call')} of backward: "
            "call optimizer.step() after backward"
        )
        return failed("optimizer", why, {"backwards": steps.without_step})
    if steps.unregistered:
        count, shape = len(steps.unregistered), " x ".join(map(str, steps.unregistered[0]))
        why = (
            f"the loss depends on {many(count, 'parameter')} that no tracked model or optimizer has, one of shape "
            f"{shape}: they are not trained. Layers of a model belong in an nn.ModuleList, not in a list"
        )
        return warned("optimizer", why, {"unregistered": count})
    if steps.rates and not any(steps.rates):
        why = (
            f"the learning rate is 0 in each of the first {many(len(steps.rates), 'step')}: check the schedule, which "
            "may count epochs where steps are meant, or divide integers"
        )
        return warned("optimizer", why, {"steps": len(steps.rates)})
    left, count = steps.layers.not_optimized, steps.layers.count
    numbers = {"parameters": count, "left": len(left)}
    if left and len(left) == count:
        why = "the optimizer has none of the model's parameters: it was created with another model's parameters"
        return failed("optimizer", why, numbers)
    if left:
        return warned(
            "optimizer",
            f"no tracked optimizer has {names_text(left)}, but they get a gradient: were they created after the "
            "optimizer? Freeze parameters that should not be trained",
            numbers,
        )
    return passed("optimizer", f"the optimizer has all {count} trainable parameters", numbers)


def zero_grad(measured: Measurements, _: Objective) -> Check:
    steps = measured.steps
    if not steps.optimizers:
        return skipped("zero_grad", NO_OPTIMIZER)
    if steps.without_step:
        return skipped("zero_grad", NO_STEP)
    if len(steps.losses) < 2:
        return skipped("zero_grad", NO_LOSS)
    numbers = {"steps": len(steps.losses), "accumulated": steps.accumulated}
    if not steps.accumulated:
        return passed("zero_grad", "every step begins with empty gradients", numbers)
    return failed(
        "zero_grad",
        f"before {steps.accumulated} of the first {len(steps.losses)} steps the gradients still contained those of the "
        "previous step: call optimizer.zero_grad() once per step",
        numbers,
    )
