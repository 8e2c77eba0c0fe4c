"""Plots of the learning curves of all trials, the losses of one trial, and the best value so far."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import plotly.graph_objects as go

from hpsearch.core.history import by_arrival
from hpsearch.core.trial import Objective, Report, Trial
from hpsearch.plots.style import COLOURS, GREY, evenly, label, short, spread

NAMED = 5
"""Number of best curves with a colour and a name."""

MAX_CURVES = 200
MAX_POINTS = 200
"""Maximum number of points of one curve."""

FEW = 30
"""Curves with at most this many epochs have markers."""

HEIGHT = 420
"""Pixels."""

LOSSES = (
    "A rising validation loss with a falling training loss means that the network overfits (memorises the examples)."
)
ANYTIME = "The best value so far, by the number of {unit}s trained in all trials, in the order of their reports."


# All trials ──────────────────────────────────────────────────────────────────────────────────────


def curves(ranked: Sequence[Trial], others: Sequence[Trial], objective: Objective) -> go.Figure:
    """The best curves in colour, in front of the others in grey."""
    best, rest = _chosen(ranked, others)
    drawn = [(trial, _points(trial, objective)) for trial in (*best, *rest)]
    marked = max(trial.epoch for trial, _ in drawn) <= FEW
    figure = go.Figure(layout={"height": HEIGHT, "legend": {"orientation": "h", "y": -0.2}})
    figure.add_trace(_grey_trace(drawn[len(best) :], marked, objective.unit))
    for colour, (trial, points) in reversed(list(zip(COLOURS, drawn[: len(best)], strict=False))):
        figure.add_trace(_curve(f"trial {trial.number}", points, colour, marked))
    figure.update_xaxes(title=objective.unit, rangemode="tozero")
    figure.update_yaxes(title=label(objective.metric), range=_y_range(drawn[: len(best)], drawn))
    figure.update_layout(legend_traceorder="reversed")
    return figure


def curves_caption(figure: go.Figure, ranked: Sequence[Trial], others: Sequence[Trial]) -> str:
    """The caption of `curves`: what the colours mean, and what is not shown."""
    best, rest = _chosen(ranked, others)
    all_of_them = sum(bool(trial.curve) for trial in (*ranked, *others))
    shown, longest = len(best) + len(rest), max(trial.epoch for trial in (*best, *rest))
    parts = [f"The best {len(best)} trials in colour, the others in grey." if rest and best else ""]
    if shown < all_of_them:
        parts.append(f"{shown} of {all_of_them:,} trials are shown: the best, and a sample of the others.")
    if longest > MAX_POINTS:
        parts.append(f"Long curves have about {MAX_POINTS} points, including the best one.")
    if _has_outliers(figure):
        parts.append("Outliers are cut off: double-click to show them.")
    return " ".join(filter(None, parts))


def _has_outliers(figure: go.Figure) -> bool:
    """Whether a value is outside the range of the y axis."""
    if figure.layout.yaxis.range is None:
        return False
    low, high = figure.layout.yaxis.range
    return any(value is not None and not low <= value <= high for trace in figure.data for value in trace.y)


def _chosen(ranked: Sequence[Trial], others: Sequence[Trial]) -> tuple[list[Trial], list[Trial]]:
    """The trials in colour, and those in grey."""
    rest = [trial for trial in (*ranked[NAMED:], *others) if trial.curve]
    return list(ranked[:NAMED]), evenly(rest, MAX_CURVES - NAMED)


def _points(trial: Trial, objective: Objective) -> list[tuple[int, float | None]]:
    """Epoch and value; of a long curve every n-th point, the best and the last."""
    measured = [report for report in trial.curve if objective.is_in(report)]
    every, judged = math.ceil(len(measured) / MAX_POINTS), objective.judged(trial)
    kept = {measured[-1].step if measured else 0, judged.step if judged else 0}
    chosen = (one for place, one in enumerate(measured) if place % every == 0 or one.step in kept)
    return [(report.step, _value(report, objective.metric)) for report in chosen]


def _value(report: Report, metric: str) -> float | None:
    value = report.metrics[metric]
    return short(value) if math.isfinite(value) else None


def _curve(name: str, points: Sequence[tuple[int, float | None]], colour: str, marked: bool) -> go.Scatter:
    return go.Scatter(
        x=[step for step, _ in points],
        y=[value for _, value in points],
        mode="lines+markers" if marked else "lines",
        line={"color": colour, "width": 2},
        marker={"size": 5},
        name=name,
    )


def _grey_trace(
    drawn: Sequence[tuple[Trial, Sequence[tuple[int, float | None]]]], marked: bool, unit: str
) -> go.Scatter:
    """All curves in one trace, with gaps between them: hundreds of traces would be slow."""
    rows = [
        row
        for trial, points in drawn
        for row in (*((step, value, f"trial {trial.number}") for step, value in points), (None, None, ""))
    ]
    return go.Scatter(
        x=[step for step, _, _ in rows],
        y=[value for _, value, _ in rows],
        text=[name for _, _, name in rows],
        hovertemplate="%{text}<br>" + unit + " %{x}: %{y}<extra></extra>",
        mode="lines+markers" if marked else "lines",
        line={"color": GREY, "width": 1},
        marker={"size": 3},
        opacity=0.6,
        name="other trials",
        showlegend=bool(rows),
    )


def _y_range(best: Sequence[tuple[Trial, Any]], drawn: Sequence[tuple[Trial, Any]]) -> list[float] | None:
    """An axis range without outliers that includes the last values of the best trials."""
    values = [value for _, points in drawn for _, value in points if value is not None]
    return spread(values, [points[-1][1] for _, points in best if points[-1][1] is not None])


# The best trial ──────────────────────────────────────────────────────────────────────────────────


def has_losses(trial: Trial) -> bool:
    return any({"train_loss", "val_loss"} <= set(report.metrics) for report in trial.curve)


def losses(trial: Trial, objective: Objective) -> go.Figure:
    """Training and validation loss, and the epoch by which the trial is judged."""
    figure = go.Figure(layout={"height": HEIGHT, "legend": {"orientation": "h", "y": -0.2}})
    for metric, colour in (("train_loss", COLOURS[0]), ("val_loss", COLOURS[4])):
        points = _points(trial, Objective(metric, "minimize"))
        figure.add_trace(_curve(metric, points, colour, trial.epoch <= FEW))
    if judged := objective.judged(trial):
        side = "left" if 2 * judged.step > trial.epoch else "right"
        look = {"line_dash": "dot", "line_color": GREY, "annotation_position": f"top {side}"}
        figure.add_vline(x=judged.step, annotation_text=f"judged at {objective.unit} {judged.step}", **look)
    figure.update_xaxes(title=objective.unit, rangemode="tozero")
    figure.update_yaxes(title="loss")
    return figure


# The search ──────────────────────────────────────────────────────────────────────────────────────


def anytime(trials: Sequence[Trial], fit: Sequence[Trial], objective: Objective) -> go.Figure:
    """The best value so far by epochs trained. trials: all trials, for their epochs. fit: those with values that
    count."""
    found = list(improvements(trials, fit, objective))
    total = sum(trial.epoch for trial in trials)
    x, y, texts = zip(*found, (total, found[-1][1], "end of the search"), strict=True)
    line = {"color": COLOURS[0], "width": 2, "shape": "hv"}
    figure = go.Figure(layout={"height": HEIGHT})
    hover = "%{text}<br>after %{x} " + objective.unit + "s: %{y}<extra></extra>"
    marker = {"size": [6] * len(found) + [0]}
    trace = go.Scatter(x=x, y=y, text=texts, line=line, marker=marker, mode="lines+markers", hovertemplate=hover)
    figure.add_trace(trace)
    figure.update_xaxes(title=f"{objective.unit}s trained in all trials", rangemode="tozero")
    figure.update_yaxes(title=f"best {label(objective.metric)} so far", range=_value_range(y, trials, objective))
    return figure


def _value_range(found: Sequence[float], trials: Sequence[Trial], objective: Objective) -> list[float] | None:
    """An axis range with all improvements, except first values that are far worse than the usual ones."""
    points = ([value for _, value in _points(trial, objective)] for trial in evenly(trials, MAX_CURVES))
    usual = spread(value for own in points for value in own if value is not None)
    if usual is None:
        return None
    shown = [found[-1], *(value for value in found if usual[0] <= value <= usual[1])]
    room = 0.05 * (max(shown) - min(shown)) or 0.5
    return [min(shown) - room, max(shown) + room]


def improvements(
    trials: Sequence[Trial], fit: Sequence[Trial], objective: Objective
) -> Iterator[tuple[int, float, str]]:
    """For each improvement: the epochs trained so far, the new best value, and its trial and epoch as text.

    A trial that is judged by its last epoch counts from that epoch on.
    """
    counting = {trial.number: judged for trial in fit if (judged := objective.judged(trial)) is not None}
    best, known, count = math.inf, dict.fromkeys((trial.number for trial in trials), 0), 0
    for number, report in by_arrival(trials):
        count, known[number] = count + report.step - known[number], report.step
        counts = number in counting and (objective.at == "best" or report.step == counting[number].step)
        if not counts:
            continue
        value = report if objective.at == "best" else counting[number]
        if (loss := objective.loss_of(value)) < best:
            best = loss
            yield count, short(value.metrics[objective.metric]), f"trial {number}, {objective.unit} {report.step}"
