"""Colours, labels, axis ranges and samples shared by all plots."""

import html
import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from hpsearch.core.format import shortened
from hpsearch.core.redact import redact

COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#8c564b", "#17becf", "#7f7f7f")

GREY = "#a8a8a8"

DECADES = 3
"""A logarithmic axis with at least this many decades has tick marks at powers of ten only."""

ROW_CHARACTERS = 100
"""Characters that fit under the plots of one row, 1000 pixels wide."""

Document = Mapping[str, Any]
"""A document of the journal."""

Thing = TypeVar("Thing")


def label(text: object) -> str:
    """A text of a study, escaped, because plotly interprets some HTML, and without passwords."""
    return html.escape(redact(str(text)), quote=False)


def title(text: str, longest: int) -> dict[str, Any]:
    """A figure's title, in lines of at most `longest` characters."""
    return {"text": "<br>".join(map(label, textwrap.wrap(text, longest))), "font": {"size": 15}}


def beside(text: object, columns: int) -> str:
    """A name under one of `columns` plots in a row, with an ellipsis in the middle if it is too long."""
    return label(shortened(str(text), max(10, ROW_CHARACTERS // columns)))


def log_axis(low: float, high: float) -> dict[str, Any]:
    """Tick marks at powers of ten; over less than `DECADES` decades at 1, 2, 5, 10, 20, … as well."""
    if high / low >= 10**DECADES:
        return {"type": "log", "exponentformat": "power", "dtick": 1}
    # from a decade below to a decade above: a search with `expand` may leave the range
    decades = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 2)
    marks = [float(f"{first}e{decade}") for decade in decades for first in (1, 2, 5)]
    return {"type": "log", "tickvals": marks, "ticktext": [f"{mark:.4g}" for mark in marks]}


def spread(values: Iterable[float], kept: Sequence[float] = ()) -> list[float] | None:
    """An axis range for the values without outliers: 1.5 interquartile ranges around the middle half.

    kept: values that are always in the range, such as the best.
    """
    values = sorted(values)
    if len(values) < 2:
        return None
    low, high = values[len(values) // 4], values[(3 * len(values)) // 4]
    reach = 1.5 * (high - low) or values[-1] - values[0] or 1.0
    low, high = max(values[0], low - reach), min(values[-1], high + reach)
    low, high = min([low, *kept]), max([high, *kept])
    room = 0.1 * (high - low) or 0.5
    return [low - room, high + room]


def evenly(things: Sequence[Thing], most: int) -> list[Thing]:
    """At most `most` of these, evenly spaced, including the first."""
    if len(things) <= most:
        return list(things)
    return [things[number * len(things) // most] for number in range(most)]


def short(value: float) -> float:
    """Rounded to six digits, which makes the page smaller without a visible difference."""
    return float(f"{value:.6g}")
