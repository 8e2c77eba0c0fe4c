"""The plot of a learning-rate range test."""

from collections.abc import Iterator, Sequence

import plotly.graph_objects as go

from hpsearch.plots.style import COLOURS, Document, label, title

SYMBOLS = {"begins": "circle-open", "steepest": "triangle-down", "best": "star", "diverges": "x"}
"""The marker of each learning rate that a test finds."""

NAMES = {"begins": "begins to fall", "steepest": "falls fastest", "best": "lowest", "diverges": "diverges"}
"""The names of these markers in the legend."""

HEIGHT = 600
"""Pixels."""

LINE = 80
"""Maximum number of characters in a line of the title, so that it fits the frame of an artifact in MLflow."""


def figure(document: Document) -> go.Figure:
    """The loss by learning rate in all tests, and the search range. document: the journal's."""
    name, tests, found = document["parameter"], document["tests"], document["window"]
    layout = {"template": "plotly_white", "height": HEIGHT, "margin": {"t": 120}}
    drawn = go.Figure(layout={**layout, "title": title(document["says"], LINE)})
    drawn.update_xaxes(title=f"{label(name)} (logarithmic)", type="log", exponentformat="power")
    drawn.update_yaxes(title="training loss", range=_y_range(tests))
    for number, test in enumerate(tests):
        for trace in _traces(test, _label(test, tests), COLOURS[number % len(COLOURS)]):
            drawn.add_trace(trace)
    in_file = document.get("asked")
    for kind, bounds, fill in (("range found", found, "#2ca02c"), ("range in the study file", in_file, "#7f7f7f")):
        if bounds:
            look = {"fillcolor": fill, "opacity": 0.1, "line_width": 0, "name": kind, "showlegend": True}
            drawn.add_vrect(x0=bounds["low"], x1=bounds["high"], **look)
    for kind, symbol in SYMBOLS.items():  # entries of the legend
        marker = {"color": "#444444", "size": 9, "symbol": symbol}
        drawn.add_trace(go.Scatter(x=[None], y=[None], mode="markers", marker=marker, name=NAMES[kind]))
    return drawn


def _traces(test: Document, named: str, colour: str) -> Iterator[go.Scatter]:
    """The loss of every step, thin; the smoothed loss; and the learning rates that were found, as markers."""
    rates, smoothed = test["rates"], test["smoothed"]
    thin, plain = {"color": colour, "width": 1}, {"name": named, "showlegend": False}
    yield go.Scatter(x=rates, y=test["losses"], line=thin, opacity=0.3, **plain)
    yield go.Scatter(x=rates[: len(smoothed)], y=smoothed, line={"color": colour, "width": 3}, name=named)
    line = {"color": colour, "width": 2}
    found = {kind: test[kind] for kind in SYMBOLS if test[kind] is not None}
    yield go.Scatter(
        x=list(found.values()),
        y=[smoothed[min(rates.index(rate), len(smoothed) - 1)] for rate in found.values()],
        text=[f"{NAMES[kind]}: {rate:.2g}" for kind, rate in found.items()],
        mode="markers",
        marker={"color": colour, "size": 11, "symbol": [SYMBOLS[kind] for kind in found], "line": line},
        **plain,
    )


def _label(test: Document, tests: Sequence[Document]) -> str:
    """The parameters in which a test differs from the others."""
    own = {k: v for k, v in test["params"].items() if any(other["params"].get(k) != v for other in tests)}
    return label(", ".join(f"{name} = {value}" for name, value in own.items())) or "smoothed loss"


def _y_range(tests: Sequence[Document]) -> list[float] | None:
    """From below the minimum to well above the initial losses. A diverged loss would flatten all other curves."""
    smoothed = [test["smoothed"] for test in tests if test["smoothed"]]
    if not smoothed:
        return None
    low, high = min(map(min, smoothed)), max(one[0] for one in smoothed)
    room = 0.3 * (high - low)
    return [low - room, high + 2 * room]
