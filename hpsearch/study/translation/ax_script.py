"""An experiment of Ax in a script: https://ax.dev/docs/. Its constraints have the same form as in hpsearch."""

import ast
from collections.abc import Iterator
from typing import Any

from hpsearch.study.translation import entries, methods
from hpsearch.study.translation.calls import Source, name_of
from hpsearch.study.translation.draft import Draft
from hpsearch.study.translation.entries import Entry

_CALLS = {"create_experiment", "configure_experiment", "optimize"}
_CONFIGS = {"RangeParameterConfig", "ChoiceParameterConfig", "RangeParameter", "ChoiceParameter", "FixedParameter"}


def is_script(source: Source) -> bool:
    return any(True for call in _experiments(source) for _ in _parameters(source, call))


def _experiments(source: Source) -> Iterator[ast.Call]:
    for name, call in source.calls():
        if name in _CALLS and isinstance(source.arguments(call, ()).get("parameters"), ast.expr):
            yield call


def _parameters(source: Source, call: ast.Call) -> Iterator[dict[str, ast.expr]]:
    """The arguments of each parameter, from a dictionary or a call such as RangeParameterConfig."""
    node = source.resolved(source.arguments(call, ())["parameters"])
    for one in node.elts if isinstance(node, ast.List | ast.Tuple) else ():
        if isinstance(one, ast.Dict):
            pairs = zip(one.keys, one.values, strict=True)
            yield {str(key.value): value for key, value in pairs if isinstance(key, ast.Constant)}
        elif isinstance(one, ast.Call) and name_of(one.func) in _CONFIGS:
            yield source.arguments(one, ("name",))


def read(source: Source, file: str) -> Draft:  # noqa: ARG001
    draft = Draft("an experiment of Ax")
    methods.search(draft, "gp")
    for call in _experiments(source):
        for given in _parameters(source, call):
            _put(draft, source, given)
        _settings(draft, source, call)
    for name, call in source.calls():
        if name == "configure_optimization":
            _settings(draft, source, call)
        elif name == "attach_trial" and "parameters" in (given := source.arguments(call, ("parameters",))):
            methods.first(draft, [_value(source, given["parameters"])])
    return draft


def _put(draft: Draft, source: Source, given: dict[str, ast.expr]) -> None:
    known = {key: _value(source, node) for key, node in given.items()}
    name = entries.text(known.get("name"))
    try:
        if not name:
            raise ValueError("its name is not a literal")
        draft.put("space", name, *_entry(known))
    except (ValueError, KeyError, TypeError, OverflowError) as problem:
        draft.not_translated(f"{name or 'a parameter'} = {known}", problem)


def _entry(known: dict[str, Any]) -> Entry:
    if "values" in known:
        return entries.choice(known["values"])
    if "value" in known:
        return entries.fixed(known["value"])
    low, high = known["bounds"] if "bounds" in known else (known["lower"], known["upper"])
    log = known.get("log_scale") is True or known.get("scaling") == "log"
    kind = str(known.get("value_type", known.get("parameter_type", ""))).lower()
    is_whole = "int" in kind or (not kind and isinstance(low, int) and isinstance(high, int))
    return (entries.integers if is_whole else entries.floats)(low, high, log=log, step=known.get("step_size"))


def _value(source: Source, node: ast.expr) -> Any:
    try:
        return source.value(node)
    except ValueError:
        return entries.Unread(ast.unparse(node)[:80])


def _settings(draft: Draft, source: Source, call: ast.Call) -> None:
    given = source.arguments(call, ())
    known = {key: _value(source, node) for key, node in given.items()}
    if name := entries.text(known.get("name")):
        draft.put("study", "name", name)
    if constraints := _texts(known.get("parameter_constraints")):
        draft.put("space", "constraints", constraints)
    if outcomes := _texts(known.get("outcome_constraints")):
        absolute = [one for one in outcomes if "%" not in one and "baseline" not in one]
        if absolute:
            draft.put("study", "require", absolute)
        for one in outcomes:
            if one not in absolute:
                draft.note("study", f"{one}: not translated, because the bound of a requirement must be a number")
    if metric := entries.text(known.get("objective_name")):
        draft.put("study", "metric", metric)
        methods.goal(draft, "minimize" if known.get("minimize") is True else "maximize")
    if isinstance(text := known.get("objective"), str):
        _goals(draft, [(part.strip().lstrip("-"), part.strip().startswith("-")) for part in text.split(",")])
    if isinstance(objectives := given.get("objectives"), ast.Dict):
        _goals(draft, [*_objectives(source, objectives)])


def _objectives(source: Source, node: ast.Dict) -> Iterator[tuple[str, bool]]:
    for key, value in zip(node.keys, node.values, strict=True):
        if isinstance(key, ast.Constant) and isinstance(value, ast.Call):
            minimize = source.arguments(value, ("minimize",)).get("minimize")
            yield str(key.value), minimize is not None and _value(source, minimize) is True
        elif isinstance(key, ast.Constant) and isinstance(value, ast.Constant):
            yield str(key.value), str(value.value).lower().startswith("min")


def _goals(draft: Draft, found: list[tuple[str, bool]]) -> None:
    """The name of each metric, and whether it is minimized."""
    if len(found) == 1:
        draft.put("study", "metric", found[0][0])
    words = ["minimize" if minimize else "maximize" for _, minimize in found]
    if words:
        methods.objectives(draft, words, [name for name, _ in found])


def _texts(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
