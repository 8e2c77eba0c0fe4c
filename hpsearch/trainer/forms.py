"""Adapts each form of training code to the form that the loop uses: a generator."""

import inspect
import typing
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from functools import lru_cache, partial
from inspect import Parameter
from types import FunctionType
from typing import Any

from hpsearch.core.errors import TrainerError
from hpsearch.core.trial import Params, Report
from hpsearch.provenance.sources import Sources, code_holder
from hpsearch.trainer.adapters import functions, optuna_objective
from hpsearch.trainer.arguments import AdaptedTrainer
from hpsearch.trainer.signature import Signature, takes_one_mapping
from hpsearch.trainer.source.argument_reads import arguments_read
from hpsearch.trainer.training_run import Run, Trainer

FORMS = (
    "a trainer is a generator: `def train(params, run): … yield Report(epoch, {…})`, or a function that calls "
    "`run.report(epoch, {…})` or returns a number, Optuna's `def objective(trial)`, or a ray.tune.Trainable; "
    "docs/forms.md shows each"
)

_NOT_PLAIN = (inspect.isgeneratorfunction, inspect.iscoroutinefunction, inspect.isasyncgenfunction)

NO_RUN = "the trainer has no parameter `run`, so it passes no object to run.track(…)"


def as_trainer(called: str, function: Any) -> Trainer:
    """Adapt an object to a trainer. TrainerError if that is not possible. called: its name in messages."""
    if is_trainable(function):
        from hpsearch.trainer.adapters import ray_tune

        return ray_tune.as_trainer(function)
    if inspect.isclass(function) or not callable(function):
        raise TrainerError(f"{called} is {_description(function)}, {FORMS}")
    code = _code(function)
    is_async = inspect.isasyncgenfunction(code)
    is_generator = is_async or inspect.isgeneratorfunction(code)
    if is_generator and not is_async and _is_called_with_params_and_run(function):
        return typing.cast(Trainer, function)
    signature = Signature.of(called, function)
    if not is_generator and optuna_objective.is_objective(signature):
        return optuna_objective.ObjectiveTrainer(function)
    return FunctionTrainer(function, signature, is_generator)


@dataclass(frozen=True)
class FunctionTrainer(AdaptedTrainer):
    """A function, an async generator, or a generator with arguments other than (params, run)."""

    function: Any
    signature: Signature
    is_generator: bool

    @property
    def params_class(self) -> type | None:
        return self.signature.params_class

    def argument(self, params: Params) -> Any:
        return self._signature(set(params)).argument(params)

    def names_read(self, argument: Any) -> frozenset[str] | None:
        if not isinstance(argument, Mapping) or not self._signature(set(argument)).is_by_name(set(argument)):
            return None
        return arguments_read(self.function, set(argument))

    def __call__(self, argument: Any, run: Run) -> Iterator[Report]:
        signature = self._signature(set(argument) if isinstance(argument, Mapping) else set())
        if not signature.run:
            run.without_checkpoints = NO_RUN
        if self.is_generator and not inspect.isasyncgenfunction(_code(self.function)):
            return typing.cast(Iterator[Report], signature.call(argument, run))
        call = partial(signature.call, argument, run)
        early = self.is_generator or functions.has_early_return(_code(self.function))
        return functions.reports(call, code_holder(self.function).__name__, run, early)

    def _signature(self, given: Set[str]) -> Signature:
        """A generator with two arguments receives the run as the second, unless one has the name of a parameter."""
        own = self.signature
        names = {other.name for other in own.others}
        is_second_the_run = self.is_generator and not own.run and len(names) > 1 and not names & given
        return own.with_second_as_run() if is_second_the_run else own


def is_trainable(thing: Any) -> bool:
    """A ray.tune.Trainable class, or a function of one argument if its code, or a user's module that it uses, imports
    ray. Ray is not imported here."""
    if inspect.isclass(thing):
        return any(kind.__name__ == "Trainable" and kind.__module__.startswith("ray.tune.") for kind in thing.__mro__)
    function = code_holder(thing) if isinstance(thing, partial) else thing
    if not inspect.isfunction(function) or any(is_kind(function) for is_kind in _NOT_PLAIN):
        return False
    parameters = inspect.signature(thing).parameters.values()
    if not takes_one_mapping(thing) or any(map(optuna_objective.is_trial, parameters)):
        return False
    return _imports_ray(function)


@lru_cache(maxsize=64)
def _imports_ray(function: FunctionType) -> bool:
    """Reads the source code. Cached, because it is called for every trial."""
    imported_by_itself = {"ray", "ray.tune"} & set(
        function.__code__.co_names
    )  # in a notebook, the source may not show it
    return bool(imported_by_itself) or "ray" in Sources.of_object(function).packages


def _is_called_with_params_and_run(function: Any) -> bool:
    """Whether a generator takes (anything, run) or (*args, **kwargs)."""
    parameters = list(inspect.signature(function).parameters.values())
    if all(parameter.kind in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD) for parameter in parameters):
        return bool(parameters) and parameters[0].kind is Parameter.VAR_POSITIONAL
    return [parameter.name for parameter in parameters][1:] == ["run"]


def _code(function: Any) -> Any:
    """The function with the code of a callable."""
    holder = code_holder(function)
    return holder.__call__ if isinstance(holder, type) else holder


def _description(thing: Any) -> str:
    return "a class" if inspect.isclass(thing) else f"an object of type {type(thing).__name__}"
