"""Runs a Python script with other values for its constants: `lr = 0.1` at its top, in place of options.

As a program: constants.py PARAMETERS.json SCRIPT [ARGUMENTS]. It does not import hpsearch, so any Python can run it.
"""

import ast
import json
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

Place = tuple[str, ast.expr, Callable[[ast.expr], None]]
"""The name of a constant, its value in the source, and what sets another one."""


def constants(tree: ast.Module) -> dict[str, list[Place]]:
    """The literal values that a script assigns outside of functions, by name: `lr = 0.1`; `Config.lr` of a class, of a
    dictionary, and of a call with keywords; `train.lr` of an argument with a default."""
    found: dict[str, list[Place]] = {}
    for place in _assigned(tree.body):
        found.setdefault(place[0], []).append(place)
    return found


def _assigned(body: list[ast.stmt]) -> Iterator[Place]:
    for node in body:
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ):
                yield from _named(name, value, partial(setattr, node, "value"))
            case ast.ClassDef(name=name):
                yield from ((f"{name}.{own}", value, put) for own, value, put in _assigned(node.body))
            case ast.FunctionDef(name=name, args=arguments):
                yield from _defaults(name, arguments)
            case ast.If():
                yield from _assigned([*node.body, *node.orelse])
            case ast.With():
                yield from _assigned(node.body)


def _named(name: str, value: ast.expr, put: Callable[[ast.expr], None]) -> Iterator[Place]:
    if _is_literal(value):
        yield name, value, put
    match value:
        case ast.Dict():
            for place, (key, item) in enumerate(zip(value.keys, value.values, strict=True)):
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    yield from _named(f"{name}.{key.value}", item, _setter(value.values, place))
        case ast.Call():
            for keyword in value.keywords:
                if keyword.arg is not None:
                    yield from _named(f"{name}.{keyword.arg}", keyword.value, partial(setattr, keyword, "value"))


def _defaults(name: str, arguments: ast.arguments) -> Iterator[Place]:
    positional = [*arguments.posonlyargs, *arguments.args]
    offset = len(positional) - len(arguments.defaults)
    for place, value in enumerate(arguments.defaults):
        yield f"{name}.{positional[offset + place].arg}", value, _setter(arguments.defaults, place)
    for place, (argument, default) in enumerate(zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)):
        if default is not None:
            yield f"{name}.{argument.arg}", default, _setter(arguments.kw_defaults, place)


def _setter(values: list[Any], place: int) -> Callable[[ast.expr], None]:
    return lambda new: values.__setitem__(place, new)


def _is_literal(node: ast.expr) -> bool:
    """A number, a text, None, or a list, tuple or dict of them; also arithmetic with numbers, such as 28 * 28."""
    inner = (ast.Constant, ast.List, ast.Tuple, ast.Dict, ast.UnaryOp, ast.BinOp, ast.operator, ast.unaryop, ast.Load)
    return all(isinstance(part, inner) for part in ast.walk(node))


def with_values(source: str, values: dict[str, Any], script: str) -> ast.Module:
    """The script with these values of its constants. SystemExit if it has no constant of a name."""
    tree = ast.parse(source, script)
    places = constants(tree)
    if missing := [name for name in values if name not in places]:
        sys.exit(f"error: {script} assigns no literal value to {', '.join(missing)}; it has {', '.join(places)}")
    for name, value in values.items():
        for _, old, put in places[name]:
            new = ast.parse(repr(_converted(value, old)), mode="eval").body
            put(ast.copy_location(new, old))
    return ast.fix_missing_locations(tree)


def _converted(value: Any, old: ast.expr) -> Any:
    """The filled placeholder `{epochs}` is text; a tuple in the source stays one."""
    is_number = isinstance(old, ast.UnaryOp | ast.BinOp) or (
        isinstance(old, ast.Constant) and isinstance(old.value, int | float) and not isinstance(old.value, bool)
    )
    if isinstance(value, str) and is_number:
        return float(value) if any(mark in value.lower() for mark in ".en") else int(value)
    return tuple(value) if isinstance(value, list) and isinstance(old, ast.Tuple) else value


def main(parameters: str, script: str) -> None:
    """Run the script in this process, as `python SCRIPT` does."""
    tree = with_values(Path(script).read_text(), json.loads(Path(parameters).read_text()), script)
    sys.argv = sys.argv[2:]
    sys.path[0] = str(Path(script).resolve().parent)
    module = sys.modules["__main__"] = ModuleType("__main__")
    module.__file__ = script
    exec(compile(tree, script, "exec"), module.__dict__)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
