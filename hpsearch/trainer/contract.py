"""From "module:name" in the study file to a generator that trains."""

import difflib
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from hpsearch.core.errors import BadInput, TrainerError
from hpsearch.core.trial import ASK_AND_TELL
from hpsearch.provenance.module_search import module_of
from hpsearch.trainer import forms, import_errors
from hpsearch.trainer.training_run import Trainer


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
