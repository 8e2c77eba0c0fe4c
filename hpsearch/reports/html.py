"""HTML from Python. Text that is not Html is escaped wherever it is put, and loses its passwords."""

import html
from collections.abc import Iterable, Sequence

from hpsearch.core.redact import redact


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


NOTHING = Html("")


def put(value: object) -> Html:
    return value if isinstance(value, Html) else Html(html.escape(redact(str(value))))


def joined(parts: Iterable[object]) -> Html:
    return Html("".join(map(put, parts)))


def element(name: str, *inside: object, **attributes: str) -> Html:
    """attributes: `class_` and `for_` for those that are words of Python."""
    written = "".join(f' {key.rstrip("_")}="{put(value)}"' for key, value in attributes.items())
    return Html(f"<{name}{written}>{joined(inside)}</{name}>")


def paragraph(*inside: object) -> Html:
    return element("p", *inside)


def listed(items: Iterable[object]) -> Html:
    return element("ul", *(element("li", item) for item in items))


def pairs(rows: Iterable[tuple[str, object]]) -> Html:
    """What something is called, and what it is."""
    return element("dl", *(joined([element("dt", name), element("dd", value)]) for name, value in rows))


def table(head: Sequence[object], rows: Iterable[Sequence[object]], caption: str = "") -> Html:
    """The first cell of a row names it. Wider than the screen it can be moved sideways."""
    top = element("tr", *(element("th", cell, scope="col") for cell in head))
    body = (
        element("tr", element("th", first, scope="row"), *(element("td", cell) for cell in rest))
        for first, *rest in rows
    )
    says = element("caption", caption) if caption else NOTHING
    return element("div", element("table", says, element("thead", top), element("tbody", *body)), class_="wide")


def folded(summary: object, *inside: object) -> Html:
    """Only the summary is seen until somebody opens it."""
    return element("details", element("summary", summary), *inside)


def verbatim(text: str) -> Html:
    return element("pre", text)
