"""Messages for TOML syntax errors, with what to write instead.

tomllib's messages differ between Python versions, so the message is chosen by the text at the position that it
reports. Most errors are YAML, JSON or Python syntax.
"""

import re
from dataclasses import dataclass

from hpsearch.study.file.lines import KeyPath, Lines, tokens

_WORDS = {
    **dict.fromkeys(("true", "yes", "on"), "true or false is written in lower case, without quotes: `true`"),
    **dict.fromkeys(("false", "no", "off"), "true or false is written in lower case, without quotes: `false`"),
    **dict.fromkeys(("none", "null", "nil", "~"), "TOML has no null: leave the key out, or write a string in quotes"),
    **dict.fromkeys(("inf", "infinity", "+infinity", "-infinity"), "infinity is written `inf`, without capitals"),
    "nan": "not a number is written `nan`, in lower case",
}
"""The message for each word, in lower case."""

_NUMBER = re.compile(r"([+-]?)([0-9]*)(?:(\.)([0-9]*))?((?:[eE][+-]?[0-9]+)?)")
_SHOWN = re.compile(r"[\w.:/% -]{1,40}")
_KEY = r"""\s*(?P<key>[A-Za-z0-9_.-]+|"[^"\n]*"|'[^'\n]*')"""


@dataclass(frozen=True)
class SyntaxFault:
    """message: the rule, and what to write. offset: the position in the text."""

    message: str
    offset: int


@dataclass(frozen=True)
class _Place:
    """A line with an error. start: its offset in the text. column: of the error. open: the open brackets there."""

    line: str
    start: int
    column: int
    open: tuple[str, ...]

    @property
    def here(self) -> str:
        """The rest of the line from the error on, without blanks."""
        return self.line[self.column :].strip()

    @property
    def before(self) -> str:
        return self.line[: self.column].rstrip()


def find(text: str, offset: int, lines: Lines) -> SyntaxFault | None:
    """None if it is not a common error. offset: of tomllib's error."""
    number = text.count("\n", 0, offset) + 1
    if (twofold := _value_and_table(text, lines, number)) is not None:
        return twofold
    for path, first, second in lines.repeated:
        if second <= number:
            return _given_twice(text, path, first, second)
    if (unclosed := _unclosed_string(text[:offset])) is not None:
        return _of_string(text, *unclosed, offset)
    start = text.rfind("\n", 0, offset) + 1
    line = text[start:].partition("\n")[0]
    place = _Place(line, start, offset - start, _open_brackets(text[:offset]))
    for rule in (_of_inline_tables, _of_lists, _of_keys, _of_values):
        if found := rule(place):
            return SyntaxFault(found, offset)
    return None


def _value_and_table(text: str, lines: Lines, number: int) -> SyntaxFault | None:
    """A fault for a name with both a value and keys of its own, such as `opt = […]` and `opt.lr = …`, up to this
    line."""
    written = text.split("\n")
    values = {path: line for path, line in lines.defined.items() if not written[line - 1].lstrip().startswith("[")}
    for path, line in sorted(lines.defined.items(), key=lambda one: one[1]):
        outer = next((path[:end] for end in range(1, len(path)) if path[:end] in values), None)
        if (
            outer is None
            or any(isinstance(part, int) for part in path)
            or max(line, values[outer]) > number
            or line == values[outer]
        ):
            continue
        name, key = (".".join(map(str, one))[-60:] for one in (outer[1:] or outer, path[1:] or path))
        place = max(line, values[outer])
        quoted = f'; for two parameters, quote the name with the dot: "{key}" = …' if path[0] == "space" else ""
        return SyntaxFault(
            f"`{name}` has a value on line {values[outer]} and the key `{key}` on line {line}; it can have only one of "
            f"them: rename one, or put the key into the braces {{ }} of the value{quoted}",
            sum(len(before) + 1 for before in written[: place - 1]),
        )
    return None


def _given_twice(text: str, path: KeyPath, first: int, second: int) -> SyntaxFault:
    lines = text.split("\n")
    line = lines[second - 1]
    name = ".".join(map(str, path))[:60]
    what = f"the table [{name}]" if line.lstrip().startswith("[") else f"the key `{name}`"
    offset = sum(len(before) + 1 for before in lines[: second - 1]) + len(line) - len(line.lstrip())
    return SyntaxFault(f"{what} is given twice: the first is on line {first}; put both into one", offset)


def _open_brackets(text: str) -> tuple[str, ...]:
    """The open brackets of the value at the end of this text, the innermost last."""
    opened: list[str] = []
    is_header = False
    is_start = True
    for kind, token, _ in tokens(text):
        if kind == "newline" and (not opened or is_header):
            opened, is_header, is_start = [], False, True
            continue
        is_header = is_header or (is_start and token == "[")
        is_start = False
        if token in ("[", "{"):
            opened.append(token)
        elif token in ("]", "}") and opened:
            opened.pop()
    return () if is_header else tuple(opened)


def _of_string(text: str, string: str, line: int, offset: int) -> SyntaxFault | None:
    """string: a string that begins on `line` and is not closed before the offset."""
    quote = string[:3] if string[:3] in ('"""', "'''") else string[0]
    if line < text.count("\n", 0, offset) + 1 and len(quote) == 1:
        offset = sum(len(one) + 1 for one in text.split("\n")[:line]) - 1
    if quote[0] == '"' and "\\" in string[-2:]:
        return SyntaxFault(
            r"""a backslash begins an escape in "…": write '…' with single quotes, or two backslashes""", offset
        )
    if text[offset : offset + 1] in ("\n", ""):
        return SyntaxFault(f"a string is not closed: its last {quote} is missing", offset)
    return None


def _unclosed_string(text: str) -> tuple[str, int] | None:
    """The first string that is not closed, and its line."""
    for kind, token, line in tokens(text):
        length = 3 if token[:3] in ('"""', "'''") else 1
        if kind == "string" and not (len(token) >= 2 * length and token.endswith(token[:length])):
            return token, line
    return None


# Rules: a message, or "" if the rule does not apply ──────────────────────────────────────────────


def _of_inline_tables(place: _Place) -> str:
    if place.open[-1:] != ("{",):
        return ""
    if not place.here or place.here.startswith("#"):
        return (
            "an inline table { … } must begin and end on one line, without a comment in it: put it on one line, or "
            "write a [table] with one key on each line"
        )
    if place.here.startswith("}") and place.before.endswith(","):
        return "an inline table { … } must not end with a comma: remove the last `,`"
    if place.here.startswith(":"):
        return "a key and its value are joined by `=`, not by `:`: { low = 0, high = 1 }"
    return _of_name(re.split("[{,]", place.line[: place.column])[-1] + place.here)


def _of_name(text: str) -> str:
    """text: begins with the name of a key."""
    found = re.match(r"\s*(?P<key>[^\s=\[\]{}#\"':,](?:[^=\[\]{}#\"':,]*[^\s=\[\]{}#\"':,])?)\s*=", text)
    if found is None or re.fullmatch(r"[A-Za-z0-9_.-]+", found["key"]):
        return ""
    return f'a name with characters other than a to z, digits, _ and - is quoted: "{found["key"][:60]}" = …'


def _of_lists(place: _Place) -> str:
    if place.open[-1:] != ("[",):
        return ""
    if not place.here or (not place.before and re.match(rf"{_KEY}\s*=|\s*\[[\w.]+\]\s*$", place.line)):
        return "a list is not closed: its last `]` is missing"
    if place.here.startswith(",") and place.before[-1:] in ("[", ","):
        return "a value of the list is missing before `,`"
    return ""


def _of_keys(place: _Place) -> str:
    line = place.line
    if place.open or "=" in place.before:
        return "one `=` is enough: key = value" if place.here.startswith("=") and place.before.endswith("=") else ""
    if re.match(r"\s*=", line):
        return "a key is missing before `=`"
    if name := _of_name(line):
        return name
    if re.match(r"\s*\[", line):
        return "a table header is in brackets, alone on its line: [study]"
    if re.match(r"\s*(//|;|--|/\*)", line):
        return "a comment begins with `#`"
    if re.match(r"\s*-\s", line):
        return 'a list is written in brackets, not with dashes: ["sgd", "adam"]'
    if found := re.match(rf"{_KEY}\s*:\s*(#.*)?$", line):
        return f"a table has its name in brackets: [{found['key']}], and its keys below are `key = value`"
    if found := re.match(rf"{_KEY}\s*:=?", line):
        return f"a key and its value are joined by `=`, not by `:`: {found['key'][:60]} = …"
    if found := re.match(rf"{_KEY}\s*(#.*)?$", line):
        return f"a key needs a value: {found['key'][:60]} = …"
    if found := re.match(rf"{_KEY}\s+[^=\s]", line):
        return f"`=` is missing between a key and its value: {found['key'][:60]} = …"
    return ""


def _of_values(place: _Place) -> str:
    """The error is where a value begins, or where it should have ended."""
    if not place.open and "=" not in place.before:
        return ""
    start = place.column
    while start > 0 and place.line[start - 1] not in " \t=[]{},\"'#":
        start -= 1
    before = place.line[:start].rstrip()[-1:]
    ends = r"[,\]}#\n]" if place.open else r"[#\n]"
    value = re.split(ends, place.line[start:], maxsplit=1)[0].strip()
    if before not in ("=", "[", ",") and not (not before and place.open):
        return _between_values(place)
    if not value:
        return "a key needs a value; write text in quotes" if before == "=" and not place.open else ""
    if value.lower() in _WORDS:
        return _WORDS[value.lower()]
    return _of_word(value)


def _between_values(place: _Place) -> str:
    if place.open[-1:] == ("[",) and place.here and place.here[0] not in "],#":
        return "the values of a list are separated by commas"
    if place.open[-1:] == ("{",) and place.here and place.here[0] not in "},#":
        return "the keys of an inline table { … } are separated by commas"
    if place.open or not place.here:
        return ""
    value = place.line.partition("=")[2].strip()
    if value[:1] in ("'", '"', "[", "{"):
        return 'only a comment may follow a value on its line; several values are a list: ["sgd", "adam"]'
    return _of_word(value)


def _of_word(value: str) -> str:
    number = _NUMBER.fullmatch(value)
    if number and (number[2] or number[4]):
        sign, whole, dot, part, exponent = number.groups()
        plain = (whole.lstrip("0") or "0") + (f".{part or '0'}" if dot else "")
        return f"a number has digits before and after its point, and no leading zero: {sign}{plain}{exponent}"
    if re.fullmatch(r"[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?", value):
        return f"digits are grouped by `_`, not by commas: {value.replace(',', '_')}"
    if re.match(r"[\w.]+\(", value):
        return 'a range is a table, a choice is a list: { low = 1e-5, high = 1.0, log = true }, ["sgd", "adam"]'
    if ";" in value:
        return "each key has its own line, without `;`"
    if value[0] in "“”‘’„«":  # noqa: RUF001 (the quotes that word processors write)
        return 'a string is written in plain quotes: "text"'
    if value[0] == "(":
        return 'a list is written in brackets: ["sgd", "adam"]'
    if re.match(r"[^\W\d]|[0-9./~$]", value):
        is_plain = _SHOWN.fullmatch(value) and "://" not in value
        return f'text is written in quotes: "{value if is_plain else "…"}"'
    return ""
