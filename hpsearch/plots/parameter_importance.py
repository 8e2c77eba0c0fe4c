"""The plot of parameter importance: how much each parameter matters for being among the best trials."""

from collections.abc import Iterator

import plotly.graph_objects as go

from hpsearch.core.format import many
from hpsearch.plots.style import COLOURS, Document, label, short, title

ROW, FRAME = 32, 170
"""Pixels: of a bar, and of the frame around the bars."""


def figure(document: Document) -> go.Figure:
    """A bar for each parameter, the longest on top. document: of an `Importance`."""
    shares = {name: short(share) for name, share in document["shares"].items()}
    layout = {"template": "plotly_white", "height": FRAME + ROW * len(shares), "margin": {"t": 110}}
    drawn = go.Figure(layout={**layout, "title": title(" ".join(_notes(document)), 110)})
    bar = go.Bar(
        x=list(shares.values()),
        y=list(map(label, shares)),
        orientation="h",
        marker={"color": COLOURS[0]},
        text=[f"{share:.0%}" for share in shares.values()],
        hovertemplate="%{y}: %{x:.1%}<extra></extra>",
    )
    drawn.add_trace(bar)
    drawn.update_xaxes(title="share of the importance of all parameters", range=[0, 1], tickformat=".0%")
    drawn.update_yaxes(autorange="reversed", type="category")
    return drawn


def _notes(document: Document) -> Iterator[str]:
    """The number of trials, the parameters that only some trials have, and those with the same value in all trials."""
    count, complete = document["trials"], document["complete"]
    others = f", {count - complete} pruned or paused" if count > complete else ""
    yield f"From {many(count, 'trial')} ({complete} complete{others}):"
    yield f"how far the best {document['among_the_best']} differ from all (PED-ANOVA)."
    rare = [f"{name} in {having}" for name, having in document["having"].items() if having < count]
    if rare:
        yield f"Conditional: {', '.join(rare)} of {many(count, 'trial')}."
    if document["constant"]:
        yield f"The same value in all trials: {', '.join(document['constant'])}."
