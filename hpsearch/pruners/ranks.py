"""Functions of several pruners: whether a trial has reached its target epoch, the order at a rung, ranks, and the
metric as text."""

import math
from collections.abc import Callable, Mapping

from hpsearch.core.goals import pareto_order
from hpsearch.core.history import History
from hpsearch.core.trial import Objective, Trial


def has_reached_target(trial: Trial) -> bool:
    """Whether the trial has reached its epoch `until`: stopping it saves nothing, and a sampler may continue it."""
    return trial.epoch >= trial.until


def has_reported(trial: Trial, objective: Objective) -> bool:
    """Whether the last report has the metric. Pruners do not judge reports without it."""
    return bool(trial.curve) and objective.is_in(trial.curve[-1])


def rank(number: int, losses: Mapping[int, float]) -> int:
    """The rank of a trial, from 1. Equal losses have equal ranks. A trial without a loss ranks as if it were +inf."""
    own = losses.get(number, math.inf)
    return 1 + sum(loss < own for loss in losses.values())


def metric_text(objective: Objective, loss: float) -> str:
    """The metric for a loss, not negated, such as "0.81"."""
    if not math.isfinite(loss):
        return "not finite"
    return f"{loss if objective.goal == 'minimize' else -loss:.4g}"


def value_text(objective: Objective, loss: float, epoch: int) -> str:
    """A value of `History.losses_at` as text, such as "best val_loss 0.31 up to epoch 4"."""
    if objective.require and math.isinf(loss):
        return "a requirement is not met"
    value = f"{objective.label} {metric_text(objective, loss)}"
    at = f"{objective.unit} {epoch}"
    return f"best {value} up to {at}" if objective.at == "best" else f"{value} at {at}"


def rung_losses(rung: int, history: History, belongs: Callable[[int], bool] = lambda _: True) -> Mapping[int, float]:
    """Trial number -> its loss at a rung. belongs: whether the trial with this number is compared.

    With several goals the loss is the `pareto_order` at this epoch (MO-ASHA; Schmucker et al. 2021, arXiv 2106.12639).
    It is +inf if a goal has no value or a requirement is not met.
    """
    losses = {number: loss for number, loss in history.losses_from(rung).items() if belongs(number)}
    if not history.objective.others:
        return losses
    points = {
        number: history.objective.losses(history[number].as_of(rung))
        for number, loss in losses.items()
        if math.isfinite(loss)
    }
    points = {number: point for number, point in points.items() if all(map(math.isfinite, point))}
    numbers = list(points)
    found = dict.fromkeys(losses, math.inf)
    return found | dict(zip(numbers, pareto_order([points[one] for one in numbers]), strict=True))
