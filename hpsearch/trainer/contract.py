"""From "module:name" in the study file to a generator that trains."""

import difflib
import importlib
import sys
from pathlib import Path
from typing import Any

from hpsearch.core.errors import BadInput, TrainerError
from hpsearch.core.trial import ASK_AND_TELL
from hpsearch.trainer import forms
from hpsearch.trainer.failures import short_traceback
from hpsearch.trainer.training_run import Trainer


def find(use: str, folder: Path | None) -> Trainer:
    """Import "module:name", looking beside the study file first. TrainerError says what is wrong with it.

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
    """The object that "module:name" names; the module is looked for beside the study file first.

    key: the key of the study file, for messages. error: raised where there is no such object or the module cannot be
    imported.
    """
    module_name, _, name = use.partition(":")
    try:
        if folder is not None:
            search_module_in(module_name, folder)
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as missing:
        if missing.name and module_name.startswith(missing.name):
            raise error(
                f"{key}: no module {missing.name}, neither in the study's folder ({folder}) nor on the Python path"
            ) from None
        raise error(f"{key}: {module_name} needs {missing.name}, which is not installed") from None
    except KeyboardInterrupt:
        raise
    except BaseException as problem:  # a module of the user's may raise anything, SystemExit too
        raise error(f"{key}: importing {module_name} failed\n{short_traceback(problem)}") from None
    thing = getattr(module, name, None)
    if thing is None:
        near = difflib.get_close_matches(name, [n for n, v in vars(module).items() if callable(v)], n=1)
        hint = f"; did you mean `{near[0]}`?" if near else ""
        raise error(f"{key}: {module.__name__} has no `{name}`{hint}")
    return thing


def display_name(use: str) -> str:
    """The name, in messages, of a trainer that a study file names."""
    return f'trainer.use = "{use}"'


def display_name_of_object(use: str) -> str:
    """The name, in messages, of a trainer that is a Python object."""
    return f"the trainer `{use}`"


def search_module_in(module: str, folder: Path) -> None:
    """The module is looked for in this folder first.

    What it imports is also looked for beside it where that is no package, as Python does for a script. Where an
    installed package has the name of the module's top folder, such as `trainers`, the folder becomes part of it.
    """
    search_first_in(folder)
    *folders, last = module.split(".")
    beside = folder.joinpath(*folders)
    if not folders or not (beside / f"{last}.py").is_file() or (beside / "__init__.py").exists():
        return
    if str(beside) not in sys.path:
        sys.path.insert(sys.path.index(str(folder)) + 1, str(beside))
    path = getattr(importlib.import_module(folders[0]), "__path__", None)
    if path is not None and str(folder / folders[0]) not in path:
        path.insert(0, str(folder / folders[0]))


def search_first_in(folder: Path) -> None:
    """Modules are looked for in this folder first."""
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
