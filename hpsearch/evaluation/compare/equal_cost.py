"""What searches had found after the same number of epochs: one that trained for longer could look at more.

An epoch is one of a trial, whoever trained it; where trials were trained at once, it counts when the journal had it.
The plot of the best value so far (`plots.trials.improvements`) takes the epochs in the same order, but judges by
another rule: with at = "last" it counts a trial once, when it has reached its last epoch. Here a search is judged as if
it had ended then, each trial by the last epoch that it had, which may be worse than the one before.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from hpsearch.core.history import History, by_arrival
from hpsearch.core.trial import Objective, Trial
from hpsearch.evaluation.compare.compared_study import ComparedStudy

SHARES = (0.25, 0.5, 1.0)
"""Of what the shortest search trained: where searches are compared."""


@dataclass(frozen=True)
class EqualCost:
    """The best values after so many epochs, in the order of the studies. leads: labels; none unless it is fair."""

    epochs: int
    values: Sequence[float | None]
    leads: Sequence[str]


def at_equal_cost(studies: Sequence[ComparedStudy], fair: bool) -> list[EqualCost]:
    rows = []
    for epochs in costs(one.epochs for one in studies):
        values = [best_after(one.trials, one.objective, epochs) for one in studies]
        ahead = leading(values, studies[0].objective) if fair else []
        rows.append(EqualCost(epochs, values, [studies[place].label for place in ahead]))
    return rows


def first(trials: Sequence[Trial], epochs: int) -> list[Trial]:
    """The trials with what was reported within the first so many epochs of all of them together.

    What became of them is known: a trial that failed later is no result before that either.
    """
    known = Counter(number for number, _ in islice(by_arrival(trials), epochs))
    return [replace(trial, curve=trial.curve[: known[trial.number]]) for trial in trials]


def best_after(trials: Sequence[Trial], objective: Objective, epochs: int) -> float | None:
    """The best value of the first so many epochs; None where there was none yet."""
    found = History(objective, first(trials, epochs)).best()
    return None if found is None else objective.value(found)


def costs(epochs: Iterable[int]) -> list[int]:
    """Epochs at which searches are to be compared, rising. epochs: trained by each; one without is passed over."""
    shortest = min((count for count in epochs if count), default=0)
    return sorted({math.ceil(share * shortest) for share in SHARES} - {0})


def leading(values: Sequence[float | None], objective: Objective) -> list[int]:
    """The places of the best value; none where there is nothing to lead: fewer than two values, or all the same."""
    known = [value for value in values if value is not None]
    if len(known) < 2 or min(known) == max(known):
        return []
    best = min(known, key=lambda value: objective.sign * value)
    return [place for place, value in enumerate(values) if value == best]
