"""Constraints between parameters, such as "hidden_2 <= hidden_1". They are parsed here; Python's `eval` is not used.

Constraints on reported metrics are in `requirements`.
"""

import ast
import operator
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from hpsearch.core.odd_names import replaced, restore

Params = Mapping[str, Any]

_ASSIGNMENT = re.compile(r"(?<![<>=!])=(?!=)")

MAX_LENGTH = 500
"""The most characters of a constraint."""

MAX_PARTS = 200
"""The most names, numbers and operators of a constraint."""

MAX_POWER = 64
"""The largest exponent that is computed: 10**10**10 would take all memory."""

_ARITHMETIC: Mapping[type[ast.AST], Callable[[Any, Any], Any]] = {
    **{ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul},
    **{ast.Div: operator.truediv, ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.Pow: operator.pow},
}
_COMPARISONS: Mapping[type[ast.AST], Callable[[Any, Any], bool]] = {
    **{ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le},
    **{ast.Gt: operator.gt, ast.GtE: operator.ge, ast.In: lambda one, some: one in some},
    **{ast.NotIn: lambda one, some: one not in some},
}
_LITERALS = {"true": True, "false": False}
_FUNCTIONS = ("abs", "min", "max", "sum", "len")
_OF_ONE = ("abs", "len")
"""The functions with exactly one argument."""

Lists = Mapping[str, Sequence[str]]
"""The parameters that are the elements of a list, by the name of the list."""


class Absent(Exception):
    """A trial does not have the parameter, because of its `when`."""


class NotComputable(Exception):
    """The value cannot be computed, such as a division by zero, a text in arithmetic, or a number that is too large."""


@dataclass(frozen=True)
class Constraint:
    """A comparison of parameters, or several with `and`, `or` and `not`. `read` makes one from text.

    names: the parameters in it.
    """

    text: str
    names: frozenset[str]
    _tree: ast.expr = field(repr=False, compare=False)
    _lists: Lists = field(default_factory=dict, repr=False, compare=False)
    _odd: tuple[str, ...] = field(default=(), repr=False, compare=False)

    def holds(self, params: Params) -> bool:
        """Whether the parameters meet the constraint.

        True if it depends on a parameter that the trial does not have; False if it cannot be computed.
        """
        try:
            return bool(value_of(self._tree, params))
        except Absent:
            return True
        except NotComputable:
            return False

    def check(self, params: Params) -> None:
        """Raise NotComputable if the constraint cannot be computed for these parameters."""
        try:
            value_of(self._tree, params)
        except Absent:
            return

    def difference(self, params: Params) -> float | None:
        """The left side of an equality minus its right side; None for other constraints. Absent, NotComputable."""
        match self._tree:
            case ast.Compare(left=left, ops=[ast.Eq()], comparators=[right]):
                return float(_number(value_of(left, params))) - float(_number(value_of(right, params)))
        return None

    def compared_texts(self) -> Iterator[tuple[str, str]]:
        """Each parameter that is compared with a text, and the text."""
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Compare):
                sides = [node.left, *node.comparators]
                for one, other in pairwise(sides):
                    for name, text in ((one, other), (other, one)):
                        if isinstance(name, ast.Name | ast.Attribute):
                            yield from ((_name(name), value) for value in _texts(text))

    def __reduce__(self) -> tuple[Any, ...]:
        return read, (self.text, self._lists, self._odd)


def read(text: str, lists: Lists | None = None, odd: Collection[str] = ()) -> Constraint:
    """The constraint in a text. ValueError, with the reason, if it is not valid. lists: named like parameters in it.
    odd: names of parameters that are not Python names, such as learning-rate."""
    tree = _WithLists(lists or {}).visit(parsed(text, odd))
    if not _is_condition(tree):
        raise ValueError('must be a comparison, such as "hidden_2 <= hidden_1"')
    names = frozenset(names_of(tree))
    if not names:
        raise ValueError("names no parameter")
    return Constraint(text, names, tree, lists or {}, tuple(odd))


class _WithLists(ast.NodeTransformer):
    """Replaces the name of a list by an ast.Set of its elements, which the text of a constraint cannot have."""

    def __init__(self, lists: Lists):
        self._lists = lists

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self._replaced(node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        return self._replaced(node)

    def _replaced(self, node: ast.Name | ast.Attribute) -> ast.expr:
        members = self._lists.get(_name(node))
        return node if members is None else ast.Set([ast.Name(member, ast.Load()) for member in members])


def parsed(text: str, odd: Collection[str] = ()) -> ast.expr:
    """The syntax tree of an expression of arithmetic, comparisons and logic. ValueError with the reason for others.
    odd: see `read`."""
    if len(text) > MAX_LENGTH:
        raise ValueError(f"must have at most {MAX_LENGTH} characters, got {len(text):,}")
    readable, stands_for = replaced(text.strip(), odd) if odd else (text.strip(), {})
    try:
        tree = ast.parse(readable, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as problem:
        raise ValueError(f"is not an expression: {getattr(problem, 'msg', None) or problem}{_hint(text)}") from None
    if sum(1 for _ in ast.walk(tree)) > 3 * MAX_PARTS:
        raise ValueError(f"must have at most {MAX_PARTS} names, numbers and operators")
    restore(tree, stands_for)
    _check(tree)
    return tree


def _hint(text: str) -> str:
    """What to write in place of the operators of other languages."""
    if "&&" in text or "||" in text or re.search(r"!(?!=)", text):
        return "; logic is written and, or, not"
    if re.search(r"=>|=<|[<>] +=|[≤≥]", text):
        return "; comparisons are written >= and <="
    return "; equality is written ==" if _ASSIGNMENT.search(text) else ""


def _is_condition(node: ast.expr) -> bool:
    return isinstance(node, ast.Compare | ast.BoolOp) or (
        isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
    )


def _texts(node: ast.expr) -> list[str]:
    """The texts of a text or of a list of values."""
    parts = node.elts if isinstance(node, ast.List | ast.Tuple) else [node]
    return [part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)]


def _check(node: ast.expr) -> None:
    """ValueError for a part other than arithmetic, comparisons and logic."""
    match node:
        case ast.Constant(value=str() | int() | float()) | ast.Name():
            return
        case ast.Attribute(value=ast.Name() | ast.Attribute() as inner):
            _check(inner)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
            _check(left)
            _check(right)
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() | ast.Not(), operand=operand):
            _check(operand)
        case ast.BoolOp(values=values):
            for value in values:
                _check(value)
        case ast.Compare(left=left, ops=ops, comparators=others) if all(type(op) in _COMPARISONS for op in ops):
            _check(left)
            for comparison, other in zip(ops, others, strict=True):
                is_list = isinstance(other, ast.List | ast.Tuple)
                if is_list and isinstance(comparison, ast.Lt | ast.LtE | ast.Gt | ast.GtE):
                    raise ValueError("a list is compared with ==, != or in")
                can_be_list = is_list or isinstance(other, ast.Name | ast.Attribute)
                if isinstance(comparison, ast.In | ast.NotIn) and not can_be_list:
                    raise ValueError("`in` needs a list of values after it, such as `optimizer in ['sgd', 'adam']`")
                _check(other)
        case _:
            _check_of_lists(node)


def _check_of_lists(node: ast.expr) -> None:
    """ValueError for a part other than lists, their elements, and functions."""
    match node:
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            for part in parts:
                _check(part)
        case ast.Subscript(value=ast.Name() | ast.Attribute() as inner, slice=index) if _is_index(index):
            _check(inner)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in _FUNCTIONS:
            if not arguments or (name in _OF_ONE and len(arguments) > 1):
                raise ValueError(f"{name} needs {'one argument' if name in _OF_ONE else 'arguments'}")
            for argument in arguments:
                _check(argument)
        case _:
            text = ast.unparse(node)
            raise ValueError(
                "may have names, numbers, texts, + - * / // % **, comparisons, and, or, not, "
                f"{', '.join(_FUNCTIONS)}; got `{text[:60]}`"
            )


def _is_index(node: ast.expr) -> bool:
    """Whether it is a whole number, also a negative one."""
    number = node.operand if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) else node
    return isinstance(number, ast.Constant) and type(number.value) is int


def _name(node: ast.expr) -> str:
    """A name, also one with dots such as "optimizer.lr"."""
    return f"{_name(node.value)}.{node.attr}" if isinstance(node, ast.Attribute) else node.id  # type: ignore[attr-defined]


def names_of(node: ast.AST) -> set[str]:
    """The names in an expression."""
    if isinstance(node, ast.Name | ast.Attribute):
        name = _name(node)
        return set() if name in _LITERALS else {name}
    if isinstance(node, ast.Call):
        return {name for argument in node.args for name in names_of(argument)}
    return {name for part in ast.iter_child_nodes(node) for name in names_of(part)}


def value_of(node: ast.expr, params: Params) -> Any:
    """The value of the expression. Absent for a name without a value; NotComputable."""
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name() | ast.Attribute():
            name = _name(node)
            if name in params:
                return params[name]
            if name in _LITERALS:
                return _LITERALS[name]
            raise Absent(name)
        case ast.UnaryOp(op=op, operand=operand):
            value = value_of(operand, params)
            if isinstance(op, ast.Not):
                return not value
            return -_number(value) if isinstance(op, ast.USub) else _number(value)
        case ast.BinOp(left=left, op=op, right=right):
            return _computed(op, _number(value_of(left, params)), _number(value_of(right, params)))
        case ast.BoolOp(op=op, values=values):
            wanted = isinstance(op, ast.Or)
            return _logic(values, wanted, params)
        case ast.Compare(left=left, ops=ops, comparators=others):
            return _compared(left, ops, others, params)
    return _value_of_lists(node, params)


def _value_of_lists(node: ast.expr, params: Params) -> Any:
    match node:
        case ast.Set(elts=members):
            return _present(members, params)
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            return [value_of(part, params) for part in parts]
        case ast.Subscript(value=inner, slice=index):
            return _element(value_of(inner, params), value_of(index, params))
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return _called(name, [value_of(argument, params) for argument in arguments])
    raise AssertionError("`read` has checked each part")


def _logic(parts: list[ast.expr], wanted: bool, params: Params) -> bool:
    """`or` (wanted = True) or `and`. A part with a parameter that the trial does not have counts only if the other
    parts do not decide."""
    is_absent = False
    for part in parts:
        try:
            if bool(value_of(part, params)) is wanted:
                return wanted
        except Absent:
            is_absent = True
    if is_absent:
        raise Absent
    return not wanted


def _compared(left: ast.expr, ops: list[ast.cmpop], others: list[ast.expr], params: Params) -> bool:
    one = value_of(left, params)
    for op, node in zip(ops, others, strict=True):
        other = value_of(node, params)
        if isinstance(op, ast.Lt | ast.LtE | ast.Gt | ast.GtE):
            one, other = _number(one), _number(other)
        elif isinstance(op, ast.In | ast.NotIn):
            _list(other)
        if not _COMPARISONS[type(op)](one, other):
            return False
        one = other
    return True


def _present(members: list[ast.expr], params: Params) -> list[Any]:
    """The elements that the trial has. Absent if it has none."""
    found = [params[name] for name in map(_name, members) if name in params]
    if not found:
        raise Absent
    return found


def _element(values: Any, index: int) -> Any:
    try:
        return _list(values)[index]
    except IndexError:
        raise Absent from None


def _called(name: str, values: list[Any]) -> Any:
    if name == "len":
        return len(_list(values[0]))
    numbers = [_number(one) for value in values for one in (value if isinstance(value, list) else [value])]
    if name == "abs":
        return abs(_number(values[0]))
    if name == "sum":
        return sum(numbers)
    if not numbers:
        raise NotComputable(f"{name} of an empty list")
    return min(numbers) if name == "min" else max(numbers)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise NotComputable(f"{value!r:.60} is not a list")
    return value


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NotComputable(f"{value!r:.60} is not a number")
    return value


def _computed(op: ast.operator, one: Any, other: Any) -> Any:
    if isinstance(op, ast.Pow) and (abs(other) > MAX_POWER or abs(one) > 1e100):
        raise NotComputable(f"{one} ** {other} is too large")
    try:
        result = _ARITHMETIC[type(op)](one, other)
    except ZeroDivisionError:
        raise NotComputable("a division by zero") from None
    except OverflowError:
        raise NotComputable("a number is too large") from None
    if isinstance(result, complex):
        raise NotComputable(f"{one} ** {other} is not a real number")
    return result
