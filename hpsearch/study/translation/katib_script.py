"""A search with the Python client of Katib: https://www.kubeflow.org/docs/components/katib/getting-started/."""

import ast
from typing import Any

from hpsearch.study.translation import katib
from hpsearch.study.translation.calls import Source, name_of, pairs_of
from hpsearch.study.translation.draft import Draft

_TYPES = {"int": "int", "double": "double", "categorical": "categorical"}


def is_script(source: Source) -> bool:
    return any(_is_range(call) for _, call in source.calls())


def _is_range(node: ast.AST) -> bool:
    """Whether a call is `katib.search.int(…)` or the like."""
    match node:
        case ast.Call(func=ast.Attribute(attr=kind, value=ast.Attribute(attr="search"))):
            return kind in _TYPES
    return False


def read(source: Source, file: str) -> Draft:
    parameters = [
        _parameter(source, key, value)
        for node in ast.walk(source.tree)
        for key, value in pairs_of(node) or _keywords(node)
        if key is not None and _is_range(value)
    ]
    given: dict[str, Any] = {}
    for name, call in source.calls():
        if name == "tune":
            given |= _literals(source, call)
            if isinstance(objective := source.arguments(call, ()).get("objective"), ast.Name):
                given["use"] = f"{file}:{objective.id}"
    about: dict[str, Any] = {"type": given.get("objective_type", "maximize")}
    if "objective_metric_name" in given:
        about["objectiveMetricName"] = given["objective_metric_name"]
    if "objective_goal" in given:
        about["goal"] = given["objective_goal"]
    spec = {
        "parameters": parameters,
        "objective": about,
        "algorithm": {"algorithmName": given.get("algorithm_name", "random")},
        "maxTrialCount": given.get("max_trial_count"),
        "parallelTrialCount": given.get("parallel_trial_count"),
    }
    found = {key: value for key, value in spec.items() if value is not None}
    draft = katib.read({"metadata": {"name": given.get("name")}, "spec": found})
    if "use" in given:
        draft.put("trainer", "use", given["use"], "its argument is the parameters; it reports with hpsearch.report")
    return draft


def _keywords(node: ast.AST) -> list[tuple[ast.expr | None, ast.expr]]:
    """The ranges in a call such as `TrainingArguments(learning_rate=katib.search.double(…))`."""
    return [(ast.Constant(one.arg), one.value) for one in node.keywords] if isinstance(node, ast.Call) else []


def _parameter(source: Source, key: ast.expr, value: ast.expr) -> dict[str, Any]:
    """The parameter in the form of a Katib experiment. Keys and values that are not literals are left out."""
    assert isinstance(value, ast.Call)
    kind = _TYPES[name_of(value.func)]
    space = _literals(source, value)
    if kind == "categorical" and value.args:
        space["list"] = source.value(value.args[0])
    try:
        name = str(source.value(key))
    except ValueError:
        name = ast.unparse(key)
    return {"name": name, "parameterType": kind, "feasibleSpace": space}


def _literals(source: Source, call: ast.Call) -> dict[str, Any]:
    found = {}
    for name, node in source.arguments(call, ()).items():
        try:
            found[name] = source.value(node)
        except ValueError:
            continue
    return found
