"""The search space of a Ray Tune script, read from its source: https://docs.ray.io/en/latest/tune/api/search_space.html."""

import ast
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from hpsearch.study.translation import entries, methods
from hpsearch.study.translation.calls import Source, name_of, pairs_of
from hpsearch.study.translation.draft import Draft
from hpsearch.study.translation.entries import Entry

_SPACE = {
    *("uniform", "quniform", "loguniform", "qloguniform", "randn", "qrandn", "randint", "qrandint", "lograndint"),
    *("qlograndint", "choice", "grid_search", "sample_from"),
}
_WRAPPERS = {"with_resources", "with_parameters", "partial"}
_RUNS = {"TuneConfig", "Tuner", "run", "RunConfig"}


def is_script(source: Source) -> bool:
    return any(_is_tune(source, call) for _, call in source.calls())


def _is_tune(source: Source, call: ast.Call) -> bool:
    """Whether a call is `tune.uniform(…)`, or `uniform(…)` imported from ray.tune, or the like."""
    match call.func:
        case ast.Attribute(attr=name, value=module):
            return name in _SPACE and name_of(module) == "tune"
        case ast.Name(id=name):
            return name in _SPACE and source.imported.get(name, "").startswith("ray.tune")
    return False


def read(source: Source, file: str) -> Draft:
    draft = Draft("a Ray Tune script")
    for table in _tables(source):
        _parameters(draft, source, table)
    methods.search(draft, "grid" if _is_grid(source) else "random")
    for name, call in source.calls():
        if name in _RUNS:
            _run(draft, source, call, file)
    return draft


def _tables(source: Source) -> Iterator[ast.expr]:
    """The outermost dictionaries that contain a range of Tune, also in the form of `config["lr"] = tune.uniform(…)` and
    `config.training(lr=tune.uniform(…))`."""
    for node in ast.walk(source.tree):
        match node:
            case ast.Call(keywords=keywords) if pairs_of(node) is None:
                own = [one for one in keywords if one.arg and _is_range(source, one.value)]
                if own:
                    yield ast.Dict(keys=[ast.Constant(one.arg) for one in own], values=[one.value for one in own])
            case ast.Assign(targets=[ast.Subscript(slice=ast.Constant() as key)], value=ast.Call() as call):
                if _is_tune(source, call):
                    yield ast.Dict(keys=[key], values=[call])
        if (pairs := pairs_of(node)) is not None and any(_has_range(source, value) for _, value in pairs):
            parent = source.parents.get(node)
            while parent is not None and pairs_of(parent) is None:
                parent = source.parents.get(parent)
            if parent is None:
                assert isinstance(node, ast.expr)
                yield node


def _is_range(source: Source, node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and _is_tune(source, node)


def _has_range(source: Source, node: ast.expr) -> bool:
    return any(_is_tune(source, call) for _, call in source.calls(node))


def _is_grid(source: Source) -> bool:
    found = {
        call.func.attr for _, call in source.calls() if _is_tune(source, call) and isinstance(call.func, ast.Attribute)
    }
    return found == {"grid_search"}


def _parameters(draft: Draft, source: Source, table: ast.expr, group: str = "") -> None:
    for key, value in pairs_of(table) or ():
        try:
            name = f"{group}{source.value(key)}" if key is not None else ""
        except ValueError:
            name = ""
        if not name:
            draft.note("space", f"line {value.lineno}, {ast.unparse(value)[:80]}: its name is not a literal")
        elif pairs_of(value) is not None and _has_range(source, value):
            _parameters(draft, source, value, f"{name}.")
        else:
            _parameter(draft, source, name, value)


def _parameter(draft: Draft, source: Source, name: str, node: ast.expr) -> None:
    try:
        if isinstance(node, ast.Call) and _is_tune(source, node):
            value, comment = _entry(source, node)
        else:
            value, comment = entries.fixed(source.value(node))
    except (ValueError, KeyError, TypeError, IndexError, OverflowError) as problem:
        draft.not_translated(f"{name} = {ast.unparse(node)[:120]}, line {node.lineno}", problem)
        return
    draft.put("space", name, value, comment)


def _entry(source: Source, call: ast.Call) -> Entry:
    kind = name_of(call.func)
    given = source.arguments(call, _names(kind))
    if kind == "sample_from":
        return _sampled(source, source.resolved(given["lower"]))
    known = {key: source.value(one) for key, one in given.items()}
    match kind:
        case "choice" | "grid_search":
            return entries.choice(known["values"])
        case "uniform" | "loguniform":
            return entries.floats(known["lower"], known["upper"], log=kind == "loguniform")
        case "quniform" | "qloguniform":
            return entries.multiples(known["lower"], known["upper"], known["q"], log=kind == "qloguniform")
        case "randint" | "lograndint":  # the upper end is excluded
            return entries.integers(known["lower"], known["upper"] - 1, log=kind == "lograndint")
        case "qrandint" | "qlograndint":
            return entries.multiples(known["lower"], known["upper"], known["q"], log=kind == "qlograndint")
        case "randn" | "qrandn":
            step = known.get("q") if kind == "qrandn" else None
            return entries.normal(known.get("mean", 0.0), known.get("sd", 1.0), step=step)
    raise ValueError(f"tune.{kind} has no counterpart")


def _sampled(source: Source, function: ast.expr) -> Entry:
    """`lambda _: 2 ** np.random.randint(2, 9)` and the like. numpy's randint excludes the upper end."""
    match function:
        case ast.Lambda(body=ast.BinOp(left=base, op=ast.Pow(), right=ast.Call() as call)):
            power: Any = source.value(base)
        case ast.Lambda(body=ast.Call() as call):
            power = None
        case _:
            raise ValueError("a function of other parameters has no counterpart")
    kind, values = name_of(call.func), [source.value(one) for one in call.args]
    match kind, values:
        case "randint", [int() as low, int() as high]:
            is_python = ast.unparse(call.func) == "random.randint" and "random" not in source.imported
            last = high if is_python else high - 1
            if power is None:
                return entries.integers(low, last)
            if isinstance(power, int) and power > 1 and low >= 0:
                return {"low": power**low, "high": power**last, "powers_of": power}, ""
        case "uniform", [low, high]:
            return entries.floats(*(low, high) if power is None else (power**low, power**high), log=power is not None)
        case "choice", [list() as some] if power is None:
            return entries.choice(some)
    raise ValueError("a function of other parameters has no counterpart")


def _names(kind: str) -> tuple[str, ...]:
    if kind in ("choice", "grid_search"):
        return ("values",)
    return ("mean", "sd", "q") if kind in ("randn", "qrandn") else ("lower", "upper", "q")


def _run(draft: Draft, source: Source, call: ast.Call, file: str) -> None:
    """The arguments of tune.run, Tuner, TuneConfig and RunConfig."""
    if name_of(call.func) in ("run", "Tuner"):
        trainable = source.arguments(call, ("trainable",)).get("trainable")
        while isinstance(trainable, ast.Call) and name_of(trainable.func) in _WRAPPERS and trainable.args:
            with suppress(KeyError, ValueError):
                resources = source.arguments(trainable, ("trainable", "resources"))["resources"]
                _setting(draft, "resources_per_trial", source.value(resources))
            trainable = source.resolved(trainable.args[0])
        if isinstance(trainable, ast.Name):
            use = f"{file}:{trainable.id}"
            draft.put("trainer", "use", use, "a trainable of ray.tune is a trainer, see docs/forms.md")
    for key, given in source.arguments(call, ()).items():
        node = source.resolved(given)
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
        case "stop", {"training_iteration": int() as longest} if longest > 0:
            draft.put("trainer", "epochs", longest, "stop")
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
        methods.seed(draft, given.get("seed", given.get("random_state")))
        if isinstance(points := given.get("points_to_evaluate"), list):
            methods.first(draft, points)
        if isinstance(metric := given.get("metric"), list) and isinstance(mode := given.get("mode"), list):
            methods.objectives(draft, mode, metric)
        elif isinstance(metric, str):
            _setting(draft, "metric", metric)
            _setting(draft, "mode", given.get("mode"))
    elif key == "scheduler":
        methods.prune(draft, name_of(call.func), given.get("grace_period"), given.get("reduction_factor"))
        if isinstance(metric := given.get("metric"), str) and not draft.has("study", "metric"):
            _setting(draft, "metric", metric)
            _setting(draft, "mode", given.get("mode"))
        longest = given.get("max_t")
        if isinstance(longest, int) and longest > 0:
            draft.put("trainer", "epochs", longest, "max_t")
