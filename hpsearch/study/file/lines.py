"""The line of each key of a TOML file, which tomllib does not report.

The scanner never fails: tomllib reports syntax errors. It runs first, in linear time, to refuse input for which tomllib
takes minutes (a key of 100,000 parts) or overflows the stack.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field

KeyPath = tuple[str | int, ...]
"""The path of a value in a study file: ("search", "rounds", 0, "epochs")."""

_TOKEN = re.compile(
    r"""
      (?P<skip>    [ \t\r]+ | \#[^\n]* )
    | (?P<newline> \n )
    | (?P<string>  \"\"\" (?: \\.? | [^\\] )*? (?: \"{3,5} | \Z )
                 | '''    .*?                  (?: '{3,5}  | \Z )
                 | "  (?: \\. | [^"\\\n] )* "?
                 | '  [^'\n]* '? )
    | (?P<mark>    [][{}=,.] )
    | (?P<bare>    [^\s\[\]{}=,.\#"']+ )
    """,
    re.VERBOSE | re.DOTALL,
)
MAX_NESTING = 32
"""Maximum nesting of keys and brackets. The scan ends where it is exceeded."""


@dataclass
class Lines:
    """The line (from 1) of every key and array element.

    too_deep: the line where something is nested deeper than MAX_NESTING, or 0. defined: the line of each table header
    and of each key with a value. repeated: keys and tables that are defined twice, in file order: the key, and
    the lines of both definitions.
    """

    of: dict[KeyPath, int] = field(default_factory=dict)
    too_deep: int = 0
    defined: dict[KeyPath, int] = field(default_factory=dict)
    repeated: list[tuple[KeyPath, int, int]] = field(default_factory=list)

    def find(self, path: KeyPath) -> int:
        """The line of the key, of the nearest key around it, or 0."""
        path = self.written(path)
        return next((self.of[path[:end]] for end in range(len(path), 0, -1) if path[:end] in self.of), 0)

    def written(self, path: KeyPath) -> KeyPath:
        """The path as in the file: ("space", "optimizer.lr") may be written as ("space", "optimizer", "lr")."""
        for i, part in enumerate(path):
            if isinstance(part, str) and "." in part and path[: i + 1] not in self.of:
                apart = (*path[:i], *part.split("."))
                if apart in self.of:
                    return (*apart, *path[i + 1 :])
        return path

    def note(self, path: KeyPath, line: int) -> None:
        for end in range(len(path), 0, -1):
            if path[:end] in self.of:
                return
            self.of[path[:end]] = line

    def define(self, path: KeyPath, line: int, *, has_value: bool) -> None:
        """Record the line of a header, or of a key with a value."""
        first = self.defined.get(path) or (self.of.get(path) if has_value else None)
        if first is not None:
            self.repeated.append((path, first, line))
        self.defined.setdefault(path, line)
        self.note(path, line)


def scan(text: str) -> Lines:
    scanner = _Scanner()
    for kind, token, line in tokens(text):
        if len(scanner.path) + len(scanner.key) > MAX_NESTING:
            scanner.lines.too_deep = line
            break
        if kind == "newline":
            scanner.newline()
        elif scanner.header:
            scanner.in_header(kind, token, line)
        elif scanner.in_key:
            scanner.key_token(kind, token, line)
        else:
            scanner.value_token(token, line)
    return scanner.lines


def tokens(text: str) -> Iterator[tuple[str, str, int]]:
    """Kind, text and line of every token; kind: newline, string, mark (a bracket, `=`, `,` or `.`) or bare."""
    line = 1
    for match in _TOKEN.finditer(text):
        if match.lastgroup != "skip":
            yield match.lastgroup or "", match[0], line
        line += match[0].count("\n")


class _Scanner:
    """header: number of opening brackets of a [table] or [[table]] line so far. frames: for each open bracket of a
    value the path where it began, and the index of the array's element, or None for an inline table."""

    def __init__(self) -> None:
        self.lines = Lines()
        self.table: KeyPath = ()
        self.elements: dict[KeyPath, int] = {}
        self.frames: list[tuple[KeyPath, int | None]] = []
        self.path: KeyPath = ()
        self.key: list[str] = []
        self.in_key = True
        self.header = 0

    def newline(self) -> None:
        if not self.frames:
            self.path, self.key, self.in_key, self.header = self.table, [], True, 0

    def in_header(self, kind: str, token: str, line: int) -> None:
        if token == "[" and not self.key:
            self.header += 1
        elif token == "]":
            self._open_table(line)
        elif kind != "mark":
            self.key.append(_unquoted(token))

    def _open_table(self, line: int) -> None:
        path: KeyPath = ()
        for part in self.key:
            path = (*path, part)
            if path in self.elements and len(path) < len(self.key):
                path = (*path, self.elements[path])
        if self.header == 2:
            self.elements[path] = self.elements.get(path, -1) + 1
            path = (*path, self.elements[path])
        self.table = self.path = path
        self.lines.define(path, line, has_value=False)
        self.key, self.header, self.in_key = [], 0, False

    def key_token(self, kind: str, token: str, line: int) -> None:
        if token == "[" and not self.frames and not self.key:
            self.header = 1
        elif token == "=":
            self.path, self.key, self.in_key = (*self.path, *self.key), [], False
            self.lines.define(self.path, line, has_value=True)
        elif token == "}":
            self._close()
        elif kind != "mark":
            self.key.append(_unquoted(token))

    def value_token(self, token: str, line: int) -> None:
        if token in ("]", "}"):
            self._close()
        elif token == ",":
            self._next()
        else:
            self.lines.note(self.path, line)
        if token == "[":
            self.frames.append((self.path, 0))
            self.path = (*self.path, 0)
        elif token == "{":
            self.frames.append((self.path, None))
            self.in_key = True

    def _next(self) -> None:
        if not self.frames:
            return
        start, element = self.frames.pop()
        if element is None:
            self.path, self.in_key = start, True
        else:
            element += 1
            self.path = (*start, element)
        self.frames.append((start, element))

    def _close(self) -> None:
        if self.frames:
            self.path, _ = self.frames.pop()
        self.in_key = False


def _unquoted(token: str) -> str:
    if token[0] not in "\"'":
        return token
    try:
        return str(tomllib.loads(f"key = {token}")["key"])
    except ValueError:
        return token
