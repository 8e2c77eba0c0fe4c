"""One entry of [space]: a range, a choice or a fixed value."""

import math
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from hpsearch.core.trial import Value, value_key
from hpsearch.study.file import other_tools
from hpsearch.study.file.faults import Faults, listed, literal, show, unknown
from hpsearch.study.file.kinds import nested_plain, plain, recordable
from hpsearch.study.file.lines import KeyPath
from hpsearch.study.file.section import readable
from hpsearch.study.file.space.space_forms import Auto, Range, Values, with_prior
from hpsearch.study.recorded_rules import none_is_implied
from hpsearch.study.scales import CURVED, exponent
from hpsearch.study.space import Choice, Float, Int, Parameter

_MAX_STEPS = 10**15
"""Maximum number of steps in a range: beyond it, floats cannot represent each value."""


def parse_entry(name: str, raw: object, path: KeyPath, faults: Faults) -> Parameter | Value | None:
    """The parameter or fixed value of an entry; None if it has faults."""
    try:
        recordable(name)
    except ValueError as problem:
        faults.add(path, str(problem))
    if isinstance(raw, dict) and raw.keys() & {"values", "auto", "low", "high"}:
        return _parse_table(name, raw, path, faults)
    if isinstance(raw, dict) and _translated(raw, path, faults):
        return None
    try:
        match raw:
            case dict():
                has = "low and high (a range), values (a choice) or auto = true"
                raise ValueError(f"must have {has}, got {listed(raw) or '{}'}")
            case []:
                raise ValueError("must not be an empty list")
            case list():
                values = ["none" if one is None else one for one in raw]
                none = True if None in raw else None
                return _choice(name, Values(values=tuple(map(nested_plain, values)), none=none), path, faults)
        if other_tools.is_call(raw):
            raise ValueError(f"is a fixed text, got {show(raw)}; {other_tools.SPACE_ENTRY}")
        return plain(raw)
    except ValueError as problem:
        faults.add(path, str(problem))
    return None


def _parse_table(name: str, raw: dict[str, Any], path: KeyPath, faults: Faults) -> Parameter | None:
    kind = Values if "values" in raw else Auto if "auto" in raw else Range
    entry = readable(kind, raw, path, faults)
    has_faults = faults.has(path)
    match entry:
        case Values():
            found: Parameter | None = _choice(name, entry, path, faults)
        case Auto():
            found = _auto(name, entry, path, faults)
        case Range():
            found = _range(name, entry, path, faults)
        case _:
            return None
    return None if has_faults else found


def _translated(table: Mapping[str, object], path: KeyPath, faults: Faults) -> bool:
    """Add a fault for each key of another tool, with the key to write instead. False if there is no such key."""
    found = {key: text for key, value in table.items() if (text := other_tools.entry_key(key, value))}
    for key in found:
        faults.add((*path, key), unknown((*path, key), table[key], Range.model_fields))
    return bool(found)


def _auto(name: str, entry: Auto, path: KeyPath, faults: Faults) -> Float | None:
    if not 0 < entry.low < entry.high:
        faults.add(path, f"must have 0 < low < high, got low = {entry.low}, high = {entry.high}")
        return None
    low, high = float(entry.low), float(entry.high)
    return Float(
        name, low, high, log=True, when=entry.when, points=entry.points, expand=entry.expand, auto=True, short=True
    )


def _choice(name: str, entry: Values, path: KeyPath, faults: Faults) -> Choice | None:
    found = [*_choice_faults(entry)]
    for message in found:
        faults.add(path, message)
    names = () if found else entry.names
    implied = entry.none is None and none_is_implied(entry.values)
    choice = Choice(name, entry.values, entry.when, names, bool(entry.none) or implied, implied=implied)
    choice = with_prior(choice, entry.prior, path, faults)
    return None if found else choice


def _choice_faults(entry: Values) -> Iterator[str]:
    if duplicates := _duplicates(entry.values):
        yield f"the values must differ, got {duplicates}"
    if entry.names and len(entry.names) != len(entry.values):
        yield f"names must have one name for each value: {len(entry.values)}, got {len(entry.names)}"
    if duplicates := _duplicates(entry.names):
        yield f"the names must differ, got {duplicates}"
    if "" in entry.names:
        yield "a name must not be empty"
    if entry.none and "none" not in entry.values:
        yield 'none = true needs the value "none"'


def _range(name: str, entry: Range, path: KeyPath, faults: Faults) -> Float | Int | None:
    whole = all(isinstance(number, int) for number in (entry.low, entry.high, entry.step or 1))
    found = [*_range_faults(entry, whole)]
    for message in found:
        faults.add(path, message)
    if not found:
        return with_prior(_number(name, entry, whole), entry.prior, path, faults)
    if entry.prior is not None and entry.low <= entry.high:
        low, high = entry.low, entry.high
        plain_range = Int(name, int(low), int(high)) if whole else Float(name, float(low), float(high))
        with_prior(plain_range, entry.prior, path, faults)
    return None


def _number(name: str, entry: Range, whole: bool) -> Float | Int:
    """The parameter of a range without faults. whole: low, high and step are whole numbers."""
    log = entry.log or entry.scale == "log"
    rest: dict[str, Any] = {"log": log, "when": entry.when, "points": entry.points, "expand": entry.expand}
    if whole:
        step = int(entry.step) if entry.step else None
        rest |= {"log": log or entry.powers_of is not None, "powers_of": entry.powers_of}
        return Int(name, int(entry.low), int(entry.high), step=step, grid=tuple(map(int, entry.grid)), **rest)
    step_size = float(entry.step) if entry.step else None
    grid = tuple(map(float, entry.grid))
    rest |= {"scale": entry.scale if entry.scale in CURVED else None, "digits": entry.digits}
    rest["short"] = entry.digits is None and step_size is None
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
    yield from _scale_faults(entry, whole)
    if entry.powers_of is not None:
        yield from _power_faults(entry, entry.powers_of, whole)
        return
    if entry.log and step is not None:
        yield "step and log = true exclude each other; for a log-uniform grid write points = n"
    elif step is not None:
        yield from _step_faults(entry, step, whole)
    if entry.digits is not None and (whole or step is not None):
        yield "digits is for floats without a step"
    yield from _grid_faults(entry, whole)


def _scale_faults(entry: Range, whole: bool) -> Iterator[str]:
    if entry.scale is None:
        return
    if others := [key for key in ("log", "step", "powers_of") if getattr(entry, key)]:
        yield f'scale = "{entry.scale}" and {" and ".join(others)} exclude each other'
    if entry.scale == "log" and entry.low <= 0:
        yield f'low must be > 0 when scale = "log", got low = {entry.low}'
    if entry.scale in CURVED and whole:
        yield f'scale = "{entry.scale}" is for floats: write low and high with a point, such as 0.5'
    elif entry.scale == "logit" and not 0 < entry.low <= entry.high < 1:
        yield f'scale = "logit" needs 0 < low and high < 1, got low = {entry.low}, high = {entry.high}'
    elif entry.scale == "reverse-log" and entry.high >= 1:
        yield f'scale = "reverse-log" needs high < 1, got high = {entry.high}'


def _power_faults(entry: Range, base: int, whole: bool) -> Iterator[str]:
    if others := [key for key in ("step", "grid", "points") if getattr(entry, key)]:
        yield f"powers_of determines the values: leave out {', '.join(others)}"
    if not whole or entry.low < 1:
        yield f"powers_of needs whole numbers low >= 1 and high, got low = {entry.low}, high = {entry.high}"
        return
    for key, end in (("low", entry.low), ("high", entry.high)):
        below = base ** exponent(end, base)
        if below != end:
            yield f"{key} must be a power of {base}, such as {below} or {below * base}, got {key} = {end}"


def _step_faults(entry: Range, step: float, whole: bool) -> Iterator[str]:
    """Computed in decimals, as written in the file: in floats, 0.6 is not a multiple of 0.1."""
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
        yield "give only one of grid, points and step"
    if outside := [value for value in entry.grid if not entry.low <= value <= entry.high]:
        yield f"grid must be within [{entry.low}, {entry.high}], got {listed(outside)}"
    if whole and (broken := [value for value in entry.grid if not isinstance(value, int)]):
        yield f"grid must have whole numbers if low and high are whole, got {listed(broken)}"
    if duplicates := _duplicates(entry.grid):
        yield f"the values of grid must differ, got {duplicates}"


def _duplicates(values: tuple[Value, ...]) -> str:
    """Two equal values, or "". 1 and 1.0 are equal, 1 and true are not."""
    seen: dict[str, Value] = {}
    for value in values:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        key = f"number {value}" if is_number and value != int(value) else value_key(int(value) if is_number else value)
        if key in seen:
            return f"{literal(seen[key])} and {literal(value)}"
        seen[key] = value
    return ""
