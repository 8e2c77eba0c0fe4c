"""Writes a recorded study as an Optuna study in a SQLite file, for plots or further searches with Optuna's tools."""

import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from hpsearch.core.errors import BadInput
from hpsearch.core.trial import Objective, State, Trial
from hpsearch.samplers.optuna.distributions import frozen, native, native_params, quiet
from hpsearch.study.space import Space

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial


def write_study(path: Path, name: str, objective: Objective, space: Space, trials: Iterable[Trial]) -> int:
    """Write every ended trial, in the order of their numbers, and return their count. BadInput: `path` exists.

    COMPLETE stays COMPLETE, with the value at the epoch that the objective selects. PRUNED and PAUSED become PRUNED:
    they trained for fewer epochs than possible, as Optuna's samplers and plots assume. FAILED and INFEASIBLE become
    FAIL, which Optuna's samplers ignore. The metric at each epoch is an intermediate value. With several goals Optuna
    has no intermediate values, and a trial without a value for each goal becomes FAIL too. User attributes have the
    rest: number, state, reason, origin, round, seed and attempts of a trial, and the metrics that the study's
    requirements are about; metric and fixed parameters of the study.
    """
    import optuna

    if path.exists():
        raise BadInput(f"{path} already exists: choose another file")
    ended = [trial for trial in trials if not trial.state.is_active]
    distributions = {
        p.key: native(p, [trial.params[p.name] for trial in ended if p.is_in(trial.params)]) for p in space.parameters
    }
    with quiet():
        storage = optuna.storages.RDBStorage(f"sqlite:///{path}")
        try:
            study = optuna.create_study(
                storage=storage, study_name=name, directions=[one.goal for one in objective.goals]
            )
            study.set_user_attr("metric", objective.metric)
            if objective.others:
                study.set_user_attr("metrics", [one.metric for one in objective.goals])
            study.set_user_attr("fixed", dict(space.fixed))
            study.add_trials([_frozen(trial, objective, space, distributions) for trial in ended])
        finally:
            storage.remove_session()
            storage.engine.dispose()  # Python 3.13 warns of connections that are closed by the garbage collector
    return len(ended)


def _frozen(trial: Trial, objective: Objective, space: Space, known: Mapping[str, "BaseDistribution"]) -> "FrozenTrial":
    from optuna.trial import TrialState

    states = {
        State.COMPLETE: TrialState.COMPLETE,
        State.FAILED: TrialState.FAIL,
        State.INFEASIBLE: TrialState.FAIL,
    }
    reported = {one.step: one.metrics[objective.metric] for one in trial.curve if objective.is_in(one)}
    values = list(objective.values(trial).values())
    has_all = len(values) == len(objective.goals) and trial.state is not State.FAILED
    state = states.get(trial.state, TrialState.PRUNED)
    if objective.others and not has_all:
        state = TrialState.FAIL
    one = frozen(
        native_params(space, trial.params),
        known,
        state=state,
        values=values if has_all else None,
        intermediate_values=reported if not objective.others else {},
        user_attrs={
            **_required(trial, objective),
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


def _required(trial: Trial, objective: Objective) -> dict[str, float]:
    """The metrics of `require` in the report by which the trial is judged, so that an import finds them."""
    judged = objective.judged(trial)
    if judged is None:
        return {}
    return {
        name: value
        for one in objective.require
        for name, value in objective.metrics_of(trial.curve, judged, one).items()
        if math.isfinite(value)
    }
