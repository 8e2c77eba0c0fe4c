"""Reads the definitions in a trainer's files without importing them; UNDECIDED if the source does not show one."""

import ast
import importlib.util
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from hpsearch.provenance.module_search import source_file

Function = ast.FunctionDef | ast.AsyncFunctionDef
Scope = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef

MAX_STEPS = 20
"""Maximum number of imports and assignments that are followed to a definition."""

DYNAMIC = {"__getattr__", "globals", "exec", "setattr", "vars"}
"""Names whose use shows that a module may define more than its source shows."""


class Unknown(Enum):
    MISSING = "the module defines no such name"
    UNDECIDED = "the source does not show it"


MISSING, UNDECIDED = Unknown.MISSING, Unknown.UNDECIDED


@dataclass(frozen=True)
class Module:
    """name: as it is imported. defined: the statements that bind each name, in any branch."""

    name: str
    path: Path
    tree: ast.Module
    defined: dict[str, list[ast.stmt]]

    @property
    def package(self) -> str:
        return self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]

    @property
    def is_open(self) -> bool:
        """Whether it may define names that its source does not show."""
        names = {node.id for node in ast.walk(self.tree) if isinstance(node, ast.Name)}
        return bool({"*", "__getattr__"} & self.defined.keys() or DYNAMIC & names)


@dataclass(frozen=True)
class Definition:
    """node: a function, a class, or the value of an assignment."""

    module: Module
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.expr


class SourceReader:
    def __init__(self) -> None:
        self._modules: dict[str, Module | None] = {}

    def module(self, name: str) -> Module | None:
        """None if it has no source, or if that cannot be parsed. Only the first call for a module raises its
        SyntaxError."""
        if name not in self._modules:
            self._modules[name] = None
            path = source_file(name)
            if path is not None:
                tree = ast.parse(path.read_bytes(), str(path))
                self._modules[name] = Module(name, path, tree, _bindings(tree.body))
        return self._modules[name]

    def definition(self, module: Module, name: str, steps: int = MAX_STEPS) -> Definition | Unknown:
        """The definition of a name, if exactly one statement binds it. Imports and assignments of names are
        followed."""
        statements = module.defined.get(name, [])
        if not statements:
            return UNDECIDED if module.is_open else MISSING
        if len(statements) > 1 or steps == 0:
            return UNDECIDED
        match statements[0]:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() as node:
                return Definition(module, node)
            case ast.ImportFrom() as node:
                return self._imported(module, node, name, steps)
            case ast.Assign(value=ast.Name(id=other)) if other != name:
                return self.definition(module, other, steps - 1)
            case ast.Assign(targets=[ast.Name()], value=value):
                return Definition(module, value)
        return UNDECIDED

    def base(self, module: Module, base: ast.expr) -> Definition | Unknown:
        """The definition of a base class, such as `Settings`, or `training.Settings` of an imported module."""
        match base:
            case ast.Name(id=name):
                return self.definition(module, name)
            case ast.Attribute(value=ast.Name(id=owner), attr=name):
                source = self._imported_module(module, owner)
                return UNDECIDED if source is None else self.definition(source, name)
        return UNDECIDED

    def _imported_module(self, module: Module, name: str) -> Module | None:
        statements = module.defined.get(name, [])
        if len(statements) != 1 or not isinstance(node := statements[0], ast.ImportFrom):
            return None
        original = next((alias.name for alias in node.names if (alias.asname or alias.name) == name), name)
        try:
            base = importlib.util.resolve_name("." * node.level + (node.module or ""), module.package)
            return self.module(f"{base}.{original}")
        except (ImportError, SyntaxError, ValueError, OSError):
            return None

    def _imported(self, module: Module, node: ast.ImportFrom, name: str, steps: int) -> Definition | Unknown:
        original = next((alias.name for alias in node.names if (alias.asname or alias.name) == name), name)
        try:
            base = importlib.util.resolve_name("." * node.level + (node.module or ""), module.package)
            source = self.module(base)
        except (ImportError, SyntaxError, ValueError, OSError):
            return UNDECIDED
        found = UNDECIDED if source is None else self.definition(source, original, steps - 1)
        return UNDECIDED if found is MISSING else found


def _bindings(body: Iterable[ast.stmt]) -> dict[str, list[ast.stmt]]:
    found: dict[str, list[ast.stmt]] = {}
    for statement in _statements(body):
        for name in _bound(statement):
            found.setdefault(name, []).append(statement)
    return found


def _statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a module's own scope, in all branches."""
    for statement in body:
        yield statement
        if not isinstance(statement, Scope):
            for node in ast.iter_child_nodes(statement):
                inside = [node] if isinstance(node, ast.stmt) else getattr(node, "body", None)
                if isinstance(inside, list):
                    yield from _statements(inside)


def _bound(statement: ast.stmt) -> Iterator[str]:
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Import(names=names):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in names)
        case ast.ImportFrom(names=names):
            yield from (alias.asname or alias.name for alias in names)
        case _:
            yield from (
                node.id
                for node in _own_nodes(statement)
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
            )


def _own_nodes(statement: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a statement, without those of nested statements."""
    yield statement
    for node in ast.iter_child_nodes(statement):
        if not isinstance(node, ast.stmt | Scope):
            yield from _own_nodes(node)


def fields(reader: SourceReader, kind: Definition) -> dict[str, bool] | Unknown:
    """The fields of a dataclass, with the bases' fields first, and whether each needs a value. MISSING: it is not a
    dataclass."""
    node = kind.node
    if not isinstance(node, ast.ClassDef):
        return UNDECIDED
    marks = [ast.unparse(one.func if isinstance(one, ast.Call) else one) for one in node.decorator_list]
    if not set(marks) <= {"dataclass", "dataclasses.dataclass"} or node.keywords:
        return UNDECIDED
    found: dict[str, bool] = {}
    for base in node.bases:
        above = reader.base(kind.module, base)
        inherited = UNDECIDED if isinstance(above, Unknown) else fields(reader, above)
        if inherited is UNDECIDED:
            return UNDECIDED
        found |= inherited if isinstance(inherited, dict) else {}
    if not marks:
        return found or MISSING
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            found |= _field(statement.target.id, statement)
    return found


def _field(name: str, statement: ast.AnnAssign) -> dict[str, bool]:
    annotation, value = ast.unparse(statement.annotation), statement.value
    if "ClassVar" in annotation or annotation.rpartition(".")[2] == "KW_ONLY":
        return {}
    if isinstance(value, ast.Call) and ast.unparse(value.func).rpartition(".")[2] == "field":
        settings = {one.arg: one.value for one in value.keywords}
        if isinstance(init := settings.get("init"), ast.Constant) and init.value is False:
            return {}
        return {name: not settings.keys() & {"default", "default_factory"}}
    return {name: value is None}
