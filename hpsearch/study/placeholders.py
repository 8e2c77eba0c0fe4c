"""Placeholders in the words of a command: `{lr}`, `{epochs * 20}`, `{seed}`. `{{` and `}}` are single braces."""

import ast
import json
import operator
import re
from collections.abc import Callable, Container, Iterator, Mapping
from typing import Any

from hpsearch.core.trial import Value

EPOCHS, STEPS, CONFIG = "epochs", "steps", "config_file"

BUILT_IN = {
    EPOCHS: "the maximum epochs of the trial",
    "seed": "the trial's seed",
    "number": "the trial's number",
    "data_dir": "the folder in HPSEARCH_DATA",
    "scratch_dir": "a folder for the files of the trial",
    "checkpoint_dir": "a folder with the checkpoints of the trial",
    "params_file": "a JSON file of all parameters",
    "fold": "the fold to validate on, from 1",
    "folds": "the number of folds",
}
"""Names of values that are not parameters; see `built_in`."""

NUMBERS = (EPOCHS, STEPS, "seed", "number")
"""Names of values that may be in an expression."""

MAX_LENGTH = 200
"""The most characters of an expression."""

_PARTS = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")
_OPERATORS: Mapping[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
}


class Absent(Exception):
    """A parameter is missing in a trial, because of its `when`."""


def built_in(in_steps: bool, has_config: bool = False) -> dict[str, str]:
    """Names of values that are not parameters, with a description. in_steps: trials are counted in training steps.
    has_config: the program has a file `config`."""
    steps = {STEPS: "the maximum training steps of the trial"} if in_steps else {}
    return {**BUILT_IN, **steps, **({CONFIG: "the trial's copy of trainer.config"} if has_config else {})}


def names(text: str) -> Iterator[str]:
    """The content of the placeholders in a word: parameters, built-in names, expressions of NUMBERS."""
    yield from (found[1].strip() for found in _PARTS.finditer(text) if found[1] is not None)


def used(text: str) -> set[str]:
    """As `names`, with the names in an expression in its place."""
    return {one for name in names(text) for one in (_in_expression(name) if _is_expression(name) else [name])}


def is_known(name: str, parameters: Container[str], built_in: Container[str] = frozenset(BUILT_IN)) -> bool:
    """built_in: see the function of this name."""
    return (
        name in parameters
        or name in built_in
        or (_is_expression(name) and all(map(built_in.__contains__, _in_expression(name))))
    )


def filled(text: str, values: Mapping[str, Value]) -> str:
    """The word with its placeholders replaced. Raises Absent if a value is missing."""
    return _PARTS.sub(lambda found: _part(found, values), text)


def _part(found: re.Match[str], values: Mapping[str, Value]) -> str:
    if found[1] is None:
        return found[0][0]
    name = found[1].strip()
    if name in values:
        return word(values[name])
    if _is_expression(name):
        return word(_value(ast.parse(name, mode="eval").body, values))
    raise Absent(name)


def word(value: Value) -> str:
    """A value as a word of a command: a number with all digits, true and false in lower case, a list or table as JSON,
    "none" for None."""
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return repr(value) if isinstance(value, float) else str(value)


def _in_expression(text: str) -> list[str]:
    return [name for name in NUMBERS if re.search(rf"\b{name}\b", text)]


def _is_expression(text: str) -> bool:
    """Whether it is arithmetic with NUMBERS, numbers, + - * / // and brackets."""
    if not _in_expression(text) or len(text) > MAX_LENGTH:
        return False
    try:
        _value(ast.parse(text, mode="eval").body, dict.fromkeys(NUMBERS, 7))
    except ZeroDivisionError:
        return True
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        return False
    return True


def _value(node: ast.AST, values: Mapping[str, Value]) -> int | float:
    """The result, as an int if it is whole. ValueError for anything but arithmetic."""
    match node:
        case ast.Name(id=name) if name in NUMBERS and isinstance(value := values.get(name), int):
            return value
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, values)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            result: int | float = _OPERATORS[type(op)](_value(left, values), _value(right, values))
            return int(result) if result == int(result) else result
    raise ValueError("not arithmetic")
