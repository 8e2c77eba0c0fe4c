"""Reads the file of another tool and returns the study file."""

import ast
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from hpsearch.core.errors import BadInput
from hpsearch.study.translation import hydra, katib, methods, nni, optuna_script, ray_script, wandb
from hpsearch.study.translation.calls import Source
from hpsearch.study.translation.draft import Draft

MAX_BYTES = 1_000_000
KNOWN = (
    "a sweep of W&B, a search space or experiment of NNI, an experiment of Katib, a sweep of Hydra, or a Python script "
    "with ranges of Optuna or Ray Tune"
)

_READERS: tuple[tuple[Callable[[dict[str, Any]], bool], Callable[[dict[str, Any]], Draft]], ...] = (
    (katib.is_experiment, katib.read),
    (hydra.is_sweep, hydra.read),
    (wandb.is_sweep, wandb.read),
)


def translate(file: Path) -> Draft:
    """The draft of the study file, whole. BadInput for a file that cannot be read, or is none of `KNOWN`."""
    try:
        if file.stat().st_size > MAX_BYTES:
            raise BadInput(f"{file} has more than {MAX_BYTES:,} bytes: it is no search of another tool")
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise BadInput(f"{file} cannot be read: {problem}") from None
    draft = _of_script(text, file) if file.suffix == ".py" else _of_document(text, file)
    if draft is None or not any(line.key for line in draft.lines.get("space", ())):
        raise BadInput(f"no search was found in {file}: it must be {KNOWN}")
    return methods.completed(draft)


def _of_document(text: str, file: Path) -> Draft | None:
    try:
        documents = [json.loads(text)] if file.suffix == ".json" else list(yaml.safe_load_all(text))
    except (ValueError, RecursionError, yaml.YAMLError) as problem:
        raise BadInput(f"{file} cannot be read: {problem}") from None
    return next((draft for one in documents if isinstance(one, dict) and (draft := _of_table(one, file))), None)


def _of_table(table: dict[str, Any], file: Path) -> Draft | None:
    try:
        if nni.is_space(table) or nni.is_experiment(table):
            return nni.read(table, file.parent)
        return next((read(table) for is_it, read in _READERS if is_it(table)), None)
    except (AttributeError, KeyError, TypeError, ValueError) as problem:
        raise BadInput(f"{file}: a key has a value of an unexpected kind: {problem!r}") from None


def _of_script(text: str, file: Path) -> Draft | None:
    try:
        source = Source(text)
    except (SyntaxError, ValueError, RecursionError) as problem:
        raise BadInput(f"{file} cannot be read: {problem}") from None
    if optuna_script.is_script(source):
        return optuna_script.read(source, file.name)
    if ray_script.is_script(source):
        return ray_script.read(source, file.name)
    return next((draft for table in _literal_tables(source) if (draft := _of_table(table, file))), None)


def _literal_tables(source: Source) -> list[dict[str, Any]]:
    """The dictionaries of a script that are literals: a sweep of W&B or a search space of NNI may be one."""
    found = []
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Dict):
            try:
                found.append({str(key): value for key, value in source.value(node).items()})
            except ValueError:
                continue
    return found
