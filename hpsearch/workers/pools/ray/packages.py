"""The files and objects that are sent to the workers of a cluster."""

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from ray import cloudpickle

from hpsearch.core.errors import TrainerError
from hpsearch.provenance.module_search import module_of
from hpsearch.provenance.sources import code_holder, references
from hpsearch.trainer.failures import headline
from hpsearch.trainer.open_trial import TrainerContext
from hpsearch.trainer.trainer_object import PickledTrainer, TrainerObject

EXCLUDES = [".git", ".venv", "venv", ".hpsearch", "__pycache__", "node_modules", "mlruns", "data", "*.pt", "*.ckpt"]
EXCLUDES += [".env*"]  # these hold passwords, and other users of the cluster may read the upload
"""Files in a study's folder that are not sent to a cluster."""


def runtime_env(use: str, folder: Path) -> dict[str, Any]:
    """Ray's runtime_env: the study's folder, hpsearch, and the trainer's package."""
    return {"working_dir": str(folder), "excludes": EXCLUDES, "py_modules": packages(use, folder)}


def packages(use: str, folder: Path) -> list[str]:
    """The folders of the packages that a worker imports and that do not lie in the study's folder."""
    names = dict.fromkeys(["hpsearch", module_of(use, folder).partition(".")[0]])
    names.pop("__main__", None)  # what is in it travels by value
    found = []
    for name in names:
        spec = None if (folder / name).exists() else importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations:
            found.append(next(iter(spec.submodule_search_locations)))
    return found


def pickled(context: TrainerContext) -> TrainerContext:
    """The context with a pickled trainer, where that is a Python object. TrainerError where it cannot be pickled."""
    if not isinstance(context.trainer_object, TrainerObject):
        return context
    trainer = context.trainer_object.trainer
    content, problem = _pickle(context.trainer_object.content())
    if problem is None:
        return replace(
            context, trainer_object=PickledTrainer(content, _folder(trainer), context.trainer_object.sources)
        )
    found = {name: thing for name, thing in references(code_holder(trainer)).items() if _pickle(thing)[1] is not None}
    which = ", ".join(f"`{name}` (a {type(thing).__name__})" for name, thing in found.items())
    what = f"{which}, which it uses, cannot be pickled" if found else f"it cannot be pickled ({headline(problem)})"
    raise TrainerError(
        f"{context.name} cannot be sent to Ray workers: {what}. Make such an object inside the function, or train in "
        'this process with [resources] address = "none"'
    )


def _pickle(thing: Any) -> tuple[bytes, Exception | None]:
    try:
        return cloudpickle.dumps(thing), None  # type: ignore[no-untyped-call]
    except Exception as problem:  # an object's own __reduce__ may raise anything
        return b"", problem


def _folder(trainer: Any) -> Path | None:
    """The folder of the program or top-level package that defines the trainer; None for a notebook."""
    module = str(code_holder(trainer).__module__)
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is None:
        return None
    above = module.count(".") + (Path(file).stem == "__init__")
    return Path(file).absolute().parents[above]
