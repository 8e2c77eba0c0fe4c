"""The search space of an Optuna objective, read from the script's source."""

import ast
from contextlib import suppress
from typing import Any

from hpsearch.study.translation import entries, methods
from hpsearch.study.translation.calls import Source, name_of
from hpsearch.study.translation.draft import Draft
from hpsearch.study.translation.entries import Entry, conditional

_ARGUMENTS: dict[str, tuple[str, ...]] = {
    "suggest_float": ("name", "low", "high"),
    "suggest_int": ("name", "low", "high", "step", "log"),
    "suggest_categorical": ("name", "choices"),
    "suggest_uniform": ("name", "low", "high"),
    "suggest_loguniform": ("name", "low", "high"),
    "suggest_discrete_uniform": ("name", "low", "high", "step"),
}

_MOST_IN_LOOP = 100


def is_script(source: Source) -> bool:
    return any(name in _ARGUMENTS for name, _ in source.calls())


def read(source: Source, file: str) -> Draft:
    draft = Draft("an Optuna script")
    objective, is_trainer = "", True
    reports = any(name in ("report", "hyperparameter_search") for name, _ in source.calls())
    for name, call in source.calls():
        if name in _ARGUMENTS:
            objective = objective or source.function_around(call)
            _parameter(draft, source, name, call)
        elif name == "create_study":
            _study(draft, source, call, reports)
        elif name == "enqueue_trial":
            methods.first(draft, _point(source, call))
        elif name == "optimize":
            objective = _optimize(draft, source, call) or objective
        elif name == "hyperparameter_search":  # of transformers
            objective, is_trainer = "", False
            _optimize(draft, source, call)
            _study(draft, source, call, reports)
    if is_trainer and not reports:
        draft.put("trainer", "epochs", 1, "the objective reports once, when it returns")
    if objective and is_trainer:
        draft.put("trainer", "use", f"{file}:{objective}", "an Optuna objective is a trainer, see docs/forms.md")
    return draft


def _parameter(draft: Draft, source: Source, method: str, call: ast.Call) -> None:
    given = source.arguments(call, _ARGUMENTS[method])
    text = f"line {call.lineno}, {ast.unparse(call)}"
    try:
        value, comment = _entry(method, {key: source.value(one) for key, one in given.items() if key != "name"})
        names = _names(source, call, given["name"])
    except (ValueError, KeyError, TypeError, OverflowError) as problem:
        draft.not_translated(text, problem)
        return
    if any(draft.has("space", name) for name in names):
        draft.note("space", f"{text}: a second suggestion of the same name")
        return
    branch = _branch(source, call)
    names = {name: {**when, **branch} for name, when in names.items()}
    if source.is_conditional(call) and not any(names.values()):
        comment = f"{comment}; " * bool(comment) + f"line {call.lineno} is conditional: add when = {{ … }}"
    for name, when in names.items():
        draft.put("space", name, conditional(value, when) if when else value, comment)


def _branch(source: Source, call: ast.Call) -> dict[str, Any]:
    """The condition of `if name == "SGD"` or `if name in (…)` around a call, if `name` is a suggested choice; {} for
    other conditions."""
    allowed: dict[str, list[Any]] = {}
    for test, holds in source.conditions_of(call):
        match test:
            case ast.Compare(left=ast.Name(id=variable), ops=[op], comparators=[to]) if isinstance(
                op, ast.Eq | ast.NotEq | ast.In
            ):
                asked = source.assigned.get(variable)
            case _:
                return {}
        if asked is None or name_of(asked.func) != "suggest_categorical":
            return {}
        try:
            named = source.value(to) if isinstance(op, ast.In) else [source.value(to)]
            given = {key: source.value(one) for key, one in source.arguments(asked, ("name", "choices")).items()}
        except ValueError:
            return {}
        before = allowed.get(given["name"], given["choices"])
        wanted = holds != isinstance(op, ast.NotEq)
        allowed[given["name"]] = [one for one in before if (one in named) == wanted]
    return {name: values for name, values in allowed.items() if values}


def _names(source: Source, call: ast.Call, node: ast.expr) -> dict[str, dict[str, str]]:
    """The suggested names, each with its condition. A call in `for i in range(n)`, with a suggested n, has several."""
    try:
        name = source.value(node)
    except ValueError:
        return _names_in_loop(source, call, node)
    if not isinstance(name, str):
        raise ValueError("its name is not a string")
    return {name.lstrip("+~"): {}}  # "+" is how Hydra adds a key


def _names_in_loop(source: Source, call: ast.Call, node: ast.expr) -> dict[str, dict[str, str]]:
    loop = source.loop_around(call)
    if loop is None:
        return _names_in_list(source, call, node)
    variable, bound = loop
    asked = source.assigned.get(bound.id) if isinstance(bound, ast.Name) else None
    if not (asked and name_of(asked.func) == "suggest_int"):
        count = source.value(bound)
        return {source.text(node, {variable: i}): {} for i in range(min(count, _MOST_IN_LOOP))}
    given = source.arguments(asked, _ARGUMENTS["suggest_int"])
    count, low, high = (source.value(given[key]) for key in ("name", "low", "high"))
    return {
        source.text(node, {variable: i}): {count: f">= {i + 1}"} if i >= low else {}
        for i in range(min(high, _MOST_IN_LOOP))
    }


def _names_in_list(source: Source, call: ast.Call, node: ast.expr) -> dict[str, dict[str, str]]:
    """The names in a loop over literal names."""
    found = source.iteration_around(call)
    if found is None:
        raise ValueError("its name is not a literal")
    variable, over = found
    values = source.value(over)
    if not isinstance(values, list):
        raise ValueError("its name is not a literal")
    return {source.text(node, {variable: one}): {} for one in values[:_MOST_IN_LOOP]}


def _entry(method: str, given: dict[str, Any]) -> Entry:
    log = bool(given.get("log")) or method == "suggest_loguniform"
    if method == "suggest_categorical":
        return entries.choice(given["choices"])
    make = entries.integers if method == "suggest_int" else entries.floats
    return make(given["low"], given["high"], log=log, step=given.get("step", given.get("q")))


def _study(draft: Draft, source: Source, call: ast.Call, reports: bool) -> None:
    """reports: whether trials report before they end, so that a pruner can stop them."""
    given = source.arguments(call, ())
    directions, names = _list(source, given.get("directions", given.get("direction"))), _metric_names(source)
    if directions:
        methods.objectives(draft, directions, names)
    else:
        methods.goal(draft, _text(source, given.get("direction")) or "minimize")
        if names:
            draft.put("study", "metric", str(names[0]))
    if name := _text(source, given.get("study_name")):
        draft.put("study", "name", name)
    made = {key: source.resolved(given[key]) for key in ("sampler", "pruner") if key in given}
    if isinstance(sampler := made.get("sampler"), ast.Call):
        methods.search(draft, name_of(sampler.func))
        methods.seed(draft, _literals(source, sampler).get("seed"))
    if not isinstance(pruner := made.get("pruner"), ast.Call):
        return
    if not reports:
        draft.note("prune", f"{name_of(pruner.func)}: left out, because the objective reports once")
    else:
        own = _literals(source, pruner)
        first = own.get("n_warmup_steps", own.get("min_resource"))
        methods.prune(draft, name_of(pruner.func), first or None, own.get("reduction_factor"))


def _literals(source: Source, call: ast.Call) -> dict[str, Any]:
    """The whole numbers among the arguments of a sampler or a pruner."""
    is_median = name_of(call.func) == "MedianPruner"
    given = source.arguments(call, ("n_startup_trials", "n_warmup_steps") if is_median else ("min_resource",))
    found = {}
    for key, node in given.items():
        with suppress(ValueError):
            found[key] = source.value(node)
    return {key: value for key, value in found.items() if type(value) is int}


def _optimize(draft: Draft, source: Source, call: ast.Call) -> str:
    """The objective's name."""
    given = source.arguments(call, ("func", "n_trials", "timeout", "n_jobs"))
    for key, table, ours in (("n_trials", "search", "trials"), ("n_jobs", "resources", "workers")):
        try:
            draft.put(table, ours, max(int(source.value(given[key])), 1))
        except (KeyError, ValueError, TypeError):
            continue
    with suppress(KeyError, ValueError, TypeError):
        draft.put("limits", "study", f"{int(source.value(given['timeout']))}s")
    return name_of(given["func"]) if isinstance(given.get("func"), ast.Name) else ""


def _list(source: Source, node: ast.expr | None) -> list[Any]:
    try:
        found = source.value(node) if node is not None else []
    except ValueError:
        elements = node.elts if isinstance(node, ast.List | ast.Tuple) else []
        return [name_of(one) for one in elements]  # StudyDirection.MAXIMIZE
    return found if isinstance(found, list) else []


def _metric_names(source: Source) -> list[Any]:
    calls = [call for name, call in source.calls() if name == "set_metric_names" and call.args]
    return _list(source, calls[0].args[0]) if calls else []


def _point(source: Source, call: ast.Call) -> list[Any]:
    try:
        return [source.value(source.arguments(call, ("params",))["params"])]
    except (ValueError, KeyError):
        return []


def _text(source: Source, node: ast.expr | None) -> str:
    try:
        return str(source.value(node)) if node is not None else ""
    except ValueError:
        return ""
