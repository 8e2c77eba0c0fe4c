"""Pictures of what was measured, as HTML: the only module that imports plotly."""

import math
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import plotly.graph_objects as go

Document = Mapping[str, Any]

COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#8c564b", "#17becf", "#7f7f7f")

SYMBOLS = {"begins": "circle-open", "steepest": "triangle-down", "best": "star", "diverges": "x"}
"""Of the learning rates that a test finds."""

HEIGHT = 600
"""Pixels."""

LINE = 80
"""Characters of a title, so that it fits the frame in which MLflow shows an artifact."""


def pages(documents: Mapping[str, Document], *, whole: bool = True) -> dict[str, str]:
    """File name -> page, of each kind of document that there is a picture of. whole: see `lr_range`."""
    drawn = {"lr_range": lr_range, "rounds": rounds}
    return {f"{kind}.html": draw(documents[kind], whole=whole) for kind, draw in drawn.items() if kind in documents}


def lr_range(document: Document, *, whole: bool = True) -> str:
    """The loss over the learning rate, in all tests, and the window.

    document: what the journal has of a range test. whole: with all that it takes to be shown (5 MB); else the browser
    fetches plotly's own part (10 kB, as MLflow keeps its figures).
    """
    figure = _lr_range(document)
    return str(figure.to_html(include_plotlyjs=True if whole else "cdn", div_id="lr_range"))


def _lr_range(document: Document) -> "go.Figure":
    import plotly.graph_objects as go

    name, tests, window = document["parameter"], document["tests"], document["window"]
    title = {"text": "<br>".join(textwrap.wrap(document["says"], LINE)), "font": {"size": 15}}
    figure = go.Figure(layout={"template": "plotly_white", "title": title, "height": HEIGHT, "margin": {"t": 120}})
    figure.update_xaxes(title=f"{name} (logarithmic)", type="log", exponentformat="power")
    figure.update_yaxes(title="loss that was minimised", range=_heights(tests))
    for number, test in enumerate(tests):
        for trace in _traces(test, _label(test, tests), COLOURS[number % len(COLOURS)]):
            figure.add_trace(trace)
    for kind, bounds, fill in (("window", window, "#2ca02c"), ("asked for", document.get("asked"), "#7f7f7f")):
        if bounds:
            look = {"fillcolor": fill, "opacity": 0.1, "line_width": 0, "name": kind, "showlegend": True}
            figure.add_vrect(x0=bounds["low"], x1=bounds["high"], **look)
    for word, symbol in SYMBOLS.items():  # what they mean, for the legend alone
        marker = {"color": "#444444", "size": 9, "symbol": symbol}
        figure.add_trace(go.Scatter(x=[None], y=[None], mode="markers", marker=marker, name=word))
    return figure


def _traces(test: Document, label: str, colour: str) -> Iterator["go.Scatter"]:
    """Every step, thin; without its noise; and the learning rates that were found, on it."""
    import plotly.graph_objects as go

    rates, smoothed = test["rates"], test["smoothed"]
    thin, plain = {"color": colour, "width": 1}, {"name": label, "showlegend": False}
    yield go.Scatter(x=rates, y=test["losses"], line=thin, opacity=0.3, **plain)
    yield go.Scatter(x=rates[: len(smoothed)], y=smoothed, line={"color": colour, "width": 3}, name=label)
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


def _label(test: Document, tests: Sequence[Document]) -> str:
    """What a test's parameters have of their own."""
    own = {k: v for k, v in test["params"].items() if any(other["params"].get(k) != v for other in tests)}
    return ", ".join(f"{name} = {value}" for name, value in own.items()) or "smoothed"


def _heights(tests: Sequence[Document]) -> list[float] | None:
    """From below the lowest to well above where the losses begin: one that has left would flatten all the rest."""
    smoothed = [test["smoothed"] for test in tests if test["smoothed"]]
    if not smoothed:
        return None
    low, high = min(map(min, smoothed)), max(one[0] for one in smoothed)
    room = 0.3 * (high - low)
    return [low - room, high + 2 * room]


# Rounds ──────────────────────────────────────────────────────────────────────────────────────────

MOST_AXES = 8
"""Parameters that are drawn; more are too small to be seen."""

ROW = 230
"""Pixels of a round."""


def rounds(document: Document, *, whole: bool = True) -> str:
    """For every round and every number of the space where its trials fell, and its window.

    document: what the journal has of the rounds. whole: see `lr_range`.
    """
    figure = _rounds(document)
    return str(figure.to_html(include_plotlyjs=True if whole else "cdn", div_id="rounds"))


def _rounds(document: Document) -> "go.Figure":
    from plotly.subplots import make_subplots

    names, told = list(document["log"])[:MOST_AXES], document["rounds"]
    figure = make_subplots(
        rows=len(told),
        cols=max(1, len(names)),
        row_titles=[f"round {one['number']}<br>to epoch {one['epochs']}" for one in told],
        shared_yaxes=True,
        vertical_spacing=0.3 / max(1, len(told)) if len(told) > 1 else 0.1,
        horizontal_spacing=0.02,
    )
    for row, one in enumerate(told, 1):
        before = [trial for earlier in told[: row - 1] for trial in earlier["trials"]]
        for column, name in enumerate(names, 1):
            for trace in _falls(one, before, name, legend=row == column == 1):
                figure.add_trace(trace, row=row, col=column)
            _window(figure, one, name, row, column)  # after them: plotly draws none where nothing is yet
            figure.update_xaxes(title=name, row=row, col=column, **_axis(told, name, document["log"][name]))
        figure.update_yaxes(range=_range(one["trials"] if len(one["trials"]) > 1 else before), row=row)
        figure.update_yaxes(title=document["metric"], row=row, col=1)
    text = f"where the trials fell and the windows they were drawn from; {document['over'] or 'the search goes on'}"
    figure.update_layout(
        template="plotly_white",
        height=140 + ROW * len(told),
        title={"text": "<br>".join(textwrap.wrap(text, 110)), "font": {"size": 15}},
        margin={"t": 110},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0},
    )
    return figure


def _falls(one: Document, before: Sequence[Document], name: str, legend: bool) -> Iterator["go.Scatter"]:
    """The trials of a round over one parameter, those of the rounds before behind them."""
    import plotly.graph_objects as go

    best = one["best"]["trial"] if one["best"] else None
    kinds = (
        ("before", before, {"color": "#c8c8c8", "size": 4}),
        ("new", [trial for trial in one["trials"] if not trial["continued"]], {"color": COLOURS[0], "size": 6}),
        (
            "continued",
            [trial for trial in one["trials"] if trial["continued"]],
            {"color": COLOURS[4], "size": 8, "symbol": "diamond"},
        ),
        (
            "best",
            [trial for trial in one["trials"] if trial["trial"] == best],
            {"color": COLOURS[1], "size": 13, "symbol": "star-open", "line": {"width": 2}},
        ),
    )
    for kind, trials, marker in kinds:
        drawn = [t for t in trials if t["value"] is not None and t["params"].get(name) is not None]
        yield go.Scatter(
            x=[trial["params"][name] for trial in drawn] or [None],
            y=[trial["value"] for trial in drawn] or [None],
            text=[f"trial {trial['trial']}" for trial in drawn],
            mode="markers",
            marker=marker,
            name=kind,
            legendgroup=kind,
            showlegend=legend,
        )


def _window(figure: "go.Figure", one: Document, name: str, row: int, column: int) -> None:
    window = next(window for window in one["windows"] if window["name"] == name)
    look = {"fillcolor": "#2ca02c", "opacity": 0.15, "line_width": 0, "layer": "below"}
    figure.add_vrect(x0=window["low"], x1=window["high"], row=row, col=column, **look)


def _axis(told: Sequence[Document], name: str, log: bool) -> dict[str, Any]:
    """The same for all rounds, so that a window is seen to move and to shrink."""
    ends = [w[end] for one in told for w in one["windows"] if w["name"] == name for end in ("low", "high")]
    low, high = (math.log10(min(ends)), math.log10(max(ends))) if log else (min(ends), max(ends))
    room = 0.05 * (high - low) or 0.5
    axis = {"type": "log", "dtick": 1, "exponentformat": "power"} if log else {"type": "linear"}
    return {**axis, "range": [low - room, high + room]}


def _range(trials: Sequence[Document]) -> list[float] | None:
    """Of the values without the worst of them, which would flatten all others: twice as far as the middle half goes."""
    values = sorted(trial["value"] for trial in trials if trial["value"] is not None)
    if len(values) < 2:
        return None
    low, high = values[len(values) // 4], values[(3 * len(values)) // 4]
    reach = 1.5 * (high - low) or values[-1] - values[0] or 1.0
    low, high = max(values[0], low - reach), min(values[-1], high + reach)
    room = 0.1 * (high - low) or 0.5
    return [low - room, high + room]
