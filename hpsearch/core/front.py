"""The Pareto front of a study with several goals: the trials that no other trial dominates, and its hypervolume."""

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


Point = tuple[float, ...]


def hypervolume(points: Iterable[Point], reference: Point) -> float:
    """The volume between the points and the reference, computed exactly in slices along the last goal.

    The coordinates are losses (smaller is better). A point that is not better than the reference by every goal adds
    nothing. Zitzler and Thiele 1998, "Multiobjective Optimization Using Evolutionary Algorithms".
    """
    inside = sorted({one for one in points if all(a < b for a, b in zip(one, reference, strict=True))})
    return _volume(inside, reference)


def _volume(points: Sequence[Point], reference: Point) -> float:
    if not points:
        return 0.0
    if len(reference) == 1:
        return reference[0] - min(points)[0]
    levels = sorted({one[-1] for one in points})
    total = 0.0
    for level, above in zip(levels, [*levels[1:], reference[-1]], strict=True):
        total += (above - level) * _volume([one[:-1] for one in points if one[-1] <= level], reference[:-1])
    return total
