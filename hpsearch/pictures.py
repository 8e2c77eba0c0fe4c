"""Pictures of what was measured, as HTML: the only module that imports plotly."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import plotly.graph_objects as go

Document = Mapping[str, Any]

COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#8c564b", "#17becf", "#7f7f7f")


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
    figure = go.Figure(layout={"template": "plotly_white", "title": {"text": document["says"]}})
    figure.update_xaxes(title=name, type="log", exponentformat="power")
    figure.update_yaxes(title="loss that was minimised", range=_heights(tests))
    for number, test in enumerate(tests):
        for trace in _traces(test, _label(test, tests), COLOURS[number % len(COLOURS)]):
            figure.add_trace(trace)
    if window:
        figure.add_vrect(x0=window["low"], x1=window["high"], fillcolor="#2ca02c", opacity=0.1, line_width=0)
    return figure


def _traces(test: Document, label: str, colour: str) -> Iterator["go.Scatter"]:
    import plotly.graph_objects as go

    rates = test["rates"]
    thin = {"color": colour, "width": 1}
    yield go.Scatter(x=rates, y=test["losses"], line=thin, opacity=0.3, name=f"{label}, every step", showlegend=False)
    smoothed = test["smoothed"]
    yield go.Scatter(x=rates[: len(smoothed)], y=smoothed, line={"color": colour, "width": 3}, name=label)
    marks = [(word, test[word]) for word in ("begins", "steepest", "best", "diverges") if test[word] is not None]
    heights = [smoothed[min(rates.index(rate), len(smoothed) - 1)] for _, rate in marks]
    yield go.Scatter(
        x=[rate for _, rate in marks],
        y=heights,
        text=[word for word, _ in marks],
        mode="markers+text",
        textposition="top center",
        marker={"color": colour, "size": 9},
        name=label,
        showlegend=False,
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
