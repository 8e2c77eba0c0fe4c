"""What searches had found after the same number of epochs: one that trained for longer could look at more.

An epoch is one of a trial, whoever trained it; where trials were trained at once, it counts when the journal had it.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from hpsearch.core.history import History
from hpsearch.core.trial import Objective, Trial

SHARES = (0.25, 0.5, 1.0)
"""Of what the shortest search trained: where searches are compared."""


def first(trials: Sequence[Trial], epochs: int) -> list[Trial]:
    """The trials with what was reported within the first so many epochs of all of them together.

    What became of them is known: a trial that failed later is no result before that either.
    """
    received = sorted((report.at, trial.number, report.step) for trial in trials for report in trial.curve)
    known = Counter(number for _, number, _ in received[:epochs])
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
    best = min(known) if objective.goal == "minimize" else max(known)
    return [place for place, value in enumerate(values) if value == best]
