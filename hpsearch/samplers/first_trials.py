"""Known points: the parameters of the first trials, given in [search] first, in any method."""

from collections.abc import Sequence

from hpsearch.core.decisions import New
from hpsearch.core.history import History
from hpsearch.core.trial import Params


def known_point(points: Sequence[Params], history: History, until: int, in_round: int = 1) -> New | None:
    """The proposal of the next trial, where it trains a known point; None after the last of them.

    until: the epoch that it trains to.
    """
    number = len(history)
    if number >= len(points):
        return None
    return New(points[number], until, f"known point {number + 1} of {len(points)}", in_round)
