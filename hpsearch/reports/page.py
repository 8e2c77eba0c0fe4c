"""Renders the report page: templates, plots, and a content security policy that forbids network requests."""

import base64
import hashlib
import shlex
from functools import cache
from importlib.resources import files
from itertools import groupby

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from hpsearch import __version__
from hpsearch.core.format import (
    duration,
    first_line,
    json_text,
    many,
    named,
    number,
    ordinal,
    printable,
    trainer,
    utc_time,
    with_margin,
)
from hpsearch.core.redact import redact
from hpsearch.evaluation.candidates import IN_WORDS
from hpsearch.plots import figures
from hpsearch.provenance import environment
from hpsearch.records.preflight_record import cost_text
from hpsearch.reports.content import Content
from hpsearch.study.space import Choice, Float, Parameter

MAX_ROWS = {"trials": 10, "decisions": 3000, "reasons": 20, "left_out": 3}
"""Maximum numbers on the page: the best trials, the first decisions, reasons of failures, models left out."""

HEAD, TAIL = 30, 5
"""Lines of a traceback that are shown: of its beginning, and of its end with the exception."""


def report(content: Content) -> str:
    """An HTML document. A browser runs only the page's two scripts, and makes no requests."""
    drawn = figures.study(content.ranked, content.others, content.study.objective, content.space, content.documents)
    scripts = [figures.script(), _asset("draw.js")] if drawn else []
    values = {
        "content": content,
        "best": content.best,
        "record": content.study.record,
        "objective": content.study.objective,
        "plots": [(small, list(group)) for small, group in groupby(drawn, lambda one: one.small)],
        "style": Markup(_asset("style.css")),
        "scripts": list(map(Markup, scripts)),
        "hashes": [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts],
    }
    return templates().get_template("page.html").render(values)


def _asset(name: str) -> str:
    return files("hpsearch.reports").joinpath("templates", name).read_text(encoding="utf-8")


@cache
def templates() -> Environment:
    """The templates' environment: it escapes every text and removes passwords from it."""
    made = Environment(
        loader=PackageLoader("hpsearch.reports"),
        autoescape=True,
        finalize=lambda value: value if isinstance(value, Markup) else printable(redact(str(value))),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    written = (duration, json_text, many, named, number, searched, shortened, first_line, ordinal, trainer, utc_time)
    made.filters |= {one.__name__: one for one in written}
    made.filters["shell"] = lambda words: shlex.join(map(str, words))
    made.filters |= {"cost": cost_text, "environment": environment.summary, "markup": Markup}
    made.globals |= {"most": MAX_ROWS, "version": __version__, "candidates": IN_WORDS, "with_margin": with_margin}
    return made


def shortened(traceback: str) -> str:
    lines = traceback.rstrip().splitlines()
    left = len(lines) - HEAD - TAIL
    return "\n".join(lines if left <= 1 else [*lines[:HEAD], f"… {left} lines left out …", *lines[-TAIL:]])


def searched(parameter: Parameter) -> str:
    """A parameter's search space, such as "1e-05 to 1, logarithmic, where optimizer is sgd"."""
    if isinstance(parameter, Choice):
        parts = [" or ".join(parameter.names or map(number, parameter.values))]
    else:
        kind = "integers " * isinstance(parameter.low, int)
        parts = [f"{kind}{number(parameter.low)} to {number(parameter.high)}"]
        parts += ["logarithmic"] * parameter.log
        parts += [f"{parameter.scale} scale"] if isinstance(parameter, Float) and parameter.scale else []
        parts += [f"in steps of {number(parameter.step)}"] * (parameter.step is not None)
    parts += [f"where {name} is {' or '.join(map(number, allowed))}" for name, allowed in parameter.when.items()]
    return ", ".join(parts)
