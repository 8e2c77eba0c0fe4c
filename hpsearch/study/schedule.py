"""How a recipe's rounds are sized: how long the trials of each are trained, and how many there are.

Few epochs and many trials first, then fewer and longer: the same trade as in successive halving (Jamieson and Talwalkar
2016, arXiv 1502.07943), with the ranges of the survivors searched anew in every round.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import accumulate
from typing import Protocol

from hpsearch.core.decisions import Over
from hpsearch.core.trial import Cause

COARSE = 5
"""The most epochs of a trial in the first round."""

READABLE = 4
"""The fewest epochs of the first round, where trainer.epochs allow it: shorter curves cannot be diagnosed."""

FEWEST = 3
"""The fewest trials of the first round."""

FIRST, SAME, MIDDLE, LAST = 0.3, 0.2, 0.45, 0.6
"""The share of the remaining epochs that a round uses: the first round; another as short; a medium one; the longest."""

ENOUGH = 4
"""Shorter rounds are added only while the budget has epochs for this number of full trainings."""

RESERVED = 3
"""Epochs for this number of full trainings are reserved for the end while search ranges still move."""

CARRIED = 0.5
"""The largest share of a round's epochs for trials that are continued from earlier rounds."""

REPEATS = 2
"""Number of further seeds that the best parameters are trained with, to measure the variance between seeds."""


class Resource(Enum):
    """How many epochs each trial of the next round is given.

    SAME: as many as in the last. MORE: those of the next rung. LESS: back from the last rung to the one before, for new
    trials of which the best may go on.
    """

    SAME = "same"
    MORE = "more"
    LESS = "less"


class GivenRound(Protocol):
    """A round of a study file."""

    @property
    def trials(self) -> int: ...
    @property
    def epochs(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Rung:
    """One round. epochs: of each of its trials in all.

    survivors: number of trials continued from earlier rounds. new: number of new trials.
    """

    epochs: int
    survivors: int
    new: int

    @property
    def trials(self) -> int:
        return self.survivors + self.new


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a search between two rounds.

    rounds: how many have ended. epochs: of a trial in the last one. trained: epochs of all trials together.
    paused: the epochs of the paused trials that may be continued, the best trial first.
    restarts: a trial that is continued trains again from its first epoch.
    """

    rounds: int
    epochs: int
    trained: int
    paused: Sequence[int] = ()
    restarts: bool = False


class Schedule(Protocol):
    """Plans the rounds. longest: epochs of a trial in the longest round."""

    @property
    def longest(self) -> int: ...

    def first(self) -> Rung: ...

    def next(self, now: Progress, resource: Resource, /) -> Rung | Over:
        """The next round, or why there is none."""
        ...

    def may_look_again(self, now: Progress, /) -> bool:
        """Whether another round as short as the last may come next."""
        ...

    def repeats(self, now: Progress, /) -> int:
        """The number of further seeds to train the best parameters with; 0 where the budget is too small."""
        ...


@dataclass(frozen=True)
class BudgetSchedule:
    """Rounds planned from a budget of epochs of all trials together."""

    budget: int
    longest: int

    @property
    def resources(self) -> tuple[int, ...]:
        """Epochs of a trial in each kind of round, rising to `longest`."""
        coarse = max(1, min(COARSE, max(READABLE, round(self.longest / 9)), round(self.longest / 5)))
        return tuple(sorted({coarse, round(math.sqrt(coarse * self.longest)), self.longest}))

    @property
    def least(self) -> int:
        """The fewest epochs of the first round."""
        return FEWEST * self.resources[0]

    def first(self) -> Rung:
        epochs = self.resources[0]
        return Rung(epochs, 0, max(FEWEST, math.floor(FIRST * self.budget / epochs)))

    def next(self, now: Progress, resource: Resource, /) -> Rung | Over:
        left = self.budget - now.trained
        if resource is Resource.LESS and left < ENOUGH * self.longest:
            resource = Resource.SAME
        epochs = self._epochs(now.epochs, resource)
        share = left * self._share(now.epochs, epochs)
        if left - share < self.longest or share < 2 * epochs:
            share = left
        costs = [epochs if now.restarts else epochs - at for at in now.paused if at < epochs]
        survivors = _affordable(costs, CARRIED * share, left)
        new = math.floor(max(0.0, share - sum(costs[:survivors])) / epochs)
        if survivors + new == 0:
            numbers = {"budget": self.budget, "left": left}
            return Over(f"the budget of {self.budget} epochs is spent ({left} left)", Cause.LIMIT, numbers)
        return Rung(epochs, survivors, new)

    def may_look_again(self, now: Progress, /) -> bool:
        """Only where enough epochs remain to train the best trials to the end."""
        return (1 - SAME) * (self.budget - now.trained) >= RESERVED * self.longest

    def repeats(self, now: Progress, /) -> int:
        """Only where the budget also has epochs for new trials afterwards."""
        return REPEATS if self.budget - now.trained >= 2 * (REPEATS + 1) * now.epochs else 0

    def _epochs(self, last: int, resource: Resource) -> int:
        by = {Resource.SAME: 0, Resource.MORE: 1, Resource.LESS: -1}[resource]
        return self.resources[min(max(self.resources.index(last) + by, 0), len(self.resources) - 1)]

    def _share(self, last: int, epochs: int) -> float:
        if epochs == self.longest:
            return LAST
        return SAME if epochs == last == self.resources[0] else MIDDLE


@dataclass(frozen=True)
class FixedSchedule:
    """The rounds of the study file. keep: share of a round's trials that are continued from earlier ones, in [0, 1]."""

    rounds: Sequence[GivenRound]
    keep: float

    @property
    def longest(self) -> int:
        return max(round_.epochs for round_ in self.rounds)

    def first(self) -> Rung:
        return Rung(self.rounds[0].epochs, 0, self.rounds[0].trials)

    def next(self, now: Progress, _resource: Resource, /) -> Rung | Over:
        if now.rounds >= len(self.rounds):
            return Over(f"all {len(self.rounds)} rounds are done", numbers={"rounds": len(self.rounds)})
        round_ = self.rounds[now.rounds]
        survivors = min(part(self.keep, round_.trials), sum(at < round_.epochs for at in now.paused))
        return Rung(round_.epochs, survivors, round_.trials - survivors)

    def may_look_again(self, _now: Progress, /) -> bool:
        """Always: the rounds are given."""
        return True

    def repeats(self, _now: Progress, /) -> int:
        """None: the rounds are given."""
        return 0


def part(fraction: float, of: int) -> int:
    """Rounded up, with a tolerance for rounding errors: 0.28 x 25 is 7."""
    return math.ceil(fraction * of - 1e-9)


def _affordable(costs: Sequence[int], share: float, left: int) -> int:
    """How many of the first trials fit into a share of the remaining epochs; at least one where one fits at all."""
    if not costs or costs[0] > left:
        return 0
    return max(1, sum(total <= share for total in accumulate(costs)))


def forecast(schedule: Schedule, restarts: bool = False) -> Iterator[Rung]:
    """The rounds if no search range moves, no trial ends early and each round improves the best value.

    restarts: see `Progress`.
    """
    rung: Rung | Over = schedule.first()
    trained, rounds, paused = 0, 0, list[int]()
    while isinstance(rung, Rung):
        yield rung
        rounds += 1
        older, paused = paused[: rung.survivors], paused[rung.survivors :]
        trained += rung.new * rung.epochs + sum(rung.epochs if restarts else rung.epochs - at for at in older)
        if rung.epochs < schedule.longest:
            paused = sorted([*paused, *[rung.epochs] * rung.trials], reverse=True)
        resource = Resource.LESS if rung.epochs == schedule.longest else Resource.MORE
        able = [at for at in paused if at < schedule.longest]
        rung = schedule.next(Progress(rounds, rung.epochs, trained, able, restarts), resource)
