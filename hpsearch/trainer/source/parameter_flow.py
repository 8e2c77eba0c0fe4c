"""Which parameters the source files of a trainer use, where the parameters are copied, merged and passed on.

The names of variables, arguments and attributes that may hold all parameters are collected over all files: the
trainer's first argument, `config = {**DEFAULTS, **params}`, `self.config = config`, the argument of a function that is
called with them. Every use of such a name must be one that is known here; with any other use the result is None,
because a library may read the parameters by name. So a parameter that is not in the result is used nowhere.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field

from hpsearch.trainer.source import known_calls as known
from hpsearch.trainer.source.source_index import (
    SourceIndex,
    argument_names,
    called_method,
    copied,
    is_without_effect,
    merged,
    name_of,
    text_of,
)
from hpsearch.trainer.source.source_reader import Function

MAX_TURNS = 50
"""The most passes over the files; each finds at least one more name."""


class Undecided(Exception):
    """The source does not show which parameters are used."""


def names_used(
    trees: Mapping[str, ast.Module], trainer: Function, argument: str | None, kind: str = ""
) -> frozenset[str] | None:
    """The names that may be used, among them words that are not parameters; None if the source does not show them.

    trees: all files of the trainer, by module. trainer: a function in them. argument: the name of its argument for all
    parameters; None if it takes each as its own argument. kind: the class that annotates it, "" if there is none.
    """
    flow = _Flow(SourceIndex(trees))
    try:
        if argument is None:
            flow.bind_all(trainer, set())
        else:
            flow.holders |= {argument, "self"} if flow.index.has_methods(kind) else {argument}
        for _ in range(MAX_TURNS):
            before = (len(flow.holders), len(flow.returning))
            flow.names.clear()
            flow.pass_on()
            if argument is None:
                flow.bind_all(trainer, set())
            if before == (len(flow.holders), len(flow.returning)):
                return frozenset(flow.names)
    except (Undecided, RecursionError):  # classes of one name in two files may be each other's base
        return None
    return None


@dataclass
class _Flow:
    """holders: names of what may hold all parameters. returning: functions that may return them. names: that are read
    from them."""

    index: SourceIndex
    holders: set[str] = field(default_factory=set)
    returning: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)

    def pass_on(self) -> None:
        for node in self.index.nodes:
            match node:
                case ast.Name(id=name, ctx=ast.Load()) if name in known.UNDECIDABLE:
                    raise Undecided
                case ast.ImportFrom(names=names):
                    self.holders |= {one.asname for one in names if one.asname and one.name in self.holders}
                case ast.expr() if self._holds_all(node):
                    self._use(node)

    # What holds all parameters ──────────────────────────────────────────────────────────────────

    def _holds_all(self, node: ast.AST | None) -> bool:
        match node:
            case ast.Name(ctx=ast.Load()) | ast.Attribute(ctx=ast.Load()) if name_of(node) in self.holders:
                return not isinstance(self.index.parents.get(node), ast.Call) or not self._is_function(node)
            case ast.Attribute(value=inner, attr="__dict__"):
                return self._holds_all(inner)
            case ast.Dict():
                return any(map(self._holds_all, merged(node)))
            case ast.BinOp(op=ast.BitOr(), left=left, right=right):
                return self._holds_all(left) or self._holds_all(right)
            case ast.BoolOp(values=values):
                return any(map(self._holds_all, values))
            case ast.IfExp(body=body, orelse=other):
                return self._holds_all(body) or self._holds_all(other)
            case ast.NamedExpr(value=value) | ast.Await(value=value):
                return self._holds_all(value)
            case ast.DictComp(key=ast.Name(id=key), value=ast.Name(id=value), generators=[one]):
                return self._items_of(one.iter, one.target) == (key, value)
            case ast.Call():
                return self._result_holds_all(node)
        return False

    def _is_function(self, node: ast.expr) -> bool:
        parent = self.index.parents[node]
        return isinstance(parent, ast.Call) and parent.func is node and name_of(node) in self.returning

    def _result_holds_all(self, call: ast.Call) -> bool:
        name, function = self.index.called(call), call.func
        if name in self.returning:
            return True
        has_copy = any(map(self._holds_all, copied(call)))
        if self.index.is_class(name):
            has_all = self.index.is_record(name) and any(
                one.arg is None and self._holds_all(one.value) for one in call.keywords
            )
            return "self" in self.holders or has_all or (has_copy and self.index.is_dictionary(name))
        if isinstance(function, ast.Attribute) and name in known.COPYING_METHODS and self._holds_all(function.value):
            return True
        is_own = name in self.index.functions or name in self.index.values
        is_copying = isinstance(function, ast.Name) or name_of(getattr(function, "value", None)) in known.OWNERS.get(
            name, ()
        )
        return not is_own and has_copy and (name in known.CONTAINERS or (name in known.COPIES and is_copying))

    def _items_of(self, iterated: ast.expr, target: ast.expr) -> tuple[str, str] | None:
        """("k", "v") for `for k, v in params.items()`."""
        match iterated, target:
            case (
                ast.Call(func=ast.Attribute(value=inner, attr="items"), args=[]),
                ast.Tuple(elts=[ast.Name(id=key), ast.Name(id=value)]),
            ) if self._holds_all(inner):
                return key, value
        return None

    # What may be done with it ───────────────────────────────────────────────────────────────────

    def _use(self, node: ast.expr) -> None:
        parent = self.index.parents[node]
        match parent:
            case ast.Subscript(ctx=ast.Load()) if not self._is_in_loop_over(node, parent):
                self._read(text_of(parent.slice))
            case ast.Attribute(attr=attr, ctx=ast.Load()):
                self._read_attribute(parent, attr)
            case ast.Compare(left=left, ops=[ast.In() | ast.NotIn()]) if left is not node:
                self.names.add(text_of(left) or "")
            case ast.For() if parent.iter is node:
                self._loop(parent, node)
            case ast.keyword():
                self._passed(self.index.parents[parent], node, parent)
            case ast.Call():
                self._passed(parent, node, None)
            case _ if not (self._is_moved(node, parent) or is_without_effect(parent) or self._is_printed(node)):
                raise Undecided

    def _is_moved(self, node: ast.expr, parent: ast.AST) -> bool:
        """Whether it is assigned, returned, or a part of another expression that holds all parameters."""
        match parent:
            case ast.Assign(targets=targets):
                for target in targets:
                    self._hold(target)
            case ast.AnnAssign(target=target) | ast.AugAssign(target=target) | ast.NamedExpr(target=target):
                self._hold(target)
            case ast.Return():
                self._returned(node)
            case ast.arguments():  # a default
                self.holders |= {one.arg for one in (*parent.posonlyargs, *parent.args, *parent.kwonlyargs)}
            case ast.Dict():
                return node in merged(parent)
            case ast.BinOp() | ast.BoolOp() | ast.IfExp() | ast.Await():
                return self._holds_all(parent)
            case _:
                return False
        return True

    def _is_printed(self, node: ast.AST) -> bool:
        """Whether it is a part of a text that is printed, logged or raised."""
        parent = self.index.parents[node]
        while isinstance(parent, ast.FormattedValue | ast.JoinedStr):
            node, parent = parent, self.index.parents[parent]
        if not isinstance(parent, ast.Call) or node not in parent.args:
            return False
        return self._is_output(parent) or isinstance(self.index.parents[parent], ast.Raise)

    def _is_output(self, call: ast.Call) -> bool:
        name = name_of(call.func)
        is_known = name in (known.CHECKS if isinstance(call.func, ast.Name) else known.LOGGING)
        return is_known and name not in self.index.functions and name not in self.index.values

    def _hold(self, target: ast.expr) -> None:
        if not name_of(target):
            raise Undecided
        self.holders.add(name_of(target))

    def _read(self, name: str | None) -> None:
        if name is None:
            raise Undecided
        self.names.add(name)

    def _read_attribute(self, node: ast.Attribute, attr: str) -> None:
        """`params.lr`, or the call of a method of a dictionary."""
        call = self.index.parents[node]
        if attr == "__dict__":  # it holds all, too
            return
        if not isinstance(call, ast.Call) or call.func is not node:
            self.names.add(attr)
            self.holders |= {"self"} if attr in self.index.functions else set()  # a property
        elif attr in known.LOOKUPS:
            self._read(text_of(call.args[0]) if call.args else None)
        elif attr in ("items", "keys", "values"):
            self._iterated(call)
        elif attr not in known.COPYING_METHODS | {"update"}:
            self.names.add(attr)
            self.holders.add("self")
            if attr not in self.index.functions:
                raise Undecided

    def _iterated(self, call: ast.Call) -> None:
        match self.index.parents[call]:
            case ast.For() as loop if loop.iter is call:
                self._loop(loop, call)
            case ast.comprehension() as one if self._holds_all(self.index.parents[one]):
                pass
            case ast.Call(func=ast.Name(id="print" | "len")) | ast.FormattedValue() if self._is_printed(call):
                pass
            case _:
                raise Undecided

    def _returned(self, node: ast.expr) -> None:
        function = self.index.above(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if not isinstance(function, Function):
            raise Undecided
        self.returning.add(function.name)
        if any(name_of(one) in ("property", "cached_property") for one in function.decorator_list):
            self.holders.add(function.name)

    # Loops over all parameters ──────────────────────────────────────────────────────────────────

    def _is_in_loop_over(self, node: ast.expr, item: ast.Subscript) -> bool:
        """Whether this is `params[k]` in a loop `for k in params`, which `_loop` checks."""
        loop = self.index.above(node, ast.For)
        if not isinstance(loop, ast.For) or name_of(item.slice) != (name_of(loop.target) or None):
            return False
        is_keys = called_method(loop.iter) == "keys" and isinstance(loop.iter, ast.Call)
        held = getattr(loop.iter.func, "value", node) if is_keys else loop.iter  # type: ignore[attr-defined]
        return ast.dump(held) == ast.dump(node)

    def _loop(self, loop: ast.For, iterated: ast.expr) -> None:
        """`for k, v in params.items(): setattr(config, k, v)`, or `config[k] = v`, is a copy; other uses of k and v are
        not decided."""
        match loop.target:
            case ast.Tuple(elts=[ast.Name(id=key), ast.Name(id=value)]) if called_method(iterated) == "items":
                names = {key, value}
            case ast.Name(id=key) if called_method(iterated) in ("", "keys"):
                names = {key}
            case _:
                raise Undecided
        for node in (one for statement in loop.body for one in ast.walk(statement)):
            if isinstance(node, ast.Name) and node.id in names:
                self._used_in_loop(node, key)

    def _used_in_loop(self, node: ast.Name, key: str) -> None:
        match statement := self.index.above(node, ast.stmt):
            case ast.Expr(value=ast.Call(func=ast.Name(id="setattr"), args=[target, ast.Name(id=name), _])) if (
                name == key
            ):
                self._merged_into(target)
            case ast.Assign(targets=[ast.Subscript(value=target, slice=ast.Name(id=name))]) if name == key:
                self._merged_into(target)
            case ast.Expr(value=ast.Call() as call) if self._is_output(call):
                pass
            case ast.Raise() | ast.Assert():
                pass
            case ast.If():  # its test: the rest of it are statements of their own
                self.names |= {text for one in ast.walk(statement.test) if (text := text_of(one)) is not None}
            case _:
                raise Undecided

    def _merged_into(self, target: ast.expr) -> None:
        """The target then holds all parameters. Undecided if it may belong to a library, which may read them."""
        match target:
            case ast.Call(func=ast.Name(id="vars"), args=[inner]) | ast.Attribute(attr="__dict__", value=inner):
                self._merged_into(inner)
                return
        name, function = name_of(target), self.index.above(target, Function)
        if isinstance(target, ast.Attribute) and name_of(target.value) not in {"self", "cls"} | self.index.modules:
            raise Undecided
        if name == "self":
            owner = self.index.above(target, ast.ClassDef)
            if not isinstance(owner, ast.ClassDef) or not self.index.is_bare(owner.name):
                raise Undecided
        elif name in self.index.classes:
            if not self.index.is_bare(name):
                raise Undecided
            self.holders.add("self")
        elif name not in self.holders and (name in argument_names(function) or not self._is_plain(name)):
            raise Undecided
        self.holders.add(name)

    def _is_plain(self, name: str) -> bool:
        """Whether only new dictionaries, namespaces and objects of the files are assigned to it."""
        values = self.index.values.get(name, [])
        return bool(values) and all(self._is_new(value) or self._holds_all(value) for value in values)

    def _is_new(self, value: ast.expr | None) -> bool:
        match value:
            case ast.Dict() | ast.DictComp():
                return True
            case ast.Call(func=function):
                name = name_of(function)
                if name in self.index.classes:
                    self.holders.add("self")
                    return self.index.is_bare(name)
                if name in known.COPYING_METHODS and isinstance(function, ast.Attribute):
                    return self._is_plain(name_of(function.value))
                owner = name_of(getattr(function, "value", None))
                if name in ("copy", "deepcopy", "replace", "asdict") and value.args:
                    return self._is_new(value.args[0]) or self._is_plain(name_of(value.args[0]))
                is_known = name in known.CONTAINERS | known.NEW_OBJECTS or owner in known.OWNERS.get(name, ())
                return is_known and name not in self.index.functions
        return False

    # Calls ──────────────────────────────────────────────────────────────────────────────────────

    def _passed(self, call: ast.AST, node: ast.expr, keyword: ast.keyword | None) -> None:
        if not isinstance(call, ast.Call) or call.func is node:
            raise Undecided
        match call:
            case ast.Call(func=ast.Name(id="getattr"), args=[first, key, *_]) if first is node:
                return self._read(text_of(key))
            case ast.Call(func=ast.Name(id="setattr" | "hasattr"), args=[first, key, *_]) if first is node:
                self.names.add(text_of(key) or "")
                return None
            case ast.Call(func=ast.Attribute(value=target, attr="update")) if keyword is None or keyword.arg is None:
                return self._merged_into(target)
        name = self.index.called(call)
        if not self._is_own(call, name):
            is_known = self._result_holds_all(call) and name not in self.index.defined
            if not is_known and not self._is_output(call) and not isinstance(self.index.parents[call], ast.Raise):
                raise Undecided
        elif name in self.index.classes and self.index.is_record(name):
            self._recorded(keyword, name)
        elif name not in self.index.classes or not self.index.is_dictionary(name):
            own = [*self.index.initializers(name)] if name in self.index.classes else self.index.functions[name]
            if not own:
                raise Undecided
            for one in own:
                self._bind(call, node, keyword, one)
        return None

    def _is_own(self, call: ast.Call, name: str) -> bool:
        """Whether the call can only be one of a function or class of the files."""
        if name in self.index.values or name not in self.index.defined:
            return False
        if isinstance(call.func, ast.Name):
            return name not in self.index.foreign
        base = name_of(getattr(call.func, "value", None))
        known_bases = {"self", "cls"} | self.index.modules | self.index.classes.keys()
        return base in known_bases - self.index.foreign

    def _recorded(self, keyword: ast.keyword | None, name: str) -> None:
        """A dataclass is created with the parameters, or with an object that holds them as one of its fields."""
        if keyword is None:
            raise Undecided
        if keyword.arg is not None:
            self.holders.add(keyword.arg)
        if self.index.has_methods(name):
            self.holders.add("self")

    def _bind(self, call: ast.Call, node: ast.expr, keyword: ast.keyword | None, function: Function) -> None:
        if not {name_of(one.func if isinstance(one, ast.Call) else one) for one in function.decorator_list} <= (
            known.HARMLESS_DECORATORS
        ):
            raise Undecided
        named = [one.arg for one in (*function.args.posonlyargs, *function.args.args)]
        is_bound = name_of(getattr(call.func, "value", None)) not in self.index.classes or named[:1] == ["cls"]
        if named[:1] in (["self"], ["cls"]) and is_bound:
            named = named[1:]
        if keyword is not None and keyword.arg is None:
            given: set[str] = {one.arg for one in call.keywords if one.arg} | set(named[: len(call.args)])
            self.bind_all(function, given)
        elif keyword is not None and keyword.arg in {*named, *(one.arg for one in function.args.kwonlyargs)}:
            self.holders.add(keyword.arg or "")
        elif node in call.args and not any(isinstance(one, ast.Starred) for one in call.args):
            place = call.args.index(node)
            if place >= len(named):
                raise Undecided
            self.holders.add(named[place])
        else:
            raise Undecided

    def bind_all(self, function: Function, given: set[str]) -> None:
        """A call with `**params`. given: the names of the call's other arguments."""
        args = function.args
        named = {one.arg for one in (*args.posonlyargs, *args.args, *args.kwonlyargs)} - given
        inside = (node for statement in function.body for node in ast.walk(statement))
        self.names |= named & {one.id for one in inside if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)}
        if args.kwarg is not None:
            self.holders.add(args.kwarg.arg)
