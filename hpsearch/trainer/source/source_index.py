"""The definitions in the source files of a trainer, by name, and where each node of their syntax trees is."""

import ast
from collections.abc import Iterator, Mapping
from typing import Any

from hpsearch.trainer.source.source_reader import Function

DICTIONARIES = {"dict", "Dict", "UserDict", "SimpleNamespace", "Namespace"}
"""Bases of classes such as `class AttrDict(dict): __getattr__ = dict.__getitem__`."""

BARE_BASES = {"object", "BaseModel", "NamedTuple", "Protocol", "ABC", "ABCMeta", "Generic"}
"""Base classes and metaclasses that read no attributes."""


def name_of(node: ast.AST | None) -> str:
    """Of a variable, or the last part of an attribute: `SimpleNamespace` of `types.SimpleNamespace`."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def text_of(node: ast.AST | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def is_without_effect(parent: ast.AST) -> bool:
    """Whether an object is written to, deleted, or only tested."""
    match parent:
        case ast.Compare(ops=[ast.Is() | ast.IsNot()]) | ast.UnaryOp(op=ast.Not()) | ast.If() | ast.Assert():
            return True
        case ast.Subscript() | ast.Attribute() | ast.Expr() | ast.Delete():
            return True
    return False


def merged(node: ast.Dict) -> list[ast.expr]:
    """`params` in {"lr": 0.1, **params}."""
    return [value for key, value in zip(node.keys, node.values, strict=True) if key is None]


def copied(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(one.value for one in call.keywords if one.arg is None)]


def called_method(node: ast.expr) -> str:
    """ "items" for `params.items()`; "" where no method is called."""
    return name_of(node.func) if isinstance(node, ast.Call) else ""


def argument_names(function: ast.AST | None) -> set[str]:
    if not isinstance(function, Function):
        return set()
    return {one.arg for one in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)}


def _tops(node: ast.Import | ast.ImportFrom) -> set[str]:
    """The top-level packages that are imported from; none for a relative import."""
    if isinstance(node, ast.Import):
        return {alias.name.partition(".")[0] for alias in node.names}
    return {(node.module or "").partition(".")[0]} if not node.level else set()


class SourceIndex:
    """functions, classes: of all files, by name. values: what is assigned to each name; None for a target of a loop and
    the like. modules: names of imported modules and objects; foreign: those that are not of the files."""

    def __init__(self, trees: Mapping[str, ast.Module]):
        """trees: by the name of the module."""
        self.nodes: list[ast.AST] = []
        self.parents: dict[ast.AST, ast.AST] = {}
        for tree in trees.values():
            found: list[ast.AST] = [tree]
            for node in found:  # breadth first: the loop comes to what it adds
                children = list(ast.iter_child_nodes(node))
                self.parents.update(dict.fromkeys(children, node))
                found += children
            self.nodes += found
        self.functions: dict[str, list[Function]] = {}
        self.classes: dict[str, list[ast.ClassDef]] = {}
        self.values: dict[str, list[ast.expr | None]] = {}
        self.modules, self.foreign = set[str](), set[str]()
        own = {name.partition(".")[0] for name in trees}
        for node in self.nodes:
            match node:
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    self.functions.setdefault(node.name, []).append(node)
                case ast.ClassDef():
                    self.classes.setdefault(node.name, []).append(node)
                case ast.Import(names=names) | ast.ImportFrom(names=names):
                    bound = {alias.asname or alias.name.partition(".")[0] for alias in names}
                    self.modules |= bound
                    self.foreign |= bound if not _tops(node) <= own else set()
                case ast.Name(ctx=ast.Store()) | ast.Attribute(ctx=ast.Store()):
                    self.values.setdefault(name_of(node), []).append(self._value(node))

        self.defined = self.functions.keys() | self.classes.keys()

    def _value(self, target: ast.expr) -> ast.expr | None:
        """What is assigned to it; None if that is not the value of a plain assignment."""
        match self.parents[target]:
            case ast.Assign(value=value) | ast.AnnAssign(value=value) | ast.NamedExpr(value=value):
                return value
        return None

    def above(self, node: ast.AST, kind: Any) -> ast.AST | None:
        found = self.parents.get(node)
        while found is not None and not isinstance(found, kind):
            found = self.parents.get(found)
        return found

    def called(self, call: ast.Call) -> str:
        """The name of the function or class; `cls` is the class that it is in."""
        if isinstance(call.func, ast.Name) and call.func.id == "cls":
            owner = self.above(call, ast.ClassDef)
            return owner.name if isinstance(owner, ast.ClassDef) else ""
        return name_of(call.func)

    def is_class(self, name: str) -> bool:
        """Whether a name can only be a class of the files."""
        return name in self.classes and name not in self.values and name not in self.foreign

    def is_bare(self, name: str) -> bool:
        """Whether all code of a class is in the files."""
        return all(
            name_of(base.value if isinstance(base, ast.Subscript | ast.keyword) else base) in BARE_BASES
            or (name_of(base) in self.classes and name_of(base) != name and self.is_bare(name_of(base)))
            for one in self.classes[name]
            for base in (*one.bases, *one.keywords)
        )

    def initializers(self, name: str) -> Iterator[Function]:
        for one in self.classes.get(name, ()):
            yield from (part for part in one.body if isinstance(part, Function) and part.name == "__init__")
            for base in one.bases:
                yield from self.initializers(name_of(base)) if name_of(base) != name else ()

    def has_methods(self, name: str) -> bool:
        return any(
            isinstance(part, Function)
            or (isinstance(part, ast.expr) and name_of(part) != name and self.has_methods(name_of(part)))
            for one in self.classes.get(name, ())
            for part in (*one.body, *one.bases)
        )

    def is_dictionary(self, name: str) -> bool:
        """Whether it is a class such as AttrDict, without code of its own but for special methods."""
        members = [part for one in self.classes[name] for part in one.body]
        bases = {name_of(base) for one in self.classes[name] for base in one.bases}
        names = {getattr(part, "name", "") or name_of(getattr(part, "targets", [None])[0]) for part in members}
        return bool(bases) and bases <= DICTIONARIES and all(one.startswith("__") for one in names - {""})

    def is_record(self, name: str) -> bool:
        """Whether its instances have what they are called with as attributes, as those of a dataclass."""
        return self.is_bare(name) and not any(self.initializers(name))
