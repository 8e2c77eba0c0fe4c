"""The search space of a Ray Tune script, read from its source: https://docs.ray.io/en/latest/tune/api/search_space.html."""

import ast
from collections.abc import Iterator
from typing import Any

from hpsearch.study.translation import entries, methods
from hpsearch.study.translation.calls import Source, name_of
from hpsearch.study.translation.draft import Draft
from hpsearch.study.translation.entries import Entry

_SPACE = {
    *("uniform", "quniform", "loguniform", "qloguniform", "randn", "qrandn", "randint", "qrandint", "lograndint"),
    *("qlograndint", "choice", "grid_search", "sample_from"),
}
_RUNS = {"TuneConfig", "Tuner", "run", "RunConfig"}


def is_script(source: Source) -> bool:
    return any(_is_tune(call) for _, call in source.calls())


def _is_tune(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr in _SPACE and name_of(call.func.value) == "tune"


def read(source: Source, file: str) -> Draft:
    draft = Draft("a Ray Tune script")
    for table in _tables(source):
        _parameters(draft, source, table)
    methods.search(draft, "grid" if _is_grid(source) else "random")
    for name, call in source.calls():
        if name in _RUNS:
            _run(draft, source, call, file)
    return draft


def _tables(source: Source) -> Iterator[ast.Dict]:
    """The outermost dictionaries that have a range of Tune in them."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Dict) and any(_is_tune(call) for _, call in source.calls(node)):
            parent = source.parents.get(node)
            while parent is not None and not isinstance(parent, ast.Dict):
                parent = source.parents.get(parent)
            if parent is None:
                yield node


def _is_grid(source: Source) -> bool:
    found = {call.func.attr for _, call in source.calls() if _is_tune(call) and isinstance(call.func, ast.Attribute)}
    return found == {"grid_search"}


def _parameters(draft: Draft, source: Source, table: ast.Dict, group: str = "") -> None:
    for key, value in zip(table.keys, table.values, strict=True):
        try:
            name = f"{group}{source.value(key)}" if key is not None else ""
        except ValueError:
            name = ""
        if not name:
            draft.note("space", f"line {value.lineno}, {ast.unparse(value)[:80]}: its name is no literal")
        elif isinstance(value, ast.Dict) and any(_is_tune(call) for _, call in source.calls(value)):
            _parameters(draft, source, value, f"{name}.")
        else:
            _parameter(draft, source, name, value)


def _parameter(draft: Draft, source: Source, name: str, node: ast.expr) -> None:
    try:
        is_range = isinstance(node, ast.Call) and _is_tune(node)
        value, comment = _entry(source, node) if is_range else entries.fixed(source.value(node))  # type: ignore[arg-type]
    except (ValueError, KeyError, TypeError, IndexError, OverflowError) as problem:
        draft.note("space", f"{name} = {ast.unparse(node)[:120]}, line {node.lineno}: cannot be said ({problem})")
        return
    draft.put("space", name, value, comment)


def _entry(source: Source, call: ast.Call) -> Entry:
    kind = name_of(call.func)
    given = source.arguments(call, _names(kind))
    known = {key: source.value(one) for key, one in given.items()}
    match kind:
        case "choice" | "grid_search":
            return entries.choice(known["values"])
        case "uniform" | "loguniform":
            return entries.floats(known["lower"], known["upper"], log=kind == "loguniform")
        case "quniform" | "qloguniform":
            return entries.multiples(known["lower"], known["upper"], known["q"], log=kind == "qloguniform")
        case "randint" | "lograndint":  # their upper end is left out
            return entries.integers(known["lower"], known["upper"] - 1, log=kind == "lograndint")
        case "qrandint" | "qlograndint":
            return entries.multiples(known["lower"], known["upper"], known["q"], log=kind == "qlograndint")
        case "randn" | "qrandn":
            return entries.normal(known.get("mean", 0.0), known.get("sd", 1.0))
    raise ValueError(f"tune.{kind} has no counterpart")


def _names(kind: str) -> tuple[str, ...]:
    if kind in ("choice", "grid_search"):
        return ("values",)
    return ("mean", "sd", "q") if kind in ("randn", "qrandn") else ("lower", "upper", "q")


def _run(draft: Draft, source: Source, call: ast.Call, file: str) -> None:
    """The arguments of tune.run, Tuner, TuneConfig and RunConfig."""
    if name_of(call.func) in ("run", "Tuner"):
        trainable = source.arguments(call, ("trainable",)).get("trainable")
        if isinstance(trainable, ast.Name):
            use = f"{file}:{trainable.id}"
            draft.put("trainer", "use", use, "a trainable of ray.tune is a trainer, see docs/forms.md")
    for key, node in source.arguments(call, ()).items():
        if isinstance(node, ast.Call):
            _object(draft, source, key, node)
            continue
        try:
            value = source.value(node)
        except ValueError:
            continue
        _setting(draft, key, value)


def _setting(draft: Draft, key: str, value: Any) -> None:
    match key, value:
        case "metric", str():
            draft.put("study", "metric", value)
        case "mode", str():
            methods.goal(draft, value)
        case "name", str():
            draft.put("study", "name", value)
        case "num_samples", int() if value > 0:
            methods.trials(draft, value)
        case "max_concurrent_trials" | "max_concurrent", int() if value > 0:
            draft.put("resources", "workers", value)
        case "resources_per_trial", dict():
            named = {"cpus": value.get("cpu"), "gpus": value.get("gpu")}
            draft.put("resources", "per_trial", {key: count for key, count in named.items() if count is not None})


def _object(draft: Draft, source: Source, key: str, call: ast.Call) -> None:
    given: dict[str, Any] = {}
    for name, node in source.arguments(call, ()).items():
        try:
            given[name] = source.value(node)
        except ValueError:
            continue
    if key == "search_alg":
        methods.search(draft, name_of(call.func))
    elif key == "scheduler":
        methods.prune(draft, name_of(call.func), given.get("grace_period"), given.get("reduction_factor"))
        longest = given.get("max_t")
        if isinstance(longest, int) and longest > 0:
            draft.put("trainer", "epochs", longest, "max_t")
