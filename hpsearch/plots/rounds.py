"""The plot of a search in rounds."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from hpsearch.plots.style import COLOURS, Document, beside, label, log_axis, spread, title

MAX_AXES = 8
"""Maximum number of parameters in the plot; with more, each plot is too small."""

ROW = 230
"""Height of a round, in pixels."""

RANGE = {"fillcolor": "#2ca02c", "opacity": 0.15, "line_width": 0, "layer": "below"}


def caption(document: Document) -> str:
    """The caption: the meaning of the plot, and why the search ended."""
    names = list(document["log"])
    left = f" {MAX_AXES} of {len(names)} parameters are shown." if len(names) > MAX_AXES else ""
    over = f" The search ended: {document['over']}." if document["over"] else ""
    return f"The trials of each round; green is the search range that its new trials were drawn from.{left}{over}"


def figure(document: Document) -> go.Figure:
    """For every round and numeric parameter, the trials and the search range. document: the journal's."""
    names, rounds = list(document["log"])[:MAX_AXES], document["rounds"]
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
            for trace in _round_traces(one, before, name, legend=row == column == 1):
                drawn.add_trace(trace, row=row, col=column)
            (bounds,) = (found for found in one["windows"] if found["name"] == name)
            # After the traces: plotly does not draw a rectangle in an empty subplot.
            drawn.add_vrect(x0=bounds["low"], x1=bounds["high"], row=row, col=column, **RANGE)
            drawn.update_xaxes(
                title=beside(name, len(names)), row=row, col=column, **_axis(rounds, name, document["log"][name])
            )
        drawn.update_yaxes(range=_y_range(one, before), row=row)
        drawn.update_yaxes(title=label(document["metric"]), row=row, col=1)
    end = f" The search ended: {document['over']}" if document["over"] else ""  # some methods end without a reason
    text = f"Trials by round, with search ranges in green.{end}"
    drawn.update_layout(
        template="plotly_white",
        height=140 + ROW * len(rounds),
        title=title(text, 110),
        margin={"t": 110},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0},
    )
    return drawn


def _round_traces(one: Document, before: Sequence[Document], name: str, legend: bool) -> Iterator[go.Scatter]:
    """The trials of a round by one parameter, in front of the trials of earlier rounds."""
    number = one["best"]["trial"] if one["best"] else None
    new = [trial for trial in one["trials"] if not trial["continued"]]
    continued = [trial for trial in one["trials"] if trial["continued"]]
    best = [trial for trial in one["trials"] if trial["trial"] == number]
    kinds = (
        ("earlier rounds", before, {"color": "#c8c8c8", "size": 4}),
        ("new", new, {"color": COLOURS[0], "size": 6}),
        ("continued", continued, {"color": COLOURS[4], "size": 8, "symbol": "diamond"}),
        ("best of the round", best, {"color": COLOURS[1], "size": 13, "symbol": "star-open", "line": {"width": 2}}),
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
    """The same axis for all rounds, so that changes of a search range are visible."""
    ranges = [found for one in rounds for found in one["windows"] if found["name"] == name]
    ends = [found[end] for found in ranges for end in ("low", "high")]
    low, high = (math.log10(min(ends)), math.log10(max(ends))) if log else (min(ends), max(ends))
    room = 0.05 * (high - low) or 0.5
    axis = log_axis(min(ends), max(ends)) if log else {"type": "linear"}
    return {**axis, "range": [low - room, high + room]}


def _y_range(one: Document, before: Sequence[Document]) -> list[float] | None:
    """The range of the values, without outliers. For a round with one trial, the range of all earlier trials."""
    usual = one["trials"] if len(one["trials"]) > 1 else before
    return spread([t["value"] for t in usual if t["value"] is not None], [one["best"]["value"]] if one["best"] else ())
