"""How a recipe's rounds are sized: how long the trials of each are trained, and how many there are.

Few epochs and many trials first, then fewer and longer: the same trade as in successive halving (Jamieson and Talwalkar
2016, arXiv 1502.07943), with the windows of the survivors searched anew in every round.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import accumulate
from typing import Protocol

COARSE = 5
"""The most epochs of a trial in the first round."""

READABLE = 4
"""A curve of fewer epochs tells the doctor nothing, so the first round has as many where the study's allow it."""

FEWEST = 3
"""Trials in the first round: fewer show nothing of a space."""

FIRST, SAME, MIDDLE, LAST = 0.3, 0.2, 0.45, 0.6
"""Of the epochs that are left, what a round takes: the first; another as short; those between; the longest."""

ENOUGH = 4
"""So many of the longest trainings must be left, or going back to shorter ones does not pay."""

RESERVED = 3
"""So many of the longest trainings are kept for the end while windows move."""

CARRIED = 0.5
"""The most of a round's epochs that go into trials of the rounds before."""

REPEATS = 2
"""Further seeds that the best parameters are trained with, to see what the seed alone makes of them."""


class Pace(Enum):
    """How long the next round trains.

    AGAIN: as long as the last. LONGER: a step more. ROUND: back from the longest to the step before, for new trials of
    which the best may go on.
    """

    AGAIN = "again"
    LONGER = "longer"
    ROUND = "round"


class Step(Protocol):
    """A round as a study file gives it."""

    @property
    def trials(self) -> int: ...
    @property
    def epochs(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Size:
    """epochs: what every trial of a round is trained to, in all. continued, new: how many trials."""

    epochs: int
    continued: int
    new: int

    @property
    def trials(self) -> int:
        return self.continued + self.new


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a search has come between two rounds.

    rounds: how many there were. epochs: to which the last one trained. trained: epochs of all trials together.
    paused: the epochs at which those trials pause that may go on, the best first.
    """

    rounds: int
    epochs: int
    trained: int
    paused: Sequence[int] = ()


class Stages(Protocol):
    """What sizes the rounds. longest: to which epoch the trials of the longest are trained."""

    @property
    def longest(self) -> int: ...

    def first(self) -> Size: ...

    def next(self, now: Progress, pace: Pace, /) -> Size | str:
        """The size of the next round; a string says why there is none."""
        ...

    def may_look_again(self, now: Progress, /) -> bool:
        """Whether a round as short as the last may come before any longer one."""
        ...

    def repeats(self, now: Progress, /) -> int:
        """With how many further seeds the best is to be trained as long; 0 where that is not worth it."""
        ...


@dataclass(frozen=True)
class Budgeted:
    """Rounds out of a budget of epochs of all trials together."""

    budget: int
    longest: int

    @property
    def ladder(self) -> tuple[int, ...]:
        """To which epochs the trials of the rounds are trained, rising to `longest`."""
        coarse = max(1, min(COARSE, max(READABLE, round(self.longest / 9)), round(self.longest / 5)))
        return tuple(sorted({coarse, round(math.sqrt(coarse * self.longest)), self.longest}))

    @property
    def least(self) -> int:
        """Epochs that the first round takes at least."""
        return FEWEST * self.ladder[0]

    def first(self) -> Size:
        epochs = self.ladder[0]
        return Size(epochs, 0, max(FEWEST, math.floor(FIRST * self.budget / epochs)))

    def next(self, now: Progress, pace: Pace, /) -> Size | str:
        left = self.budget - now.trained
        if pace is Pace.ROUND and left < ENOUGH * self.longest:
            pace = Pace.AGAIN
        epochs = self._epochs(now.epochs, pace)
        share = left * self._share(now.epochs, epochs)
        if left - share < self.longest or share < 2 * epochs:
            share = left
        costs = [epochs - at for at in now.paused if at < epochs]
        carried = _affordable(costs, CARRIED * share, left)
        new = math.floor(max(0.0, share - sum(costs[:carried])) / epochs)
        if carried + new == 0:
            return f"the budget of {self.budget} epochs is spent ({left} left)"
        return Size(epochs, carried, new)

    def may_look_again(self, now: Progress, /) -> bool:
        """Not where too little would be left to train the best of it to the end."""
        return (1 - SAME) * (self.budget - now.trained) >= RESERVED * self.longest

    def repeats(self, now: Progress, /) -> int:
        """Only where as many trials can follow: the noise matters to nobody who cannot go on."""
        return REPEATS if self.budget - now.trained >= 2 * (REPEATS + 1) * now.epochs else 0

    def _epochs(self, last: int, pace: Pace) -> int:
        by = {Pace.AGAIN: 0, Pace.LONGER: 1, Pace.ROUND: -1}[pace]
        return self.ladder[min(max(self.ladder.index(last) + by, 0), len(self.ladder) - 1)]

    def _share(self, last: int, epochs: int) -> float:
        if epochs == self.longest:
            return LAST
        return SAME if epochs == last == self.ladder[0] else MIDDLE


@dataclass(frozen=True)
class Given:
    """Rounds as the study file has them. keep: the share of a round that goes on from those before, in [0, 1]."""

    rounds: Sequence[Step]
    keep: float

    @property
    def longest(self) -> int:
        return max(round_.epochs for round_ in self.rounds)

    def first(self) -> Size:
        return Size(self.rounds[0].epochs, 0, self.rounds[0].trials)

    def next(self, now: Progress, _pace: Pace, /) -> Size | str:
        if now.rounds >= len(self.rounds):
            return f"all {len(self.rounds)} rounds are done"
        round_ = self.rounds[now.rounds]
        wanted = math.ceil(self.keep * round_.trials - 1e-9)
        carried = min(wanted, sum(at < round_.epochs for at in now.paused))
        return Size(round_.epochs, carried, round_.trials - carried)

    def may_look_again(self, _now: Progress, /) -> bool:
        """How long a round is does not depend on it."""
        return True

    def repeats(self, _now: Progress, /) -> int:
        """None: rounds that are given are what is trained."""
        return 0


def _affordable(costs: Sequence[int], share: float, left: int) -> int:
    """How many of the first are paid for by a share of the epochs that are left; one where all of them pay for it."""
    if not costs or costs[0] > left:
        return 0
    return max(1, sum(total <= share for total in accumulate(costs)))


def forecast(stages: Stages) -> Iterator[Size]:
    """The rounds as they will be if no window moves, nothing ends early and every round gains."""
    size: Size | str = stages.first()
    trained, rounds, paused = 0, 0, list[int]()
    while isinstance(size, Size):
        yield size
        rounds += 1
        older, paused = paused[: size.continued], paused[size.continued :]
        trained += size.new * size.epochs + sum(size.epochs - at for at in older)
        if size.epochs < stages.longest:
            paused = sorted([*paused, *[size.epochs] * size.trials], reverse=True)
        pace = Pace.ROUND if size.epochs == stages.longest else Pace.LONGER
        able = [at for at in paused if at < stages.longest]
        size = stages.next(Progress(rounds, size.epochs, trained, able), pace)
