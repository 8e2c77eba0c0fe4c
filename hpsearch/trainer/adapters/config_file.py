"""A program's configuration file: each trial gets a copy with its parameters."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hpsearch.core.errors import TrainerError
from hpsearch.core.trial import Params, Value
from hpsearch.study import placeholders
from hpsearch.study.program import Program
from hpsearch.trainer.adapters.config_formats import FORMATS, UNREADABLE

Place = tuple[Any, Any]
"""A table or a list, and the key or the index of the value in it."""


class ConfigFile:
    """path: the file with the program's own values. TrainerError if it cannot be read.

    A parameter is a key: `lr`, `optim.lr` in a table, `layers.0.units` in a list.
    """

    def __init__(self, path: Path):
        self._format = FORMATS[path.suffix]
        try:
            self._text = path.read_text(encoding="utf-8")
            self._content = self._format.read(self._text)
        except FileNotFoundError:
            raise TrainerError(f"trainer.config: there is no such file: {path}") from None
        except UNREADABLE as problem:
            raise TrainerError(f"trainer.config: {path} cannot be read: {problem}") from None
        if not isinstance(self._content, dict):
            raise TrainerError(f"trainer.config: {path} has no keys, so no parameter can be one of them")

    def has(self, name: str) -> bool:
        return _place(self._content, name) is not None

    @property
    def names(self) -> list[str]:
        return [*_names(self._content)]

    def write(self, params: Params, program: Program, copy: Path) -> dict[str, Value]:
        """Write a copy with the parameters that are its keys, and return the others. Comments are lost.

        A parameter with a placeholder in the command is not written.
        """
        taken = {name for word in program.words for name in placeholders.used(word)}
        content, rest = self._format.read(self._text), dict[str, Value]()
        for name, value in params.items():
            place = None if name in taken else _place(content, name)
            if place is None:
                rest[name] = value
            else:
                table, key = place
                table[key] = _converted(value, table[key])
        copy.write_text(self._format.write(content, self._text), encoding="utf-8")
        return rest


def _place(content: Any, name: str) -> Place | None:
    """Where the value of a name is; None if there is no such key. A key may have dots itself."""
    if isinstance(content, list):
        first, _, rest = name.partition(".")
        if not first.isdecimal() or int(first) >= len(content):
            return None
        return _place(content[int(first)], rest) if rest else (content, int(first))
    if not isinstance(content, dict):
        return None
    if name in content:
        return content, name
    parts = name.split(".")
    heads = (".".join(parts[:count]) for count in range(1, len(parts)))
    places = (_place(content[head], name[len(head) + 1 :]) for head in heads if head in content)
    return next((place for place in places if place is not None), None)


def _names(content: Any) -> Iterator[str]:
    """Of all values that are not tables."""
    for key, value in content.items():
        if isinstance(value, dict) and value:
            yield from (f"{key}.{name}" for name in _names(value))
        else:
            yield str(key)


def _converted(value: Value, old: Any) -> Any:
    """A filled placeholder such as {epochs} is text; it becomes a number where the file has one."""
    if isinstance(value, str) and isinstance(old, int | float) and not isinstance(old, bool):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
