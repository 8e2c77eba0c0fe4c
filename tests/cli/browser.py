"""An HTML page taken apart, as far as tests ask about it."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

VOID = {"meta", "br", "img", "link", "input"}


class Page(HTMLParser):
    """headings: (level, text). tables: of each its rows, of each its cells.

    scripts: those that run; figures: the data of the others.
    """

    def __init__(self, path: Path):
        super().__init__()
        self.source = path.read_text(encoding="utf-8")
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.headings: list[tuple[str, str]] = []
        self.tables: list[list[list[str]]] = []
        self.scripts: list[str] = []
        self.figures: list[Any] = []
        self.policy = ""
        self._open: list[str] = []
        self._text: list[str] = []
        self.feed(self.source)
        self.close()
        assert self._open == [], "every element is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "meta" and dict(attrs).get("http-equiv") == "Content-Security-Policy":
            self.policy = str(dict(attrs)["content"])
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag not in VOID:
            self._open.append(tag)
        if tag in ("h1", "h2", "h3", "th", "td", "script"):
            self._text = []

    def handle_data(self, data: str) -> None:
        self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag
        text = "".join(self._text)
        if tag in ("h1", "h2", "h3"):
            self.headings.append((tag, text))
        if tag in ("th", "td"):
            self.tables[-1][-1].append(text)
        if tag == "script":
            self._script(text)

    def _script(self, text: str) -> None:
        if self.tags_of("script")[-1].get("type") == "application/json":
            self.figures.append(json.loads(text))
        else:
            self.scripts.append(text)

    def tags_of(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == name]

    @property
    def sections(self) -> list[str]:
        return [text for level, text in self.headings if level == "h2"]

    @property
    def words(self) -> str:
        """What a person reads, without styles and scripts."""
        bare = re.sub(r"<(script|style)\b.*?</\1>", "", self.source, flags=re.DOTALL)
        text = HTMLText()
        text.feed(bare)
        return " ".join("".join(text.parts).split())

    def table(self, first: str) -> list[list[str]]:
        """Of the table whose first column is called so, the rows under its head."""
        return next(rows[1:] for rows in self.tables if rows[0][0] == first)


class HTMLText(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.parts.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.parts.append(" ")
