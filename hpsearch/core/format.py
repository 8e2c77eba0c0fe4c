"""Numbers, durations, parameters, trials and documents as text."""

import json
import math
import re
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from hpsearch.core.time_left import Span
from hpsearch.core.trial import ASK_AND_TELL, CALLER, COMMAND, Objective, Params, Trial, Value

MAX_VALUE_LENGTH = 40
"""The most characters of a parameter's value on a screen; `--json` has all."""

MAX_DIGITS = 9
"""The most characters of a parameter that is shown with all its digits, such as 0.9000135 in a narrow range."""

MAX_NAMED = 12
"""The most trials that a sentence lists by number."""


def outline(name: str, state: str, counts: Mapping[str, int], best: str) -> str:
    """A study in one line.

    counts: the number of trials by state. best: the best trial and its `score`, "" if no trial has a value.
    """
    states = ", ".join(f"{count} {state.lower()}" for state, count in counts.items() if count)
    trials = f"{many(sum(counts.values()), 'trial')}{f' ({states})' if states else ''}"
    return f"{name}: {state}, {trials}, {f'best: {best}' if best else 'no trial has a value'}"


def many(count: int, word: str) -> str:
    """ "1 trial", "2 trials"."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def quoted(names: Sequence[str], most: int = MAX_NAMED) -> str:
    """ "`lr`", "`lr`, `hidden`"; at most `most` names."""
    return ", ".join([f"`{name}`" for name in names[:most]] + ["…"] * (len(names) > most))


def named(trials: Sequence[int]) -> str:
    """ "trial 3", "trials 1, 4, 5"; at most `MAX_NAMED` numbers."""
    first = ", ".join(map(str, trials[:MAX_NAMED]))
    return f"trial{'s' * (len(trials) != 1)} {first}{', …' * (len(trials) > MAX_NAMED)}"


def trainer(use: str) -> str:
    """The trainer of a recorded study, for people. use: its trainer.use."""
    return {ASK_AND_TELL: CALLER, COMMAND: "a command"}.get(use, use)


def line(trial: Trial, objective: Objective) -> str:
    """One trial in one line: number, state, value, and reason."""
    return f"trial {trial.number:<3} {trial.state:<8}  {score(trial, objective)}  {first_line(trial.reason)}"


def first_line(text: str) -> str:
    """The first line of a reason or an error, for a table."""
    return text.partition("\n")[0]


def score(trial: Trial, objective: Objective) -> str:
    judged, value = objective.judged(trial), objective.value(trial)
    if judged is None or value is None:
        return f"no {objective.metric}"
    return f"{objective.label} {number(value)} at {objective.unit} {judged.step}"


def params_line(params: Params) -> str:
    return ", ".join(f"{name} = {shortened(parameter(value), MAX_VALUE_LENGTH)}" for name, value in params.items())


def parameter(value: Value) -> str:
    """A parameter's value as text, so that it can be used again: with all its digits where they are few."""
    if isinstance(value, float) and not value.is_integer() and len(repr(value)) <= MAX_DIGITS:
        return repr(value)
    return number(value)


def shortened(text: str, most: int) -> str:
    """The text, with "…" in its middle if it has more than `most` (>= 3) characters. Similar names often differ at
    their ends."""
    half = most // 2
    return text if len(text) <= most else f"{text[: most - half - 1]}…{text[-half:]}"


def number(value: Value) -> str:
    """A value as text; a float with four significant digits, a list or table as JSON."""
    return f"{value:.4g}" if isinstance(value, float) else value_text(value)


def value_text(value: Value) -> str:
    """A value as text with all its digits; a list or table as JSON."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else str(value)


def with_margin(mean: float, margin: float | None) -> str:
    """0.52 ± 0.03. margin: half the width of the mean's 95 % interval, None if it is not known."""
    return number(mean) if margin is None else f"{number(mean)} ± {margin:.2g}"


def duration(seconds: float) -> str:
    """1h02m, 3m05s, 12s"""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
    return f"{whole // 60}m{whole % 60:02d}s" if whole >= 60 else f"{whole}s"


def size(count: float) -> str:
    """A number of bytes as text: 512 bytes, 1.5 KiB, 288 MiB, 5.6 GiB"""
    units = ["TiB", "GiB", "MiB", "KiB", "bytes"]
    while count >= 1024 and len(units) > 1:
        count /= 1024
        units.pop()
    return f"{count:.0f} {units[-1]}" if count >= 100 else f"{count:.3g} {units[-1]}"


def span(time: Span) -> str:
    """20 to 40 s, 50 s to 3 min, up to 8 min, about 2.5 h"""
    (low, low_unit), (high, unit) = _in_unit(time.low), _in_unit(time.high)
    if high == "0":
        return "less than 1 s"
    if low == "0":
        return f"up to {high} {unit}"
    if low_unit != unit:
        return f"{low} {low_unit} to {high} {unit}"
    return f"about {high} {unit}" if low == high else f"{low} to {high} {unit}"


def _in_unit(seconds: float) -> tuple[str, str]:
    """Two digits and the unit; seconds are whole: 0.4 s -> 0 s, 86 s -> 1.4 min, 12.6 min -> 13 min."""
    size, unit = next(((s, u) for s, u in ((3600, "h"), (60, "min")) if seconds >= s), (1, "s"))
    value = seconds / size
    return (f"{value:.1f}".removesuffix(".0") if size > 1 and value < 9.95 else f"{value:.0f}"), unit


def finite(value: Any) -> Any:
    """The JSON value with null in place of NaN and infinities, which JSON does not have, at any depth."""
    if isinstance(value, Mapping):
        return {name: finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def json_text(document: Any, indent: int | None = None) -> str:
    """A document as JSON, in one line or indented."""
    return json.dumps(finite(document), indent=indent, ensure_ascii=indent is None, allow_nan=False)


def utc_time(at: int) -> str:
    """2026-03-01 12:30:05. at: milliseconds since 1970"""
    return f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d %H:%M:%S}"


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, … 11th, …, 21st"""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def some(lines: Sequence[str], most: int, rest: str) -> list[str]:
    """The first `most` lines; if there are more, one line with the number of the others: "and 3 more" and `rest`."""
    return [*lines[:most], *([f"and {len(lines) - most} more{rest}"] if len(lines) > most else [])]


def signal_name(number: int) -> str:
    """Such as "SIGKILL", or "signal 40" for one without a name."""
    with suppress(ValueError):
        return signal.Signals(number).name
    return f"signal {number}"


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells as aligned columns; the last column has no padding."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows)


_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # all control characters but tab and line feed
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # these change the direction of text (Unicode TR 9)
    "\u2028\u2029\ufeff]"
)


def printable(text: str) -> str:
    """The text with control and bidirectional characters as escapes, such as `\\x1b`, and without colours.

    An exception, a choice, a name or a log may contain them. They could make a terminal change its title, clear its
    screen or show a different text.
    """
    text = _COLOURS.sub("", text.replace("\r\n", "\n"))
    return _CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
