"""The formats of configuration files: their values, and a text with changed values. Comments are lost."""

import ast
import configparser
import datetime
import io
import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import yaml

from hpsearch.core import yaml_text
from hpsearch.study import placeholders
from hpsearch.study.translation import draft
from hpsearch.trainer.adapters.constants import constants, with_values

UNREADABLE = (OSError, ValueError, SyntaxError, RecursionError, yaml.YAMLError, configparser.Error)
"""What reading a file may raise."""

_BARE = re.compile(r"[A-Za-z0-9_-]+")


class Format(NamedTuple):
    """read: the values in a text. write: the text with these values in place of its own."""

    read: Callable[[str], Any]
    write: Callable[[Any, str], str]


# TOML ────────────────────────────────────────────────────────────────────────────────────────────


def _toml(table: Mapping[str, Any], group: str = "") -> Iterator[str]:
    """The lines of a table, those of its tables last. A value None is left out, because TOML has no null."""
    given = {key: value for key, value in table.items() if value is not None}
    tables = {key: value for key, value in given.items() if isinstance(value, dict)}
    yield from (f"{_key(key)} = {_value(value)}" for key, value in given.items() if key not in tables)
    for key, value in tables.items():
        yield f"\n[{group}{_key(key)}]"
        yield from _toml(value, f"{group}{_key(key)}.")


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else json.dumps(key, ensure_ascii=False)


def _value(value: Any) -> str:
    match value:
        case dict():
            parts = (f"{_key(key)} = {_value(part)}" for key, part in value.items() if part is not None)
            return f"{{ {', '.join(parts)} }}"
        case list():
            return f"[{', '.join(map(_value, value))}]"
        case datetime.date() | datetime.time():
            return value.isoformat()
    return draft.toml(value)


# INI ─────────────────────────────────────────────────────────────────────────────────────────────


def _ini_parser() -> configparser.ConfigParser:
    """[DEFAULT] is a section like any other, so that the copy has it too."""
    parser = configparser.ConfigParser(interpolation=None, allow_no_value=True, default_section="\0")
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    return parser


def _read_ini(text: str) -> dict[str, dict[str, str | None]]:
    parser = _ini_parser()
    parser.read_string(text)
    return {section: dict(parser[section]) for section in parser.sections()}


def _write_ini(content: Mapping[str, Mapping[str, Any]], text: str) -> str:
    """True and False are capitalized if the file has them so."""
    words = {"true": "True", "false": "False"} if re.search(r"=\s*(True|False)\b", text) else {}
    parser = _ini_parser()
    for section, values in content.items():
        parser.add_section(section)
        for key, value in values.items():
            word = None if value is None else placeholders.word(value)
            parser.set(section, key, words.get(word or "", word))
    written = io.StringIO()
    parser.write(written)
    return written.getvalue()


# Python ──────────────────────────────────────────────────────────────────────────────────────────


def _read_python(text: str) -> dict[str, Any]:
    """Its constants by their names. Arithmetic such as 28 * 28 is text."""
    return {name: _literal(places[-1][1]) for name, places in constants(ast.parse(text)).items()}


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return ast.unparse(node)


def _write_python(content: Mapping[str, Any], text: str) -> str:
    old = _read_python(text)
    changed = {name: value for name, value in content.items() if repr(value) != repr(old[name])}
    return f"{ast.unparse(with_values(text, changed, 'config'))}\n"


FORMATS: Mapping[str, Format] = {
    **dict.fromkeys(
        (".yaml", ".yml"),
        Format(yaml_text.document, lambda content, _: yaml.safe_dump(content, sort_keys=False, allow_unicode=True)),
    ),
    ".json": Format(json.loads, lambda content, _: json.dumps(content, indent=2, ensure_ascii=False)),
    ".toml": Format(tomllib.loads, lambda content, _: "\n".join([*_toml(content), ""])),
    **dict.fromkeys((".ini", ".cfg"), Format(_read_ini, _write_ini)),
    ".py": Format(_read_python, _write_python),
}
"""By the ending of a file's name, as in CONFIG_SUFFIXES."""
