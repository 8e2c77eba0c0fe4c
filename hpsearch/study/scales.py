"""The scales on which a range of floats may be searched. Each maps values to a line on which the search is uniform.

log: by order of magnitude, for values > 0. logit: what lies near 0 or near 1, for values in (0, 1), such as the
momentum. reverse-log: by the order of magnitude of 1 - value, for values < 1, such as the betas of Adam (as
`reverseloguniform` in Syne Tune).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

CurvedScale = Literal["logit", "reverse-log"]


@dataclass(frozen=True)
class Scale:
    """to_line: ± infinity for values outside of its domain. from_line: its inverse."""

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
