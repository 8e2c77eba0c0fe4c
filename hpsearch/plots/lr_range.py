"""The picture of a learning-rate range test."""

from collections.abc import Iterator, Sequence

import plotly.graph_objects as go

from hpsearch.plots.style import COLOURS, Document, label, title

SYMBOLS = {"begins": "circle-open", "steepest": "triangle-down", "best": "star", "diverges": "x"}
"""Of the learning rates that a test finds."""

HEIGHT = 600
"""Pixels."""

LINE = 80
"""Characters of a title, so that it fits the frame in which MLflow shows an artifact."""


def figure(document: Document) -> go.Figure:
    """The loss over the learning rate, in all tests, and the window. document: what the journal has of them."""
    name, tests, window = document["parameter"], document["tests"], document["window"]
    layout = {"template": "plotly_white", "height": HEIGHT, "margin": {"t": 120}}
    drawn = go.Figure(layout={**layout, "title": title(document["says"], LINE)})
    drawn.update_xaxes(title=f"{label(name)} (logarithmic)", type="log", exponentformat="power")
    drawn.update_yaxes(title="loss that was minimised", range=_heights(tests))
    for number, test in enumerate(tests):
        for trace in _traces(test, _own(test, tests), COLOURS[number % len(COLOURS)]):
            drawn.add_trace(trace)
    for kind, bounds, fill in (("window", window, "#2ca02c"), ("asked for", document.get("asked"), "#7f7f7f")):
        if bounds:
            look = {"fillcolor": fill, "opacity": 0.1, "line_width": 0, "name": kind, "showlegend": True}
            drawn.add_vrect(x0=bounds["low"], x1=bounds["high"], **look)
    for word, symbol in SYMBOLS.items():  # what they mean, for the legend alone
        marker = {"color": "#444444", "size": 9, "symbol": symbol}
        drawn.add_trace(go.Scatter(x=[None], y=[None], mode="markers", marker=marker, name=word))
    return drawn


def _traces(test: Document, named: str, colour: str) -> Iterator[go.Scatter]:
    """Every step, thin; without its noise; and the learning rates that were found, on it."""
    rates, smoothed = test["rates"], test["smoothed"]
    thin, plain = {"color": colour, "width": 1}, {"name": named, "showlegend": False}
    yield go.Scatter(x=rates, y=test["losses"], line=thin, opacity=0.3, **plain)
    yield go.Scatter(x=rates[: len(smoothed)], y=smoothed, line={"color": colour, "width": 3}, name=named)
    line = {"color": colour, "width": 2}
    found = {word: test[word] for word in SYMBOLS if test[word] is not None}
    yield go.Scatter(
        x=list(found.values()),
        y=[smoothed[min(rates.index(rate), len(smoothed) - 1)] for rate in found.values()],
        text=[f"{word}: {rate:.2g}" for word, rate in found.items()],
        mode="markers",
        marker={"color": colour, "size": 11, "symbol": [SYMBOLS[word] for word in found], "line": line},
        **plain,
    )


def _own(test: Document, tests: Sequence[Document]) -> str:
    """What a test's parameters have of their own."""
    own = {k: v for k, v in test["params"].items() if any(other["params"].get(k) != v for other in tests)}
    return label(", ".join(f"{name} = {value}" for name, value in own.items())) or "smoothed"


def _heights(tests: Sequence[Document]) -> list[float] | None:
    """From below the lowest to well above where the losses begin: one that has left would flatten all the rest."""
    smoothed = [test["smoothed"] for test in tests if test["smoothed"]]
    if not smoothed:
        return None
    low, high = min(map(min, smoothed)), max(one[0] for one in smoothed)
    room = 0.3 * (high - low)
    return [low - room, high + 2 * room]
