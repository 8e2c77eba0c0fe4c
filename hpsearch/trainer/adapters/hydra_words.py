"""Values in the grammar of Hydra's overrides: `NAME=VALUE`.

https://hydra.cc/docs/advanced/override_grammar/basic
"""

import re

from hpsearch.core.trial import Value
from hpsearch.study.placeholders import word

_READ_AS_TEXT = re.compile(r"[\w/.+$%*@?|:-][\w/.+$%*@?|: -]*", re.ASCII)
"""Texts that need no quotes."""

_WRITTEN_FOR_HYDRA = re.compile(r"\[.*\]|\{.*\}|.*\$\{.*", re.DOTALL)
"""A list, a table or an interpolation that the user wrote as text in `options`."""


def override(name: str, value: Value | None) -> str:
    return f"{name}={_text(value)}"


def _text(value: Value | None) -> str:
    """JSON differs from this grammar in tables: their keys have no quotes here."""
    match value:
        case None:
            return "null"
        case list():
            return f"[{','.join(map(_inner, value))}]"
        case dict():
            return _table(value)
        case str() if value and not _READ_AS_TEXT.fullmatch(value) and not _WRITTEN_FOR_HYDRA.fullmatch(value):
            return _quoted(value)
    return word(value)


def _inner(value: Value | None) -> str:
    """A value in a list or a table."""
    return _quoted(value) if isinstance(value, str) else _text(value)


def _table(table: dict[str, Value]) -> str:
    """With a space after the colons, so that YAML reads the same, for programs with `OmegaConf.from_cli`."""
    return f"{{{', '.join(f'{key}: {_inner(value)}' for key, value in table.items())}}}"


def _quoted(text: str) -> str:
    quote = '"' if "'" in text and '"' not in text else "'"
    escaped = re.sub(rf"(\\*)({quote}|$)", lambda found: found[1] * 2 + ("\\" * bool(found[2])) + found[2], text)
    return f"{quote}{escaped}{quote}"
