"""What the pictures have in common."""

import html
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from hpsearch.core.redact import redact

with suppress(ImportError):  # plotly takes it from sys.modules, half imported too, where MLflow's thread is at it
    import pandas  # noqa: F401

COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#8c564b", "#17becf", "#7f7f7f")

GREY = "#a8a8a8"

Document = Mapping[str, Any]
"""One of the journal's."""

Thing = TypeVar("Thing")


def label(text: object) -> str:
    """A text that comes from a study, as plotly shows it letter for letter: it takes some HTML for what it means."""
    return html.escape(redact(str(text)), quote=False)


def title(text: str, longest: int) -> dict[str, Any]:
    """Of a figure, in lines of at most so many characters."""
    return {"text": "<br>".join(map(label, textwrap.wrap(text, longest))), "font": {"size": 15}}


def spread(values: Iterable[float], kept: Sequence[float] = ()) -> list[float] | None:
    """Of the values without the worst of them, which would flatten all others: twice as far as the middle half goes.

    kept: what is inside in any case, such as the best.
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
    """So many of them at the most, spread over all, the first among them."""
    if len(things) <= most:
        return list(things)
    return [things[number * len(things) // most] for number in range(most)]


def short(value: float) -> float:
    """Six digits: more cannot be seen, and take room."""
    return float(f"{value:.6g}")
