"""Placeholders in the words of a command: `{lr}`, `{epochs * 20}`, `{seed}`. `{{` and `}}` are single braces."""

import ast
import json
import operator
import re
from collections.abc import Callable, Container, Iterator, Mapping
from typing import Any

from hpsearch.core.trial import Value

EPOCHS, STEPS = "epochs", "steps"

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


def built_in(in_steps: bool) -> dict[str, str]:
    """Names of values that are not parameters, with a description. in_steps: trials are counted in training steps."""
    return {**BUILT_IN, **({STEPS: "the maximum training steps of the trial"} if in_steps else {})}


def names(text: str) -> Iterator[str]:
    """The content of the placeholders in a word: parameters, built-in names, expressions of `epochs` or `steps`."""
    yield from (found[1].strip() for found in _PARTS.finditer(text) if found[1] is not None)


def used(text: str) -> set[str]:
    """As `names`, with `epochs` in place of an expression."""
    return {name if name in {*BUILT_IN, STEPS} or not _is_expression(name) else EPOCHS for name in names(text)}


def is_known(name: str, parameters: Container[str], in_steps: bool = False) -> bool:
    if name in parameters or name in built_in(in_steps):
        return True
    return _is_expression(name) and (in_steps or re.search(rf"\b{STEPS}\b", name) is None)


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
        return word(_value(ast.parse(name, mode="eval").body, int(values[EPOCHS])))
    raise Absent(name)


def word(value: Value) -> str:
    """A value as a word of a command: a number with all digits, true and false in lower case, a list or table as JSON,
    "none" for None."""
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return repr(value) if isinstance(value, float) else str(value)


def _is_expression(text: str) -> bool:
    """Whether it is arithmetic with `epochs` or `steps`, numbers, + - * / // and brackets."""
    if not (EPOCHS in text or STEPS in text) or len(text) > MAX_LENGTH:
        return False
    try:
        _value(ast.parse(text, mode="eval").body, 7)
    except ZeroDivisionError:
        return True
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        return False
    return True


def _value(node: ast.AST, epochs: int) -> int | float:
    """The result, as an int if it is whole. ValueError for anything but arithmetic."""
    match node:
        case ast.Name(id="epochs" | "steps"):
            return epochs
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, epochs)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            result: int | float = _OPERATORS[type(op)](_value(left, epochs), _value(right, epochs))
            return int(result) if result == int(result) else result
    raise ValueError("not arithmetic over epochs")
