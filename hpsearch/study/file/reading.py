"""Reads a study file: parses it, applies `--set`, substitutes `${env:NAME}`.

For any content the result is plain values or a StudyFileError.
"""

import os
import re
import stat
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from hpsearch.core.errors import Fault, StudyFileError
from hpsearch.core.redact import redact
from hpsearch.study.file import lines as positions
from hpsearch.study.file import toml_errors
from hpsearch.study.file.address_secrets import REFERENCE, SECRET_NAME, resolved, without_references
from hpsearch.study.file.faults import Faults, did_you_mean, dotted
from hpsearch.study.file.kinds import WholeFloat, toml_float
from hpsearch.study.file.lines import MAX_NESTING, KeyPath, Lines
from hpsearch.study.file.toml_errors import SyntaxFault

MAX_BYTES = 1 << 17
"""Maximum size in bytes; larger files are refused without being read."""

OTHER_LANGUAGES = {".py", ".ipynb", ".yaml", ".yml", ".json"}
"""Suffixes of files that are not TOML."""

SHOWN = 5
"""The most study files of a folder that a message lists."""

STANDARD_INPUT = Path("-")
"""`hpsearch check -`: relative paths start in the current folder."""

_DIGITS = re.compile(r"[0-9_]{1000,}")
_USER_TABLES = (("space",), ("trainer", "options"), ("search", "options"), ("prune", "options"))
"""Tables in which the user names the keys. `--set` only changes existing keys there, since a new one may be a typo."""

_NOT_SUBSTITUTED = (("journal", "url"), ("tracking", "mlflow"), ("notify", "url"))
"""URLs that may contain a password. They are recorded without replacing ${env:NAME}; place.py replaces it."""


# Reading ─────────────────────────────────────────────────────────────────────────────────────────


def where(path: Path) -> str:
    """The file's name in messages, as the user typed it."""
    if path == STANDARD_INPUT:
        return "standard input"
    return os.fsencode(path).decode(errors="replace")


def read(path: Path) -> str:
    """The text of a regular file of at most MAX_BYTES in UTF-8, with a byte order mark or without."""
    try:
        if path == STANDARD_INPUT:
            return _decoded(path, _standard_input())
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            studies = _studies_in(path)
            raise _refused(
                path, "is a folder; name the study file in it" + (f", {path / studies[0]}" if studies else "")
            )
        if not stat.S_ISREG(status.st_mode):
            raise _refused(path, "is not a regular file")
        if path.suffix in OTHER_LANGUAGES:
            advice = f"a study file is TOML; `hpsearch init --from {path}` translates the search of another tool"
            raise _refused(path, f"{advice}, and `hpsearch init` writes a first study file")
        if status.st_size > MAX_BYTES:
            raise _refused(path, f"must have at most {MAX_BYTES:,} bytes, got {status.st_size:,}")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise _refused(path, f"there is no such file{_instead(path)}") from None
    except OSError as problem:
        raise _refused(path, f"cannot be read: {problem.strerror or problem}") from None
    except ValueError:
        raise _refused(path, "cannot be read: its name contains a null character") from None
    return _decoded(path, content)


def _instead(path: Path) -> str:
    """The nearest study file in the folder of a file that does not exist."""
    studies = _studies_in(path.parent)
    if near := get_close_matches(path.stem, [one.stem for one in studies], n=1):
        return f"; did you mean `{path.parent / near[0]}.toml`?"
    if studies:
        return f"; the study files in this folder: {', '.join(one.name for one in studies[:SHOWN])}"
    return "; `hpsearch init` writes a first study file"


def _studies_in(folder: Path) -> list[Path]:
    """The files there that have a table [study], in the order of their names."""
    try:
        files = (one for one in sorted(folder.glob("*.toml")) if one.is_file() and one.stat().st_size <= MAX_BYTES)
        return [one for one in files if b"[study]" in one.read_bytes()]
    except OSError:
        return []


@cache
def _standard_input() -> bytes:
    """Cached: it can be read only once, and is parsed again to find the lines of warnings."""
    return sys.stdin.buffer.read(MAX_BYTES)


def _decoded(path: Path, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as problem:
        before = content[: problem.start]
        column = len(before) - before.rfind(b"\n")
        message = f"must be UTF-8, got byte 0x{content[problem.start]:02x}"
        raise _refused(path, message, before.count(b"\n") + 1, column) from None


def _refused(path: Path, message: str, line: int = 0, column: int = 0) -> StudyFileError:
    return StudyFileError([Fault(where(path), line, "", message, column)])


# Parsing ─────────────────────────────────────────────────────────────────────────────────────────


def parse(path: Path, text: str) -> tuple[dict[str, Any], Lines]:
    """The tables of the TOML text, and the lines of their keys."""
    lines = positions.scan(text)
    if lines.too_deep:
        raise _refused(path, f"keys and brackets must go at most {MAX_NESTING} deep", lines.too_deep)
    try:
        data = tomllib.loads(text, parse_float=toml_float)
    except tomllib.TOMLDecodeError as problem:
        message, _, place = str(problem).rpartition(" (at ")
        offset = _offset(text, place)
        found = toml_errors.find(text, offset, lines) or SyntaxFault(message[:1].lower() + message[1:], offset)
        raise _syntax(path, text, found.offset, found.message) from None
    except ValueError:
        number = _DIGITS.search(text)
        raise _syntax(path, text, number.start() if number else 0, "a number has too many digits") from None
    if large := list(_large(data)):
        raise StudyFileError([Fault(where(path), lines.find(k), dotted(k), "must fit into 64 bits") for k in large])
    return data, lines


def with_plain_numbers(data: dict[str, Any]) -> dict[str, Any]:
    """The tables without `WholeFloat`. In [space], { low = 16, high = 1e3 } is a range of whole numbers, although 1e3
    is a float in TOML."""
    for entry in _tables_in(data.get("space")):
        numbers = {key: entry[key] for key in ("low", "high", "step") if key in entry}
        if any(type(one) is int for one in numbers.values()):
            entry.update({key: int(one) for key, one in numbers.items() if isinstance(one, WholeFloat)})
    plain: dict[str, Any] = _plain_floats(data)
    return plain


def _tables_in(value: Any) -> Iterator[dict[str, Any]]:
    """The table and all tables in it."""
    if isinstance(value, dict):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _tables_in(part)


def _plain_floats(value: Any) -> Any:
    match value:
        case WholeFloat():
            return float(value)
        case list():
            return [_plain_floats(part) for part in value]
        case dict():
            return {key: _plain_floats(part) for key, part in value.items()}
    return value


def _large(value: object, path: KeyPath = ()) -> Iterator[KeyPath]:
    """The paths of integers that TOML does not allow (section "Integer": 64 bits)."""
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        yield path
    parts = value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else ())
    for key, part in parts:
        yield from _large(part, (*path, key))


def _offset(text: str, place: str) -> int:
    """tomllib's "line 3, column 5)" or "end of document)" as an offset."""
    numbers = re.fullmatch(r"line (\d+), column (\d+)\)", place)
    if numbers is None:
        return len(text.rstrip("\n"))
    before = text.split("\n", int(numbers[1]) - 1)[:-1]
    return sum(len(line) + 1 for line in before) + int(numbers[2]) - 1


def _syntax(path: Path, text: str, offset: int, message: str) -> StudyFileError:
    """The fault with its line and a caret under the position; passwords in URLs are hidden."""
    start = text.rfind("\n", 0, offset) + 1
    line = text[start:].partition("\n")[0]
    line = redact(line, same_length=True)
    first, last = line.find("://") + 3, line.rfind("@")
    if 3 <= first < last:
        line = line[:first] + "*" * (last - first) + line[last:]
    column = offset - start
    first = max(0, column - 60)
    shown = "".join(c if c.isprintable() else " " for c in line[first : column + 40])
    shown_with_caret = f"{message}\n    {shown}\n    {' ' * (column - first)}^"
    return _refused(path, shown_with_caret, text.count("\n", 0, offset) + 1, column + 1)


# From Python ─────────────────────────────────────────────────────────────────────────────────────


def plain_tables(sections: Mapping[str, Any], faults: Faults) -> dict[str, Any]:
    """A copy with the types of TOML: a tuple becomes a list, a NumPy scalar a number, a path a string. Other values
    are left, and refused by the checks of their keys."""
    return {str(key): _plain(part, faults, (str(key),)) for key, part in sections.items()}


def _plain(value: Any, faults: Faults, path: KeyPath) -> Any:
    if len(path) > MAX_NESTING:
        faults.add(path[:MAX_NESTING], f"must go at most {MAX_NESTING} deep")
        return None
    match value:
        case Mapping():
            return {str(key): _plain(part, faults, (*path, str(key))) for key, part in value.items()}
        case list() | tuple():
            return [_plain(part, faults, (*path, i)) for i, part in enumerate(value)]
        case os.PathLike():
            return os.fspath(value)
        case int() if next(_large(value), None) is not None:
            faults.add(path, "must fit into 64 bits")
            return 0
        case _ if getattr(value, "shape", None) == ():
            return value.item()
    return value


# --set ───────────────────────────────────────────────────────────────────────────────────────────


def override(data: dict[str, Any], options: Sequence[str], faults: Faults) -> None:
    """Apply options such as `--set space.lr.low=1e-4` to `data`. A value that is not TOML is a string."""
    for option in options:
        key, equals, text = option.partition("=")
        name = f"--set {key.strip()[:60]}"
        try:
            path = _key_path(key)
            if not equals or not path:
                raise ValueError("must be KEY=VALUE, such as --set space.lr.low=1e-4")
            faults.overridden(_put(data, path, _value(text)), name)
        except ValueError as problem:
            faults.add_for(name, str(problem))


def _key_path(key: str) -> list[str]:
    """The parts of a dotted TOML key; [] for an invalid key."""
    table: object = _toml(f"{key} = 0")
    parts: list[str] = []
    while isinstance(table, dict) and len(table) == 1:
        part, table = next(iter(table.items()))
        parts.append(part)
    return parts if table == 0 else []


def _value(text: str) -> object:
    table = _toml(f"value = {text}")
    return table["value"] if table is not None and len(table) == 1 else text.strip()


def _toml(text: str) -> dict[str, Any] | None:
    try:
        table = None if positions.scan(text).too_deep else tomllib.loads(text, parse_float=toml_float)
    except ValueError:
        return None
    return None if any(_large(table)) else table


def _put(data: dict[str, Any], parts: list[str], value: object) -> KeyPath:
    """Put the value at the path, and return the path of the first key that is new or changed."""
    place: Any = data
    path: KeyPath = ()
    new: KeyPath = ()
    for part in parts[:-1]:
        key = _key(place, path, part)
        path = (*path, key)
        if isinstance(place, dict) and key not in place:
            place[key] = {}
            new = new or path
        place = place[key]
    key = _key(place, path, parts[-1])
    place[key] = value
    return new or (*path, key)


def _key(place: object, path: KeyPath, part: str) -> str | int:
    """The part as a key of a table or an index of a list. ValueError if it is neither."""
    if isinstance(place, list):
        if not (part.isdecimal() and int(part) < len(place)):
            raise ValueError(f"`{dotted(path)}` has elements 0 to {len(place) - 1}, got `{part[:60]}`")
        return int(part)
    if not isinstance(place, dict):
        raise ValueError(f"`{dotted(path)}` is a value, not a table")
    if path in _USER_TABLES and part not in place:
        raise ValueError(f"there is no `{part[:60]}` in {dotted(path)}{did_you_mean(part, place)}")
    return part


# ${env:NAME} ─────────────────────────────────────────────────────────────────────────────────────


def substitute(value: Any, environment: Mapping[str, str], faults: Faults, path: KeyPath = ()) -> Any:
    """The value with every reference replaced, except in the two URLs, which are recorded unresolved."""
    if isinstance(value, dict):
        return {key: substitute(part, environment, faults, (*path, key)) for key, part in value.items()}
    if isinstance(value, list):
        return [substitute(part, environment, faults, (*path, i)) for i, part in enumerate(value)]
    if not isinstance(value, str) or "${env:" not in value:
        return value
    if problem := _reference_problem(value, environment, path):
        faults.add(path, problem)
        return value
    return value if path in _NOT_SUBSTITUTED else resolved(value, environment)


def _reference_problem(text: str, environment: Mapping[str, str], path: KeyPath) -> str:
    if any(path[: len(free)] == free for free in _USER_TABLES):
        return "${env:…} is not replaced in parameters, since they are recorded; read the variable in your code"
    if "${env:" in without_references(text):
        return "must refer to a variable as ${env:NAME}"
    if path not in _NOT_SUBSTITUTED and (secret := next(filter(SECRET_NAME.search, REFERENCE.findall(text)), None)):
        return f"${{env:{secret}}} would be recorded as plain text here; read the variable {secret} in your code"
    missing = [name for name in REFERENCE.findall(text) if name not in environment]
    return f"the environment variable {', '.join(missing)} is not set" if missing else ""
