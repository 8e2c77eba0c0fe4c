"""Names in a constraint that Python's grammar cannot read, such as learning-rate, `weight decay` or lambda."""

import ast
import keyword
import re
from collections.abc import Collection, Mapping
from unicodedata import normalize

_OPERATORS = frozenset({"and", "or", "not", "in"})
"""A parameter with such a name is always quoted in a constraint."""

_QUOTED = re.compile(r"""("[^"]*"|'[^']*')""")


def odd_names(names: Collection[str]) -> list[str]:
    """The names that are not Python names, or several joined by dots; the longest first."""
    return sorted((name for name in names if name and _is_odd(name)), key=len, reverse=True)


def _is_odd(name: str) -> bool:
    is_changed = normalize("NFKC", name) != name  # as Python changes a name that it reads
    return is_changed or not all(part.isidentifier() and not keyword.iskeyword(part) for part in name.split("."))


def replaced(text: str, names: Collection[str]) -> tuple[str, Mapping[str, str]]:
    """The text with Python names in place of `names`, and the meaning of these. Names may be in quotes."""
    stands_for = {f"_odd{place}_": name for place, name in enumerate(odd_names(names))}
    parts = _QUOTED.split(text)
    for short, name in stands_for.items():
        parts = [_without(part, short, name) for part in parts]
    return "".join(parts), stands_for


def _without(part: str, short: str, name: str) -> str:
    if part[:1] in ("'", '"'):
        return short if part[1:-1] == name else part
    if name in _OPERATORS:
        return part
    return re.sub(rf"(?<![\w.]){re.escape(name)}(?![\w.])", short, part)


def restore(tree: ast.AST, stands_for: Mapping[str, str]) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            node.id = stands_for.get(node.id, node.id)
