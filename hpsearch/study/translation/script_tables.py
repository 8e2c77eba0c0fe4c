"""The dictionaries of a script, including keys that are added later. Nothing is executed."""

import ast
from collections.abc import Iterator
from typing import Any

import yaml

from hpsearch.core import yaml_text
from hpsearch.study.translation.calls import Source, pairs_of
from hpsearch.study.translation.entries import Unread

_CAMEL = {
    "search_space": "searchSpace",
    "trial_command": "trialCommand",
    "trial_concurrency": "trialConcurrency",
    "max_trial_number": "maxTrialNumber",
    "max_experiment_duration": "maxExperimentDuration",
    "max_trial_duration": "maxTrialDuration",
    "trial_gpu_number": "trialGpuNumber",
    "experiment_name": "experimentName",
    "class_args": "classArgs",
}
"""Attributes of an NNI experiment in Python -> keys in its files."""

_Path = tuple[str, ...]


class ScriptTables:
    """Also reads `sweep["parameters"] = {…}` and `parameters.update({…})`. Other values than literals are `Unread`."""

    def __init__(self, source: Source):
        self._source = source
        self._named: dict[str, ast.expr] = {}
        self._added: dict[str, list[tuple[_Path, ast.expr]]] = {}
        self._config: list[tuple[_Path, ast.expr]] = []
        self._open: set[str] = set()
        for node in ast.walk(source.tree):
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=value) if pairs_of(value) is not None:
                    self._named[name] = value
                case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if pairs_of(value) is not None:
                    self._named[name] = value
                case ast.Assign(targets=[ast.Subscript() | ast.Attribute() as target], value=value):
                    self._add(target, value)
                case ast.Call(func=ast.Attribute(value=target, attr="update"), args=[value]) if (
                    pairs_of(value) is not None
                ):
                    self._add(target, value)

    def all(self) -> Iterator[dict[str, Any]]:
        """All dictionaries: first settings such as `experiment.config.trial_command = …` in the form of an NNI file,
        then dictionaries assigned to a name, then all others, then YAML in strings."""
        if self._config:
            yield self._of_config()
        yield from map(self._of_name, self._named)
        named = set(self._named.values())
        nodes = list(ast.walk(self._source.tree))
        yield from (self._table(one) for one in nodes if pairs_of(one) is not None and one not in named)
        for one in nodes:
            if isinstance(one, ast.Constant) and isinstance(one.value, str) and "\n" in one.value and ":" in one.value:
                yield from _in_text(one.value)

    def _of_config(self) -> dict[str, Any]:
        table: dict[str, Any] = {}
        for path, node in self._config:
            if not isinstance(value := self._value(node), Unread):
                _put(table, path, value)
        return table

    def _add(self, target: ast.expr, value: ast.expr) -> None:
        path: list[str] = []
        while True:
            match target:
                case ast.Subscript(value=inner, slice=ast.Constant(value=key)):
                    path.insert(0, str(key))
                case ast.Attribute(value=inner, attr=key):
                    path.insert(0, key)
                case _:
                    break
            target = inner
        if "config" in path:
            own = path[path.index("config") + 1 :]
            self._config.append((tuple(_CAMEL.get(one, one) for one in own), value))
        elif isinstance(target, ast.Name):
            self._added.setdefault(target.id, []).append((tuple(path), value))

    def _of_name(self, name: str) -> dict[str, Any]:
        if name in self._open:
            return {}
        self._open.add(name)
        table = self._table(self._named[name])
        for path, node in self._added.get(name, ()):
            _put(table, path, self._value(node))
        self._open.discard(name)
        return table

    def _table(self, node: ast.AST) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs_of(node) or ():
            own = self._value(value)
            if key is None:
                found |= own if isinstance(own, dict) else {}
                continue
            try:
                found[str(self._source.value(key))] = own
            except ValueError:
                found[ast.unparse(key)[:80]] = Unread(ast.unparse(value)[:80])
        return found

    def _value(self, node: ast.expr) -> Any:
        if pairs_of(node) is not None:
            return self._table(node)
        if isinstance(node, ast.Name) and node.id in self._named:
            return self._of_name(node.id)
        try:
            return self._source.value(node)
        except ValueError:
            pass
        if isinstance(node, ast.List | ast.Tuple):
            return [self._value(one) for one in node.elts]
        return Unread(ast.unparse(node)[:80])


def _put(table: dict[str, Any], path: _Path, value: Any) -> None:
    """Set the value at a path; a table at its end is updated."""
    for name in path[:-1]:
        inner = table.setdefault(name, {})
        if not isinstance(inner, dict):
            return
        table = inner
    if path:
        table[path[-1]] = value
    elif isinstance(value, dict):
        table |= value


def _in_text(text: str) -> Iterator[dict[str, Any]]:
    try:
        found = yaml_text.document(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return
    if isinstance(found, dict):
        yield found
