"""The picture of a search in rounds."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from hpsearch.plots.style import COLOURS, Document, label, spread, title

MOST_AXES = 8
"""Parameters that are drawn; more are too small to be seen."""

ROW = 230
"""Pixels of a round."""

WINDOW = {"fillcolor": "#2ca02c", "opacity": 0.15, "line_width": 0, "layer": "below"}


def says(document: Document) -> str:
    """What is seen, and why no round follows."""
    names = list(document["log"])
    left = f" {MOST_AXES} of {len(names)} parameters are drawn." if len(names) > MOST_AXES else ""
    over = f" Over: {document['over']}." if document["over"] else ""
    return f"The trials of each round, and in green the window that they were drawn from.{left}{over}"


def figure(document: Document) -> go.Figure:
    """For every round and every number of the space where its trials fell, and its window.

    document: what the journal has of the rounds.
    """
    names, rounds = list(document["log"])[:MOST_AXES], document["rounds"]
    drawn = make_subplots(
        rows=len(rounds),
        cols=max(1, len(names)),
        row_titles=[f"round {one['number']}<br>to epoch {one['epochs']}" for one in rounds],
        shared_yaxes=True,
        vertical_spacing=0.3 / max(1, len(rounds)) if len(rounds) > 1 else 0.1,
        horizontal_spacing=0.02,
    )
    for row, one in enumerate(rounds, 1):
        before = [trial for earlier in rounds[: row - 1] for trial in earlier["trials"]]
        for column, name in enumerate(names, 1):
            for trace in _falls(one, before, name, legend=row == column == 1):
                drawn.add_trace(trace, row=row, col=column)
            (window,) = (window for window in one["windows"] if window["name"] == name)
            # After them: plotly draws none where nothing is yet.
            drawn.add_vrect(x0=window["low"], x1=window["high"], row=row, col=column, **WINDOW)
            drawn.update_xaxes(title=label(name), row=row, col=column, **_axis(rounds, name, document["log"][name]))
        drawn.update_yaxes(range=_heights(one, before), row=row)
        drawn.update_yaxes(title=label(document["metric"]), row=row, col=1)
    text = f"where the trials fell and the windows they were drawn from; {document['over'] or 'the search goes on'}"
    drawn.update_layout(
        template="plotly_white",
        height=140 + ROW * len(rounds),
        title=title(text, 110),
        margin={"t": 110},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0},
    )
    return drawn


def _falls(one: Document, before: Sequence[Document], name: str, legend: bool) -> Iterator[go.Scatter]:
    """The trials of a round over one parameter, those of the rounds before behind them."""
    number = one["best"]["trial"] if one["best"] else None
    new = [trial for trial in one["trials"] if not trial["continued"]]
    continued = [trial for trial in one["trials"] if trial["continued"]]
    best = [trial for trial in one["trials"] if trial["trial"] == number]
    kinds = (
        ("before", before, {"color": "#c8c8c8", "size": 4}),
        ("new", new, {"color": COLOURS[0], "size": 6}),
        ("continued", continued, {"color": COLOURS[4], "size": 8, "symbol": "diamond"}),
        ("best", best, {"color": COLOURS[1], "size": 13, "symbol": "star-open", "line": {"width": 2}}),
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


def _axis(rounds: Sequence[Document], name: str, log: bool) -> dict[str, Any]:
    """The same for all rounds, so that a window is seen to move and to shrink."""
    ends = [w[end] for one in rounds for w in one["windows"] if w["name"] == name for end in ("low", "high")]
    low, high = (math.log10(min(ends)), math.log10(max(ends))) if log else (min(ends), max(ends))
    room = 0.05 * (high - low) or 0.5
    axis = {"type": "log", "dtick": 1, "exponentformat": "power"} if log else {"type": "linear"}
    return {**axis, "range": [low - room, high + room]}


def _heights(one: Document, before: Sequence[Document]) -> list[float] | None:
    """One trial alone says nothing about what is usual."""
    usual = one["trials"] if len(one["trials"]) > 1 else before
    return spread([t["value"] for t in usual if t["value"] is not None], [one["best"]["value"]] if one["best"] else ())
