"""The forms that training code may have, and each of them as the one form that the loop knows: a generator."""

import inspect
import typing
from collections.abc import Callable, Iterator
from typing import Any

from hpsearch.core.errors import TrainerError
from hpsearch.core.trial import Report
from hpsearch.provenance.sources import code_holder
from hpsearch.trainer.training_run import Run

Trainer = Callable[[Any, Run], Iterator[Report]]


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
