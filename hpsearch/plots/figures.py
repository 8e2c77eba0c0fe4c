"""Pictures of what was searched and measured: plotly is imported when the first is drawn.

A figure becomes a page of its own (`pages`), or the JSON from which plotly's script draws it (`study`, `script`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hpsearch.core.trial import Objective, Trial
from hpsearch.study.space import Space

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from plotly.graph_objects import Figure as Figure  # for those who may not import plotly

    from hpsearch.plots.style import Document


def pages(documents: Mapping[str, "Document"], *, whole: bool = True) -> dict[str, str]:
    """File name -> page, of each kind of the journal's documents that there is a picture of.

    whole: with all that it takes to be shown (5 MB); else the browser fetches plotly's own part (10 kB, as MLflow
    keeps its figures).
    """
    if not {"lr_range", "rounds"} & documents.keys():
        return {}
    from hpsearch.plots import lr_range, rounds

    return {
        f"{kind}.html": str(draw(documents[kind]).to_html(include_plotlyjs=True if whole else "cdn", div_id=kind))
        for kind, draw in (("lr_range", lr_range.figure), ("rounds", rounds.figure))
        if kind in documents
    }


@dataclass(frozen=True)
class Picture:
    """name: a word, other than that of all others. title, says: plain text, says what is seen.

    figure: data and layout for plotly's script, as JSON that may stand in HTML: it has no "<" in it.
    small: many of these stand side by side.
    """

    name: str
    title: str
    says: str
    figure: str
    small: bool = False


def script() -> str:
    """Plotly's own, of 5 MB, which draws every picture."""
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())


def study(
    ranked: Sequence[Trial],
    others: Sequence[Trial],
    objective: Objective,
    space: Space,
    documents: Mapping[str, "Document"],
) -> list[Picture]:
    """Every picture for which there is something to show, in the order in which they are looked at.

    ranked: the trials that have a value, the best first; others: the rest, which failed, diverged or have just begun.
    documents: the journal's, by kind.
    """
    from hpsearch.plots import lr_range, parameters, rounds, trials

    drawn = []
    if any(trial.curve for trial in (*ranked, *others)):
        says = trials.curves_say(ranked, others)
        figure = trials.curves(ranked, others, objective)
        drawn.append(_picture("curves", f"{objective.metric} over epochs", says, figure))
    if ranked and trials.has_losses(ranked[0]):
        title = f"Training and validation loss of trial {ranked[0].number}, the best"
        drawn.append(_picture("losses", title, trials.LOSSES, trials.losses(ranked[0], objective)))
    if ranked:
        figure = trials.anytime([*ranked, *others], ranked, objective)
        drawn.append(_picture("anytime", "What the search had found, and when", trials.ANYTIME, figure))
        says = parameters.says(ranked, space)
        for number, (name, figure) in enumerate(parameters.figures(ranked, objective, space)):
            drawn.append(_picture(f"parameter-{number}", name, "" if number else says, figure, small=True))
    if "rounds" in documents:
        found = documents["rounds"]
        drawn.append(_picture("rounds", "Where each round looked", rounds.says(found), rounds.figure(found)))
    if "lr_range" in documents:
        tested = documents["lr_range"]
        drawn.append(_picture("lr_range", "Learning-rate range test", tested["says"], lr_range.figure(tested)))
    return drawn


def _picture(name: str, title: str, says: str, figure: "go.Figure", small: bool = False) -> Picture:
    """The title stands above it, so it has none inside."""
    room = {"t": 10, "r": 10, "b": 40, "l": 60} if small else {"t": 40, "r": 20}
    figure.update_layout(title=None, margin=room, template="plotly_white")
    return Picture(name, title, says, str(figure.to_json()), small)
