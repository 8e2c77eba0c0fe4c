"""Several parameters that are written once and arrive as one list."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Family:
    """Parameters `units_1`, `units_2`, … that a trainer gets as one list, as long as another parameter says.

    count: the name of that parameter. members: the names, for the largest count.
    """

    name: str
    count: str
    members: tuple[str, ...]
