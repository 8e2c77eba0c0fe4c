"""Finds searched parameters that a trainer replaces by constants of its own before it reads them.

Such as {**params, **DEFAULTS}, which was meant as {**DEFAULTS, **params}. Only the source is read, and only code of the
trainer's function that always runs.
"""

import ast
from collections.abc import Iterator, Mapping, Set

from hpsearch.core.format import quoted
from hpsearch.provenance.sources import Sources
from hpsearch.trainer.source.source_index import name_of, text_of
from hpsearch.trainer.source.source_reader import Function

COPIES = {"dict", "copy", "deepcopy"}


def overwritten(own: Sources, entry: str, searched: Set[str]) -> str:
    """A warning about the first place; "" if there is none. entry: the name of the trainer's function. searched: the
    names of the parameters as the trainer gets them."""
    try:
        texts = own.read()
        trees = {name: ast.parse(text) for name, text in texts.items() if f"def {entry}(" in text}
    except (OSError, SyntaxError, ValueError, RecursionError):
        return ""
    for name, tree in trees.items():
        for function in (one for one in tree.body if isinstance(one, Function) and one.name == entry):
            tables = dict(_tables([*tree.body, *function.body]))
            for node, keys, own_names in _replaced(function, tables):
                names = sorted(keys & searched)
                if names and not _are_read(function, node, own_names, names):
                    place = f"line {node.lineno} of {own.files[name].name}" if name in own.files else f"`{entry}`"
                    return (
                        f"{place} replaces the trial's {quoted(names)} by a constant: `{ast.unparse(node)}`. Let the "
                        "trial's parameters come last, such as {**DEFAULTS, **params}"
                    )
    return ""


def _tables(body: list[ast.stmt]) -> Iterator[tuple[str, Set[str]]]:
    """The variables that are assigned a dictionary, each with its constant keys."""
    for statement in body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if keys := _keys(value, {}):
                yield name, keys


def _keys(value: ast.expr, tables: Mapping[str, Set[str]]) -> Set[str]:
    """The keys of a dictionary whose values are constants; none of another expression."""
    match value:
        case ast.Name(id=name):
            return tables.get(name, set())
        case ast.Dict(keys=keys, values=values):
            return {text for key, one in zip(keys, values, strict=True) if (text := text_of(key)) and _is_constant(one)}
        case ast.Call(func=ast.Name(id="dict"), args=[], keywords=keywords):
            return {one.arg for one in keywords if one.arg and _is_constant(one.value)}
    return set()


def _is_constant(value: ast.expr) -> bool:
    return not any(isinstance(node, ast.Name | ast.Call) for node in ast.walk(value))


def _replaced(function: Function, tables: Mapping[str, Set[str]]) -> Iterator[tuple[ast.expr, Set[str], Set[str]]]:
    """The expressions that replace values of the trial, each with the keys that it replaces, and the variables that
    have the trial's values after it."""
    first = [*function.args.posonlyargs, *function.args.args][:1]
    own = {one.arg for one in first if one.arg != "run"}
    for statement in function.body:
        for node in ast.walk(statement) if isinstance(statement, ast.Assign | ast.Expr | ast.Return) else ():
            match node:
                case ast.Dict() if keys := _after(node, own, tables):
                    yield node, keys, own
                case ast.BinOp(left=left, op=ast.BitOr(), right=right) if _is_of_trial(left, own):
                    yield node, _keys(right, tables), own
                case ast.Call(func=ast.Attribute(value=owner, attr="update"), args=[table]) if _is_of_trial(owner, own):
                    yield node, _keys(table, tables), own - {name_of(owner)}
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if _is_of_trial(value, own):
                own.add(name)


def _after(table: ast.Dict, own: Set[str], tables: Mapping[str, Set[str]]) -> Set[str]:
    """The constant keys of a dictionary after `**params`."""
    found: set[str] | None = None
    for key, value in zip(table.keys, table.values, strict=True):
        if key is None and _is_of_trial(value, own):
            found = set()
        elif found is not None:
            text = text_of(key)
            found |= _keys(value, tables) if key is None else {text} if text and _is_constant(value) else set()
    return found or set()


def _is_of_trial(value: ast.expr, own: Set[str]) -> bool:
    """Whether it is the trial's parameters, or a copy of them."""
    match value:
        case ast.Name(id=name):
            return name in own
        case ast.Call(func=ast.Attribute(value=owner, attr="copy"), args=[]):
            return _is_of_trial(owner, own)
        case ast.Call(args=[one], keywords=[]) if name_of(value.func) in COPIES:
            return _is_of_trial(one, own)
        case ast.Dict(keys=[None], values=[one]):
            return _is_of_trial(one, own)
    return False


def _are_read(function: Function, replacing: ast.expr, own: Set[str], names: list[str]) -> bool:
    """Whether the function may read the trial's values of these names elsewhere."""
    inside = {*ast.walk(replacing)}
    copies = [
        node.value for node in ast.walk(function) if isinstance(node, ast.Assign) and _is_of_trial(node.value, own)
    ]
    inside |= {node for value in copies for node in ast.walk(value)}
    for node in ast.walk(function):
        if isinstance(node, ast.Subscript) and name_of(node.value) in own and text_of(node.slice) not in (None, *names):
            inside.add(node.value)  # params["lr"]
    return any(isinstance(node, ast.Name) and node.id in own and node not in inside for node in ast.walk(function))
