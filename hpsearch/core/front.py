"""The Pareto front of a study with several goals: the trials that no other trial dominates."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from hpsearch.core.goals import ranks
from hpsearch.core.requirements import Requirement
from hpsearch.core.trial import Objective, Params, Trial


@dataclass(frozen=True)
class FrontTrial:
    """A trial of the front. values: the metric of each goal at `epoch`, by which the trial is judged."""

    trial: int
    values: Mapping[str, float]
    epoch: int
    params: Params


def front(trials: Iterable[Trial], objective: Objective) -> list[FrontTrial]:
    """The Pareto front, the best by the first goal first; empty for a study with one goal."""
    if not objective.others:
        return []
    fit = objective.ranked(trials)
    places = ranks([objective.losses(one) for one in fit])
    return [front_trial(one, objective) for one, rank in zip(fit, places, strict=True) if rank == 0]


def front_trial(trial: Trial, objective: Objective) -> FrontTrial:
    """trial: must have a result."""
    report = objective.judged(trial)
    assert report is not None, "it has a result"
    return FrontTrial(trial.number, objective.values(trial), report.step, dict(trial.params))


def preferred(trials: Iterable[Trial], objective: Objective, preferences: Sequence[Requirement]) -> Trial | None:
    """The best trial by the first goal among the trials that meet the preferences; None if there are none."""
    return replace(objective, require=(*objective.require, *preferences)).best(trials)
