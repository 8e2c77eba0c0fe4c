"""A draft of a study file: its lines by table, with comments on what is missing or differs."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from hpsearch.core.format import printable

TABLES = ("study", "trainer", "space", "search", "prune", "resources", "limits")

_BARE = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Line:
    """key: empty for a line with only a comment."""

    key: str
    value: Any
    comment: str

    def text(self, width: int) -> str:
        if not self.key:
            return f"# {self.comment}"
        assignment = f"{self.key:<{width}} = {toml(self.value)}"
        return f"{assignment}   # {self.comment}" if self.comment else assignment


@dataclass
class Draft:
    """The contents that a reader has found so far.

    kind: of the source, such as "a sweep of W&B". first: points that the other tool tries first.
    """

    kind: str
    lines: dict[str, list[Line]] = field(default_factory=dict)
    first: list[dict[str, Any]] = field(default_factory=list)

    def put(self, table: str, key: str, value: Any, comment: str = "") -> None:
        """Set a key; a later value replaces an earlier one."""
        found = self.lines.setdefault(table, [])
        found[:] = [line for line in found if not line.key or line.key != name_of(key)]
        found.append(Line(name_of(key), value, _on_one_line(comment)))

    def note(self, table: str, text: str) -> None:
        """Add a comment about something that could not be translated, or needs attention."""
        self.lines.setdefault(table, []).append(Line("", None, _on_one_line(text)))

    def not_translated(self, what: str, problem: Exception) -> None:
        """Add a comment about an entry of the space. problem: why it cannot be translated."""
        reason = f"`{problem.args[0]}` is missing" if isinstance(problem, KeyError) else problem
        self.note("space", f"{what}: cannot be translated ({reason})")

    def drop(self, table: str, key: str) -> None:
        found = self.lines.get(table, [])
        found[:] = [line for line in found if line.key != name_of(key)]

    def value(self, table: str, key: str) -> Any:
        """The value of a key; None if it is not set."""
        return next((line.value for line in self.lines.get(table, ()) if line.key == name_of(key)), None)

    def has(self, table: str, key: str) -> bool:
        return any(line.key == name_of(key) for line in self.lines.get(table, ()))

    @property
    def has_parameters(self) -> bool:
        return any(line.key for line in self.lines.get("space", ()))

    @property
    def comments(self) -> list[str]:
        """All comments, each with the key that it is about."""
        return [
            f"{line.key}: {line.comment}" if line.key else line.comment
            for table in TABLES
            for line in self.lines.get(table, ())
            if line.comment
        ]

    def text(self, source: str) -> str:
        """The study file. source: the name of the file that was read."""
        parts = [f"# Translated from {self.kind}, {source}. Comments note differences. Next: hpsearch check study.toml"]
        for table in TABLES:
            lines = self.lines.get(table, [])
            if lines:
                width = min(max(len(line.key) for line in lines), 24)
                head = f"[{table}]" if any(line.key for line in lines) else f"# [{table}]"
                parts.append("\n".join([head, *(line.text(width) for line in lines)]))
        return "\n\n".join(parts) + "\n"


def _on_one_line(text: str) -> str:
    return printable(" ".join(text.split()))[:300]


def name_of(parameter: str) -> str:
    """A parameter's name as a TOML key: the parts between dots are quoted if TOML requires it."""
    parts = parameter.split(".")
    return ".".join(part if _BARE.fullmatch(part) else json.dumps(part, ensure_ascii=False) for part in parts)


def toml(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case dict():
            return f"{{ {', '.join(f'{name_of(key)} = {toml(part)}' for key, part in value.items())} }}"
        case list() | tuple():
            return f"[{', '.join(map(toml, value))}]"
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)


def flat(table: dict[str, Any], group: str = "") -> Iterator[tuple[str, Any]]:
    """The entries of nested tables by names with dots."""
    for name, value in table.items():
        if isinstance(value, dict) and value:
            yield from flat(value, f"{group}{name}.")
        else:
            yield f"{group}{name}", value
