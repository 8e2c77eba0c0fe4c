"""Which of a trial's parameters a function reads that takes each as its own argument, by its source text."""

import ast
import inspect
import textwrap
from collections.abc import Iterator, Set
from typing import Any

from hpsearch.provenance.sources import code_holder

READS_ALL = {"locals", "vars", "eval", "exec"}
"""Functions that may read an argument without its name."""

LOOKUPS = {"get", "pop", "setdefault"}


def arguments_read(function: Any, given: Set[str]) -> frozenset[str]:
    """The names of the given arguments that the function uses, and the keys of its `**parameters` that it reads. All
    given ones count as read where the text does not decide it, as where `**parameters` is passed on."""
    node = _function(function)
    if node is None or any(isinstance(one, ast.Name) and one.id in READS_ALL for one in ast.walk(node)):
        return frozenset(given)
    loaded = {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)}
    named = {one.arg for one in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)}
    rest = node.args.kwarg.arg if node.args.kwarg is not None else ""
    read = loaded & named & given
    if rest in loaded:
        keys = [key for one in ast.walk(node) for key in _keys(one, rest)]
        uses = sum(isinstance(one, ast.Name) and one.id == rest for one in ast.walk(node))
        read |= set(keys) if len(keys) == uses else given - named
    return frozenset(read)


def _function(function: Any) -> ast.FunctionDef | None:
    """None where the source is not known."""
    holder = code_holder(function)
    code: Any = holder.__call__ if isinstance(holder, type) else holder
    try:
        found = ast.parse(textwrap.dedent(inspect.getsource(code))).body[0]
    except (OSError, TypeError, SyntaxError, ValueError, IndexError):
        return None
    return found if isinstance(found, ast.FunctionDef) else None


def _keys(node: ast.AST, name: str) -> Iterator[str]:
    """The key that is read here from the mapping of this name: `rest["lr"]`, `rest.get("lr")`, `"lr" in rest`."""
    match node:
        case ast.Subscript(value=ast.Name(id=owner), slice=ast.Constant(value=str(key))) if owner == name:
            yield key
        case ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr=attr), args=[ast.Constant(value=str(key)), *_]):
            if owner == name and attr in LOOKUPS:
                yield key
        case ast.Compare(left=ast.Constant(value=str(key)), comparators=[ast.Name(id=owner)]) if owner == name:
            yield key
