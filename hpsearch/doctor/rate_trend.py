"""In which direction the results of trials improve with a parameter: a fit of their ranks, with its uncertainty."""

import math
from collections import Counter
from collections.abc import Sequence

MIN_TRIALS = 5
"""A fit of three coefficients needs more results than these."""

SIGNIFICANT = 2.5
"""Standard errors of the slope."""


NEAR_END = 0.7
"""From -1 to 1, the ends of the places."""


def trend(places: Sequence[float], losses: Sequence[float]) -> int:
    """1: results improve towards higher places, also at the upper end; -1: towards lower ones; 0: neither is shown.

    places: on the axis as it is searched, in any unit. losses: smaller is better, infinite for diverged trials.

    Ranks are fitted, so that one loss that exploded counts as any other bad one: the slope of a straight line must be
    significant, that of a parabola must not turn before the end of the places, and the best result must be near it.
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
    """From 0 to 1; equal losses have their mean rank."""
    order, count = sorted(losses), Counter(losses)
    return [(order.index(loss) + (count[loss] - 1) / 2) / (len(losses) - 1) for loss in losses]
