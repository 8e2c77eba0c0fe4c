"""The scales on which a range of floats may be searched. Each maps values to a line on which the search is uniform.

log: uniform in log(value), for values > 0. logit: uniform in log(value / (1 - value)), for values in (0, 1) that may be
near 0 or near 1, such as momentum. reverse-log: uniform in log(1 - value), for values < 1, such as the betas of Adam
(`reverseloguniform` in Syne Tune).
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


LINEAR = Scale(lambda value: value, lambda x: x)
LOG = Scale(_log, math.exp)
CURVED: dict[CurvedScale, Scale] = {
    "logit": Scale(_logit, _logistic),
    "reverse-log": Scale(_reverse_log, lambda x: -math.expm1(-x)),
}
