"""The parameters of the first trials, for any method: from search.first, then the best of earlier studies."""

from collections import Counter
from collections.abc import Callable, Sequence, Set

from hpsearch.core.decisions import New
from hpsearch.core.history import History
from hpsearch.core.related import BEST_POINTS
from hpsearch.core.trial import Params, key_of
from hpsearch.samplers.transfer import first_points, of_related
from hpsearch.study.space import Space


def known_point(points: Sequence[Params], history: History, until: int, in_round: int = 1) -> New | None:
    """The proposal of the next trial if it trains a known point: the first that has no trial yet, also if it was added
    after other trials. None if all have one.

    until: the epoch up to which it trains.
    """
    trained = Counter(key_of(trial.params) for trial in history.known) if points else Counter[str]()
    for number, point in enumerate(points, start=1):
        trained[key_of(point)] -= 1
        if trained[key_of(point)] + history.repeats(point) < 0:
            return New(point, until, f"known point {number} of {len(points)}", in_round)
    return None


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
