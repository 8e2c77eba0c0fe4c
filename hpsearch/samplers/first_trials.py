"""The parameters of the first trials, for any method: from search.first, then the best of earlier studies."""

from collections.abc import Callable, Sequence, Set

from hpsearch.core.decisions import New
from hpsearch.core.history import History
from hpsearch.core.related import BEST_POINTS
from hpsearch.core.trial import Params
from hpsearch.samplers.transfer import first_points, of_related
from hpsearch.study.space import Space


def known_point(points: Sequence[Params], history: History, until: int, in_round: int = 1) -> New | None:
    """The proposal of the next trial if it trains a known point; None after the last known point.

    until: the epoch up to which it trains.
    """
    number = len(history)
    if number >= len(points):
        return None
    return New(points[number], until, f"known point {number + 1} of {len(points)}", in_round)


def related_point(
    space: Space,
    history: History,
    known: int,
    taken: Set[tuple[float | None, ...]],
    draw: Callable[[], Params],
    until: int,
    most: int | None = None,
) -> New | None:
    """The proposal of the next trial if it trains one of the best points of the studies in learn_from; else None.

    known: the number of known points, which come first. taken: the keys of all points with a trial. draw: values for
    parameters that an earlier study does not have. most: the number of trials of the search, or of its first round; at
    most half of them have such points, so that the others are drawn from the whole space.
    """
    place, limit = len(history) - known, BEST_POINTS * len(history.related)
    if place < 0 or place >= (limit if most is None else min(limit, max(1, most // 2))):
        return None
    points = first_points(space, history, draw())
    if place >= len(points) or tuple(space.to_unit(points[place][0])) in taken:
        return None
    params, origin = points[place]
    return New(params, until, of_related(origin))
