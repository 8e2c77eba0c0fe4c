"""Calls in Python source, and the literal values of their arguments. Nothing is executed."""

import ast
import math
import operator
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import takewhile
from typing import Any

_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
}
_LARGEST_POWER = 64
_MOST_VALUES = 1000

_FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{"log": math.log, "log2": math.log2, "log10": math.log10, "exp": math.exp, "sqrt": math.sqrt},
    **{"float": float, "int": int, "str": str, "round": round, "min": min, "max": max, "abs": abs},
    **{"list": list, "tuple": list, "sorted": sorted},
}
"""Functions of Python, math and numpy that are used to write ranges."""


class Source:
    """The syntax tree of a module, with the constants that it assigns and the parents of its nodes."""

    def __init__(self, text: str):
        self.tree = ast.parse(text)
        self.parents = {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}
        self.constants: dict[str, Any] = {}
        self.values: dict[str, ast.expr] = {}  # name -> the value assigned to it
        self.imported: dict[str, str] = {}  # name -> the module from which it is imported
        self.assigned: dict[str, ast.Call] = {}  # calls by the name that their result is assigned to
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                self.values[node.targets[0].id] = node.value
            match node:
                case ast.ImportFrom(module=str(module), names=names):
                    self.imported |= {one.asname or one.name: module for one in names}
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() as call):
                    self.assigned[name] = call
                    self.constants.pop(name, None)
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    try:
                        self.constants[name] = self.value(value)
                    except ValueError:
                        self.constants.pop(name, None)
        self._add_defaults()

    def _add_defaults(self) -> None:
        """Add the defaults of functions' arguments as constants, if no other value has the name."""
        found: dict[str, list[Any]] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                named = [*node.args.posonlyargs, *node.args.args]
                pairs = [
                    *zip(reversed(named), reversed(node.args.defaults), strict=False),
                    *zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True),
                ]
                for argument, value in pairs:
                    with suppress(ValueError):
                        found.setdefault(argument.arg, []).append(self.value(value) if value else None)
        for name, values in found.items():
            if name not in self.values and values[0] is not None and all(one == values[0] for one in values):
                self.constants.setdefault(name, values[0])

    def resolved(self, node: ast.expr) -> ast.expr:
        """The expression assigned to a name if the node is a name, otherwise the node."""
        return self.values.get(node.id, node) if isinstance(node, ast.Name) else node

    def calls(self, node: ast.AST | None = None) -> Iterator[tuple[str, ast.Call]]:
        """All calls, in the order of the source, each with the last part of the function's name."""
        found = [one for one in ast.walk(node or self.tree) if isinstance(one, ast.Call)]
        for one in sorted(found, key=lambda call: (call.lineno, call.col_offset)):
            yield name_of(one.func), one

    def arguments(self, call: ast.Call, names: tuple[str, ...]) -> dict[str, ast.expr]:
        """Arguments by name. names: of the positional ones, in their order."""
        found = dict(zip(names, call.args, strict=False))
        return found | {one.arg: one.value for one in call.keywords if one.arg}

    def value(self, node: ast.expr) -> Any:
        """The value of a literal, of arithmetic on literals, or of a constant. ValueError for anything else."""
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name) if name in self.constants:
                return self.constants[name]
            case ast.JoinedStr():
                return self.text(node, self.constants)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self._number(operand)
            case ast.BinOp():
                return self._operated(node)
            case ast.List(elts=elements) | ast.Tuple(elts=elements):
                return [self.value(one) for one in elements]
            case ast.Dict(keys=keys, values=values) if all(keys):
                return {str(self.value(key)): self.value(one) for key, one in zip(keys, values, strict=True) if key}
            case ast.Call(func=function, args=args, keywords=[]) if args:
                return self._called(node, name_of(function), args)
            case ast.ListComp(elt=part, generators=[ast.comprehension(target=ast.Name(id=name), iter=over, ifs=[])]):
                return [self._with(name, one, part) for one in self._values(over)]
        raise ValueError(f"`{ast.unparse(node)[:80]}` is not a literal")

    def _operated(self, node: ast.BinOp) -> Any:
        one, other = self.value(node.left), self.value(node.right)
        if isinstance(one, list) or isinstance(other, list):
            return self._joined(node, one, node.op, other)
        one, other = self._number(node.left), self._number(node.right)
        try:
            if isinstance(node.op, ast.Pow) and abs(other) <= _LARGEST_POWER:
                return one**other
            if type(node.op) in _OPERATORS:
                return _OPERATORS[type(node.op)](one, other)
        except (ZeroDivisionError, OverflowError) as problem:
            raise ValueError(f"`{ast.unparse(node)[:80]}`: {problem}") from None
        raise ValueError(f"`{ast.unparse(node)[:80]}` is not a literal")

    def _joined(self, node: ast.expr, one: Any, op: ast.operator, other: Any) -> list[Any]:
        """`[4] + [2]`, `3 * [h]`."""
        match op, one, other:
            case ast.Add(), list(), list():
                return [*one, *other]
            case (ast.Mult(), list() as values, int() as count) | (ast.Mult(), int() as count, list() as values):
                return values * min(count, _MOST_VALUES)
        raise ValueError(f"`{ast.unparse(node)[:80]}` is not a literal")

    def _called(self, node: ast.expr, name: str, args: list[ast.expr]) -> Any:
        """The result of a function call. ValueError for an unknown function."""
        if name in ("range", "arange") and len(args) < 4:
            numbers = [self._number(one) for one in args]
            start, stop = numbers[:2] if len(numbers) > 1 else [0, numbers[0]]
            step = numbers[2] if len(numbers) > 2 else 1
            if step == 0 or (stop - start) / step > _MOST_VALUES:
                raise ValueError(f"`{ast.unparse(node)[:80]}` has too many values")
            values = [start + i * step for i in range(max(0, math.ceil((stop - start) / step)))]
            return [float(f"{one:.12g}") if isinstance(one, float) else one for one in values]
        if name in _FUNCTIONS:
            try:
                return _FUNCTIONS[name](*(self.value(one) for one in args))
            except (TypeError, OverflowError, ZeroDivisionError) as problem:
                raise ValueError(f"`{ast.unparse(node)[:80]}`: {problem}") from None
        raise ValueError(f"`{ast.unparse(node)[:80]}` is not a literal")

    def _values(self, node: ast.expr) -> list[Any]:
        found = self.value(node)
        if not isinstance(found, list):
            raise ValueError(f"`{ast.unparse(node)[:80]}` is not a list")
        return found[:_MOST_VALUES]

    def _with(self, name: str, value: Any, node: ast.expr) -> Any:
        """The value of an expression in which a name has this value."""
        before, self.constants = self.constants, {**self.constants, name: value}
        try:
            return self.value(node)
        finally:
            self.constants = before

    def _number(self, node: ast.expr) -> Any:
        found = self.value(node)
        if isinstance(found, bool) or not isinstance(found, int | float):
            raise ValueError(f"`{ast.unparse(node)[:80]}` is not a number")
        return found

    def text(self, node: ast.expr, known: Mapping[str, Any]) -> str:
        """The text of an f-string, of `"…{}".format(i)` or of `"…" + str(i)`. known: values of names. ValueError for
        anything else."""
        match node:
            case ast.JoinedStr(values=parts):
                return "".join(self.text(part, known) for part in parts)
            case ast.FormattedValue(value=value, format_spec=None):
                return self.text(value, known)
            case ast.Name(id=name) if name in known:
                return str(known[name])
            case ast.Call(func=ast.Name(id="str"), args=[value]):
                return self.text(value, known)
            case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(template)), attr="format"), args=values):
                return template.format(*(self.text(value, known) for value in values))
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return self.text(left, known) + self.text(right, known)
        return str(self.value(node))

    def _above(self, node: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
        """The ancestors of a node, the innermost first, each with its child that contains the node."""
        while (parent := self.parents.get(node)) is not None:
            yield parent, node
            node = parent

    def _in_function(self, node: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
        return takewhile(
            lambda pair: not isinstance(pair[0], ast.FunctionDef | ast.AsyncFunctionDef), self._above(node)
        )

    def loop_around(self, node: ast.AST) -> tuple[str, ast.expr] | None:
        """The variable of the nearest `for i in range(n)` around a node, and n."""
        found = self.iteration_around(node)
        match found:
            case (variable, ast.Call(func=ast.Name(id="range"), args=[bound])):
                return variable, bound
        return None

    def iteration_around(self, node: ast.AST) -> tuple[str, ast.expr] | None:
        """The variable of the nearest loop or comprehension around a node, and what it iterates over."""
        for parent, _ in self._above(node):
            match parent:
                case ast.For(target=ast.Name(id=variable), iter=over):
                    return variable, over
                case ast.ListComp(generators=[ast.comprehension(target=ast.Name(id=variable), iter=over)]):
                    return variable, over
                case ast.DictComp(generators=[ast.comprehension(target=ast.Name(id=variable), iter=over)]):
                    return variable, over
        return None

    def is_conditional(self, node: ast.AST) -> bool:
        """Whether it is inside an `if` or a `while` of its function."""
        return any(isinstance(parent, ast.If | ast.IfExp | ast.While) for parent, _ in self._in_function(node))

    def conditions_of(self, node: ast.AST) -> Iterator[tuple[ast.expr, bool]]:
        """The tests of the `if` statements around a node in its function, each with False if it is in the `else`."""
        for parent, part in self._in_function(node):
            if isinstance(parent, ast.If):
                yield parent.test, part not in parent.orelse

    def function_around(self, node: ast.AST) -> str:
        """The name of the outermost function that contains the node; "" outside functions and inside a class."""
        above = [parent for parent, _ in self._above(node)]
        names = [parent.name for parent in above if isinstance(parent, ast.FunctionDef)]
        return names[-1] if names and not any(isinstance(parent, ast.ClassDef) for parent in above) else ""


def pairs_of(node: ast.AST) -> list[tuple[ast.expr | None, ast.expr]] | None:
    """Keys and values of `{…}` or `dict(name=…)`; the key is None for an unpacked mapping. None for other nodes."""
    match node:
        case ast.Dict(keys=keys, values=values):
            return list(zip(keys, values, strict=True))
        case ast.Call(func=ast.Name(id="dict"), args=[], keywords=keywords):
            return [(ast.Constant(one.arg) if one.arg else None, one.value) for one in keywords]
    return None


def name_of(node: ast.expr) -> str:
    """The last part of a name with dots; "" for other expressions."""
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""
