"""How a function is called with a trial's parameters and its run, by the names of its arguments."""

import inspect
from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from inspect import Parameter
from typing import Any, get_origin, get_type_hints

from hpsearch.core.errors import TrainerError
from hpsearch.core.trial import Params
from hpsearch.provenance.sources import code_holder
from hpsearch.trainer.arguments import check_names, converted, dataclass_at, grouped, params_as
from hpsearch.trainer.training_run import Run

NAMED = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
VALUES = (bool, int, float, str)


@dataclass(frozen=True)
class Signature:
    """`def train(params, run)`, `def train(params)`, `def train(lr, hidden)`, each of them with or without a run.

    run: the argument for the run (named `run` or annotated `Run`), "" if there is none. others: all other arguments.
    takes_any: it has `**parameters`.
    """

    function: Any
    run: str
    others: tuple[Parameter, ...]
    takes_any: bool

    @classmethod
    def of(cls, called: str, function: Any) -> "Signature":
        """TrainerError if it cannot be called with parameters. called: its name in messages."""
        try:
            parameters = inspect.signature(function).parameters.values()
        except (TypeError, ValueError):  # some functions that are not written in Python
            raise TrainerError(f"{called}: its signature is not known, so hpsearch cannot call it") from None
        named = [parameter for parameter in parameters if parameter.kind in NAMED]
        run = next((parameter.name for parameter in named if _is_run(parameter)), "")
        others = tuple(parameter for parameter in named if parameter.name != run)
        takes_any = any(parameter.kind is Parameter.VAR_KEYWORD for parameter in parameters)
        if not others and any(parameter.kind is Parameter.VAR_POSITIONAL for parameter in parameters):
            raise TrainerError(
                f"{called} takes {inspect.signature(function)}, so its parameters are not known: a decorator needs "
                "@functools.wraps(function)"
            )
        if not others and not takes_any:
            raise TrainerError(
                f"{called} takes no parameters of a trial: write `def train(params, run)`, `def train(params)`, or a "
                "function whose parameters have the names of [space], such as `def train(lr, hidden)`"
            )
        return cls(function, run, others, takes_any)

    def with_second_as_run(self) -> "Signature":
        """For a generator with another name for its run: `def train(config, trial_run)`."""
        first, second, *rest = self.others
        return replace(self, run=second.name, others=(first, *rest))

    @property
    def params_class(self) -> type | None:
        """The dataclass that annotates the argument for all parameters, if any."""
        return dataclass_at(self.others[0], self.function) if self.others else None

    def is_by_name(self, given: Set[str]) -> bool:
        """Whether each parameter is passed as its own argument; else all are passed as the first argument."""
        if not self.others:
            return True
        first, *rest = self.others
        if _is_mapping(first.annotation) or self._annotates_a_dataclass(first):
            return False
        if first.name in given or any(other.default is Parameter.empty for other in rest):
            return True
        return _is_value(first) or any(other.name in given for other in rest)

    def _annotates_a_dataclass(self, first: Parameter) -> bool:
        return first.annotation is not Parameter.empty and self.params_class is not None

    def argument(self, params: Params) -> Any:
        """The parameters as `call` takes them: a mapping, or a dataclass. TrainerError."""
        known = [other.name for other in self.others]
        params = params if self.takes_any else grouped(params, known)
        if not self.is_by_name(set(params)):
            return params_as(self.params_class, params)
        name = code_holder(self.function).__name__
        required = {other.name for other in self.others if other.default is Parameter.empty}
        check_names(f"`{name}`", set(params), [*known, *params] if self.takes_any else known, required)
        types = _types(self.function)
        return {key: converted(name, key, value, types.get(key)) for key, value in params.items()}

    def call(self, argument: Any, run: Run) -> Any:
        """Call the function with the result of `argument`."""
        by_name = isinstance(argument, Mapping) and self.is_by_name(set(argument))
        values = dict(argument) if by_name else {self.others[0].name: argument}
        if self.run:
            values[self.run] = run
        parameters = inspect.signature(self.function).parameters.values()
        only = [one.name for one in parameters if one.kind is Parameter.POSITIONAL_ONLY and one.name in values]
        positions = [values.pop(name) for name in only]
        return self.function(*positions, **values)


def takes_one_mapping(function: Any) -> bool:
    """Whether a function takes all parameters of a trial as its only argument, and no run."""
    parameters = list(inspect.signature(function).parameters.values())
    try:
        inspect.signature(function).bind({})
    except TypeError:
        return False
    return not any(map(_is_run, parameters)) and not any(map(_is_value, parameters[:1]))


def _is_value(parameter: Parameter) -> bool:
    return parameter.annotation in VALUES or type(parameter.default) in VALUES


def _is_run(parameter: Parameter) -> bool:
    annotation = parameter.annotation
    return parameter.name == "run" or annotation is Run or annotation in ("Run", "hpsearch.Run")


def _is_mapping(annotation: Any) -> bool:
    if isinstance(annotation, str):
        return annotation.partition("[")[0].rpartition(".")[2] in ("dict", "Dict", "Mapping", "Params")
    kind = get_origin(annotation) or annotation
    return isinstance(kind, type) and issubclass(kind, Mapping)


def _types(function: Any) -> dict[str, Any]:
    """The types of the arguments; {} if an annotation cannot be evaluated."""
    try:
        return get_type_hints(code_holder(function))
    except Exception:  # an annotation may be any expression
        return {}
