"""Several parameters that are written once and arrive as one list."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Family:
    """Parameters `units_1`, `units_2`, … that a trainer gets as one list.

    count: the name of the parameter with the length of the list. members: the names for the largest length.
    """

    name: str
    count: str
    members: tuple[str, ...]
