"""A recorded study as an Optuna study in a SQLite file, for whoever plots it or searches on with Optuna's tools."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from hpsearch.core.errors import BadInput
from hpsearch.core.trial import Objective, Plain, State, Trial
from hpsearch.study.space import Choice, Float, Int, Parameter, Space

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution


def write_study(path: Path, name: str, objective: Objective, space: Space, trials: Iterable[Trial]) -> int:
    """Write every settled trial, in the order of their numbers, and say how many. BadInput: `path` is there already.

    COMPLETE stays COMPLETE, with its value at the epoch by which it is judged. PRUNED and PAUSED are both PRUNED: they
    trained for fewer epochs than they might have, and that is all that Optuna's samplers and plots need to know. FAILED
    is FAIL. The metric at every epoch is an intermediate value. What Optuna has no place for is in user attributes:
    number, state, reason, origin, round, seed and attempts; the study's are its metric and its fixed parameters.
    """
    import optuna

    if path.exists():
        raise BadInput(f"{path} is there already: name a file that is not")
    settled = [trial for trial in trials if not trial.state.is_active]
    distributions = {p.name: _distribution(p, _values(p, settled)) for p in space.parameters}
    with _quiet():
        study = optuna.create_study(storage=f"sqlite:///{path}", study_name=name, direction=objective.goal)
        study.set_user_attr("metric", objective.metric)
        study.set_user_attr("fixed", dict(space.fixed))
        study.add_trials([_frozen(trial, objective, distributions) for trial in settled])
    return len(settled)


def _frozen(trial: Trial, objective: Objective, known: Mapping[str, "BaseDistribution"]) -> "optuna.trial.FrozenTrial":
    import optuna

    states = {State.COMPLETE: optuna.trial.TrialState.COMPLETE, State.FAILED: optuna.trial.TrialState.FAIL}
    frozen = optuna.trial.create_trial(
        state=states.get(trial.state, optuna.trial.TrialState.PRUNED),
        value=None if trial.state is State.FAILED else objective.value(trial),
        params={name: value for name, value in trial.params.items() if name in known},
        distributions={name: distribution for name, distribution in known.items() if name in trial.params},
        intermediate_values={report.step: report.metrics[objective.metric] for report in trial.curve},
        user_attrs={
            "number": trial.number,
            "state": str(trial.state),
            "reason": trial.reason,
            "origin": trial.origin,
            "round": trial.round,
            "seed": trial.seed,
            "attempts": trial.attempts,
        },
    )
    frozen.datetime_start = datetime.fromtimestamp(trial.proposed_at / 1000)
    frozen.datetime_complete = datetime.fromtimestamp(trial.ended_at / 1000)
    return frozen


def _values(parameter: Parameter, trials: Sequence[Trial]) -> list[Plain]:
    return [trial.params[parameter.name] for trial in trials if parameter.name in trial.params]


def _distribution(parameter: Parameter, values: Sequence[Plain]) -> "BaseDistribution":
    """The parameter as the study file has it, or as much wider as the values are that were tried.

    `expand` leads beyond the ends, and a grid of `points` between the steps; Optuna takes neither.
    """
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(parameter, Choice):
        return CategoricalDistribution(parameter.values)
    numbers = [value for value in values if not isinstance(value, str)]
    step = parameter.step if all(_is_on_step(parameter, number) for number in numbers) else None
    top = parameter.high if step is None else parameter.from_unit(1.0)
    low, high = min([parameter.low, *numbers]), max([top, *numbers])
    if isinstance(parameter, Int):
        return IntDistribution(int(low), int(high), log=parameter.log, step=int(step or 1))
    return FloatDistribution(low, high, log=parameter.log, step=step)


def _is_on_step(parameter: Float | Int, number: float) -> bool:
    return parameter.step is None or parameter.from_unit(parameter.to_unit(number)) == number


@contextmanager
def _quiet() -> Iterator[None]:
    """Optuna announces every study that it makes."""
    import optuna

    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(level)
