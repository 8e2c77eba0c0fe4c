"""Trials of other programs, as importers read them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hpsearch.core.trial import Objective, State

MAX_IMPORTED = 10_000
"""The most trials of one import: a sampler is fitted to all of them for every proposal."""


@dataclass(frozen=True, slots=True)
class ImportedTrial:
    """label: where it is in its source, such as "line 3". params: its values as the source has them.

    values: step and value of the metric, the steps from 1 and increasing; step 0: the source does not say which.
    state: COMPLETE, PRUNED or FAILED (also for one that had not ended); None: the source does not say.
    others: at these steps, other metrics that the study needs, for its requirements or further goals.
    """

    label: str
    params: Mapping[str, Any]
    values: Sequence[tuple[int, float]]
    state: State | None = None
    others: Mapping[int, Mapping[str, float]] = field(default_factory=dict)


def other_metrics(objective: Objective) -> list[str]:
    """What a result needs beside the metric: of further goals, and of requirements."""
    names = [*(goal.metric for goal in objective.others), *(name for one in objective.require for name in one.names)]
    return [name for name in dict.fromkeys(names) if name != objective.metric]


def state_named(text: object) -> State | None:
    """The state that the other program calls so; None for "" and for a word that is not known."""
    word = str(text).rpartition(".")[2].strip().lower()
    if word in ("fail", "failed", "crashed", "killed", "running", "waiting", "pending", "preempted", "infeasible"):
        return State.FAILED
    return {"pruned": State.PRUNED, "paused": State.PRUNED, "complete": State.COMPLETE}.get(word)


def from_step_one(values: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """In the order of the steps, of which the first is at least 1: programs that count from 0 are shifted by 1."""
    shift = shift_to_one([step for step, _ in values])
    return [(step + shift, value) for step, value in sorted(dict(values).items())]


def shift_to_one(steps: Iterable[int]) -> int:
    """What to add to the steps, so that the first is at least 1."""
    return max(0, 1 - min(steps, default=1))
