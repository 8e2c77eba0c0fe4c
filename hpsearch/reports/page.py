"""The page: its templates, its pictures, and a rule that keeps it from asking anything of any network."""

import base64
import hashlib
import shlex
from functools import cache
from importlib.resources import files
from itertools import groupby

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from hpsearch import __version__
from hpsearch.core.format import duration, first_line, json_text, many, named, number, ordinal, utc_time, with_margin
from hpsearch.core.redact import redact
from hpsearch.evaluation.candidates import IN_WORDS
from hpsearch.plots import figures
from hpsearch.provenance import environment
from hpsearch.records.preflight_record import cost_text
from hpsearch.reports.content import Content
from hpsearch.study.space import Choice, Parameter

MOST = {"trials": 10, "decisions": 3000, "reasons": 20, "left_out": 3}
"""How many of them stand on the page: of trials the best, of decisions the first."""

HEAD, TAIL = 30, 5
"""Lines of a traceback: where it began, and what was raised."""


def report(content: Content) -> str:
    """A whole HTML document: a browser runs its scripts and no other, and fetches nothing."""
    drawn = figures.study(content.ranked, content.others, content.study.objective, content.space, content.documents)
    scripts = [figures.script(), _asset("draw.js")] if drawn else []
    values = {
        "content": content,
        "best": content.best,
        "record": content.study.record,
        "objective": content.study.objective,
        "pictures": [(small, list(group)) for small, group in groupby(drawn, lambda one: one.small)],
        "style": Markup(_asset("style.css")),
        "scripts": list(map(Markup, scripts)),
        "hashes": [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts],
    }
    return templates().get_template("page.html").render(values)


def _asset(name: str) -> str:
    return files("hpsearch.reports").joinpath("templates", name).read_text(encoding="utf-8")


@cache
def templates() -> Environment:
    """Every text is escaped and loses its passwords where it is put, whatever template puts it."""
    made = Environment(
        loader=PackageLoader("hpsearch.reports"),
        autoescape=True,
        finalize=lambda value: value if isinstance(value, Markup) else redact(str(value)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    written = (duration, json_text, many, named, number, searched, shortened, first_line, ordinal, utc_time)
    made.filters |= {one.__name__: one for one in written}
    made.filters["shell"] = lambda words: shlex.join(map(str, words))
    made.filters |= {"cost": cost_text, "environment": environment.summary, "markup": Markup}
    made.globals |= {"most": MOST, "version": __version__, "candidates": IN_WORDS, "with_margin": with_margin}
    return made


def shortened(traceback: str) -> str:
    lines = traceback.rstrip().splitlines()
    left = len(lines) - HEAD - TAIL
    return "\n".join(lines if left <= 1 else [*lines[:HEAD], f"… {left} lines left out …", *lines[-TAIL:]])


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
