"""Reads the file of another tool and returns the study file."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from hpsearch.core import yaml_text
from hpsearch.core.errors import BadInput
from hpsearch.study.translation import (
    ax_script,
    hydra,
    katib,
    katib_script,
    methods,
    nni,
    optuna_script,
    ray_script,
    wandb,
)
from hpsearch.study.translation.calls import Source
from hpsearch.study.translation.draft import Draft
from hpsearch.study.translation.script_tables import ScriptTables

MAX_BYTES = 1_000_000
KNOWN = (
    "a sweep of W&B, a search space or experiment of NNI, an experiment of Katib, a sweep of Hydra, or a Python script "
    "with ranges of Optuna, Ray Tune, Katib or Ax"
)

_READERS: tuple[tuple[Callable[[dict[str, Any]], bool], Callable[[dict[str, Any]], Draft]], ...] = (
    (katib.is_experiment, katib.read),
    (hydra.is_sweep, hydra.read),
    (wandb.is_sweep, wandb.read),
)

_SCRIPT_READERS: tuple[tuple[Callable[[Source], bool], Callable[[Source, str], Draft]], ...] = (
    (optuna_script.is_script, optuna_script.read),
    (ray_script.is_script, ray_script.read),
    (katib_script.is_script, katib_script.read),
    (ax_script.is_script, ax_script.read),
)


def translate(file: Path) -> Draft:
    """The complete draft of the study file. BadInput for a file that cannot be read, or is not one of `KNOWN`."""
    try:
        if file.stat().st_size > MAX_BYTES:
            raise BadInput(f"{file} has more than {MAX_BYTES:,} bytes: it is not a search of another tool")
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise BadInput(f"{file} cannot be read: {problem}") from None
    if file.suffix == ".ipynb":
        draft = _of_script(_code_of_notebook(text, file), file)
    else:
        draft = _of_script(text, file) if file.suffix == ".py" else _of_document(text, file)
    if draft is None or not draft.has_parameters:
        raise BadInput(f"no search was found in {file}: it must be {KNOWN}")
    return methods.completed(draft)


def _of_document(text: str, file: Path) -> Draft | None:
    try:
        documents = _json(text) if file.suffix == ".json" else list(yaml_text.documents(text))
    except (ValueError, RecursionError, yaml.YAMLError) as problem:
        raise BadInput(f"{file} cannot be read: {problem}") from None
    return next((draft for one in documents if isinstance(one, dict) and (draft := _of_table(one, file))), None)


def _json(text: str) -> list[Any]:
    """Parse JSON that may have a comma before a closing bracket, as NNI does."""
    try:
        return [json.loads(text)]
    except ValueError as problem:
        try:
            return [yaml_text.document(text.replace("\t", " "))]
        except (ValueError, yaml.YAMLError):
            raise problem from None


def _code_of_notebook(text: str, file: Path) -> str:
    """The code cells of a notebook, without IPython commands."""
    try:
        cells = json.loads(text)["cells"]
        code = ["".join(one["source"]) for one in cells if one["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError):
        raise BadInput(f"{file} cannot be read: it is not a notebook") from None
    lines = [line for cell in code if not cell.startswith("%%") for line in cell.splitlines()]
    return "\n".join(line for line in lines if not line.lstrip().startswith(("%", "!", "?")))


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
    for is_it, read in _SCRIPT_READERS:
        if is_it(source):
            return read(source, file.name)
    for one in ScriptTables(source).all():
        with suppress(BadInput):  # the dictionary is not a search space
            if (draft := _of_table(one, file)) and draft.has_parameters:
                return draft
    return None
