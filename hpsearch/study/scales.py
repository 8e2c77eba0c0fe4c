"""The scales on which a range of floats may be searched. Each maps values to a line on which the search is uniform.

log: uniform in log(value), for values > 0. logit: uniform in log(value / (1 - value)), for values in (0, 1) that may be
near 0 or near 1, such as momentum. reverse-log: uniform in log(1 - value), for values < 1, such as the betas of Adam
(`reverseloguniform` in Syne Tune). Below: powers of a whole number, and rounding to significant digits.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

CurvedScale = Literal["logit", "reverse-log"]


@dataclass(frozen=True)
class Scale:
    """to_line: ± infinity for values outside of the domain. from_line: the inverse of to_line."""

    to_line: Callable[[float], float]
    from_line: Callable[[float], float]


def _log(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf


def _logit(value: float) -> float:
    return _log(value) - _log(1 - value)


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > 0 else math.exp(x) / (1 + math.exp(x))


def _reverse_log(value: float) -> float:
    return -_log(1 - value)


LINEAR = Scale(float, float)
LOG = Scale(_log, math.exp)
CURVED: dict[CurvedScale, Scale] = {
    "logit": Scale(_logit, _logistic),
    "reverse-log": Scale(_reverse_log, lambda x: -math.expm1(-x)),
}


def exponent(value: float, base: int) -> int:
    """The largest whole number n for which base^n <= value; value >= 1."""
    found = 0
    while base ** (found + 1) <= value:
        found += 1
    return found


FEWEST = 4
"""The fewest significant digits of a value that is rounded by default."""

RESOLUTION = 1 / 4_000
"""The largest change of a value by rounding, as a fraction of the range on its scale."""


def rounded(value: float, digits: int) -> float:
    return float(f"{value:.{digits}g}")


def shortened(value: float, distance: Callable[[float], float]) -> float:
    """The value with the fewest significant digits that change it by at most `RESOLUTION`. distance: of a rounded
    value from the unrounded one, as a fraction of the range."""
    for digits in range(FEWEST, 17):
        if distance(short := rounded(value, digits)) <= RESOLUTION:
            return short
    return value
