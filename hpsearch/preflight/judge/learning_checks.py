"""Checks of a few whole epochs, and of a training on a few examples, which should overfit (memorise) them."""

import math
from collections.abc import Sequence

from hpsearch.core.format import many
from hpsearch.core.trial import Objective
from hpsearch.preflight.judge.chance import ChanceComparison, compare, hardly_falls
from hpsearch.preflight.judge.check import Check, Numbers, failed, names_text, passed, skipped, warned
from hpsearch.preflight.judge.first_step_checks import MAX_RATIO, NO_LOSS, NO_MODEL, NO_STEP
from hpsearch.preflight.measurements import MEMORISED, Measurements, OverfitAttempt, TrainedEpochs

NO_BATCHES = "the trainer takes its batches neither from run.batches(…) nor, with a tracked model, from a DataLoader"

NO_REPEATS = (
    "the trainer makes no step with a repeated minibatch: it reads all batches before its first step, as "
    "list(run.batches(…)) does, or skips batches of this size"
)

KINDS = {"oom": "out of memory", "contract": "the trainer does not follow its contract"}
"""Kinds of failures; all others are exceptions of the trainer."""

FEW_WRONG, SHOWN = 0.25, 10
"""If more than the fraction FEW_WRONG of a minibatch stays wrong, the model is too small; if less, these examples may
be faulty. SHOWN: the most examples that a message lists."""

LEARNT = 0.9
"""The minibatch of a trainer that takes its batches by itself cannot be made smaller. If its loss falls below this
part of the initial loss and of the chance level, the model learns, but may have too few parameters to memorise it."""

UNBOUNDED = 1000.0
"""A loss has no lower bound if it falls below zero by more than this many times its initial value."""


def runs(measured: Measurements) -> Check:
    failure, trained = measured.failure, measured.trained
    if failure is not None:
        if failure.kind == "infeasible":
            return warned("runs", f"no feasible parameters were found to measure with: {failure.summary}")
        why = KINDS.get(failure.kind, "the trainer raised an exception")
        return failed("runs", f"{why}: {failure.summary}", details=failure.traceback)
    if trained is not None and trained.problem:
        where = f"the trainer raised an exception in epoch {len(trained.reports) + 1}"
        return failed("runs", f"{where}: {trained.problem}")
    if trained is None or not trained.reports:
        return skipped("runs", "the first epoch did not end within the time limit: increase preflight.limit")
    return passed("runs", "the trainer builds, trains and reports", {"epochs": len(trained.reports)})


def metrics(measured: Measurements, objective: Objective) -> Check:
    reports = measured.trained.reports if measured.trained else ()
    if not reports:
        return skipped("metrics", "no epoch ended")
    names = list(dict.fromkeys(name for report in reports for name in report.metrics))
    bad = [name for name in names if any(not math.isfinite(one.metrics.get(name, 0.0)) for one in reports)]
    numbers: dict[str, float | int | str] = {"metrics": len(names), "bad": ", ".join(bad)}
    judged = [report.metrics[objective.metric] for report in reports if objective.is_in(report)]
    if objective.metric in bad:
        shown = ", ".join(f"{value:g}" for value in judged[:5])
        return failed(
            "metrics",
            f"the study's metric {objective.metric} is {shown} in the first epochs: check for a division by zero, a "
            "logarithm of zero, or a validation set on which the metric is not defined",
            numbers,
        )
    if not judged:
        return warned(
            "metrics",
            f"the study's metric {objective.metric} is not in the first {many(len(reports), 'report')}, which have "
            f"{names_text(names) or 'nothing'}: a trial that never reports it fails",
            numbers,
        )
    if bad:
        return warned("metrics", f"{names_text(bad)}: NaN or infinite in some epochs; it is not judged", numbers)
    return passed("metrics", f"the reports have finite values of {many(len(names), 'metric')}", numbers)


def eval_mode(measured: Measurements, _: Objective) -> Check:
    trained = measured.trained
    if not measured.steps.models:
        return skipped("eval mode", NO_MODEL)
    if trained is None or not trained.reports:
        return skipped("eval mode", "no epoch ended")
    if not (trained.evaluated or trained.trained):
        return passed("eval mode", "the model has no dropout or batch norm, so its mode makes no difference")
    numbers = {"evaluated": trained.evaluated, "in_training": trained.in_training}
    numbers |= {"trained": trained.trained, "in_evaluation": trained.in_evaluation}
    if 2 * trained.in_evaluation > trained.trained:
        return warned(
            "eval mode",
            f"the model is trained in evaluation mode in {trained.in_evaluation} of {many(trained.trained, 'step')}, "
            "without dropout and with fixed statistics of batch norm: call model.train() at the start of each epoch",
            numbers,
        )
    if 2 * trained.in_training > trained.evaluated:
        return warned(
            "eval mode",
            f"the model is evaluated in training mode in {trained.in_training} of {many(trained.evaluated, 'call')} "
            "without gradients, with dropout or with the statistics of single batches: call model.eval() before",
            numbers,
        )
    return passed("eval mode", "the model is trained in training mode and evaluated in evaluation mode", numbers)


def loss_sign(measured: Measurements, objective: Objective) -> Check:
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
            f"the loss is a {steps.loss_kind}, which is never negative, but falls to {lowest:.3g}: its sign is wrong, "
            "or its input is not what it expects (nll_loss expects the output of log_softmax)",
            numbers,
        )
    if lowest < -UNBOUNDED * max(abs(first), 1.0):
        return failed("loss sign", f"the loss falls to {lowest:.3g}, far below zero: its sign is wrong", numbers)
    found = compared(measured, objective)
    if lowest < 0 and found is not None and found.worse:
        why = f"the loss falls to {lowest:.3g}, but the metric is worse than with shuffled labels: its sign is wrong"
        return failed("loss sign", why, numbers)
    if _rises(made):
        return failed(
            "loss sign",
            "trained on the same few examples, the loss rises at every learning rate: its sign is wrong, or the "
            "optimizer has maximize=True",
            numbers,
        )
    return passed("loss sign", "the loss does not fall below its lower bound", numbers)


def _rises(made: Sequence[OverfitAttempt]) -> bool:
    """Whether the loss rises at learning rates that are low enough to follow the gradient."""
    slow = [one for one in made if one.factor <= 0.1 and len(one.losses) > 20]
    return len(slow) > 1 and all(one.last > 1.002 * one.first for one in slow)


def overfits(measured: Measurements, _: Objective) -> Check:
    if why := _why_not_overfitted(measured):
        return skipped("overfits", why)
    # A trainer may skip minibatches that are smaller than its batch size.
    made = [one for one in measured.attempts if one.losses] or list(measured.attempts)
    last = made[-1]
    numbers: dict[str, float | int | str] = {"examples": last.rows, "factor": last.factor}
    numbers |= {"first": last.first, "last": last.last}
    if last.accuracy is not None:
        numbers["accuracy"] = last.accuracy
    examples = many(last.rows, "example") if last.rows else "one minibatch"
    at = "" if last.factor == 1 else f" at {last.factor:g} times the learning rate"
    nearly = _nearly_memorised(made)
    if last.memorised and last.rows < made[0].rows and nearly is not None:
        return warned("overfits", _what_stays_wrong(nearly), numbers | {"wrong": len(nearly.wrong)})
    if last.memorised and last.rows < made[0].rows and last.rows <= 2:
        why = f"overfits (memorises) no more than {examples}{at}: check for too few parameters, or dead units"
        return warned("overfits", why, numbers)
    if last.memorised:
        fall = f"the loss falls from {last.first:.3g} to {last.last:.3g}{at}"
        return passed("overfits", f"overfits (memorises) {examples}: {fall}", numbers)
    best = min((one for one in made if math.isfinite(one.last)), key=lambda one: one.last, default=last)
    if last.held and best.last < LEARNT * best.start:
        return _in_part(best, numbers)
    tried = many(len({one.factor for one in made}), "learning rate")
    observed = (
        f"cannot overfit (memorise) even {examples}, tried with {tried}: the loss goes from {best.first:.3g} to "
        f"{best.last:.3g} at best"
    )
    numbers |= {"changing": int(last.changing)}
    if why := _why_uncertain(measured):
        return warned("overfits", f"{observed}. {why}", numbers)
    return failed("overfits", f"{observed}. {_why_not_memorised(made)}", numbers)


def _why_uncertain(measured: Measurements) -> str:
    """Why a sound trainer may not memorise its examples; "" if there is no reason."""
    made = [one for one in measured.attempts if one.losses]
    if measured.steps.optimizers > 1:
        return "With several optimizers this may be right: in adversarial training, no loss need fall"
    if not any(one.learns for one in made):
        return ""
    if any(one.changing for one in made):
        return (
            "The model's inputs differ between steps, as with noise or augmentation, so the loss may stay above 0. "
            "Leave them out if run.without_regularization is True, for a check without doubt"
        )
    if made[-1].accuracy is None and made[-1].floor is None:
        return "How low this loss can be is unknown: it has several terms, or is of no kind that the preflight knows"
    return ""


def _in_part(best: OverfitAttempt, numbers: Numbers) -> Check:
    """Examples may stay wrong if nothing tells them apart, such as the first letters of texts."""
    fall = f"its loss falls from {best.first:.3g} to {best.last:.3g}"
    if best.accuracy is None or best.chance is None or best.last <= MEMORISED * best.start:
        return passed("overfits", f"learns the first minibatch when it is repeated: {fall}", numbers)
    return warned(
        "overfits",
        f"overfits (memorises) the first minibatch only in part: {fall}, and {best.accuracy:.0%} are right. A model "
        "with few parameters cannot do better; otherwise look at the examples and their labels",
        numbers,
    )


def _why_not_memorised(made: Sequence[OverfitAttempt]) -> str:
    """The advice. Measured causes come first, because they are the most likely ones."""
    if made[0].conflicting:
        places = _places(made[0].conflicting)
        return f"In the first minibatch, examples with the same inputs have different targets: {places} (from 0)"
    first, chance = made[0].first, made[0].chance
    if made[0].accuracy is None and chance is not None and first > MAX_RATIO * chance:
        return (
            f"The outputs are far from the targets at first (the loss of a constant prediction is {chance:.3g}): scale "
            "the targets, for example to mean 0 and standard deviation 1"
        )
    if made[-1].changing:
        return (
            "The model's inputs differ between steps, though the minibatch is the same: augmentation or noise may "
            "prevent memorising. Switch it off if run.without_regularization is True, and run the preflight again"
        )
    return (
        "Usual causes: a wrong loss, frozen layers, dead activations, inputs that do not reach the model, or "
        "regularisation that this check cannot switch off, such as a penalty on the weights that the trainer adds to "
        "its loss or gradients. Switch it off if run.without_regularization is True"
    )


def _nearly_memorised(made: Sequence[OverfitAttempt]) -> OverfitAttempt | None:
    """The best attempt with a whole minibatch, if only a few examples stay wrong; otherwise None."""
    whole = [one for one in made if one.rows == made[0].rows and one.wrong and not one.diverged]
    best = min(whole, key=lambda one: len(one.wrong), default=None)
    return best if best is not None and len(best.wrong) <= FEW_WRONG * best.rows else None


def _what_stays_wrong(attempt: OverfitAttempt) -> str:
    wrong, right = _places(attempt.wrong), attempt.rows - len(attempt.wrong)
    said = f"memorises {right} of {many(attempt.rows, 'example')} of the first minibatch; {wrong} stay wrong (from 0)"
    if attempt.conflicting:
        return f"{said}. Examples with the same inputs have different labels: {_places(attempt.conflicting)}"
    return f"{said}. Look at their inputs and labels"


def _places(places: Sequence[int]) -> str:
    return ", ".join(map(str, places[:SHOWN])) + (", …" if len(places) > SHOWN else "")


def _why_not_overfitted(measured: Measurements) -> str:
    if not measured.steps.losses:
        return NO_LOSS
    if measured.steps.without_step:
        return NO_STEP
    if not measured.attempts:
        return "preflight.limit was reached before" if measured.steps.fed else NO_BATCHES
    problem = measured.attempts[-1].problem
    if problem:
        return f"the trainer does not accept the same batch again ({problem})"
    return "" if any(one.losses for one in measured.attempts) else NO_REPEATS


def labels(measured: Measurements, objective: Objective) -> Check:
    found = compared(measured, objective)
    if found is None:
        return skipped("labels", _why_not_compared(measured))
    assert measured.trained is not None
    if all(_are_equal(measured.trained, one) for one in measured.shuffled):
        return skipped("labels", "the second part of a batch has no effect on the loss, so it is not a label")
    epochs = len(measured.trained.reports)
    numbers = {
        "value": found.value,
        "chance": found.chance,
        "margin": found.margin,
        "gain": found.gain,
        "epochs": epochs,
    }
    value = f"{objective.metric} is {found.value:.4g}, with shuffled labels {found.chance:.4g}"
    observed = f"after {many(measured.trained.reports[-1].step, objective.unit)} {value}"
    if found.learns and found.better and not measured.trained.regularized:
        why = (
            "with it, the trainer learns no more than from shuffled labels: search weaker weight decay, dropout and "
            "augmentation"
        )
        return warned("labels", f"without regularisation, {observed}; {why}", numbers)
    if found.learns and found.better:
        return passed("labels", observed, numbers)
    if not found.possible or (found.learns and found.doubtful):
        return skipped("labels", f"{observed}: the validation set is too small for a significant difference")
    if not found.learns and (ends := hardly_falls(measured.trained)) is not None:
        why = (
            f"{observed}: the training loss hardly falls ({ends[0]:.3g} to {ends[1]:.3g}), with your labels and with "
            "shuffled ones, so this check cannot decide. The learning rate may be far too low ([lr_range] tests it), "
            "the task may be learnt suddenly, after more epochs, or the labels do not belong to their inputs"
        )
        return warned("labels", why, numbers | {"flat": 1})
    return failed("labels", f"{observed}: {_what_is_wrong(found)}", numbers)


def _are_equal(one: TrainedEpochs, other: TrainedEpochs) -> bool:
    """Whether two trainings have the same losses, but for rounding, and not because nothing is learnt."""
    if len(set(one.losses)) < 2:
        return False
    pairs = zip(one.losses, other.losses, strict=False)
    return all(math.isclose(a, b, rel_tol=1e-6) or (math.isnan(a) and math.isnan(b)) for a, b in pairs)


def _what_is_wrong(found: ChanceComparison) -> str:
    if not found.learns:
        return (
            "the training loss is not lower than with shuffled labels. The labels do not belong to their inputs, or "
            "the inputs contain no information about them"
        )
    if found.worse:
        return (
            "training makes the metric worse. study.goal is inverted, or the labels of the validation set do not "
            "belong to its examples"
        )
    return (
        "the training loss improves, but the metric does not. The labels of the validation set do not belong to its "
        "examples, or its inputs are preprocessed differently"
    )


def compared(measured: Measurements, objective: Objective) -> ChanceComparison | None:
    """None if there is nothing to compare."""
    trained, shuffled = measured.trained, measured.shuffled
    if trained is None or not shuffled or not trained.losses:
        return None
    found = compare(objective, trained, shuffled)
    return found if math.isfinite(found.value) and math.isfinite(found.chance) else None


def _why_not_compared(measured: Measurements) -> str:
    if not measured.steps.losses:
        return NO_LOSS
    if measured.steps.without_step:
        return NO_STEP
    if not measured.steps.fed:
        return NO_BATCHES
    if measured.attempts and not measured.attempts[-1].memorised:
        return "not measured, because the trainer cannot overfit a few examples"
    if measured.trained is None or not measured.trained.reports:
        return "no epoch ended"
    if measured.shuffled:
        return "the metric is not finite"
    return "preflight.limit was reached, or a batch is not a pair of inputs and targets, which are needed to shuffle"
