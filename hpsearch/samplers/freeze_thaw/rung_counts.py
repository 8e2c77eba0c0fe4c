"""The rungs of a freeze-thaw search, and which of them may send a trial up.

They follow asynchronous successive halving with promotion (Li et al. 2018, arXiv 1810.05934): one in ETA of the trials
that have reached a rung continues to the next. The first rung is the first look at a new trial.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

ETA = 3

FACTOR = 3.2
"""A rung is so many times as long as the one before it. From a first look of one epoch it is ETA."""

LOOKS = ((0.0, 0.02), (1.2, 0.04), (3.0, 0.1))
"""For trainers with a schedule over all epochs, such as annealing: from so many full trainings on, in epochs of all
trials together, the first look is this fraction of a full one. Short trainings are then another training than the
first epochs of long ones, so that they say little about the order of the good ones."""


def first_look(epochs: int, spent: int, has_schedule: bool) -> int:
    """The first rung. spent: epochs of all trials so far. has_schedule: the training depends on the number of epochs
    in all; where it does not, the first epochs are those of the whole training, and a short look is enough."""
    share = [one for since, one in LOOKS if spent >= since * epochs][-1] if has_schedule else LOOKS[0][1]
    return min(epochs, max(1, round(share * epochs)))


def rungs(first: int, epochs: int) -> list[int]:
    """The epochs of the rungs, ascending; the last one is `epochs`."""
    found = [first]
    while found[-1] * FACTOR < 0.8 * epochs:
        found.append(max(found[-1] + 1, round(found[-1] * (ETA if first == 1 else FACTOR))))
    return [one for one in found if one < epochs] + [epochs]


@dataclass(frozen=True, slots=True)
class Vacancy:
    """One of `waiting` may train from a rung to the epoch `to`. reached: the number of trials that have reached the
    rung. gone: how many of them are beyond it."""

    waiting: Sequence[int]
    to: int
    reached: int
    gone: int


def vacancies(
    rungs: Sequence[int], epochs: Sequence[int], targets: Sequence[int], paused: Collection[int]
) -> Iterator[Vacancy]:
    """The rungs that may send a trial up, the highest first. By the trial's number: epochs that it has trained, the
    epoch that it trains to. paused: the numbers of those that can continue."""
    for low, high in reversed(list(pairwise(rungs))):
        reached = sum(epoch >= low for epoch in epochs)
        gone = sum(max(pair) >= high for pair in zip(epochs, targets, strict=True))
        waiting = [number for number in paused if low <= epochs[number] < high]
        if waiting and gone < reached // ETA:
            yield Vacancy(waiting, high, reached, gone)
