"""[space] of a study file: converts its tables, lists and scalars to a Space, and back."""

import graphlib
import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from hpsearch.core.trial import Value, identical, value_key
from hpsearch.study.file import other_tools
from hpsearch.study.file.faults import Faults, did_you_mean, listed, literal, literals, show, translate, unknown
from hpsearch.study.file.kinds import nested_plain, plain, recordable
from hpsearch.study.file.sections import AUTO_HIGH, AUTO_LOW, Auto, Range, Section, Values
from hpsearch.study.space import Choice, Float, Int, Parameter, Space, offers

MAX_PARAMETERS = 1_000
"""Maximum number of searched parameters."""

_MAX_STEPS = 10**15
"""Maximum number of steps in a range: beyond it, floats cannot represent each value."""


KEYS_OF_ENTRIES = ("low", "high", "values", "auto")
"""A table with one of these keys, and no table as its value, is a parameter."""


def parse(table: Mapping[str, Any], faults: Faults, hint: str = "") -> Space | None:
    """The space; None where it has faults, which are added to `faults`. hint: what to write into an empty table."""
    table = flat(table)
    entries = {name: entry for name, raw in table.items() if (entry := _entry(name, raw, faults)) is not None}
    parameters = [entry for entry in entries.values() if isinstance(entry, Parameter)]
    if not parameters and not faults.has(("space",)):
        advice = "give at least one range { low = …, high = … } or list of values"
        faults.add(("space",), f"has nothing to search: {advice}{hint}")
    if len(parameters) > MAX_PARAMETERS:
        faults.add(("space",), f"must have at most {MAX_PARAMETERS:,} parameters to search, got {len(parameters):,}")
        return None
    for parameter in parameters:
        _check_condition(parameter, entries, table, faults)
    _check_cycles(parameters, faults)
    if faults.has(("space",)):
        return None
    rates = [parameter.name for parameter in parameters if isinstance(parameter, Float) and parameter.auto]
    for name in rates[1:]:
        faults.add(("space", name), f"auto = true is already set for `{rates[0]}`; only one parameter may have it")
    return Space(tuple(parameters), {name: e for name, e in entries.items() if not isinstance(e, Parameter)})


def written(space: Space) -> dict[str, Any]:
    """The inverse of `parse`: the table of this space, without defaults."""
    table: dict[str, Any] = {parameter.name: _written(parameter) for parameter in space.parameters}
    return table | dict(space.fixed)


def _written(parameter: Parameter) -> dict[str, Any] | list[Value]:
    if isinstance(parameter, Choice) and not (parameter.when or parameter.names or parameter.none):
        return list(parameter.values)
    given = {field.name: getattr(parameter, field.name) for field in fields(parameter) if field.name != "name"}
    given["when"] = {name: list(values) for name, values in parameter.when.items()}
    plainly = {key: list(value) if isinstance(value, tuple) else value for key, value in given.items()}
    if isinstance(parameter, Float) and parameter.auto:
        implied = {"low": AUTO_LOW, "high": AUTO_HIGH, "log": True}
        plainly = {"auto": True} | {key: value for key, value in plainly.items() if value != implied.get(key)}
    return {
        key: value for key, value in plainly.items() if value not in (None, False, [], {}) or key in ("low", "high")
    }


def flat(table: Mapping[str, Any]) -> dict[str, Any]:
    """The entries by their whole names: `optimizer.lr` of the table [space.optimizer], or with unquoted dots.

    Conditions get whole names too.
    """
    found = dict(_entries(table))
    return {name: _with_flat_condition(raw, found) for name, raw in found.items()}


def _entries(table: Mapping[str, Any], group: str = "") -> Iterator[tuple[str, Any]]:
    for name, raw in table.items():
        if _is_group(raw):
            yield from _entries(raw, f"{group}{name}.")
        else:
            yield f"{group}{name}", raw


def _is_group(raw: object) -> bool:
    """Whether a table has parameters, and is no parameter itself. Without a list or a table in it, nothing in it would
    be searched: it is a parameter with wrong keys."""
    if not isinstance(raw, dict) or any(key in raw and not isinstance(raw[key], dict) for key in KEYS_OF_ENTRIES):
        return False
    if any(other_tools.entry_key(key, value) for key, value in raw.items() if not _is_parameter(value)):
        return False
    if any(isinstance(value, dict) for key, value in raw.items() if key != "when"):
        return True
    lists = [key for key, value in raw.items() if isinstance(value, list)]
    return bool(lists) and not any(did_you_mean(key, ["values"]) for key in lists)


def _is_parameter(raw: object) -> bool:
    return isinstance(raw, dict) and any(key in raw for key in KEYS_OF_ENTRIES)


def _with_flat_condition(raw: Any, names: Collection[str]) -> Any:
    if not isinstance(raw, dict) or not isinstance(raw.get("when"), dict):
        return raw
    return {**raw, "when": dict(_flat_condition(raw["when"], names))}


def _flat_condition(table: Mapping[str, Any], names: Collection[str], group: str = "") -> Iterator[tuple[str, Any]]:
    for name, allowed in table.items():
        if isinstance(allowed, dict) and f"{group}{name}" not in names:
            yield from _flat_condition(allowed, names, f"{group}{name}.")
        else:
            yield f"{group}{name}", allowed


# One entry ───────────────────────────────────────────────────────────────────────────────────────


def _entry(name: str, raw: object, faults: Faults) -> Parameter | Value | None:
    """The parameter or fixed value of an entry; None where it has faults."""
    table = raw if isinstance(raw, dict) else {}
    kind: type[Section] = Values if "values" in table else Auto if "auto" in table else Range
    try:
        recordable(name)
        match raw:
            case {"values": _}:
                return _choice(name, Values.model_validate(raw))
            case {"auto": _}:
                return _auto(name, Auto.model_validate(raw), faults)
            case {"low": _} | {"high": _}:
                return _range(name, Range.model_validate(raw), faults)
            case dict() if _translated(name, raw, faults):
                return None
            case dict():
                has = "low and high (a range), values (a choice) or auto = true"
                raise ValueError(f"must have {has}, got {listed(raw) or '{}'}")
            case []:
                raise ValueError("must not be an empty list")
            case list():
                values = ["none" if one is None else one for one in raw]
                return _choice(name, Values(values=tuple(map(nested_plain, values)), none=None in raw))
        if other_tools.is_call(raw):
            raise ValueError(f"is a fixed text, got {show(raw)}; {other_tools.SPACE_ENTRY}")
        return plain(raw)
    except ValidationError as problem:
        translate(problem, kind, ("space", name), faults)
    except ValueError as problem:
        faults.add(("space", name), str(problem))
    return None


def _translated(name: str, table: Mapping[str, object], faults: Faults) -> bool:
    """Add a fault with our key for each key of another tool; False where there is none."""
    found = {key: text for key, value in table.items() if (text := other_tools.entry_key(key, value))}
    for key in found:
        faults.add(("space", name, key), unknown(("space", name, key), table[key], Range.model_fields))
    return bool(found)


def _auto(name: str, entry: Auto, faults: Faults) -> Float | None:
    if not 0 < entry.low < entry.high:
        faults.add(("space", name), f"must have 0 < low < high, got low = {entry.low}, high = {entry.high}")
        return None
    low, high = float(entry.low), float(entry.high)
    return Float(name, low, high, log=True, when=entry.when, points=entry.points, expand=entry.expand, auto=True)


def _choice(name: str, entry: Values) -> Choice:
    if duplicates := _duplicates(entry.values):
        raise ValueError(f"the values must differ, got {duplicates}")
    if entry.names and len(entry.names) != len(entry.values):
        raise ValueError(f"names must have one name for each value: {len(entry.values)}, got {len(entry.names)}")
    if duplicates := _duplicates(entry.names):
        raise ValueError(f"the names must differ, got {duplicates}")
    if "" in entry.names:
        raise ValueError("a name must not be empty")
    if entry.none and "none" not in entry.values:
        raise ValueError('none = true needs the value "none"')
    return Choice(name, entry.values, entry.when, entry.names, entry.none)


def _range(name: str, entry: Range, faults: Faults) -> Float | Int | None:
    whole = all(isinstance(number, int) for number in (entry.low, entry.high, entry.step or 1))
    found = list(_range_faults(entry, whole))
    for message in found:
        faults.add(("space", name), message)
    if found:
        return None
    rest: dict[str, Any] = {"log": entry.log, "when": entry.when, "points": entry.points, "expand": entry.expand}
    if whole:
        step = int(entry.step) if entry.step else None
        return Int(name, int(entry.low), int(entry.high), step=step, grid=tuple(map(int, entry.grid)), **rest)
    step_size = float(entry.step) if entry.step else None
    grid = tuple(map(float, entry.grid))
    return Float(name, float(entry.low), float(entry.high), step=step_size, grid=grid, **rest)


def _range_faults(entry: Range, whole: bool) -> Iterator[str]:
    low, high, step = entry.low, entry.high, entry.step
    if low > high:
        yield f"low must be <= high, got low = {low}, high = {high}"
        return
    if math.isinf(float(high) - float(low)):
        yield f"high - low must be finite, got low = {low}, high = {high}"
        return
    if entry.log and low <= 0:
        yield f"low must be > 0 when log = true, got low = {low}"
    if entry.log and step is not None:
        yield "step and log = true exclude each other; a log-uniform grid is points = n"
    elif step is not None:
        yield from _step_faults(entry, step, whole)
    yield from _grid_faults(entry, whole)


def _step_faults(entry: Range, step: float, whole: bool) -> Iterator[str]:
    """Computed in decimals, as written in the file: 0.6 is 6 times 0.1."""
    if step <= 0:
        yield f"step must be > 0, got step = {step}"
        return
    if (entry.high - entry.low) / step > _MAX_STEPS:
        yield f"step is too small for floats, got step = {step} in [{entry.low}, {entry.high}]"
        return
    low, high, by = (Decimal(repr(number)) for number in (entry.low, entry.high, step))
    if left := (high - low) % by:
        last = repr(int(high - left) if whole else float(high - left))
        yield f"step must divide high - low, got step = {step} in [{entry.low}, {entry.high}]; high = {last} is valid"


def _grid_faults(entry: Range, whole: bool) -> Iterator[str]:
    if entry.points is not None and (entry.grid or entry.step is not None):
        yield "give one of grid, points and step"
    if outside := [value for value in entry.grid if not entry.low <= value <= entry.high]:
        yield f"grid must be within [{entry.low}, {entry.high}], got {listed(outside)}"
    if whole and (broken := [value for value in entry.grid if not isinstance(value, int)]):
        yield f"grid must have whole numbers where low and high are whole, got {listed(broken)}"
    if duplicates := _duplicates(entry.grid):
        yield f"the values of grid must differ, got {duplicates}"


def _duplicates(values: tuple[Value, ...]) -> str:
    """Two values that are the same (1 and 1.0 are, 1 and true are not), or ""."""
    seen: dict[str, Value] = {}
    for value in values:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        key = f"number {value}" if is_number and value != int(value) else value_key(int(value) if is_number else value)
        if key in seen:
            return f"{literal(seen[key])} and {literal(value)}"
        seen[key] = value
    return ""


# Conditions ──────────────────────────────────────────────────────────────────────────────────────


def _check_condition(
    parameter: Parameter, entries: Mapping[str, Parameter | Value], table: Mapping[str, Any], faults: Faults
) -> None:
    for name, allowed in parameter.when.items():
        path = ("space", parameter.name, "when", name)
        if name not in table:
            faults.add(path, f"`{name[:60]}` is no parameter of [space]{did_you_mean(name, table)}")
        elif name in entries:
            for message in _impossible(name, entries[name], allowed):
                faults.add(path, message)


def _impossible(name: str, entry: Parameter | Value, allowed: tuple[Value, ...]) -> Iterator[str]:
    for value in allowed:
        if not isinstance(entry, Parameter):
            if not identical(entry, value):
                yield f"{name} is always {show(entry)}, never {literal(value)}"
        elif isinstance(entry, Choice) and not offers(entry, value):
            yield f"{name} is one of {literals(entry.values)}, never {literal(value)}"
        elif isinstance(entry, Float) and entry.count is None:
            yield f"{name} is a continuous range, so no condition can name a value; give it a step, or make it a choice"
        elif not isinstance(entry, Choice) and not offers(entry, value):
            yield f"{name} is {_values(entry)}, never {literal(value)}"


def _values(entry: Float | Int) -> str:
    step = f" in steps of {entry.step}" if entry.step else ""
    return f"between {entry.low} and {entry.high}{step}"


def _check_cycles(parameters: list[Parameter], faults: Faults) -> None:
    graph = {parameter.name: list(parameter.when) for parameter in parameters}
    while cycle := _cycle(graph):
        faults.add(("space", cycle[0], "when"), f"the conditions form a cycle: {' -> '.join([*cycle, cycle[0]])}")
        for name in cycle:
            del graph[name]


def _cycle(graph: Mapping[str, list[str]]) -> list[str]:
    """A cycle: each name depends on the next, and the last on the first. Starts with the first in `graph`."""
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as found:
        cycle: list[str] = found.args[1][:0:-1]
        start = next(cycle.index(name) for name in graph if name in cycle)
        return cycle[start:] + cycle[:start]
    return []
