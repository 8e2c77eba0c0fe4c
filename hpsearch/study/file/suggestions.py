"""The entries of [space] for the `trial.suggest_…` calls of an Optuna objective."""

import ast
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

METHODS: Mapping[str, tuple[str, ...]] = {
    "suggest_float": ("name", "low", "high"),
    "suggest_int": ("name", "low", "high", "step", "log"),
    "suggest_categorical": ("name", "choices"),
    "suggest_uniform": ("name", "low", "high"),
    "suggest_loguniform": ("name", "low", "high"),
    "suggest_discrete_uniform": ("name", "low", "high", "q"),
}
"""The `suggest` methods of an optuna.Trial, with their positional arguments."""


def entry(method: str, arguments: Mapping[str, Any]) -> str:
    """The line of [space] for one call. low and high must be numbers; a choice such as None is written as text."""
    name = arguments["name"]
    key = name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _toml(name)
    if method == "suggest_categorical":
        choices = [one if isinstance(one, str | int | float) else str(one) for one in arguments["choices"]]
        return f"{key} = [{', '.join(map(_toml, choices))}]"
    as_number = int if method == "suggest_int" else float
    parts = [f"{bound} = {as_number(arguments[bound])!r}" for bound in ("low", "high")]
    if arguments.get("log") or method == "suggest_loguniform":
        parts.append("log = true")
    step = arguments.get("q", arguments.get("step"))
    if step is not None and not (method == "suggest_int" and step == 1):
        parts.append(f"step = {as_number(step)!r}")
    return f"{key} = {{ {', '.join(parts)} }}"


def _toml(value: str | float) -> str:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return repr(value) if is_number else json.dumps(value, ensure_ascii=False)


def entries(source: str) -> dict[str, str]:
    """The lines for all calls in a source text, by the parameter's name, or by the call if its name is not a literal.

    A call with arguments that are not literals becomes a comment.
    """
    found: dict[str, str] = {}
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return found
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute))
    for call in sorted(calls, key=lambda node: (node.lineno, node.col_offset)):
        method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        if method in METHODS:
            name, line = _entry(call, method)
            found.setdefault(name, line)
    return found


def _entry(call: ast.Call, method: str) -> tuple[str, str]:
    written = ast.unparse(call).partition(".")[2]
    given = dict(zip(METHODS[method], call.args, strict=False)) | {
        key.arg: key.value for key in call.keywords if key.arg
    }
    try:
        arguments = {key: ast.literal_eval(value) for key, value in given.items()}
        return arguments["name"], entry(method, arguments)
    except (ValueError, TypeError, KeyError):
        name = given.get("name")
        known = str(name.value) if isinstance(name, ast.Constant) else ""
        return known or written, f"# {known or '…'} = …  # {written}"


def hint(use: object, folder: Path) -> str:
    """The [space] for the Optuna objective in `trainer.use`, for the message that [space] is missing. "" if its file is
    not beside the study, or has no `suggest` calls. Nothing is imported."""
    if not isinstance(use, str):
        return ""
    module = use.partition(":")[0].removesuffix(".py").replace("/", ".")
    try:
        source = folder.joinpath(*module.split(".")).with_suffix(".py").read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""
    lines = entries(source)
    return "\n  ".join([f". For {module}.py it is:", "[space]", *lines.values()]) if lines else ""
