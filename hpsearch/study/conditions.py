"""Conditions of parameters: the values, or the numbers, of other parameters with which a parameter is active; and the
order of parameters that conditions need."""

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, Protocol, TypeGuard, TypeVar

from hpsearch.core.trial import Params, Value, identical

Condition = Mapping[str, tuple[Value, ...]]
"""{"optimizer": ("sgd", "rmsprop")}: active if every named parameter is active and has one of these values.

A text such as ">= 3" or ">= 2 and < 5" is a comparison: it allows all numbers for which it is true.
"""

_ONE = r"\s*(<=|>=|==|<|>|!=)\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*"
_PART = re.compile(_ONE)
_COMPARISON = re.compile(rf"{_ONE}(?:(?:,|\band\b){_ONE})*")
_OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    **{"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt, "!=": operator.ne, "==": operator.eq},
}


def holds(when: Condition, params: Params) -> bool:
    """Whether every named parameter is in `params` and has an allowed value."""
    return all(
        name in params and any(matches(params[name], value) for value in allowed) for name, allowed in when.items()
    )


def matches(value: Value, allowed: Value) -> bool:
    """Whether a condition allows a value. 2 and 2.0 are the same, 1 and true are not."""
    if isinstance(value, bool | list | dict) or isinstance(allowed, bool | list | dict):
        return identical(value, allowed)
    if isinstance(allowed, str) and not isinstance(value, str):
        return compares(value, allowed)
    return bool(value == allowed)


def is_comparison(allowed: Value) -> TypeGuard[str]:
    return isinstance(allowed, str) and _COMPARISON.fullmatch(allowed) is not None


def compares(number: float, comparison: str) -> bool:
    """Whether a comparison such as ">= 3" is true for the number; False for a text that is not a comparison."""
    return is_comparison(comparison) and all(
        _OPERATORS[sign](number, float(bound)) for sign, bound in _PART.findall(comparison)
    )


def near_bounds(comparison: str) -> list[float]:
    """The numbers in a comparison, and those next to them: if any number meets it, one of these does, or a far one."""
    bounds = [float(bound) for _, bound in _PART.findall(comparison)]
    return [number for bound in bounds for number in (bound, _next(bound, -1), _next(bound, 1))]


def exclude_each_other(one: Condition, other: Condition) -> bool:
    """Whether no parameters fulfil both: of a parameter that both name, they allow no common value."""
    return any(not _share_a_value(one[name], other[name]) for name in one.keys() & other.keys())


def _share_a_value(some: Iterable[Value], others: Iterable[Value]) -> bool:
    some, others = list(some), list(others)
    near = [number for one in chain(some, others) if is_comparison(one) for number in near_bounds(one)]
    values = [one for one in chain(some, others) if not is_comparison(one)] + near
    return any(
        any(matches(value, one) for one in some) and any(matches(value, one) for one in others) for value in values
    )


def _next(number: float, direction: int) -> float:
    return math.nextafter(number, direction * math.inf)


class Conditional(Protocol):
    """A parameter with a condition."""

    @property
    def name(self) -> str: ...

    @property
    def when(self) -> Mapping[str, Any]: ...


Some = TypeVar("Some", bound=Conditional)


def dependencies_first(parameters: Sequence[Some], fixed: Params) -> tuple[Some, ...]:
    """In the given order, except that each parameter comes after those in its condition. ValueError for a cycle or an
    unknown name."""
    ordered: list[Some] = []
    waiting, known = list(parameters), {*fixed, *(one.name for one in parameters)}
    while waiting:
        left = {one.name for one in waiting}
        first = next((p for p in waiting if all(name in known and name not in left for name in p.when)), None)
        if first is None:
            raise ValueError(
                f"`when` of {', '.join(p.name for p in waiting)} names itself, forms a cycle, or names no parameter"
            )
        ordered.append(first)
        waiting.remove(first)
    return tuple(ordered)
