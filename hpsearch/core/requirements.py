"""Requirements on results, such as "latency_ms <= 20": comparisons of reported metrics.

They are parsed like constraints between parameters; Python's `eval` is not used.
"""

import ast
import math
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from hpsearch.core.constraints import Absent, NotComputable, names_of, parsed, value_of

_SIGNS: Mapping[type[ast.cmpop], str] = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}

BARELY = 1e-12
"""The excess of a value that is equal to the bound of < or >."""

EXAMPLE = '"latency_ms <= 20"'

_ONE_NAME = re.compile(r"(?P<name>[^<>='\"*+,]{1,60}?)\s*(?P<rest>[<>]=?\s*[-+.\deE_]+)")


@dataclass(frozen=True)
class Requirement:
    """A comparison of metrics with <, <=, > or >=, or a chain of them. `read` makes one from text.

    names: the metrics in it. spelled: its arithmetic without blanks, such as val/latency, which may be the name of a
    metric: it is this metric for a trial that has reported it.
    """

    text: str
    names: frozenset[str]
    spelled: frozenset[str] = field(repr=False, compare=False)
    _tree: ast.Compare = field(repr=False, compare=False)

    def names_in(self, reported: Collection[str]) -> frozenset[str]:
        """The metrics in it, for a trial that has reported these."""
        return frozenset(names_of(self._tree_for(reported)))

    def _tree_for(self, reported: Collection[str]) -> ast.Compare:
        spelled = self.spelled.intersection(reported) if self.spelled else None
        return _tree_with(self.text, spelled) if spelled else self._tree

    def excess(self, metrics: Mapping[str, float]) -> float:
        """How far the metrics are from meeting the requirement, relative to its bound; <= 0 if they meet it.

        +inf if a metric is missing or not finite, or if the comparison cannot be computed.
        """
        tree = self._tree_for(metrics)
        sides = (tree.left, *tree.comparators)
        try:
            values = [float(value_of(one, metrics)) for one in sides]
        except (Absent, NotComputable, OverflowError):
            return math.inf
        if not all(map(math.isfinite, values)):
            return math.inf
        bounds = [abs(value) if not names_of(one) else 0.0 for one, value in zip(sides, values, strict=True)]
        return max(
            _excess(_SIGNS[type(op)], *values[place : place + 2]) / (max(bounds[place : place + 2]) or 1.0)
            for place, op in enumerate(tree.ops)
        )

    def unmet(self, metrics: Mapping[str, float]) -> str:
        """The metrics and the bound as text: "latency_ms 31.2, required <= 20"."""
        names = sorted(self.names_in(metrics))
        known = {name: metrics[name] for name in names if name in metrics}
        missing = [name for name in names if name not in metrics]
        values = [f"{name} {value:.4g}" for name, value in known.items()]
        values += [f"{name} is not reported" for name in missing]
        return f"{', '.join(values)}, required {_bound(self._tree_for(metrics)) or self.text}"

    def __reduce__(self) -> tuple[Any, ...]:
        return read, (self.text,)


def _bound(tree: ast.Compare) -> str:
    """ "<= 20" if one metric is compared with one number, otherwise ""."""
    left, *others = tree.left, *tree.comparators
    if len(others) > 1:
        return ""
    (right,), sign = others, _SIGNS[type(tree.ops[0])]
    if isinstance(left, ast.Name) and not names_of(right):
        return f"{sign} {ast.unparse(right)}"
    if isinstance(right, ast.Name) and not names_of(left):
        return f"{_MIRRORED[sign]} {ast.unparse(left)}"
    return ""


def read(text: str) -> Requirement:
    """The requirement in a text. ValueError, with the reason, if it is not valid.

    A metric whose name is not a valid Python name may be quoted: "'val/latency' <= 20".
    """
    try:
        tree = _Quoted().visit(parsed(text))
    except ValueError as problem:
        raise ValueError(f"{problem}{_quoted(text)}") from None
    if not isinstance(tree, ast.Compare) or not all(type(op) in _SIGNS for op in tree.ops):
        raise ValueError(f"must compare metrics with numbers by <, <=, > or >=, such as {EXAMPLE}")
    sides = (tree.left, *tree.comparators)
    if any(isinstance(part, ast.Compare | ast.BoolOp | ast.Not) for side in sides for part in ast.walk(side)):
        raise ValueError(f"must be one comparison, such as {EXAMPLE}; write each requirement as a separate entry")
    names = frozenset(names_of(tree))
    if not names:
        raise ValueError(f"names no metric; an example: {EXAMPLE}")
    _check_numbers(sides)
    _check_divisors(text, sides)
    parts = (part for side in sides for part in ast.walk(side) if isinstance(part, ast.BinOp))
    spelled = frozenset(name for part in parts if names_of(part) and (name := _spelling(text, part)))
    return Requirement(text, names, spelled, tree)


def _check_numbers(sides: Iterable[ast.expr]) -> None:
    """ValueError if a part without metrics, such as 1 / 0, is not a finite number: no trial could meet it."""
    for part in (part for side in sides for part in ast.walk(side)):
        if isinstance(part, ast.BinOp | ast.UnaryOp | ast.Call | ast.Constant) and not names_of(part):
            try:
                is_finite = math.isfinite(float(value_of(part, {})))
            except NotComputable as problem:
                raise ValueError(f"cannot be computed: {problem}") from None
            except (OverflowError, ValueError, TypeError):
                is_finite = False
            if not is_finite:
                raise ValueError(f"`{ast.unparse(part)[:60]}` is not a finite number")


def _check_divisors(text: str, sides: Iterable[ast.expr]) -> None:
    """ValueError if a metric is divided by zero, such as ms / (1 - 1); ms/0 without blanks may be a metric's name."""
    for part in (part for side in sides for part in ast.walk(side)):
        if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Div | ast.FloorDiv | ast.Mod):
            written = _spelling(text, part)
            is_name = bool(written) and "(" not in written
            if not names_of(part.right) and not is_name and value_of(part.right, {}) == 0:
                raise ValueError(f"cannot be computed: `{ast.unparse(part)[:60]}` divides by zero")


def _quoted(text: str) -> str:
    """What to write if the text compares a name such as val/acc@5 with a number; else ""."""
    if (found := _ONE_NAME.fullmatch(text.strip())) is None:
        return ""
    return f"""; a metric with such a name is quoted: "'{found["name"]}' {found["rest"]}\""""


@lru_cache(maxsize=256)
def _tree_with(text: str, spelled: frozenset[str]) -> ast.Compare:
    """The tree of a valid requirement in which these parts are names of metrics."""
    tree: ast.Compare = _Spelled(text, spelled).visit(_Quoted().visit(parsed(text)))
    return tree


def _spelling(text: str, part: ast.expr) -> str:
    """How a part is written; "" with blanks in it, as in a division of two metrics."""
    written = ast.get_source_segment(text.strip(), part) or ""
    return "" if " " in written else written


class _Spelled(ast.NodeTransformer):
    """Turns arithmetic that is spelled like one of these names into the name."""

    def __init__(self, text: str, spelled: frozenset[str]):
        self._text, self._spelled = text, spelled

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        name = _spelling(self._text, node)
        return ast.Name(name) if name in self._spelled else self.generic_visit(node)


class _Quoted(ast.NodeTransformer):
    """Turns quoted texts, and names with dots, into names of metrics."""

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return ast.copy_location(ast.Name(node.value), node) if isinstance(node.value, str) else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        return ast.copy_location(ast.Name(ast.unparse(node)), node)


def _excess(sign: str, one: float, other: float) -> float:
    """How far `one` is on the wrong side of `other`; negative on the right side."""
    excess = one - other if sign in ("<", "<=") else other - one
    return BARELY if excess == 0 and sign in ("<", ">") else excess


@dataclass(frozen=True)
class Unmet:
    """A requirement that a trial does not meet. metrics: the metrics in it that the trial has reported."""

    requirement: Requirement
    metrics: Mapping[str, float]

    @property
    def excess(self) -> float:
        """See `Requirement.excess`; > 0."""
        return self.requirement.excess(self.metrics)

    @property
    def is_known(self) -> bool:
        """Whether the trial has reported all metrics of the requirement."""
        return self.requirement.names_in(self.metrics) <= set(self.metrics)

    @property
    def text(self) -> str:
        """ "latency_ms 31.2, required <= 20" """
        return self.requirement.unmet(self.metrics)

    def document(self) -> dict[str, Any]:
        return {"require": self.requirement.text, "metrics": dict(self.metrics)}
