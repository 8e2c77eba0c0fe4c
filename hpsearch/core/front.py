"""The Pareto front of a study with several goals: the trials of which none is dominated by another one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from hpsearch.core.goals import ranks
from hpsearch.core.requirements import Requirement
from hpsearch.core.trial import Objective, Params, Trial


@dataclass(frozen=True)
class FrontTrial:
    """A trial of the front. values: its metric for each goal, at `epoch`, by which it is judged."""

    trial: int
    values: Mapping[str, float]
    epoch: int
    params: Params


def front(trials: Iterable[Trial], objective: Objective) -> list[FrontTrial]:
    """By the first goal, the best first; empty for a study with one goal."""
    if not objective.others:
        return []
    fit = objective.ranked(trials)
    places = ranks([objective.losses(one) for one in fit])
    return [front_trial(one, objective) for one, rank in zip(fit, places, strict=True) if rank == 0]


def front_trial(trial: Trial, objective: Objective) -> FrontTrial:
    """A trial that has a result."""
    report = objective.judged(trial)
    assert report is not None, "it has a result"
    return FrontTrial(trial.number, objective.values(trial), report.step, dict(trial.params))


def preferred(trials: Iterable[Trial], objective: Objective, preferences: Sequence[Requirement]) -> Trial | None:
    """The best trial by the first goal of those that meet the preferences; None where none does."""
    return replace(objective, require=(*objective.require, *preferences)).best(trials)
