"""The best values of searches after the same number of epochs, since a longer search can try more.

The epochs of parallel trials count in the order in which the journal received them. Here a search is judged as if it
had ended at that point: with at = "last", each trial by its last epoch until then. The plot of the best value so far
(`plots.trials.improvements`) has the same order, but with at = "last" it counts a trial only when it has ended.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from hpsearch.core.history import History, by_arrival
from hpsearch.core.trial import Objective, Trial
from hpsearch.evaluation.compare.compared_study import ComparedStudy

SHARES = (0.25, 0.5, 1.0)
"""Fractions of the shortest search's epochs at which searches are compared."""


@dataclass(frozen=True)
class EqualCost:
    """The best values after this many epochs, in the order of the studies. leads: labels; none unless it is fair."""

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
    """The trials with the reports that they had made within the first `epochs` of all trials together.

    Their states are the final ones.
    """
    known, last, trained = Counter[int](), Counter[int](), 0
    for number, report in by_arrival(trials):
        trained += report.step - last[number]
        if trained > epochs:
            break
        known[number], last[number] = known[number] + 1, report.step
    return [replace(trial, curve=trial.curve[: known[trial.number]]) for trial in trials]


def best_after(trials: Sequence[Trial], objective: Objective, epochs: int) -> float | None:
    """The best value within the first `epochs`; None without a value."""
    found = History(objective, first(trials, epochs)).best()
    return None if found is None else objective.value(found)


def costs(epochs: Iterable[int]) -> list[int]:
    """The numbers of epochs at which searches are compared, ascending. epochs: of each search; a 0 is ignored."""
    shortest = min((count for count in epochs if count), default=0)
    return sorted({math.ceil(share * shortest) for share in SHARES} - {0})


def leading(values: Sequence[float | None], objective: Objective) -> list[int]:
    """The indices of the best value; none with fewer than two values, or if all values are equal."""
    known = [value for value in values if value is not None]
    if len(known) < 2 or min(known) == max(known):
        return []
    best = min(known, key=lambda value: objective.sign * value)
    return [place for place, value in enumerate(values) if value == best]
