"""The direction in which the results of trials improve with a parameter: a fit to their ranks, with its uncertainty."""

import math
from collections import Counter
from collections.abc import Sequence

MIN_TRIALS = 5
"""The fewest results; a fit of three coefficients needs more than three."""

SIGNIFICANT = 2.5
"""The slope is significant from this many standard errors on."""


NEAR_END = 0.7
"""The limit of a place near the end, with places from -1 to 1."""


def trend(places: Sequence[float], losses: Sequence[float]) -> int:
    """1: results improve towards higher places, up to the upper end. -1: towards lower places. 0: neither is shown.

    places: values of the parameter on the scale of the search, in any unit. losses: smaller is better, infinite for
    diverged trials.

    The fit uses ranks, so that an exploded loss counts like any other bad one. The slope of a straight line must be
    significant, a fitted parabola must not turn before the end, and the best result must be near the end.
    """
    import numpy as np

    if len(places) <= MIN_TRIALS or max(places) == min(places):
        return 0
    x = 2 * (np.asarray(places, dtype=float) - min(places)) / (max(places) - min(places)) - 1
    y = np.asarray(_ranks(losses))
    line = np.vander(x, 2)
    (slope, level), *_ = np.linalg.lstsq(line, y, rcond=None)
    left = float(np.sum((y - slope * x - level) ** 2)) / (len(x) - 2)
    error = math.sqrt(left / float(np.sum((x - x.mean()) ** 2)))
    if abs(slope) <= SIGNIFICANT * max(error, 1e-12):
        return 0
    (bend, tilt, _), *_ = np.linalg.lstsq(np.vander(x, 3), y, rcond=None)
    direction = 1 if slope < 0 else -1
    turns = (2 * bend * direction + tilt) * direction > 0
    best = float(x[int(y.argmin())]) * direction
    return 0 if turns or best < NEAR_END else direction


def _ranks(losses: Sequence[float]) -> list[float]:
    """The ranks, from 0 to 1. Equal losses have their mean rank."""
    order, count = sorted(losses), Counter(losses)
    return [(order.index(loss) + (count[loss] - 1) / 2) / (len(losses) - 1) for loss in losses]
