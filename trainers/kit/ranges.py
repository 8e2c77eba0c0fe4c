"""Parameters of a training as frozen dataclasses. The type of each field has its range.

A task's `Params` inherits from several of these classes: a study file may fix or search every field by its name. A
value out of range raises one error that lists all faults.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints


@dataclass(frozen=True)
class Within:
    """Numbers from `low` to `high`; `above` excludes `low`, `below` excludes `high`."""

    low: float = -math.inf
    high: float = math.inf
    above: bool = False
    below: bool = False

    def contains(self, value: float) -> bool:
        low = value > self.low if self.above else value >= self.low
        high = value < self.high if self.below else value <= self.high
        return low and high

    def __str__(self) -> str:
        low = f"{'>' if self.above else '>='} {self.low:g}" if math.isfinite(self.low) else ""
        high = f"{'<' if self.below else '<='} {self.high:g}" if math.isfinite(self.high) else ""
        return " and ".join(filter(None, [low, high]))


Conditions = Mapping[str, Any]
"""WHEN of a dataclass of parameters: the values of other parameters with which each parameter has an effect. `hpsearch
check` reads its source text, so it is a literal; hpsearch.study.parameter_effects documents its form."""

PositiveFloat = Annotated[float, Within(0, above=True)]
NonNegativeFloat = Annotated[float, Within(0)]
Fraction = Annotated[float, Within(0, 1, below=True)]
"""In [0, 1)."""
Probability = Annotated[float, Within(0, 1)]
"""In [0, 1]."""
PositiveInt = Annotated[int, Within(1)]
NonNegativeInt = Annotated[int, Within(0)]


@dataclass(frozen=True)
class Settings:
    """Raises ValueError for a number out of its range or a text that is not a choice."""

    def __post_init__(self) -> None:
        hints = hints_of(type(self))
        faults = (_fault(field.name, getattr(self, field.name), hints[field.name]) for field in fields(self))
        if found := [fault for fault in faults if fault]:
            raise ValueError(f"{type(self).__module__}.{type(self).__name__}: " + "; ".join(found))


def hints_of(kind: type[Any]) -> dict[str, Any]:
    """The types of a dataclass's fields by name, with their ranges."""
    return get_type_hints(kind, include_extras=True)


def _fault(name: str, value: Any, hint: Any) -> str | None:
    if value is None:
        return None
    choices = [choice for part in _parts(hint) if get_origin(part) is Literal for choice in get_args(part)]
    if choices and value not in choices:
        return f"{name} must be one of {', '.join(map(repr, choices))}, got {value!r}"
    ranges = [
        given for part in _parts(hint) for given in getattr(part, "__metadata__", ()) if isinstance(given, Within)
    ]
    wrong = [given for given in ranges if not given.contains(value)]
    return f"{name} must be {wrong[0]}, got {value!r}" if wrong else None


def _parts(hint: Any) -> list[Any]:
    """The hint, or the members of a union such as `Fraction | None`."""
    return [hint] if get_origin(hint) in (None, Literal, Annotated) else list(get_args(hint))
