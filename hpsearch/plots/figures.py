"""Pictures of what was searched and measured: the only part that imports plotly.

A figure becomes a page of its own (`pages`), or the JSON from which plotly's script draws it (`study`, `script`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hpsearch.core.trial import Objective, Trial
from hpsearch.plots import lr_range as of_range_test
from hpsearch.plots import parameters, trials
from hpsearch.plots import rounds as of_rounds
from hpsearch.study.space import Space

if TYPE_CHECKING:
    import plotly.graph_objects as go

Document = Mapping[str, Any]


# Pages ───────────────────────────────────────────────────────────────────────────────────────────


def pages(documents: Mapping[str, Document], *, whole: bool = True) -> dict[str, str]:
    """File name -> page, of each kind of document that there is a picture of. whole: see `lr_range`."""
    drawn = {"lr_range": lr_range, "rounds": rounds}
    return {f"{kind}.html": draw(documents[kind], whole=whole) for kind, draw in drawn.items() if kind in documents}


def lr_range(document: Document, *, whole: bool = True) -> str:
    """The loss over the learning rate, in all tests, and the window.

    document: what the journal has of a range test. whole: with all that it takes to be shown (5 MB); else the browser
    fetches plotly's own part (10 kB, as MLflow keeps its figures).
    """
    return _page(of_range_test.figure(document), "lr_range", whole)


def rounds(document: Document, *, whole: bool = True) -> str:
    """For every round and every number of the space where its trials fell, and its window.

    document: what the journal has of the rounds. whole: see `lr_range`.
    """
    return _page(of_rounds.figure(document), "rounds", whole)


def _page(figure: "go.Figure", name: str, whole: bool) -> str:
    return str(figure.to_html(include_plotlyjs=True if whole else "cdn", div_id=name))


# A study ─────────────────────────────────────────────────────────────────────────────────────────


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
    documents: Mapping[str, Document],
) -> list[Picture]:
    """Every picture for which there is something to show, in the order in which they are looked at.

    ranked: the trials that have a value, the best first; others: the rest, which failed, diverged or have just begun.
    documents: what was measured, by kind.
    """
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
        drawn += _parameters(ranked, objective, space)
    if "rounds" in documents:
        says, figure = of_rounds.says(documents["rounds"]), of_rounds.figure(documents["rounds"])
        drawn.append(_picture("rounds", "Where each round looked", says, figure))
    if "lr_range" in documents:
        tested = documents["lr_range"]
        drawn.append(_picture("lr_range", "Learning-rate range test", tested["says"], of_range_test.figure(tested)))
    return drawn


def _parameters(ranked: Sequence[Trial], objective: Objective, space: Space) -> list[Picture]:
    """What is said of all stands with the first."""
    drawn = parameters.figures(ranked, objective, space)
    says = [parameters.says(ranked, space), *("" for _ in drawn)]
    return [
        _picture(f"parameter-{number}", name, says[number], figure, small=True)
        for number, (name, figure) in enumerate(drawn)
    ]


def _picture(name: str, title: str, says: str, figure: "go.Figure", small: bool = False) -> Picture:
    """The title stands above it, so it has none inside."""
    room = {"t": 10, "r": 10, "b": 40, "l": 60} if small else {"t": 40, "r": 20}
    figure.update_layout(title=None, margin=room, template="plotly_white")
    return Picture(name, title, says, str(figure.to_json()), small)
