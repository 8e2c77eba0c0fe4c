"""A recorded study as an Optuna study in a SQLite file, for whoever plots it or searches on with Optuna's tools."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from hpsearch.core.errors import BadInput
from hpsearch.core.trial import Objective, State, Trial
from hpsearch.samplers.optuna.distributions import frozen, native, quiet
from hpsearch.study.space import Space

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial


def write_study(path: Path, name: str, objective: Objective, space: Space, trials: Iterable[Trial]) -> int:
    """Write every ended trial, in the order of their numbers, and say how many. BadInput: `path` is there already.

    COMPLETE stays COMPLETE, with its value at the epoch by which it is judged. PRUNED and PAUSED are both PRUNED: they
    trained for fewer epochs than they might have, and that is all that Optuna's samplers and plots need to know. FAILED
    is FAIL. The metric at every epoch is an intermediate value. What Optuna has no place for is in user attributes:
    number, state, reason, origin, round, seed and attempts; the study's are its metric and its fixed parameters.
    """
    import optuna

    if path.exists():
        raise BadInput(f"{path} is there already: name a file that is not")
    ended = [trial for trial in trials if not trial.state.is_active]
    distributions = {
        p.name: native(p, [trial.params[p.name] for trial in ended if p.name in trial.params]) for p in space.parameters
    }
    with quiet():
        study = optuna.create_study(storage=f"sqlite:///{path}", study_name=name, direction=objective.goal)
        study.set_user_attr("metric", objective.metric)
        study.set_user_attr("fixed", dict(space.fixed))
        study.add_trials([_frozen(trial, objective, distributions) for trial in ended])
    return len(ended)


def _frozen(trial: Trial, objective: Objective, known: Mapping[str, "BaseDistribution"]) -> "FrozenTrial":
    from optuna.trial import TrialState

    states = {State.COMPLETE: TrialState.COMPLETE, State.FAILED: TrialState.FAIL}
    one = frozen(
        trial.params,
        known,
        state=states.get(trial.state, TrialState.PRUNED),
        value=None if trial.state is State.FAILED else objective.value(trial),
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
    one.datetime_start = datetime.fromtimestamp(trial.proposed_at / 1000)
    one.datetime_complete = datetime.fromtimestamp(trial.ended_at / 1000)
    return one
