"""The search space: floats, integers, choices, fixed values, conditions, and the map to and from the unit cube.

Each searched parameter is one axis of the unit cube [0, 1]^d. A float with log = true is log-uniform, as learning rates
in Bergstra and Bengio 2012 (JMLR 13, section 4); the other scales are in `scales`.
"""

import copy
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import overload

from hpsearch.core.constraints import Constraint
from hpsearch.core.format import value_text
from hpsearch.core.trial import Params, Value, identical, value_key
from hpsearch.study.conditions import Condition, dependencies_first, holds
from hpsearch.study.earlier_names import Earlier
from hpsearch.study.families import Family
from hpsearch.study.priors import Prior
from hpsearch.study.scales import CURVED, LINEAR, LOG, CurvedScale, Scale, exponent, rounded, shortened


class _Axis:
    """Base of ranges and choices.

    axis: a unique name, such as "lr (optimizer = sgd)", if several parameters with exclusive conditions have the same
    name; else empty.
    """

    name: str
    axis: str
    when: Condition

    @property
    def key(self) -> str:
        """Its name among all axes of the space."""
        return self.axis or self.name

    def is_in(self, params: Params) -> bool:
        """Whether the parameters have a value of this axis."""
        return self.name in params and (not self.axis or holds(self.when, params))


@dataclass(frozen=True)
class Float(_Axis):
    """A real number in [low, high]; with `step`, one of low, low + step, …

    grid: its values in a grid search; empty: from `points` or `step`.
    points: number of values in a grid search, low and high included, evenly spaced on its scale.
    expand: a search in rounds may move the range beyond low and high.
    auto: the learning-rate range test finds the range, within low and high.
    digits: significant digits that values are rounded to; None: not rounded.
    short: without `digits`, values are rounded to few significant digits: see `shortened`.
    scale: a scale other than linear and log.
    prior: the user's prior.
    """

    name: str
    low: float
    high: float
    log: bool = False
    step: float | None = None
    when: Condition = field(default_factory=dict)
    grid: tuple[float, ...] = ()
    points: int | None = None
    expand: bool = False
    auto: bool = False
    axis: str = ""
    digits: int | None = None
    scale: CurvedScale | None = None
    short: bool = field(default=False, compare=False)
    prior: Prior | None = None

    @property
    def line(self) -> Scale:
        return CURVED[self.scale] if self.scale else LOG if self.log else LINEAR

    @property
    def count(self) -> int | None:
        """The number of its values; None for a continuous range."""
        if self.step is None:
            return 1 if self.low == self.high else None
        return 1 + math.floor((self.high - self.low) / self.step + 1e-9)

    def from_unit(self, u: float) -> float:
        """The value at u in [0, 1]."""
        if self.step is not None:
            return self.on_step(min(int(u * (self.count or 1)), (self.count or 1) - 1))
        low, high = self.line.to_line(self.low), self.line.to_line(self.high)
        value = self.line.from_line(low + u * (high - low))
        if self.digits is not None:
            value = rounded(value, self.digits)
        elif self.short:
            value = shortened(value, lambda other: abs(self.to_unit(other) - u))
        return min(max(value, self.low), self.high)

    def to_unit(self, value: Value) -> float:
        """The value's coordinate; outside [0, 1] for a value outside [low, high]."""
        number = float(value)
        if self.low == self.high:
            return 0.5
        if self.step is not None:
            return (round((number - self.low) / self.step) + 0.5) / (self.count or 1)
        low, high = self.line.to_line(self.low), self.line.to_line(self.high)
        return (self.line.to_line(number) - low) / (high - low)

    def grid_values(self) -> Sequence[float]:
        """Its values in a grid search; empty if none are given."""
        if self.grid:
            return self.grid
        if self.points is not None:
            last = max(self.points - 1, 1)
            smooth = replace(self, step=None, short=False)
            # Rounded to 12 digits: 0.1 in place of 0.10000000000000006.
            values = (float(f"{smooth.from_unit(i / last):.12g}") for i in range(self.points))
            return tuple(dict.fromkeys(min(max(value, self.low), self.high) for value in values))
        if self.count is not None:
            return _Steps(self)
        return ()

    def on_step(self, index: int) -> float:
        """The value that many steps above low."""
        # In decimals: 0.1 + 2 * 0.1 must be 0.3, and -0.3 + 3 * 0.1 must be 0.
        return float(Decimal(repr(self.low)) + index * Decimal(repr(self.step or 0.0)))


@dataclass(frozen=True)
class _Steps(Sequence[float]):
    """The values of a range with a step. Not a tuple: they may be too many for the memory."""

    of: Float

    def __len__(self) -> int:
        return self.of.count or 0

    @overload
    def __getitem__(self, index: int) -> float: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[float, ...]: ...

    def __getitem__(self, index: int | slice) -> float | tuple[float, ...]:
        places = range(len(self))[index]
        return self.of.on_step(places) if isinstance(places, int) else tuple(map(self.of.on_step, places))


@dataclass(frozen=True)
class Int(_Axis):
    """A whole number in [low, high]; `step`, `grid`, `points` and `expand` as for a Float.

    powers_of: only powers of this base, each with the same probability; low and high are powers, and log is True.
    """

    name: str
    low: int
    high: int
    log: bool = False
    step: int | None = None
    when: Condition = field(default_factory=dict)
    grid: tuple[int, ...] = ()
    points: int | None = None
    expand: bool = False
    powers_of: int | None = None
    axis: str = ""
    prior: Prior | None = None

    @property
    def line(self) -> Scale:
        return LOG if self.log else LINEAR

    @property
    def count(self) -> int:
        if self.powers_of:
            return 1 + exponent(self.high, self.powers_of) - exponent(self.low, self.powers_of)
        return 1 + (self.high - self.low) // (self.step or 1)

    def from_unit(self, u: float) -> int:
        """The value at u in [0, 1]; with log, an integer covers [value - 1/2, value + 1/2]."""
        if self.powers_of:
            return self.low * int(self.powers_of ** min(int(u * self.count), self.count - 1))
        if not self.log:
            return self.low + (self.step or 1) * min(int(u * self.count), self.count - 1)
        low, high = math.log(self.low - 0.5), math.log(self.high + 0.5)
        return min(max(round(math.exp(low + u * (high - low))), self.low), self.high)

    def to_unit(self, value: Value) -> float:
        """The middle of the interval of [0, 1] that maps to the value."""
        if self.powers_of:
            return (math.log(value / self.low, self.powers_of) + 0.5) / self.count
        if not self.log:
            return ((int(value) - self.low) / (self.step or 1) + 0.5) / self.count
        low, high = math.log(self.low - 0.5), math.log(self.high + 0.5)
        return (math.log(float(value)) - low) / (high - low)

    def grid_values(self) -> Sequence[int]:
        if self.grid:
            return self.grid
        if self.powers_of:
            return tuple(self.low * int(self.powers_of**place) for place in range(self.count))
        if self.points is None:
            return range(self.low, self.high + 1, self.step or 1)  # not a tuple: it may have 2**40 values
        smooth = Float(self.name, self.low, self.high, log=self.log, points=self.points)
        return tuple(dict.fromkeys(round(value) for value in smooth.grid_values()))


@dataclass(frozen=True)
class Choice(_Axis):
    """A categorical parameter: one of several values without an order, each a plain value, a list or a table.

    names: shown in place of the values on screens, in plots and in Optuna; empty: the values.
    none: a trainer gets None for the value "none", which is recorded as "none". implied: `none` was derived from the
    values, and is not in the study file.
    """

    name: str
    values: tuple[Value, ...]
    when: Condition = field(default_factory=dict)
    names: tuple[str, ...] = ()
    none: bool = False
    axis: str = ""
    implied: bool = field(default=False, compare=False)
    prior: Prior | None = None

    @property
    def count(self) -> int:
        return len(self.values)

    def from_unit(self, u: float) -> Value:
        """The value; a list or table is a copy, so that no two trials share one."""
        return copy.deepcopy(self.values[min(int(u * len(self.values)), len(self.values) - 1)])

    def to_unit(self, value: Value) -> float:
        return (self.index(value) + 0.5) / len(self.values)

    @property
    def labels(self) -> tuple[str, ...]:
        """A distinct text for each value: its name, or the value."""
        texts = self.names or tuple(map(value_text, self.values))
        return texts if len(set(texts)) == len(texts) else tuple(map(value_key, self.values))

    def index(self, value: Value) -> int:
        """The index of a value in `values`; True and 1 differ. ValueError for an unknown value."""
        for i, own in enumerate(self.values):
            if identical(own, value):
                return i
        raise ValueError(f"{self.name}: {value!r} is not one of {list(self.values)}")

    def grid_values(self) -> tuple[Value, ...]:
        return copy.deepcopy(self.values)


Parameter = Float | Int | Choice


@dataclass(frozen=True)
class Space:
    """The parameters of a study, each after the parameters of its condition, and the fixed values.

    earlier: the keys `was` and `renamed`, by name. rows: if not empty, the only points that can be trained, each once;
    samplers may propose others, which are then replaced (`TableRows`).
    """

    parameters: tuple[Parameter, ...]
    fixed: Params = field(default_factory=dict)
    families: tuple[Family, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    earlier: Mapping[str, Earlier] = field(default_factory=dict)
    rows: tuple[Params, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "parameters", dependencies_first(self.parameters, self.fixed))

    def __getitem__(self, name: str) -> Parameter:
        """The parameter with this key, else the first with this name. KeyError."""
        for parameter in sorted(self.parameters, key=lambda one: one.key != name):
            if name in (parameter.key, parameter.name):
                return parameter
        raise KeyError(name)

    @property
    def dimensions(self) -> int:
        return len(self.parameters)

    def from_unit(self, point: Sequence[float]) -> dict[str, Value]:
        """The parameters at a point of the unit cube; inactive ones are left out. point: a coordinate for each.

        Coordinates may be NumPy scalars; the parameters are plain Python values.
        """
        params: dict[str, Value] = dict(self.fixed)
        for parameter, u in zip(self.parameters, point, strict=True):
            if is_active(parameter, params):
                params[parameter.name] = parameter.from_unit(float(u))
        return params

    def allows(self, params: Params) -> bool:
        """Whether the parameters fulfil all constraints."""
        return all(one.holds(params) for one in self.constraints)

    def middle(self) -> dict[str, Value]:
        """The centre; with constraints it may break one: see `feasible.centre`."""
        return self.from_unit([0.5] * self.dimensions)

    def to_unit(self, params: Params) -> list[float | None]:
        """A coordinate for each of `parameters`; None for an inactive (absent) one."""
        return [p.to_unit(params[p.name]) if p.is_in(params) else None for p in self.parameters]

    def shown(self, params: Params) -> dict[str, Value]:
        """The parameters for a screen: a value that has a name is replaced by its name."""
        named = {one.name: one for one in self.parameters if isinstance(one, Choice) and one.names}
        return {
            name: named[name].names[named[name].index(value)] if name in named and offers(named[name], value) else value
            for name, value in params.items()
        }

    def contains(self, params: Params) -> bool:
        """Whether the parameters are in this space (up to rounding of floats)."""
        active = [one for one in self.parameters if is_active(one, params)]
        if set(params) != {one.name for one in active} | set(self.fixed) or not self.allows(params):
            return False
        return all(_holds(one, params[one.name]) for one in active)

    def size(self) -> int | None:
        """The number of parameter sets (with conditions an upper bound); None if a range is continuous."""
        if self.rows:
            return len(self.rows)
        counts = [parameter.count for parameter in self.parameters]
        return None if any(count is None for count in counts) else math.prod(count or 1 for count in counts)

    def grid(self) -> Iterator[dict[str, Value]]:
        """Every feasible point once; the last parameter varies fastest. Inactive parameters are left out."""
        partial = [iter([dict(self.fixed)])]  # for each parameter so far: the points up to it
        while partial:
            params = next(partial[-1], None)
            if params is None:
                partial.pop()
            elif len(partial) <= len(self.parameters):
                partial.append(_extended(params, self.parameters[len(partial) - 1]))
            elif self.allows(params):
                yield params

    def points(self) -> Iterator[dict[str, Value]]:
        """Every feasible point of a discrete space, including points that are not in its grid."""
        if self.rows:
            yield from (dict(row) for row in self.rows if self.contains(row))
            return
        whole = (p if isinstance(p, Choice) else replace(p, grid=(), points=None) for p in self.parameters)
        yield from replace(self, parameters=tuple(whole)).grid()

    def narrowed(self, ranges: Mapping[str, Parameter]) -> "Space":
        """The space with other ranges for some parameters, by their keys."""
        return replace(self, parameters=tuple(ranges.get(p.key, p) for p in self.parameters))


def _extended(params: Params, parameter: Parameter) -> Iterator[dict[str, Value]]:
    """The parameters with each value of one more parameter in a grid, or unchanged where that is inactive."""
    if not is_active(parameter, params):
        yield dict(params)
        return
    for value in parameter.grid_values():
        yield {**params, parameter.name: value}


def is_active(parameter: Parameter, params: Params) -> bool:
    """Whether its condition holds for these values."""
    return holds(parameter.when, params)


def offers(parameter: Parameter, value: Value) -> bool:
    """Whether the parameter can have exactly this value and a condition can name it; False for continuous ranges."""
    if isinstance(parameter, Choice):
        return any(identical(own, value) for own in parameter.values)
    if isinstance(value, str | bool | list | dict) or not parameter.low <= value <= parameter.high:
        return False
    if isinstance(parameter, Int):
        if parameter.powers_of:
            return value in parameter.grid_values()
        return isinstance(value, int) and (value - parameter.low) % (parameter.step or 1) == 0
    return parameter.count is not None and parameter.from_unit(parameter.to_unit(value)) == value


def holds_value(parameter: Parameter, value: Value) -> bool:
    """Whether it is one of the parameter's values: within the range, on a step, and an int for an Int."""
    if not _holds(parameter, value) or (isinstance(parameter, Int) and type(value) is not int):
        return False
    if isinstance(parameter, Choice) or parameter.step is None:
        return True
    return math.isclose(parameter.from_unit(parameter.to_unit(value)), value, rel_tol=1e-9, abs_tol=1e-9)


def _holds(parameter: Parameter, value: Value) -> bool:
    if isinstance(parameter, Choice):
        return offers(parameter, value)
    if isinstance(value, str | bool | list | dict):
        return False
    slack = 1e-9 * max(abs(parameter.low), abs(parameter.high))
    return bool(parameter.low - slack <= value <= parameter.high + slack)
