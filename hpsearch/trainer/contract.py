"""From "module:name" in the study file to a generator that trains, and from parameters to its argument."""

import dataclasses
import difflib
import importlib
import inspect
import sys
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hpsearch.core.errors import BadInput, TrainerError
from hpsearch.core.trial import ASK_AND_TELL, Params, Plain, Report
from hpsearch.provenance.sources import code_holder
from hpsearch.trainer.failures import short_traceback
from hpsearch.trainer.training_run import Run

Trainer = Callable[[Any, Run], Iterator[Report]]


def find(use: str, folder: Path | None) -> Trainer:
    """Import "module:name", looking beside the study file first. TrainerError says what is wrong with it.

    A ray.tune.Trainable, class or function, is returned as a generator function (adapters.ray_tune).
    """
    check_is_not_ask_and_tell(use)
    return as_trainer(display_name(use), import_object(display_name(use), use, folder, TrainerError))


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


def as_trainer(called: str, function: Any) -> Trainer:
    """The object as a trainer. TrainerError where it is not one. called: its name in messages."""
    if _is_trainable(function):
        from hpsearch.trainer.adapters import ray_tune

        return ray_tune.as_trainer(function)
    holder = code_holder(function)
    is_instance = isinstance(holder, type) and not inspect.isclass(function)
    if not inspect.isgeneratorfunction(holder.__call__ if is_instance else holder):
        raise TrainerError(
            f"{called} is {_what(function)}, a trainer is a generator: "
            "`def train(params, run): … yield Report(epoch, {…})`, or a ray.tune.Trainable"
        )
    try:
        inspect.signature(function).bind({}, None)
    except TypeError:
        raise TrainerError(f"{called} is called as (params, run), and takes {inspect.signature(function)}") from None
    return typing.cast(Trainer, function)


def _is_trainable(thing: Any) -> bool:
    """A class that is a ray.tune.Trainable, or a function as Tune calls it, with one argument. Ray is not imported."""
    if inspect.isclass(thing):
        return any(kind.__name__ == "Trainable" and kind.__module__.startswith("ray.tune.") for kind in thing.__mro__)
    if not inspect.isfunction(thing) or inspect.isgeneratorfunction(thing):
        return False
    try:
        inspect.signature(thing).bind({})
    except TypeError:
        return False
    return True


def _what(thing: Any) -> str:
    if inspect.isclass(thing):
        return "a class"
    return "a function without `yield`" if callable(thing) else f"an object of type {type(thing).__name__}"


def params_argument(trainer: Trainer, params: Params) -> Any:
    """The argument for the trainer's first parameter: a mapping, or an instance of the dataclass that annotates it."""
    params_class = dataclass_of(trainer)
    if params_class is None:
        return dict(params)
    _check_names(params_class, set(params))
    types = typing.get_type_hints(params_class)
    return params_class(
        **{name: _converted(params_class, name, value, types.get(name)) for name, value in params.items()}
    )


def _check_names(params_class: Any, given: set[str]) -> None:
    """TrainerError where a parameter has no field, or a field without a default has no parameter."""
    fields = {field.name: field for field in dataclasses.fields(params_class) if field.init}
    faults = []
    for name in sorted(given - set(fields)):
        near = difflib.get_close_matches(name, fields, n=1)
        faults.append(
            f"has no `{name}`" + (f"; did you mean `{near[0]}`?" if near else f" (it has {', '.join(fields)})")
        )
    missing = [
        name
        for name, field in fields.items()
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING and name not in given
    ]
    faults += [f"needs `{name}`, which neither [space] nor trainer.options gives" for name in missing]
    if faults:
        raise TrainerError("\n".join(f"{params_class.__module__}.{params_class.__name__} {fault}" for fault in faults))


def dataclass_of(trainer: Trainer) -> type | None:
    """The dataclass that annotates the trainer's first parameter, if any. TrainerError where it is not defined."""
    first = first_parameter(trainer)
    annotation = first.annotation
    if isinstance(annotation, str):  # `from __future__ import annotations`; some names may be imported for types only
        holder = code_holder(trainer)
        function: Any = holder.__call__ if isinstance(holder, type) else holder
        try:
            annotation = eval(annotation, function.__globals__)
        except NameError as missing:
            raise TrainerError(
                f"the annotation `{first}` of {holder.__module__} is not known there: {missing}"
            ) from None
    return annotation if isinstance(annotation, type) and dataclasses.is_dataclass(annotation) else None


def first_parameter(trainer: Trainer) -> inspect.Parameter:
    return next(iter(inspect.signature(trainer).parameters.values()))


def field_types(params_class: type) -> dict[str, Any]:
    """The types of a dataclass's fields."""
    return typing.get_type_hints(params_class)


def _converted(owner: type, name: str, value: Plain, hint: Any) -> Plain:
    """The value, an int made a float where the field is one. TrainerError where it does not fit the field's type."""
    allowed = typing.get_args(hint) if typing.get_origin(hint) is typing.Literal else None
    if allowed is not None and value not in allowed:
        raise TrainerError(f"{owner.__name__}.{name} must be one of {', '.join(map(repr, allowed))}, got {value!r}")
    if hint is float and type(value) is int:
        return float(value)
    if hint in (int, float, str, bool) and type(value) is not hint:
        raise TrainerError(f"{owner.__name__}.{name} must be {hint.__name__}, got {value!r}")
    return value
