"""Parameters as Optuna distributions, and trials as Optuna frozen trials, for sampling and for export.

For sampling, a continuous parameter is encoded as [0, 1] (its axis of the unit cube, so log-uniform ones by their
logarithm), a logarithmic integer as itself, and any other discrete one as the index of its value. A range with more
than
`MAX_DISCRETE` values counts as continuous, since Optuna's Gaussian process creates an array of all values. For export,
the values themselves are written.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from hpsearch.core.trial import Params, Value, identical
from hpsearch.study.space import Choice, Float, Int, Parameter, Space

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial, Trial


MAX_DISCRETE = 1_000_000


def _is_continuous(parameter: Parameter) -> bool:
    return not isinstance(parameter, Choice) and (parameter.count is None or parameter.count > MAX_DISCRETE)


def encoded(parameter: Parameter) -> "BaseDistribution":
    """The distribution of the parameter's `encode`d values."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    match parameter:
        case Choice():
            return CategoricalDistribution(tuple(range(parameter.count)))
        case _ if _is_continuous(parameter):
            return FloatDistribution(0.0, 1.0)
        case Int(log=True, powers_of=None):
            return IntDistribution(parameter.low, parameter.high, log=True)
    return IntDistribution(0, (parameter.count or 1) - 1)


def encode(parameter: Parameter, value: Value) -> float:
    if isinstance(parameter, Int) and parameter.log and not _is_continuous(parameter) and not parameter.powers_of:
        return int(value)
    u = min(max(parameter.to_unit(value), 0.0), 1.0)
    return (
        u
        if parameter.count is None or _is_continuous(parameter)
        else min(int(u * parameter.count), parameter.count - 1)
    )


def decode(parameter: Parameter, value: float) -> Value:
    if isinstance(parameter, Int) and parameter.log and not _is_continuous(parameter) and not parameter.powers_of:
        return int(value)
    return parameter.from_unit(
        value if parameter.count is None or _is_continuous(parameter) else (value + 0.5) / parameter.count
    )


def suggest(trial: "Trial", parameter: Parameter) -> Value:
    """The parameter's value, suggested by Optuna's sampler."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    match encoded(parameter):
        case CategoricalDistribution(choices=choices):
            drawn = trial.suggest_categorical(parameter.key, choices)
            assert isinstance(drawn, int)
        case FloatDistribution(low=low, high=high):
            return decode(parameter, trial.suggest_float(parameter.key, low, high))
        case other:
            drawn = trial.suggest_int(parameter.key, other.low, other.high, log=other.log)  # type: ignore[attr-defined]
    return decode(parameter, drawn)


def native(parameter: Parameter, values: Sequence[Value]) -> "BaseDistribution":
    """The distribution of the parameter's own values, widened to include all `values` of trials.

    With `expand`, values may be outside of [low, high]; with a grid of `points`, between the steps. Optuna refuses
    both.
    """
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(parameter, Choice):
        return CategoricalDistribution(exported_choices(parameter))
    numbers = [value for value in values if not isinstance(value, str)]
    on_step = parameter.step is not None and all(parameter.from_unit(parameter.to_unit(n)) == n for n in numbers)
    step = parameter.step if on_step else None
    top = parameter.high if step is None else parameter.from_unit(1.0)
    low, high = min([parameter.low, *numbers]), max([top, *numbers])
    if isinstance(parameter, Int):
        return IntDistribution(int(low), int(high), log=parameter.log, step=int(step or 1))
    return FloatDistribution(low, high, log=parameter.log, step=step)


def native_choices(choice: Choice) -> Sequence[str | int | float | bool]:
    """Its values; its labels if it has names, or values that Optuna does not accept: lists or tables."""
    has_parts = any(isinstance(one, list | dict) for one in choice.values)
    return choice.labels if choice.names or has_parts else choice.values


def exported_choices(choice: Choice) -> Sequence[str | int | float | bool]:
    """As `native_choices`; also the labels if it has both 1 and True, which are equal in a stored trial."""
    found = native_choices(choice)
    return found if len(set(found)) == len(found) else choice.labels


def native_params(
    space: Space, params: Params, choices: Callable[[Choice], Sequence[Value]] = exported_choices
) -> dict[str, Value]:
    """The searched parameters by their keys, as values of Optuna's distributions. choices: the values of a choice
    there. ValueError for a value that a choice does not have."""
    return {
        one.key: choices(one)[one.index(params[one.name])] if isinstance(one, Choice) else params[one.name]
        for one in space.parameters
        if one.is_in(params)
    }


def own_distribution(parameter: Parameter) -> "BaseDistribution":
    """The distribution of the parameter's own values; for a choice with lists or tables, of its labels."""
    from optuna.distributions import CategoricalDistribution

    if isinstance(parameter, Choice):
        return CategoricalDistribution(native_choices(parameter))
    return native(parameter, ())


def snapped(parameter: Parameter, value: Any) -> Value:
    """The parameter's own value for a value of Optuna: rounded to a step (0.3 for 0.30000000000000004) or to its
    digits; for a label, the value of the choice."""
    if isinstance(parameter, Choice):
        place = next(i for i, one in enumerate(native_choices(parameter)) if identical(one, value))
        return parameter.from_unit((place + 0.5) / parameter.count)
    if isinstance(parameter, Float) and (parameter.step is not None or parameter.digits is not None or parameter.short):
        return parameter.from_unit(parameter.to_unit(value))
    return float(value) if isinstance(parameter, Float) else value


def frozen(params: Mapping[str, Value], known: Mapping[str, "BaseDistribution"], **given: Any) -> "FrozenTrial":
    """An Optuna trial with the parameters that are in `known`. given: further arguments of `create_trial`."""
    import optuna

    shared = {name: value for name, value in params.items() if name in known}
    return optuna.trial.create_trial(params=shared, distributions={name: known[name] for name in shared}, **given)


@contextmanager
def quiet() -> Iterator[None]:
    """Only log errors of Optuna, which logs a message for each new study."""
    logger = logging.getLogger("optuna")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
