"""Reads the conditions under which parameters have an effect, `WHEN`, from a trainer's dataclass and its base classes.
A class overrides its bases."""

import ast
from collections.abc import Sequence
from typing import Any

from hpsearch.study.parameter_effects import Alternative, ParameterEffects
from hpsearch.trainer.source.source_reader import Definition, SourceReader, Unknown

WHEN = "WHEN"


def effects_of(reader: SourceReader, kind: Definition | Unknown) -> ParameterEffects:
    """The conditions that are literals in the source; others are left out."""
    if isinstance(kind, Unknown) or not isinstance(kind.node, ast.ClassDef):
        return ParameterEffects()
    when: dict[str, Sequence[Alternative]] = {}
    defaults: dict[str, Any] = {}
    for base in reversed(kind.node.bases):
        above = effects_of(reader, reader.base(kind.module, base))
        when |= above.when
        defaults |= above.defaults
    for statement in kind.node.body:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                own = _literal(value)
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                own = _literal(value)
            case _:
                continue
        if name == WHEN:
            when |= _alternatives(own)
        elif own is UNREADABLE:
            defaults.pop(name, None)
        else:
            defaults[name] = own
    return ParameterEffects(when, defaults)


UNREADABLE = object()


def _literal(value: ast.expr) -> Any:
    try:
        return ast.literal_eval(value)
    except ValueError:
        return UNREADABLE


def _alternatives(when: Any) -> dict[str, Sequence[Alternative]]:
    """The entries of a `WHEN` table that have the form that `parameter_effects` describes."""
    if not isinstance(when, dict):
        return {}
    each = {name: [needs] if isinstance(needs, dict) else needs for name, needs in when.items()}
    return {name: needs for name, needs in each.items() if isinstance(needs, list) and all(map(_is_table, needs))}


def _is_table(needs: Any) -> bool:
    return isinstance(needs, dict) and all(
        isinstance(need, tuple) or need in ("nonzero", "zero") for need in needs.values()
    )
