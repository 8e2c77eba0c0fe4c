"""Collects the faults of a study file, each with its line, a message and a suggestion."""

import datetime
import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from types import NoneType
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import ErrorDetails

from hpsearch.core.errors import Fault, StudyFileError
from hpsearch.study.file import other_tools
from hpsearch.study.file.lines import KeyPath, Lines

MAX_FAULTS = 100
"""Maximum number of listed faults; further ones are only counted."""

_MAX_SHOWN = 60

_SECRET_TABLES = (("journal",), ("tracking",), ("notify",))
"""Tables whose values are not shown in messages: they may contain a password."""

_SENTENCES = {
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be finite",
    "string_type": "must be a string",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "greater_than": "must be > {gt:g}",
    "greater_than_equal": "must be >= {ge:g}",
    "less_than": "must be < {lt:g}",
    "less_than_equal": "must be <= {le:g}",
}


class Faults:
    """The faults found so far in the file `where`."""

    def __init__(self, where: str, lines: Lines):
        self.where = where
        self._lines = lines
        self._overridden: dict[KeyPath, str] = {}
        self._misspelt: dict[str | int, str] = {}
        self._found: list[Fault] = []
        self._paths: set[KeyPath] = set()
        self._unlisted = 0

    def overridden(self, path: KeyPath, option: str) -> None:
        """Report faults of this key under the command-line option that has set it."""
        self._overridden[path] = option

    def misspelt(self, table: str, written: str) -> None:
        """Report faults of this table under the name that the file has."""
        self._misspelt[table] = written

    def _written(self, path: KeyPath) -> KeyPath:
        """The path as in the file."""
        return self._lines.written((*(self._misspelt.get(part, part) for part in path[:1]), *path[1:]))

    def add(self, path: KeyPath, message: str) -> None:
        path = self._written(path)
        self._paths.update(path[:end] for end in range(1, len(path) + 1))
        if self.full:
            self.count(1)
            return
        where, line = self._place(path)
        key = dotted(path)
        self._found.append(Fault(where, line, "" if where == f"--set {key}" else key, message))

    def count(self, number: int) -> None:
        """Count faults that are not listed."""
        self._unlisted += number

    def add_for(self, option: str, message: str) -> None:
        """Add a fault of a command-line option itself."""
        self._found.append(Fault(option, 0, "", message))

    def has(self, path: KeyPath) -> bool:
        """Whether this key, or a key within it, has a fault."""
        return bool(self._paths) and self._written(path) in self._paths

    def in_any(self, table: str, keys: Iterable[str]) -> bool:
        """Whether one of these keys of a table has a fault."""
        return bool(self._paths) and any(self.has((table, key)) for key in keys)

    @property
    def full(self) -> bool:
        return len(self._found) >= MAX_FAULTS

    def end(self) -> None:
        """StudyFileError if there is a fault."""
        if self._unlisted:
            last = max(fault.line for fault in self._found)
            self._found.append(Fault(self.where, last, "", f"… and {self._unlisted:,} more faults"))
        if self._found:
            raise StudyFileError(self._found)

    def _place(self, path: KeyPath) -> tuple[str, int]:
        for end in range(len(path), 0, -1):
            if path[:end] in self._overridden:
                return self._overridden[path[:end]], 0
        return self.where, self._lines.find(path)


def translate(
    problem: ValidationError, kind: type[BaseModel], at: KeyPath, faults: Faults, only: str | None = None
) -> None:
    """Add pydantic's errors for the table `at`, in plain words. A key that has a fault already gets no second one.

    only: add the errors of this key; None: of all keys.
    """
    for i, error in enumerate(problem.errors(include_url=False)):
        if faults.full:
            faults.count(problem.error_count() - i)
            return
        path = (*at, *(part for part in error["loc"] if part != "[key]"))
        if only in (None, *error["loc"][:1]) and not faults.has(path) and not _is_consequence(error):
            faults.add(path, _sentence(error, kind, at))


def _is_consequence(error: ErrorDetails) -> bool:
    """Whether it follows from other errors: pydantic reports a list with invalid elements as too short."""
    return error["type"] == "too_short" and len(error["input"]) >= error["ctx"]["min_length"]


def _sentence(error: ErrorDetails, kind: type[BaseModel], at: KeyPath) -> str:
    name, context = str(error["loc"][-1]) if error["loc"] else "", error.get("ctx", {})
    got = "" if at[:1] in _SECRET_TABLES else f", got {show(error['input'])}"
    owner = _owner(kind, error["loc"])
    match error["type"]:
        case "value_error":
            return str(context["error"])
        case "missing":
            return f"is missing ({owner.model_fields[name].description})"
        case "extra_forbidden":
            return unknown((*at, name), error["input"], owner.model_fields)
        case "too_short":
            return "must not be empty"
        case "literal_error":
            choices = list(_choices(owner.model_fields[name].annotation))
            hint = did_you_mean(error["input"], map(str, choices)) if isinstance(error["input"], str) else ""
            return f"must be one of {listed(choices)}{got}{hint}"
    return _SENTENCES.get(error["type"], "is not valid").format(**context) + got


def unknown(path: KeyPath, value: object, known: Mapping[str, Any]) -> str:
    """The message for an unknown key, with a suggestion. path, value: of this key. known: the keys of the table."""
    name = str(path[-1])
    known = {key: field for key, field in known.items() if not written_by_hpsearch(field)}
    translated = _translated(path, value, known)
    hint = f"; {translated}" if translated else did_you_mean(name, known) or f"; known here: {', '.join(known)}"
    return f"unknown key `{name[:60]}`{hint}"


def meant_key(path: KeyPath, value: object, known: Mapping[str, Any]) -> str:
    """The key that an unknown one resembles; "" if it resembles none, or is a key of another tool."""
    return "" if _translated(path, value, known) else nearest(str(path[-1]), known)


def _translated(path: KeyPath, value: object, known: Mapping[str, Any]) -> str | None:
    """What to write for a key of another tool."""
    table, name = str(path[0]) if len(path) > 1 else "", str(path[-1])
    return other_tools.entry_key(name, value) if table == "space" else other_tools.key(name, value, table, known)


def written_by_hpsearch(field: object) -> bool:
    """Whether the key is written by hpsearch when it records a study."""
    return any(isinstance(one, SkipJsonSchema) for one in getattr(field, "metadata", ()))  # type: ignore[misc]  # at run time it is a class


def _owner(kind: type[BaseModel], loc: tuple[int | str, ...]) -> type[BaseModel]:
    """The model that holds the last key of `loc`."""
    for part in loc[:-1]:
        field = kind.model_fields.get(str(part))
        kind = next(models(field.annotation), kind) if field is not None else kind
    return kind


def _choices(annotation: Any) -> Iterator[object]:
    """The values of a Literal, also of an optional one."""
    for part in get_args(annotation):
        if get_args(part):
            yield from _choices(part)
        elif part is not NoneType:
            yield part


def models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models in a field's type."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from models(part)


# Keys and values in messages ──────────────────────────────────────────────────────────────────────


def dotted(path: KeyPath) -> str:
    """`search.rounds.0.epochs`, as for `--set`; a part that is not a bare TOML key, or too long, is quoted."""
    bare = re.compile(rf"[A-Za-z0-9_-]{{1,{_MAX_SHOWN}}}")
    return ".".join(part if bare.fullmatch(part) else show(part) for part in map(str, path))


def show(value: object) -> str:
    """A value on one line, in TOML syntax, shortened where it is long."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return json.dumps(value if len(value) <= _MAX_SHOWN else value[:_MAX_SHOWN] + "…", ensure_ascii=False)
        case int() | float():
            return repr(value)
        case None:
            return "None"
        case dict():
            return "a table"
        case list() | tuple():
            return "a list"
        case datetime.date() | datetime.time():
            return f"the date or time {value}"
    return f"a {type(value).__name__}"


def literal(value: object) -> str:
    """As `show`, with the content of a list or table: `[64, 64]`, `{ units = 64 }`."""
    match value:
        case list() | tuple():
            text = f"[{', '.join(map(literal, value))}]"
        case dict():
            parts = ", ".join(f"{dotted((key,))} = {literal(part)}" for key, part in value.items())
            text = f"{{ {parts} }}"
        case _:
            return show(value)
    return text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "…"


def listed(values: Iterable[object]) -> str:
    """`"grid", "random"`, shortened after 20 values."""
    return _joined([show(value) for value in values])


def literals(values: Iterable[object]) -> str:
    """As `listed`, with the content of lists and tables."""
    return _joined([literal(value) for value in values])


def _joined(shown: list[str]) -> str:
    return ", ".join([*shown[:20], "…"] if len(shown) > 20 else shown)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """ "; did you mean `trials`?", or "" if no known word is similar."""
    near = nearest(word, known)
    return f"; did you mean `{near}`?" if near else ""


def nearest(word: str, known: Iterable[str]) -> str:
    """The most similar of the known words; "" if none is similar."""
    if not 0 < len(word) <= _MAX_SHOWN:
        return ""
    names = list(known)
    near = (
        [name for name in names if sorted(name.lower()) == sorted(word.lower())]
        or difflib.get_close_matches(word, names, n=1)
        or difflib.get_close_matches(word.lower(), names, n=1)
        or [name for name in names if name.startswith(word)]
    )
    return near[0] if near else ""
