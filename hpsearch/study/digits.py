"""Rounding of proposed values to significant digits."""

from collections.abc import Callable

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
