"""The order of trials at a rung: by loss, or with several goals by Pareto rank."""

import math
from collections.abc import Callable, Mapping

from hpsearch.core.goals import pareto_order
from hpsearch.core.history import History


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
