"""What some epochs and a few examples, learned by heart or not, show of a training."""

import math
from collections.abc import Sequence

from hpsearch.core.trial import Objective
from hpsearch.preflight.judge.chance import ChanceComparison, compare
from hpsearch.preflight.judge.check import Check, failed, listed, passed, skipped, warned
from hpsearch.preflight.judge.first_step_checks import NO_LOSS
from hpsearch.preflight.measurements import Measured, OverfitAttempt

NO_BATCHES = "the trainer takes its batches neither from run.batches(…) nor, its model tracked, from a DataLoader"

KINDS = {"oom": "it takes more memory than there is", "contract": "it reports what it should not"}
"""Of failures; of the rest: the trainer raised."""

ENDLESS = 1000.0
"""A loss that falls below zero by so many times what it was at first has no floor."""


def runs(measured: Measured) -> Check:
    failure, trained = measured.failure, measured.trained
    if failure is not None:
        why = KINDS.get(failure.kind, "the trainer raised")
        return failed("runs", f"{why}: {failure.summary}", details=failure.traceback)
    if trained is not None and trained.problem:
        return failed("runs", f"the trainer raised in epoch {len(trained.reports) + 1}: {trained.problem}")
    if trained is None or not trained.reports:
        return skipped("runs", "time was up before the end of the first epoch: give preflight.limit more")
    return passed("runs", "it builds, trains and reports", {"epochs": len(trained.reports)})


def metrics(measured: Measured, objective: Objective) -> Check:
    reports = measured.trained.reports if measured.trained else ()
    if not reports:
        return skipped("metrics", "no epoch came to its end")
    names = list(dict.fromkeys(name for report in reports for name in report.metrics))
    bad = [name for name in names if any(not math.isfinite(one.metrics.get(name, math.nan)) for one in reports)]
    numbers: dict[str, float | int | str] = {"metrics": len(names), "bad": ", ".join(bad)}
    if objective.metric in bad:
        shown = ", ".join(f"{report.metrics[objective.metric]:g}" for report in reports[:5])
        return failed(
            "metrics",
            f"{objective.metric}, by which the study is judged, is {shown} in the first epochs: look for a division by "
            "zero, a logarithm of zero, or a validation set that the metric is not defined on",
            numbers,
        )
    if bad:
        return warned("metrics", f"{listed(bad)}: missing, NaN or infinite in some epochs", numbers)
    return passed("metrics", f"{len(names)} are in every report, and finite", numbers)


def loss_sign(measured: Measured, objective: Objective) -> Check:
    steps, made = measured.steps, measured.attempts
    if not steps.losses:
        return skipped("loss sign", NO_LOSS)
    first = steps.losses[0]
    known = [loss for loss in (*steps.losses, *(one.last for one in made)) if not math.isnan(loss)]
    lowest = min(known, default=math.nan)
    numbers = {"first": first, "lowest": lowest}
    if steps.loss_kind and lowest < -0.01 * max(abs(first), 1.0):
        return failed(
            "loss sign",
            f"the loss is a {steps.loss_kind}, which is never below zero, and goes to {lowest:.3g}: its sign is wrong, "
            "or it is given something else than it takes (nll_loss wants what log_softmax gives)",
            numbers,
        )
    found = compared(measured, objective)
    nothing_gained = found is not None and found.worse
    if lowest < -ENDLESS * max(abs(first), 1.0) or (lowest < 0 and nothing_gained):
        return failed(
            "loss sign", f"the loss falls to {lowest:.3g} and nothing gets better: its sign is wrong", numbers
        )
    if _rises(made):
        return failed(
            "loss sign",
            "the loss of the same few examples rises at every learning rate: its sign is wrong, or the optimizer's "
            "`maximize` is on",
            numbers,
        )
    return passed("loss sign", "the loss does not go below what is possible", numbers)


def _rises(made: Sequence[OverfitAttempt]) -> bool:
    """At learning rates that are low enough to follow the gradient."""
    slow = [one for one in made if one.factor <= 0.1 and len(one.losses) > 20]
    return len(slow) > 1 and all(one.last > 1.002 * one.first for one in slow)


def overfits(measured: Measured, _: Objective) -> Check:
    made = measured.attempts
    if why := _why_not_overfitted(measured):
        return skipped("overfits", why)
    last = made[-1]
    numbers: dict[str, float | int | str] = {"examples": last.rows, "factor": last.factor}
    numbers |= {"first": last.first, "last": last.last}
    if last.accuracy is not None:
        numbers["accuracy"] = last.accuracy
    who = f"{last.rows} examples" if last.rows else "a minibatch"
    at = "" if last.factor == 1 else f", at {last.factor:g} times the learning rate"
    if last.memorised and last.rows < made[0].rows and last.rows <= 2:
        said = f"no more than {who} can be learned by heart{at}: has the model so few parameters, or are units dead?"
        return warned("overfits", said, numbers)
    if last.memorised:
        said = f"{who} are learned by heart: the loss goes from {last.first:.3g} to {last.last:.3g}{at}"
        return passed("overfits", said, numbers)
    farthest = min((one for one in made if math.isfinite(one.last)), key=lambda one: one.last, default=last)
    return failed(
        "overfits",
        f"not even {who} can be learned by heart, at {len({one.factor for one in made})} learning rates: the loss goes "
        f"from {farthest.first:.3g} to {farthest.last:.3g} at best. That usually means a wrong loss, frozen layers, "
        "dead activations, or inputs that do not reach the model",
        numbers,
    )


def _why_not_overfitted(measured: Measured) -> str:
    if not measured.steps.losses:
        return NO_LOSS
    if not measured.steps.fed:
        return NO_BATCHES
    if not measured.attempts:
        return "there was no time for it"
    problem = measured.attempts[-1].problem
    return f"the trainer cannot go on with the same batch ({problem})" if problem else ""


def labels(measured: Measured, objective: Objective) -> Check:
    found = compared(measured, objective)
    if found is None:
        return skipped("labels", _why_not_compared(measured))
    assert measured.trained is not None
    epochs = len(measured.trained.reports)
    numbers = {
        "value": found.value,
        "chance": found.chance,
        "margin": found.margin,
        "gain": found.gain,
        "epochs": epochs,
    }
    said = f"after {epochs} epochs {objective.metric} is {found.value:.4g}, and with shuffled labels {found.chance:.4g}"
    if found.learns and found.better:
        return passed("labels", said, numbers)
    if not found.possible or (found.learns and found.doubtful):
        return skipped("labels", f"{said}: the validation set is too small to tell them apart")
    return failed("labels", f"{said}: {_what_is_wrong(found)}", numbers)


def _what_is_wrong(found: ChanceComparison) -> str:
    if not found.learns:
        return (
            "nothing is learned that shuffled labels would not teach as well. Labels are shuffled against inputs, or "
            "these inputs say nothing about them"
        )
    if found.worse:
        return (
            "training makes it worse. study.goal is the wrong way round, or the labels of the validation set belong to "
            "other examples"
        )
    return (
        "what is learned does not carry over. The labels of the validation set belong to other examples, or its inputs "
        "are prepared in another way"
    )


def compared(measured: Measured, objective: Objective) -> ChanceComparison | None:
    """None where there is nothing to compare."""
    trained, shuffled = measured.trained, measured.shuffled
    if trained is None or not shuffled or not trained.losses:
        return None
    found = compare(objective, trained, shuffled)
    return found if math.isfinite(found.value) and math.isfinite(found.chance) else None


def _why_not_compared(measured: Measured) -> str:
    if not measured.steps.losses:
        return NO_LOSS
    if not measured.steps.fed:
        return NO_BATCHES
    if measured.attempts and not measured.attempts[-1].memorised:
        return "what cannot learn a few examples by heart is not asked for more"
    if measured.trained is None or not measured.trained.reports:
        return "no epoch came to its end"
    if measured.shuffled:
        return "the metric is not finite"
    return (
        "there was no time for it, or a batch is no pair of inputs and targets, so that nobody can shuffle the targets"
    )
