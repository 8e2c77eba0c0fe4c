"""Finds a study's trainer: imports "module:name" as a generator that trains, and finds its source files."""

import difflib
import importlib
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from hpsearch.core.errors import BadInput, TrainerError
from hpsearch.core.trial import ASK_AND_TELL
from hpsearch.provenance.module_search import module_of
from hpsearch.provenance.sources import Sources, read_once
from hpsearch.study.program import Program
from hpsearch.trainer import forms, import_errors
from hpsearch.trainer.adapters import program_sources
from hpsearch.trainer.training_run import Trainer

if TYPE_CHECKING:  # workers need no study file: without it, their forks take 1 ms less
    from hpsearch.study.definition import Study


WITHOUT_TORCH = frozenset({"lightgbm", "numpy", "pandas", "scipy", "sklearn", "xgboost"})
"""Packages that do not import torch."""

NAMES_TORCH = re.compile(r"torch|\btrack\b")
"""Matches the code of a trainer that uses torch, or that calls `Run.track`, whose checkpoints torch writes."""


def find(use: str, folder: Path | None) -> Trainer:
    """Import "module:name", from the study's folder first. TrainerError if it cannot be imported or is not a trainer.

    A ray.tune.Trainable, class or function, is returned as a generator function (adapters.ray_tune).
    """
    check_is_not_ask_and_tell(use)
    return forms.as_trainer(display_name(use), import_object(display_name(use), use, folder, TrainerError))


def check_is_not_ask_and_tell(use: str) -> None:
    """TrainerError for a study that a `Session` has trained."""
    if use == ASK_AND_TELL:
        raise TrainerError(
            f'trainer.use = "{use}": this study has no trainer that hpsearch can call; its trials are trained by a '
            "program with a training loop of its own: run that program (docs/ask-and-tell.md)"
        )


def import_object(key: str, use: str, folder: Path | None, error: type[BadInput]) -> Any:
    """The object that "module:name" names; the module is searched in the study's folder first.

    key: the key of the study file, for messages. error: raised if there is no such object or the module cannot be
    imported.
    """
    name = use.rpartition(":")[2]
    module = _import_module(key, use, folder, error)
    thing = getattr(module, name, None)
    if thing is None:
        near = difflib.get_close_matches(name, [n for n, v in vars(module).items() if callable(v)], n=1)
        hint = f"; did you mean `{near[0]}`?" if near else ""
        raise error(f"{key}: {module.__name__} has no `{name}`{hint}")
    return thing


def _import_module(key: str, use: str, folder: Path | None, error: type[BadInput]) -> ModuleType:
    name = use.rpartition(":")[0]
    if name.endswith(".py") and folder is not None and folder.is_dir() and not _file(name, folder).is_file():
        raise error(f"{key}: {import_errors.no_module(use, name, folder)}")
    try:
        if folder is not None:
            name = module_of(use, folder)
        with _no_arguments(name):
            return importlib.import_module(name)
    except KeyboardInterrupt:
        raise
    except ModuleNotFoundError as missing:
        if missing.name and f"{name}.".startswith(f"{missing.name}."):
            raise error(f"{key}: {import_errors.no_module(use, missing.name, folder)}") from None
        raise error(f"{key}: {import_errors.import_failed(name, missing)}") from None
    except BaseException as problem:  # a module of the user's may raise anything, SystemExit too
        raise error(f"{key}: {import_errors.import_failed(name, problem)}") from None


def _file(place: str, folder: Path) -> Path:
    return folder / Path(place).expanduser()


@contextmanager
def _no_arguments(name: str) -> Iterator[None]:
    """Hide hpsearch's command line from a module that parses arguments when it is imported."""
    before, sys.argv = sys.argv, [name]
    try:
        yield
    finally:
        sys.argv = before


def display_name(use: str) -> str:
    """The name, in messages, of a trainer that a study file names."""
    return f'trainer.use = "{use}"'


def display_name_of_object(use: str) -> str:
    """The name, in messages, of a trainer that is a Python object."""
    return f"the trainer `{use}`"


# Its source files ──────────────────────────────────────────────────────────────────────────────


def sources_of(use: str, folder: Path, program: Program | None) -> Sources:
    """The sources of a program, or of the module in `use`, searched in the study's folder first. Imports nothing."""
    if program is not None:
        return program_sources.sources_of(program, folder)
    module = module_of(use, folder)
    return read_once(module, lambda: Sources.of(module))


def sources_of_trainer(study: "Study") -> Sources:
    """The files that a worker would import, or the objects if the trainer is a Python object."""
    if (given := study.own("trainer")) is not None:
        return Sources.of_object(given)
    return sources_of(study.trainer.use, study.folder, study.trainer.program)


def may_use_torch(own: Sources) -> bool:
    """Whether training with these sources may need torch. An import of torch takes seconds, and makes a fork of the
    process slower by 10 ms."""
    if own.packages - WITHOUT_TORCH or own.objects:
        return True
    return any(NAMES_TORCH.search(path.read_text(errors="replace")) for path in own.files.values())
