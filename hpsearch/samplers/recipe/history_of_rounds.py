"""The story of a search in rounds: where each looked, who was in it, what it gained. For the journal, MLflow and a
person."""

import math
from collections.abc import Mapping
from typing import Any

from hpsearch.core.format import columns, number
from hpsearch.core.history import History
from hpsearch.samplers.base import Sampler
from hpsearch.samplers.coarse_to_fine import CoarseToFine
from hpsearch.samplers.recipe.planned_rounds import PlannedRound
from hpsearch.samplers.recipe.sampler import Recipe
from hpsearch.samplers.recipe.search_ranges import SearchRange, numbers
from hpsearch.study.space import Space

KIND = "rounds"
"""What the journal calls the document."""


def document(sampler: Sampler, history: History, over: str = "") -> dict[str, Any] | None:
    """What every round that has begun came to so far, in plain values; None for a search without rounds.

    over: why there will be no other.
    """
    if not isinstance(sampler, CoarseToFine | Recipe) or len(history) == 0:
        return None
    plans = [
        plan for plan in sampler.planned_rounds(history)[0] if any(number < len(history) for number in plan.trials)
    ]
    best = math.inf
    rounds = []
    for plan in plans:
        losses = {number: _loss(plan, number, history) for number in plan.trials if number < len(history)}
        rounds.append(_round(plan, losses, best, sampler.space, history))
        best = min(best, *losses.values())
    return {
        "metric": history.objective.metric,
        "goal": history.objective.goal,
        "log": {one.name: one.log for one in numbers(sampler.space)},
        "rounds": rounds,
        "over": over,
    }


def _loss(plan: PlannedRound, number: int, history: History) -> float:
    """Of a trial when the round was over; infinite where it came to nothing."""
    trial = history[number]
    if trial.diverged and trial.epoch <= plan.rung.epochs:
        return math.inf
    return history.losses_at(min(trial.epoch, plan.rung.epochs)).get(number, math.inf)


def _round(
    plan: PlannedRound, losses: Mapping[int, float], before: float, space: Space, history: History
) -> dict[str, Any]:
    first = min(losses, key=losses.__getitem__)
    found = losses[first]
    return {
        "number": plan.number,
        "epochs": plan.rung.epochs,
        "repeats": plan.repeats is not None,
        "windows": [_range(one) for one in plan.ranges],
        "notes": list(plan.notes),
        "trials": [
            {
                "trial": number,
                "continued": number in plan.survivors,
                "value": _value(loss, history),
                "params": {one.name: history[number].params.get(one.name) for one in numbers(space)},
            }
            for number, loss in losses.items()
        ],
        "best": {"trial": first, "value": _value(found, history)} if math.isfinite(found) else None,
        "gained": max(0.0, before - found) if math.isfinite(before) and math.isfinite(found) else None,
    }


def _value(loss: float, history: History) -> float | None:
    """The metric in its own sign."""
    if not math.isfinite(loss):
        return None
    return loss if history.objective.goal == "minimize" else -loss


def _range(one: SearchRange) -> dict[str, Any]:
    return {"name": one.name, "low": one.low, "high": one.high, "reason": one.reason}


def text(told: Mapping[str, Any]) -> str:
    """A line for each round, then why each looks where it does."""
    rows = [["round", "trials", "to epoch", f"best {told['metric']}", "gained"]]
    rows += [_row(one) for one in told["rounds"]]
    notes = [line for one in told["rounds"] for line in ("", *map(indented, one["notes"]))]
    return "\n".join([columns(rows), *notes, *(["", f"over: {told['over']}"] if told["over"] else [])])


def _row(one: Mapping[str, Any]) -> list[str]:
    older = sum(trial["continued"] for trial in one["trials"])
    count = f"{len(one['trials'])}" + (f", {older} of them continued" if older else "")
    best = f"{number(one['best']['value'])} (trial {one['best']['trial']})" if one["best"] else "none"
    gained = "" if one["gained"] is None else number(one["gained"]) if one["gained"] else "nothing"
    return [str(one["number"]), count, str(one["epochs"]), best, gained]


def indented(note: str) -> str:
    """What was decided in a round, under what is said of the round itself."""
    return note if note.startswith("round ") else f"  {note}"
