"""Calls in Python source, and the literal values of their arguments. Nothing is executed."""

import ast
import operator
from collections.abc import Callable, Iterator, Mapping
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


class Source:
    """A module: its calls, the constants that it assigns once, and the parents of its nodes."""

    def __init__(self, text: str):
        self.tree = ast.parse(text)
        self.parents = {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}
        self.constants: dict[str, Any] = {}
        self.assigned: dict[str, ast.Call] = {}  # calls by the name that their result is assigned to
        for node in ast.walk(self.tree):
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() as call):
                    self.assigned[name] = call
                    self.constants.pop(name, None)
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    try:
                        self.constants[name] = self.value(value)
                    except ValueError:
                        self.constants.pop(name, None)

    def calls(self, node: ast.AST | None = None) -> Iterator[tuple[str, ast.Call]]:
        """All calls, in the order of the text, each with the last part of the function's name."""
        found = [one for one in ast.walk(node or self.tree) if isinstance(one, ast.Call)]
        for one in sorted(found, key=lambda call: (call.lineno, call.col_offset)):
            yield name_of(one.func), one

    def arguments(self, call: ast.Call, names: tuple[str, ...]) -> dict[str, ast.expr]:
        """Arguments by name, the positional ones by the names in their order."""
        found = dict(zip(names, call.args, strict=False))
        return found | {one.arg: one.value for one in call.keywords if one.arg}

    def value(self, node: ast.expr) -> Any:
        """The value of a literal, of arithmetic on literals, or of a constant. ValueError for anything else."""
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name) if name in self.constants:
                return self.constants[name]
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self._number(operand)
            case ast.BinOp(left=left, op=ast.Pow(), right=right):
                base, exponent = self._number(left), self._number(right)
                if abs(exponent) <= _LARGEST_POWER:
                    return base**exponent
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                return _OPERATORS[type(op)](self._number(left), self._number(right))
            case ast.List(elts=elements) | ast.Tuple(elts=elements):
                return [self.value(one) for one in elements]
            case ast.Dict(keys=keys, values=values) if all(keys):
                return {self.value(key): self.value(one) for key, one in zip(keys, values, strict=True) if key}
            case ast.Call(func=ast.Name(id="range"), args=args) if args and not node.keywords:
                return list(range(*(int(self._number(one)) for one in args)))[:1000]
        raise ValueError(f"`{ast.unparse(node)[:80]}` is no literal")

    def _number(self, node: ast.expr) -> Any:
        found = self.value(node)
        if isinstance(found, bool) or not isinstance(found, int | float):
            raise ValueError(f"`{ast.unparse(node)[:80]}` is no number")
        return found

    def text(self, node: ast.expr, known: Mapping[str, Any]) -> str:
        """The text of an f-string, of `"…{}".format(i)` or of `"…" + str(i)`, with the values of names. ValueError."""
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
        """The nodes around a node, from the inside out, each with the one of its parts that the node is in."""
        while (parent := self.parents.get(node)) is not None:
            yield parent, node
            node = parent

    def _in_function(self, node: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
        return takewhile(
            lambda pair: not isinstance(pair[0], ast.FunctionDef | ast.AsyncFunctionDef), self._above(node)
        )

    def loop_around(self, node: ast.AST) -> tuple[str, ast.expr] | None:
        """The variable of the nearest `for i in range(n)` around a node, and n."""
        for parent, _ in self._above(node):
            match parent:
                case ast.For(target=ast.Name(id=variable), iter=ast.Call(func=ast.Name(id="range"), args=[bound])):
                    return variable, bound
        return None

    def is_conditional(self, node: ast.AST) -> bool:
        """Whether it is inside an `if`, a loop or a comprehension of its function."""
        branches = ast.If | ast.IfExp | ast.For | ast.While | ast.ListComp | ast.DictComp
        return any(isinstance(parent, branches) for parent, _ in self._in_function(node))

    def conditions_of(self, node: ast.AST) -> Iterator[tuple[ast.expr, bool]]:
        """The tests of the `if` statements around a node in its function; False where the node is in the `else`."""
        for parent, part in self._in_function(node):
            if isinstance(parent, ast.If):
                yield parent.test, part not in parent.orelse

    def function_around(self, node: ast.AST) -> str:
        """The name of the outermost function that the node is in; "" outside of functions."""
        names = [parent.name for parent, _ in self._above(node) if isinstance(parent, ast.FunctionDef)]
        return names[-1] if names else ""


def name_of(node: ast.expr) -> str:
    """The last part of a name with dots; "" for other expressions."""
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""
