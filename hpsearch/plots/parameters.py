"""Plots of the trials' values by parameter."""

import math
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from hpsearch.core.format import value_text
from hpsearch.core.trial import Objective, State, Trial, Value
from hpsearch.plots.style import COLOURS, beside, evenly, label, log_axis, short, spread, title
from hpsearch.study.space import Choice, Parameter, Space, offers

MAX_PARAMETERS = 24
MAX_TRIALS = 1000

HEIGHT, COLUMNS = 260, 3
"""The height of one plot in pixels, and the number of plots in a row of one figure."""


def caption(ranked: Sequence[Trial], space: Space) -> str:
    """The caption: the meaning of the points, and what is not shown."""
    parts = ["One point per trial with a value; the star is the best trial."]
    if any(trial.state is not State.COMPLETE for trial in ranked):
        parts.append(
            "Lighter points are trials that were pruned, paused or interrupted: they may improve with training."
        )
    if len(ranked) > MAX_TRIALS:
        parts.append(f"{MAX_TRIALS:,} of {len(ranked):,} trials are shown: the best, and a sample of the others.")
    if (count := len(_shown(ranked, space))) > MAX_PARAMETERS:
        parts.append(f"The first {MAX_PARAMETERS} of {count} parameters are shown.")
    return " ".join(parts)


def figures(ranked: Sequence[Trial], objective: Objective, space: Space) -> list[tuple[str, go.Figure]]:
    """Name and plot of every parameter that a trial has, in the order of the study file. ranked: the best first."""
    drawn = evenly(ranked, MAX_TRIALS)
    return [(one.key, _figure(one, drawn, objective)) for one in _shown(ranked, space)[:MAX_PARAMETERS]]


def figure(ranked: Sequence[Trial], objective: Objective, space: Space) -> go.Figure:
    """All these plots in one figure. ranked: the best first."""
    pictures = figures(ranked, objective, space)
    columns = min(COLUMNS, max(1, len(pictures)))
    rows = max(1, math.ceil(len(pictures) / columns))
    cells: list[dict[str, Any] | None] = [
        {} if place < len(pictures) else None for place in range(rows * columns)
    ]  # None: nothing is drawn there
    drawn = make_subplots(
        rows=rows,
        cols=columns,
        specs=[cells[row * columns : (row + 1) * columns] for row in range(rows)],
        vertical_spacing=0.3 / rows,
        horizontal_spacing=0.08,
    )
    for place, (name, own) in enumerate(pictures):
        row, column = place // columns + 1, place % columns + 1
        for trace in own.data:
            drawn.add_trace(trace, row=row, col=column)
        axis = {key: value for key, value in own.layout.xaxis.to_plotly_json().items() if key != "anchor"}
        if "categoryarray" in axis:
            axis["tickvals"] = axis["categoryarray"]
            axis["ticktext"] = [beside(value, columns * len(axis["tickvals"])) for value in _values(space, name)]
        drawn.update_xaxes(axis | {"title": beside(name, columns)}, row=row, col=column)
        drawn.update_yaxes(range=own.layout.yaxis.range, row=row, col=column)
        if column == 1:
            drawn.update_yaxes(title=label(objective.metric), row=row, col=1)
    heading = title(caption(ranked, space), 110)
    drawn.update_layout(template="plotly_white", height=HEIGHT * rows + 100, showlegend=False, title=heading)
    return drawn


def _values(space: Space, name: str) -> Sequence[str]:
    return next(one.labels for one in space.parameters if isinstance(one, Choice) and one.key == name)


def _shown(ranked: Sequence[Trial], space: Space) -> list[Parameter]:
    return [one for one in space.parameters if any(one.is_in(trial.params) for trial in ranked)]


def _figure(parameter: Parameter, ranked: Sequence[Trial], objective: Objective) -> go.Figure:
    having = [trial for trial in ranked if parameter.is_in(trial.params)]
    unfinished = [trial for trial in having if trial.state is not State.COMPLETE]
    complete = [trial for trial in having if trial.state is State.COMPLETE]
    best = [trial for trial in ranked[:1] if parameter.is_in(trial.params)]
    figure = go.Figure(layout={"height": HEIGHT, "showlegend": False})
    for trials, look in (
        (unfinished, {"color": COLOURS[0], "size": 6, "opacity": 0.3}),
        (complete, {"color": COLOURS[0], "size": 7, "opacity": 0.8}),
        (best, {"color": COLOURS[1], "size": 14, "symbol": "star"}),
    ):
        figure.add_trace(_points(trials, parameter, objective, look))
    figure.update_xaxes(**_axis(parameter))
    values = [value for trial in ranked if (value := objective.value(trial)) is not None]
    figure.update_yaxes(title=label(objective.metric), range=spread(values, values[:1]))
    return figure


def _points(trials: Sequence[Trial], parameter: Parameter, objective: Objective, look: dict[str, Any]) -> go.Scatter:
    values = [objective.value(trial) for trial in trials]
    places = [trial.params[parameter.name] for trial in trials]
    return go.Scatter(
        x=[_place(parameter, value) for value in places],
        y=[None if value is None else short(value) for value in values],
        text=[f"trial {trial.number}" for trial in trials],
        hovertemplate="%{text}<br>%{x}: %{y}<extra></extra>",
        mode="markers",
        marker=look,
    )


def _place(parameter: Parameter, value: Value) -> str | float:
    """The position on the axis; a value that is no longer in the choice is shown as text."""
    if not isinstance(parameter, Choice):
        return short(float(value))
    return label(parameter.labels[parameter.index(value)] if offers(parameter, value) else value_text(value))


def _axis(parameter: Parameter) -> dict[str, Any]:
    if isinstance(parameter, Choice):
        return {"type": "category", "categoryorder": "array", "categoryarray": list(map(label, parameter.labels))}
    if not parameter.log or parameter.low <= 0:
        return {"type": "linear"}
    return log_axis(parameter.low, parameter.high)
