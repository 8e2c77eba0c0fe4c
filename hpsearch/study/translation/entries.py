"""Ranges and choices of other tools as entries of [space]. Each function returns the value, and a comment or ""."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

Entry = tuple[Any, str]

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


@dataclass(frozen=True)
class Unread:
    """A value in a script that is not a literal, as its source text."""

    source: str

    def __repr__(self) -> str:
        return self.source


def text(value: object) -> str:
    """ "" for None and for a value that is not a literal."""
    return "" if value is None or isinstance(value, Unread) else str(value)


def number(value: object) -> int | float:
    """A finite number, also from a text, since 1e-5 is a text in YAML. ValueError for anything else."""
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        value = float(value) if re.search(r"[.eE]", value) else int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is not a number")
    return value


def plain(value: Any) -> Any:
    """The value, with texts such as "1e-5" converted to numbers, and YAML's dates to texts.

    ValueError if it is not a literal, or has no counterpart, such as YAML's sets and bytes.
    """
    if isinstance(value, Unread):
        raise ValueError(f"`{value}` is not a literal")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} is not a finite number")
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, str) and re.search(r"\d[eE][+-]?\d", value) and _NUMBER.fullmatch(value.strip()):
        return float(value)
    if isinstance(value, date):
        return value.isoformat()
    if value is not None and not isinstance(value, bool | int | float | str):
        raise ValueError(f"a value of the type {type(value).__name__} has no counterpart")
    return value


def fixed(value: Any) -> Entry:
    value = plain(value)
    if value is None:
        return {"values": ["none"], "none": True}, ""
    if isinstance(value, list | dict):
        return [value], ""  # one choice
    return value, ""


def choice(values: Sequence[Any], names: Sequence[str] = ()) -> Entry:
    if isinstance(values, Unread):
        raise ValueError(f"`{values}` is not a literal")
    if not isinstance(values, list | tuple):
        raise ValueError(f"its values must be a list, got {values!r}")
    found: list[Any] = []
    for value in map(plain, values):
        if not any(type(value) is type(one) and value == one for one in found):
            found.append(value)
    if not found:
        raise ValueError("a choice without values")
    if None in found:
        return {"values": ["none" if one is None else one for one in found], "none": True}, ""
    if names and len(names) == len(found):
        return {"values": found, "names": list(names)}, ""
    return (found, "") if len(found) > 1 else fixed(found[0])


def floats(low: object, high: object, *, log: bool = False, step: object = None) -> Entry:
    return _range(float(number(low)), float(number(high)), log, None if step is None else float(number(step)))


def integers(low: object, high: object, *, log: bool = False, step: object = None) -> Entry:
    ends = [number(low), number(high)]
    if any(end != int(end) for end in ends):
        raise ValueError(f"{ends} are not whole numbers")
    by = None if step is None or number(step) == 1 else number(step)
    if by is not None and by != int(by):
        raise ValueError(f"the step {by} is not a whole number")
    return _range(int(ends[0]), int(ends[1]), log, None if by is None else int(by))


def multiples(low: object, high: object, step: object, *, log: bool = False) -> Entry:
    """As `stepped`, from the first multiple of `step`, as tools have it that round to multiples."""
    by = Decimal(str(number(step)))
    if by <= 0:
        raise ValueError(f"the step {step} is not positive")
    first = math.ceil(Decimal(str(number(low))) / by) * by
    return stepped(int(first) if first == int(first) else float(first), high, step, log=log)


def stepped(low: object, high: object, step: object, *, log: bool = False) -> Entry:
    """The values low, low + step, …; of whole numbers if low, high and step are whole."""
    numbers = [number(one) for one in (low, high, step)]
    if all(one == int(one) for one in numbers):
        return integers(*numbers[:2], log=log, step=numbers[2])
    return floats(*numbers[:2], log=log, step=numbers[2])


def normal(mean: object, deviation: object, *, log: bool = False, step: object = None) -> Entry:
    """A range of two standard deviations on both sides of the mean. log: they are of the logarithm of the value.

    step: to multiples of which the other tool rounds the values; hpsearch does not.
    """
    mu, sigma = float(number(mean)), float(number(deviation))
    low, high = (float(f"{(math.exp(end) if log else end):.6g}") for end in (mu - 2 * sigma, mu + 2 * sigma))
    kind = "log-normal" if log else "normal"
    comment = f"was {kind}, mean {mu:g}, standard deviation {sigma:g}; this is mean ± 2 standard deviations"
    rounded = "" if step is None else f"; was rounded to multiples of {number(step)}"
    return _range(low, high, log, None)[0], comment + rounded


def conditional(value: Any, when: Mapping[str, Any]) -> dict[str, Any]:
    """The entry with a condition."""
    entry = value if isinstance(value, dict) else {"values": value if isinstance(value, list) else [value]}
    return {**entry, "when": dict(when)}


def _range(low: Any, high: Any, log: bool, step: Any) -> Entry:
    if low == high:
        return low, ""
    if low > high:
        raise ValueError(f"the lower end {low} is above the upper end {high}")
    comments = []
    if log and low <= 0:
        log = False
        comments.append("was log-uniform, which needs low > 0")
    if log and step is not None:
        comments.append(f"was rounded to multiples of {step}")
        step = None
    entry: dict[str, Any] = {"low": low, "high": high}
    if log:
        entry["log"] = True
    if step is not None and step <= 0:
        raise ValueError(f"the step {step} must be > 0")
    if step is not None:
        count = int((Decimal(repr(high)) - Decimal(repr(low))) / Decimal(repr(step)))
        last = type(high)(Decimal(repr(low)) + count * Decimal(repr(step)))
        if count < 1:
            raise ValueError(f"the step {step} is wider than the range")
        if last != high:
            comments.append(f"was up to {high}, which is not a multiple of the step from {low}")
        entry |= {"high": last, "step": step}
    return entry, "; ".join(comments)
