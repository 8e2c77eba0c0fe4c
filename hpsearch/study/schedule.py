"""The sizes of a recipe's rounds: the number of trials and the epochs of each.

Many trials of few epochs come first, then fewer trials with more epochs, as in successive halving (Jamieson and
Talwalkar 2016, arXiv 1502.07943). Every round also has new trials, in the search range of the survivors.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import accumulate
from typing import Protocol

from hpsearch.core.decisions import Over
from hpsearch.core.format import many
from hpsearch.core.trial import EPOCH, Cause

STEP = "step"
"""The unit of trials that train thousands of steps and report some of them."""

STEP_RUNGS = 4
"""The first rung of such a trial is this many rungs below its last step."""

MAX_COARSE_EPOCHS = 5
"""The maximum epochs of a trial in the first round."""

MIN_COARSE_EPOCHS = 4
"""The minimum epochs of a trial in the first round, if trainer.epochs allows: shorter curves cannot be diagnosed."""

MIN_TRIALS = 3
"""The minimum number of trials in the first round."""

FIRST_SHARE, SAME_SHARE, MIDDLE_SHARE, LAST_SHARE = 0.3, 0.2, 0.45, 0.6
"""The share of the remaining epochs for the first round, a repeat of it, a medium round, and the longest round."""

TRAININGS_FOR_SHORT_ROUNDS = 4
"""A shorter round is added only while the budget has epochs for this number of full trainings."""

RESERVED_TRAININGS = 3
"""Epochs for this number of full trainings are reserved for the end while search ranges still move."""

MAX_SURVIVOR_SHARE = 0.5
"""The largest share of a round's epochs for trials that are continued from earlier rounds."""

REPEAT_SEEDS = 2
"""Number of additional seeds for the best parameters, to measure the variance between seeds."""


class Resource(Enum):
    """The epochs of each trial in the next round.

    SAME: as in the last round. MORE: the next rung. LESS: one rung lower, for new trials; the best of them may be
    continued later.
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
    """One round. epochs: total epochs of each trial at the end of the round.

    survivors: number of trials continued from earlier rounds. new: number of new trials.
    at_end: the survivors are the best of all paused trials, however long they have trained.
    """

    epochs: int
    survivors: int
    new: int
    at_end: bool = False

    @property
    def trials(self) -> int:
        return self.survivors + self.new


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a search between two rounds.

    rounds: number of ended rounds. epochs: of a trial in the last round. trained: epochs of all trials together.
    paused: the epochs of each paused trial that may be continued, the best trial first.
    restarts: without checkpoints, a continued trial trains again from its first epoch.
    reached: the epochs of every trial so far.
    new_share: of new trials in what trials gained so far, in [0, 1].
    """

    rounds: int
    epochs: int
    trained: int
    paused: Sequence[int] = ()
    restarts: bool = False
    reached: Sequence[int] = ()
    new_share: float = 0.5


class Schedule(Protocol):
    """Plans the rounds. longest: epochs of a trial in the longest round. unit: of `longest`, see `Objective.unit`."""

    @property
    def longest(self) -> int: ...
    @property
    def unit(self) -> str: ...

    def first(self) -> Rung: ...

    def next(self, now: Progress, resource: Resource, /) -> Rung | Over:
        """The next round, or the reason why the search is over."""
        ...

    def may_repeat_rung(self, now: Progress, /) -> bool:
        """Whether the next round may have the same epochs as the last."""
        ...

    def repeats(self, now: Progress, /) -> int:
        """The number of additional seeds for the best parameters; 0 if the budget is too small."""
        ...


@dataclass(frozen=True)
class BudgetSchedule:
    """Rounds planned from a budget: the epochs of all trials together.

    In training steps, the epochs of the first round are a share of `longest`: MAX_COARSE_EPOCHS does not apply.
    """

    budget: int
    longest: int
    unit: str = EPOCH

    @property
    def resources(self) -> tuple[int, ...]:
        """The rungs: epochs of a trial in each kind of round, ascending to `longest`."""
        coarse = max(1, round(self.longest / 9))
        if self.unit != STEP:
            coarse = max(1, min(MAX_COARSE_EPOCHS, max(MIN_COARSE_EPOCHS, coarse), round(self.longest / 5)))
        return tuple(sorted({coarse, round(math.sqrt(coarse * self.longest)), self.longest}))

    @property
    def min_budget(self) -> int:
        """The minimum budget in epochs: for the first round."""
        return MIN_TRIALS * self.resources[0]

    def first(self) -> Rung:
        epochs = self.resources[0]
        return Rung(epochs, 0, max(MIN_TRIALS, math.floor(FIRST_SHARE * self.budget / epochs)))

    def next(self, now: Progress, resource: Resource, /) -> Rung | Over:
        left = self.budget - now.trained
        if resource is Resource.LESS and left < TRAININGS_FOR_SHORT_ROUNDS * self.longest:
            resource = Resource.SAME
        epochs = self._epochs(now.epochs, resource)
        share = left * self._share(now.epochs, epochs)
        if left - share < self.longest or share < 2 * epochs:
            share = left
        costs = [epochs if now.restarts else epochs - at for at in now.paused if at < epochs]
        survivors = _affordable_survivors(costs, MAX_SURVIVOR_SHARE * share, left)
        new = math.floor(max(0.0, share - sum(costs[:survivors])) / epochs)
        if survivors + new == 0:
            numbers = {"budget": self.budget, "left": left}
            return Over(f"the budget of {many(self.budget, self.unit)} is spent ({left} left)", Cause.LIMIT, numbers)
        return Rung(epochs, survivors, new)

    def may_repeat_rung(self, now: Progress, /) -> bool:
        """Whether enough epochs remain to train the best trials to the end."""
        return (1 - SAME_SHARE) * (self.budget - now.trained) >= RESERVED_TRAININGS * self.longest

    def repeats(self, now: Progress, /) -> int:
        """0 unless the budget also has epochs for new trials afterwards."""
        return REPEAT_SEEDS if self.budget - now.trained >= 2 * (REPEAT_SEEDS + 1) * now.epochs else 0

    def _epochs(self, last: int, resource: Resource) -> int:
        by = {Resource.SAME: 0, Resource.MORE: 1, Resource.LESS: -1}[resource]
        return self.resources[min(max(self.resources.index(last) + by, 0), len(self.resources) - 1)]

    def _share(self, last: int, epochs: int) -> float:
        if epochs == self.longest:
            return LAST_SHARE
        return SAME_SHARE if epochs == last == self.resources[0] else MIDDLE_SHARE


@dataclass(frozen=True)
class FixedSchedule:
    """The rounds of the study file. keep: share of a round's trials that are continued ones, in [0, 1]."""

    rounds: Sequence[GivenRound]
    keep: float
    unit: str = EPOCH

    @property
    def longest(self) -> int:
        return max(round_.epochs for round_ in self.rounds)

    def first(self) -> Rung:
        return Rung(self.rounds[0].epochs, 0, self.rounds[0].trials)

    def next(self, now: Progress, _resource: Resource, /) -> Rung | Over:
        if now.rounds >= len(self.rounds):
            return Over(f"all {len(self.rounds)} rounds are done", numbers={"rounds": len(self.rounds)})
        round_ = self.rounds[now.rounds]
        survivors = min(ceil_share(self.keep, round_.trials), sum(at < round_.epochs for at in now.paused))
        return Rung(round_.epochs, survivors, round_.trials - survivors)

    def may_repeat_rung(self, _now: Progress, /) -> bool:
        """Always true: the rounds are fixed."""
        return True

    def repeats(self, _now: Progress, /) -> int:
        """Always 0: the rounds are fixed."""
        return 0


def first_rung(longest: int, unit: str, eta: int) -> int:
    """The default first rung of successive halving: one epoch or evaluation, or a share of the training steps."""
    return max(1, longest // eta**STEP_RUNGS) if unit == STEP else 1


def ceil_share(fraction: float, of: int) -> int:
    """fraction * of, rounded up, with a tolerance for rounding errors: 0.28 * 25 gives 7."""
    return math.ceil(fraction * of - 1e-9)


def _affordable_survivors(costs: Sequence[int], share: float, left: int) -> int:
    """How many of the first trials fit into a share of the remaining epochs; at least one if `left` allows one."""
    if not costs or costs[0] > left:
        return 0
    return max(1, sum(total <= share for total in accumulate(costs)))


def forecast(schedule: Schedule, restarts: bool = False) -> Iterator[Rung]:
    """The rounds, if the search ranges do not move, no trial ends early and each round improves the best value.

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
