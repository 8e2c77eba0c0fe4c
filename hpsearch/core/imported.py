"""Trials of other programs, as importers read them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hpsearch.core.trial import Objective, State

MAX_IMPORTED = 10_000
"""The most trials of one import, because a sampler is fitted to all of them for every proposal."""


@dataclass(frozen=True, slots=True)
class ImportedTrial:
    """label: the trial's place in the source, such as "line 3". params: the values as in the source.

    values: step and value of the metric, with increasing steps from 1. Step 0: the source does not say the step.
    state: COMPLETE, PRUNED or FAILED (also for a trial that had not ended); None if the source does not say.
    others: step -> other metrics that the study needs, for requirements or further goals.
    """

    label: str
    params: Mapping[str, Any]
    values: Sequence[tuple[int, float]]
    state: State | None = None
    others: Mapping[int, Mapping[str, float]] = field(default_factory=dict)


def other_metrics(objective: Objective) -> list[str]:
    """The metrics of further goals and of requirements: a result needs them too."""
    names = [*(goal.metric for goal in objective.others), *(name for one in objective.require for name in one.names)]
    return [name for name in dict.fromkeys(names) if name != objective.metric]


def state_named(text: object) -> State | None:
    """The state for another program's word, such as "crashed"; None for "" and for an unknown word."""
    word = str(text).rpartition(".")[2].strip().lower()
    if word in ("fail", "failed", "crashed", "killed", "running", "waiting", "pending", "preempted", "infeasible"):
        return State.FAILED
    return {"pruned": State.PRUNED, "paused": State.PRUNED, "complete": State.COMPLETE}.get(word)


def from_step_one(values: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """The values in the order of their steps. Steps of programs that count from 0 are shifted to start at 1."""
    shift = shift_to_one([step for step, _ in values])
    return [(step + shift, value) for step, value in sorted(dict(values).items())]


def shift_to_one(steps: Iterable[int]) -> int:
    """The number to add to the steps so that the first is at least 1."""
    return max(0, 1 - min(steps, default=1))
