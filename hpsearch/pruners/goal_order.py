"""The order of trials at a rung: by their loss, or with several goals by their Pareto ranks."""

import math
from collections.abc import Callable, Mapping, Sequence

from hpsearch.core.goals import ranks
from hpsearch.core.history import History


def rung_losses(rung: int, history: History, belongs: Callable[[int], bool] = lambda _: True) -> Mapping[int, float]:
    """Trial number -> its loss at a rung, of the trials that belong to it.

    With several goals the loss is the non-domination rank at this epoch, from 0, plus a fraction below 1 by which the
    trials of one front are ordered: those whose neighbours are far away come first (MO-ASHA; Schmucker et al. 2021,
    arXiv 2106.12639, with the crowding distance of NSGA-II). +inf without a value for each goal, and where a
    requirement is not met.
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
    fronts: dict[int, list[int]] = {}
    for number, rank in zip(numbers, ranks([points[one] for one in numbers]), strict=True):
        fronts.setdefault(rank, []).append(number)
    for rank, front in fronts.items():
        distances = crowding([points[one] for one in front])
        order = sorted(range(len(front)), key=lambda place: (-distances[place], front[place]))
        for place, index in enumerate(order):
            found[front[index]] = rank + place / len(front)
    return found


def crowding(points: Sequence[tuple[float, ...]]) -> list[float]:
    """The crowding distance of each point of a front (Deb 2002): infinite at its ends."""
    found = [0.0] * len(points)
    for column in zip(*points, strict=True):
        order = sorted(range(len(points)), key=column.__getitem__)
        width = column[order[-1]] - column[order[0]]
        found[order[0]] = found[order[-1]] = math.inf
        for before, place, after in zip(order, order[1:], order[2:], strict=False):
            found[place] += (column[after] - column[before]) / width if width else 0.0
    return found
