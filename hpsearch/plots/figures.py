"""Plots of a study. plotly is imported when the first one is drawn.

A figure becomes a separate HTML page (`pages`), or JSON that plotly's script draws (`study`, `script`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hpsearch.core.imports import IMPORT_LOCK
from hpsearch.core.trial import Objective, Trial
from hpsearch.study.space import Space

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from plotly.graph_objects import Figure as Figure  # for packages that may not import plotly

    from hpsearch.plots.style import Document


def pages(documents: Mapping[str, "Document"], *, whole: bool = True) -> dict[str, str]:
    """File name -> HTML page, for each kind of document that has a plot.

    whole: the page includes plotly's script (5 MB); else the browser loads the script from a CDN (10 kB, as for figures
    that MLflow logs).
    """
    if not {"lr_range", "rounds"} & documents.keys():
        return {}
    with IMPORT_LOCK:
        from hpsearch.plots import lr_range, rounds

        return {
            f"{kind}.html": str(draw(documents[kind]).to_html(include_plotlyjs=True if whole else "cdn", div_id=kind))
            for kind, draw in (("lr_range", lr_range.figure), ("rounds", rounds.figure))
            if kind in documents
        }


@dataclass(frozen=True)
class Plot:
    """name: a unique word. title, caption: plain text.

    figure: data and layout for plotly's script, as JSON without "<", so that it is safe in HTML.
    small: shown side by side with others.
    """

    name: str
    title: str
    caption: str
    figure: str
    small: bool = False


def script() -> str:
    """Plotly's script (5 MB), which draws every plot."""
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())


def study(
    ranked: Sequence[Trial],
    others: Sequence[Trial],
    objective: Objective,
    space: Space,
    documents: Mapping[str, "Document"],
) -> list[Plot]:
    """Every plot that has data, in the order of display.

    ranked: the trials with a value, the best first; others: those without (failed, diverged, just started).
    documents: the journal's, by kind.
    """
    from hpsearch.plots import goal_figures, lr_range, parameters, rounds, trials

    drawn = []
    if any(trial.curve for trial in (*ranked, *others)):
        figure = trials.curves(ranked, others, objective)
        caption = trials.curves_caption(figure, ranked, others)
        drawn.append(_plot("curves", f"{objective.metric} by {objective.unit}", caption, figure))
    if ranked and trials.has_losses(ranked[0]):
        title = f"Training and validation loss of the best trial ({ranked[0].number})"
        drawn.append(_plot("losses", title, trials.LOSSES, trials.losses(ranked[0], objective)))
    if ranked:
        figure = trials.anytime([*ranked, *others], ranked, objective)
        title = f"Best value by number of {objective.unit}s trained"
        drawn.append(_plot("anytime", title, trials.ANYTIME.format(unit=objective.unit), figure))
        if objective.others:
            title, caption = "Hypervolume of the Pareto front", goal_figures.HYPERVOLUME.format(unit=objective.unit)
            figure = goal_figures.hypervolume_figure([*ranked, *others], ranked, objective)
            drawn.append(_plot("hypervolume", title, caption, figure))
            names = " and ".join(one.metric for one in objective.goals[:2])
            figure = goal_figures.front_figure(ranked, objective)
            drawn.append(_plot("front", "Pareto front", f"All trials with a value for each goal, by {names}.", figure))
        caption = parameters.caption(ranked, space)
        for number, (name, figure) in enumerate(parameters.figures(ranked, objective, space)):
            drawn.append(_plot(f"parameter-{number}", name, "" if number else caption, figure, small=True))
    if "rounds" in documents:
        found = documents["rounds"]
        drawn.append(_plot("rounds", "Trials and search ranges by round", rounds.caption(found), rounds.figure(found)))
    if "lr_range" in documents:
        tested = documents["lr_range"]
        drawn.append(_plot("lr_range", "Learning-rate range test", tested["says"], lr_range.figure(tested)))
    return drawn


def _plot(name: str, title: str, caption: str, figure: "go.Figure", small: bool = False) -> Plot:
    """The page shows the title above the plot, so the figure has no title."""
    room = {"t": 10, "r": 10, "b": 40, "l": 60} if small else {"t": 40, "r": 20}
    figure.update_layout(title=None, margin=room, template="plotly_white")
    return Plot(name, title, caption, str(figure.to_json()), small)
