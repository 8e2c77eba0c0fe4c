"""The files and objects that are sent to the workers of a cluster."""

import importlib.util
import sys
from collections.abc import Mapping
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
from hpsearch.workers.pools.ray.upload import check, excludes

NO_MODULES: Mapping[str, Path] = {}


def runtime_env(use: str, folder: Path, modules: Mapping[str, Path] = NO_MODULES) -> dict[str, Any]:
    """Ray's runtime_env: the study's folder, hpsearch, and the trainer's packages. BadInput where one of the folders is
    too large, or has a module of the trainer that would not be sent.

    modules: the file of each module of the trainer that is not installed, by its name.
    """
    sent = packages(use, folder, modules)
    patterns = excludes(folder, sent)
    check([str(folder), *sent], patterns, modules.values())
    return {"working_dir": str(folder), "excludes": patterns, "py_modules": sent}


def packages(use: str, folder: Path, modules: Mapping[str, Path] = NO_MODULES) -> list[str]:
    """The packages and modules that a worker imports from outside the study's folder: the folder of a package, the file
    of a module. modules: as for `runtime_env`."""
    inside = folder.resolve()
    outside = [name for name, file in modules.items() if not file.resolve().is_relative_to(inside)]
    tops = dict.fromkeys(module.partition(".")[0] for module in ("hpsearch", module_of(use, folder), *outside))
    tops.pop("__main__", None)  # cloudpickle sends its functions by value
    found = []
    for name in tops:
        spec = None if (folder / name).exists() else importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations:
            found.append(next(iter(spec.submodule_search_locations)))
        elif spec is not None and spec.origin is not None and name in outside:
            found.append(spec.origin)
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
