"""How the page writes what several of its parts say."""

import shlex
from datetime import UTC, datetime

from hpsearch.core.format import number
from hpsearch.reports.html import Html, element
from hpsearch.study.space import Choice, Parameter


def moment(at: int) -> str:
    """2026-03-01 12:30:05, in UTC, of milliseconds since 1970"""
    return f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d %H:%M:%S}"


def command(*words: object) -> Html:
    """Something to type."""
    return element("code", "hpsearch ", " ".join(shlex.quote(str(word)) for word in words))


def searched(parameter: Parameter) -> str:
    """1e-05 to 1, logarithmic; where optimizer is sgd"""
    if isinstance(parameter, Choice):
        parts = [" or ".join(map(number, parameter.values))]
    else:
        kind = "whole numbers " * isinstance(parameter.low, int)
        parts = [f"{kind}{number(parameter.low)} to {number(parameter.high)}"]
        parts += ["logarithmic"] * parameter.log
        parts += [f"in steps of {number(parameter.step)}"] * (parameter.step is not None)
    parts += [f"where {name} is {' or '.join(map(number, allowed))}" for name, allowed in parameter.when.items()]
    return ", ".join(parts)
