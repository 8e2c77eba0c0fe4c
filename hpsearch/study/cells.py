"""Values of parameters as other programs write them: cells of a table, texts of MLflow, JSON."""

import json
import math
from contextlib import suppress
from typing import Any

from hpsearch.core.format import value_text
from hpsearch.core.trial import Value, identical
from hpsearch.study.space import Choice, Float, Int, Parameter


def number_of(cell: Any) -> float | None:
    """The number of a cell; NaN stays NaN. None for an empty cell, a text or a bool."""
    if cell is None or isinstance(cell, bool):
        return None
    try:
        return float(cell)
    except (TypeError, ValueError, OverflowError):
        return None


def value_of(parameter: Parameter, cell: Any) -> Value | None:
    """The value of a cell, inside or outside of the parameter's range. None if it is of another kind: a text for a
    number, a fraction for a whole number, an unknown choice."""
    if isinstance(parameter, Choice):
        return _choice_of(parameter, cell)
    if isinstance(cell, int) and not isinstance(cell, bool) and isinstance(parameter, Int):
        return cell
    number = number_of(cell)
    if number is None or not math.isfinite(number):
        return None
    if isinstance(parameter, Float):
        return number
    return int(number) if number == int(number) else None


def _choice_of(choice: Choice, cell: Any) -> Value | None:
    """By the value itself, its label, its text, its number, or its JSON."""
    for one in choice.values:
        if identical(one, cell):
            return one
    cell = cell.strip() if isinstance(cell, str) else cell
    if cell is None or cell in ("", "None", "null"):
        return next((one for one in choice.values if one == "none"), None)
    text = value_text(cell)
    for one, label in zip(choice.values, choice.labels, strict=True):
        if text in (label, value_text(one), str(one)) or (isinstance(one, bool) and text.lower() == str(one).lower()):
            return one
    number = number_of(cell)
    for one in choice.values:
        if number is not None and not isinstance(one, bool | str | list | dict) and one == number:
            return one
    if isinstance(cell, str) and cell.startswith(("[", "{", "(")):
        with suppress(ValueError):
            parsed = json.loads(cell.replace("'", '"').replace("(", "[").replace(")", "]"))
            return next((one for one in choice.values if value_text(one) == value_text(parsed)), None)
    return None
