"""The page: its parts in order, its pictures, and a rule that keeps it from asking anything of any network."""

import base64
import hashlib
from collections.abc import Sequence
from itertools import groupby

from hpsearch import __version__
from hpsearch.plots import figures
from hpsearch.plots.figures import Picture
from hpsearch.reports import record, results
from hpsearch.reports.content import Content
from hpsearch.reports.html import NOTHING, Html, element, joined, put
from hpsearch.reports.look import DRAW, STYLE
from hpsearch.reports.words import moment


def page(content: Content) -> str:
    """A whole HTML document."""
    drawn = figures.study(content.ranked, content.others, content.objective, content.space, content.measured)
    parts = [
        ("verdict", "What to make of it", results.verdict(content)),
        ("best", "The best trials", results.best_trials(content)),
        ("pictures", "Pictures", _pictures(drawn)),
        ("preflight", "What was checked before", results.preflight(content)),
        ("decisions", "Every decision", record.decisions(content)),
        ("failed", "Trials that failed", record.failures(content)),
        ("file", "The study file", record.study_file(content)),
    ]
    shown = [(name, title, inside) for name, title, inside in parts if inside]
    contents = element("nav", *(element("a", title, href=f"#{name}") for name, title, _ in shown))
    sections = (element("section", element("h2", title), inside, id=name) for name, title, inside in shown)
    body = [element("main", results.head(content), contents, *sections), _made(content)]
    return _document(content.record.name, body, [figures.script(), DRAW] if drawn else [])


def _made(content: Content) -> Html:
    made = f"Made by hpsearch {__version__} from the journal as it was on {moment(content.at)} UTC."
    return element("footer", element("p", made))


def _document(title: str, body: Sequence[Html], scripts: Sequence[str]) -> str:
    """A browser runs these scripts and no other, and fetches nothing: the policy of the page names their hashes."""
    allowed = " ".join(f"'sha256-{_digest(script)}'" for script in scripts) or "'none'"
    policy = f"default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:; script-src {allowed}"
    head = [
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{put(title)}</title>",
        f"<style>{STYLE}</style>",
    ]
    run = [f"<script>{script}</script>" for script in scripts]
    opening = ["<!doctype html>", '<html lang="en">', "<head>", *head, "</head>"]
    return "\n".join([*opening, "<body>", *body, *run, "</body>", "</html>\n"])


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


# Pictures ────────────────────────────────────────────────────────────────────────────────────────


def _pictures(drawn: Sequence[Picture]) -> Html:
    if not drawn:
        return NOTHING
    no_script = element("noscript", element("p", "The pictures take JavaScript."))
    groups = [(small, list(group)) for small, group in groupby(drawn, lambda one: one.small)]
    shown = (_side_by_side(group) if small else joined(map(_figure, group)) for small, group in groups)
    return joined([no_script, *shown])


def _side_by_side(group: Sequence[Picture]) -> Html:
    says = " ".join(one.says for one in group if one.says)
    title = element("h3", "What the trials came to over each parameter")
    return joined([title, element("p", says), element("div", *map(_small_figure, group), class_="small")])


def _small_figure(one: Picture) -> Html:
    return element("figure", element("figcaption", one.title), _plot(one))


def _figure(one: Picture) -> Html:
    return joined([element("h3", one.title), element("figure", element("figcaption", one.says), _plot(one))])


def _plot(one: Picture) -> Html:
    """The place, and what is drawn there."""
    place = element("div", class_="plot", id=one.name, role="img", **{"aria-label": one.title})
    return joined([place, Html(f'<script type="application/json">{one.figure}</script>')])
