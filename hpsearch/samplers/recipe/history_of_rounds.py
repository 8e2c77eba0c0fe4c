"""The record of a search in rounds, for the journal, MLflow and the pages: ranges, trials and improvement of each."""

import math
from collections.abc import Mapping
from typing import Any

from hpsearch.core.history import History
from hpsearch.samplers.base import SearchesInRounds
from hpsearch.samplers.recipe.planned_rounds import PlannedRound
from hpsearch.samplers.recipe.search_ranges import numbers
from hpsearch.study.space import Space

KIND = "rounds"
"""The kind of the document in the journal."""


def document(sampler: SearchesInRounds, history: History, over: str = "") -> dict[str, Any]:
    """All started rounds with their results so far, as plain values. over: why no further round follows."""
    best = math.inf
    rounds = []
    for plan in sampler.planned_rounds(history)[0]:
        losses = {number: _loss(plan, number, history) for number in plan.trials if number < len(history)}
        if not losses:
            continue
        rounds.append(_round(plan, losses, best, sampler.space, history))
        best = min(best, *losses.values())
    return {
        "metric": history.objective.metric,
        "goal": history.objective.goal,
        "log": {one.key: one.log for one in numbers(sampler.space)},
        "rounds": rounds,
        "over": over,
    }


def _loss(plan: PlannedRound, number: int, history: History) -> float:
    """The loss of a trial at the end of the round; infinite without one."""
    trial = history[number]
    if trial.diverged and trial.epoch <= plan.rung.epochs:
        return math.inf
    return history.objective.loss(trial.as_of(plan.rung.epochs))


def _round(
    plan: PlannedRound, losses: Mapping[int, float], before: float, space: Space, history: History
) -> dict[str, Any]:
    first = min(losses, key=losses.__getitem__)
    found = losses[first]
    return {
        "number": plan.number,
        "epochs": plan.rung.epochs,
        "repeats": plan.repeats is not None,
        "windows": [{"name": one.name, "low": one.low, "high": one.high, "reason": one.reason} for one in plan.ranges],
        "notes": list(plan.notes),
        "headlines": plan.headlines,
        "trials": [
            {
                "trial": history.number_of(number),
                "continued": number in plan.survivors,
                "value": _value(loss, history),
                "params": {
                    one.key: history[number].params[one.name] if one.is_in(history[number].params) else None
                    for one in numbers(space)
                },
            }
            for number, loss in losses.items()
        ],
        "best": {"trial": history.number_of(first), "value": _value(found, history)} if math.isfinite(found) else None,
        "gained": max(0.0, before - found) if math.isfinite(before) and math.isfinite(found) else None,
    }


def _value(loss: float, history: History) -> float | None:
    """The metric, not negated."""
    return history.objective.sign * loss if math.isfinite(loss) else None


def outline(one: Mapping[str, Any]) -> list[str]:
    """The notes of a round as lines: first those about the whole round, then the others, indented."""
    first = one["headlines"]
    return [*one["notes"][:first], *(f"  {note}" for note in one["notes"][first:])]
