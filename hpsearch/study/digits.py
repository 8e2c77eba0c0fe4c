"""Rounding of proposed values to significant digits."""

from collections.abc import Callable

FEWEST = 4
"""A value that is rounded by default keeps at least so many significant digits."""

RESOLUTION = 1 / 4_000
"""The most that the rounding moves a value, as a fraction of the range on its scale."""


def rounded(value: float, digits: int) -> float:
    return float(f"{value:.{digits}g}")


def shortened(value: float, distance: Callable[[float], float]) -> float:
    """The value with the fewest significant digits that move it by `RESOLUTION` at most. distance: of a value from the
    place in the range, in [0, 1]."""
    for digits in range(FEWEST, 17):
        if distance(short := rounded(value, digits)) <= RESOLUTION:
            return short
    return value
