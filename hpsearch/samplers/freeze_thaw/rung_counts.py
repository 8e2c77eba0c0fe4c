"""The rungs of a freeze-thaw search, and which of them may promote a trial.

They follow asynchronous successive halving with promotion (Li et al. 2018, arXiv 1810.05934): one in ETA of the trials
that have reached a rung continues to the next. New trials train to the first rung. Where the next rung is less than ETA
times as long, which only the last may be, a larger share continues, so that each rung takes as many epochs as the one
below (Jamieson and Talwalkar 2016, arXiv 1502.07943).
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

ETA = 3

FACTOR = 3.2
"""Each rung is FACTOR times as long as the previous one; ETA times after a first rung of one epoch."""

LOOKS = ((0.0, 0.02), (1.2, 0.04), (3.0, 0.1))
"""Pairs of a number of full trainings (epochs of all trials divided by the epochs of one) and the first rung from then
on, as a fraction of a full training. For trainers with a schedule over all epochs, such as annealing: their short
trainings differ from the first epochs of long ones, so that short ones do not rank good trials reliably."""


def first_look(epochs: int, spent: int, has_schedule: bool) -> int:
    """The first rung. spent: epochs of all trials so far. has_schedule: the training depends on the total number of
    epochs; if not, a short first rung is enough, since its epochs equal the first epochs of a full training."""
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
    rung. gone: the number of these that train beyond it. is_drawn: only random draws are counted."""

    waiting: Sequence[int]
    to: int
    reached: int
    gone: int
    is_drawn: bool = False


def vacancies(
    rungs: Sequence[int],
    epochs: Sequence[int],
    targets: Sequence[int],
    paused: Collection[int],
    drawn: Collection[int] = (),
) -> Iterator[Vacancy]:
    """The rungs that may promote a trial, the highest first. epochs, targets: by trial number, the epochs trained so
    far and the epoch up to which it trains. paused: the numbers of trials that can continue. drawn: the numbers of
    random draws. At each rung, the share of these that may continue is promoted first."""
    for low, high in reversed(list(pairwise(rungs))):
        for group in (drawn, range(len(epochs))):
            reached = sum(epochs[number] >= low for number in group)
            gone = sum(max(epochs[number], targets[number]) >= high for number in group)
            waiting = [number for number in group if number in paused and low <= epochs[number] < high]
            if waiting and gone < max(reached // ETA, reached * low // high):
                yield Vacancy(waiting, high, reached, gone, group is drawn)
