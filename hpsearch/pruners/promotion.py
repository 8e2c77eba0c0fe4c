"""Promotion: which paused trial of asynchronous successive halving continues (Li et al. 2018, arXiv 1810.05934,
Algorithm 2, `get_job`).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from hpsearch.core.history import History
from hpsearch.core.trial import Objective, State, Trial
from hpsearch.pruners.ranks import rung_losses


@dataclass(frozen=True, slots=True)
class Promotion:
    """The paused trial `number` continues. reason: for people."""

    number: int
    reason: str


@runtime_checkable
class Promotes(Protocol):
    """A pruner that pauses trials and promotes them later."""

    def promotion(self, history: History, *, at_end: bool = False) -> Promotion | None:
        """A PAUSED trial of the history that should continue, or None. A pure function, like `judge`.

        at_end: no new trial will be started. The best trial of each rung then continues in any case, so that at least
        one trial reaches its last epoch.
        """
        ...


@dataclass(frozen=True)
class Ladder:
    """The rungs of one bracket: epochs first x eta^k below `end`. has: whether a trial number is in the bracket."""

    rule: str
    first: int
    eta: int
    end: int
    has: Callable[[int], bool] = lambda _number: True

    @property
    def rungs(self) -> tuple[int, ...]:
        rungs, rung = [], self.first
        while rung < self.end:
            rungs.append(rung)
            rung *= self.eta
        return tuple(rungs)

    def reached(self, trial: Trial, objective: Objective) -> int | None:
        """The highest rung that a trial has reached since its previous report with the metric.

        None if it has reached no new rung, or if its last report lacks the metric.
        """
        epoch, before = (*objective.steps(trial, 2), 0, 0)[:2]
        if epoch < trial.epoch:
            return None
        return max((rung for rung in self.rungs if before < rung <= epoch), default=None)

    def losses(self, rung: int, history: History) -> Mapping[int, float]:
        """The losses of the bracket's trials that have reached a rung, see `rung_losses`."""
        return rung_losses(rung, history, self.has)


def promoted(losses: Mapping[int, float], count: int) -> list[int]:
    """The numbers of the best `count` trials of a rung, the best first; of equal ones the lower number. Trials with an
    infinite loss are left out."""
    finite = (number for number, loss in losses.items() if math.isfinite(loss))
    return sorted(finite, key=lambda number: (losses[number], number))[:count]


def best_promotion(ladders: Sequence[Ladder], history: History, at_end: bool) -> Promotion | None:
    """The best paused trial among the best 1/eta of its rung, from the highest rung that has one.

    With several brackets, the first one that has such a trial. at_end: see `Promotes`.
    """
    for ladder in ladders:
        above: Mapping[int, float] = {}
        for rung in reversed(ladder.rungs):
            losses = ladder.losses(rung, history)
            count = max(at_end, len(losses) // ladder.eta)
            for place, number in enumerate(promoted(losses, count), start=1):
                trial = history[number]
                if trial.state is State.PAUSED and number not in above and trial.epoch < trial.until:
                    rest = f"the best {count} continue" if count > 1 else "the best continues"
                    at = f"at {history.objective.unit} {rung}"
                    reason = f"{ladder.rule}: rank {place} of {len(losses)} {at}, {rest}"
                    return Promotion(number, reason)
            above = losses
    return None
