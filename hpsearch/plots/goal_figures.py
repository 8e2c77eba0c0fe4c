"""Plots of a study with two or three goals."""

from collections.abc import Sequence

import plotly.graph_objects as go

from hpsearch.core.front import hypervolume
from hpsearch.core.goals import ranks
from hpsearch.core.trial import Objective, Trial
from hpsearch.plots.style import COLOURS, GREY

HEIGHT = 420
"""Pixels."""

HYPERVOLUME = (
    "The share of the box between the best and the worst value of each goal that the Pareto front dominates, by the "
    "{unit}s trained in all trials that had ended. Values are from ended trials."
)


def hypervolumes(trials: Sequence[Trial], fit: Sequence[Trial], objective: Objective) -> list[tuple[int, float, int]]:
    """After each ended trial: the epochs trained in all ended trials, the hypervolume in [0, 1], and its number.

    fit: the trials with a value for each goal. The box contains all values, so a single trial has a hypervolume of 0.
    """
    points = {one.number: objective.losses(one) for one in fit}
    if not points:
        return []
    columns = list(zip(*points.values(), strict=True))
    low, width = [min(one) for one in columns], [max(one) - min(one) or 1.0 for one in columns]
    front: list[tuple[float, ...]] = []
    found, epochs, volume = [], 0, 0.0
    for trial in sorted(trials, key=lambda one: (one.ended, one.number)):
        epochs += trial.epoch
        if trial.number in points:
            own = zip(points[trial.number], low, width, strict=True)
            front.append(tuple((value - least) / span for value, least, span in own))
            front = [one for one, rank in zip(front, ranks(front), strict=True) if rank == 0]
            volume = hypervolume(front, (1.0,) * len(low))
        found.append((epochs, volume, trial.number))
    return found


def hypervolume_figure(trials: Sequence[Trial], fit: Sequence[Trial], objective: Objective) -> go.Figure:
    x, y, numbers = zip(*hypervolumes(trials, fit, objective), strict=True)
    figure = go.Figure(layout={"height": HEIGHT})
    hover = "trial %{text}<br>after %{x} " + objective.unit + "s: %{y:.4g}<extra></extra>"
    line = {"color": COLOURS[0], "width": 2, "shape": "hv"}
    figure.add_trace(go.Scatter(x=x, y=y, text=numbers, line=line, mode="lines+markers", hovertemplate=hover))
    figure.update_xaxes(title=f"{objective.unit}s trained in ended trials", rangemode="tozero")
    figure.update_yaxes(title="hypervolume of the front", range=[0, 1.02])
    return figure


def front_figure(fit: Sequence[Trial], objective: Objective) -> go.Figure:
    """The trials by their first two goals, with the Pareto front in colour."""
    places = ranks([objective.losses(one) for one in fit])
    first, second = objective.goals[:2]
    figure = go.Figure(layout={"height": HEIGHT})
    for name, colour, wanted in (("dominated", GREY, False), ("Pareto front", COLOURS[0], True)):
        own = [objective.values(one) for one, rank in zip(fit, places, strict=True) if (rank == 0) is wanted]
        numbers = [one.number for one, rank in zip(fit, places, strict=True) if (rank == 0) is wanted]
        figure.add_trace(
            go.Scatter(
                x=[values[first.metric] for values in own],
                y=[values[second.metric] for values in own],
                text=numbers,
                mode="markers",
                name=name,
                marker={"color": colour, "size": 8},
                hovertemplate="trial %{text}: %{x:.4g}, %{y:.4g}<extra></extra>",
            )
        )
    figure.update_xaxes(title=f"{first.metric} ({first.goal})")
    figure.update_yaxes(title=f"{second.metric} ({second.goal})")
    return figure
