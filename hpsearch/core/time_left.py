"""The remaining time of a search, estimated from the cost of its trials so far."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from hpsearch.core.trial import State, Trial

MIN_ENDED = 2
"""The fewest ended trials for an estimate."""


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of one trial.

    asked: the epoch that it should reach. trained: its last epoch. Both include epochs that were trained again.
    seconds: inside its trainer. ended: it is neither RUNNING nor WAITING.
    """

    asked: int
    trained: int
    seconds: float
    ended: bool

    @classmethod
    def of(cls, trial: Trial) -> "Cost":
        again = trial.retrained
        return cls.at(trial.state, trial.until + again, trial.epoch + again, trial.busy)

    @classmethod
    def at(cls, state: State, until: int, epoch: int, busy: float) -> "Cost":
        """An INFEASIBLE trial has `asked` 0: another trial may replace it."""
        return cls(0 if state is State.INFEASIBLE else until, epoch, busy, not state.is_active)


@dataclass(frozen=True, slots=True)
class Span:
    """A range of seconds, 0 <= low <= high. low is 0 if only the maximum is known, because no trial was pruned yet."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Workload:
    """The work of a search.

    epochs: of all trials if none ends early, None if their number depends on results.
    budget: the most epochs of all trials together, None for no limit.
    ends_early: trials may be pruned or stopped early.
    """

    epochs: int | None
    budget: int | None
    ends_early: bool

    def time_left(self, trials: Iterable[Cost], parallel: float) -> Span | None:
        """The estimate, None while fewer than MIN_ENDED trials have ended.

        parallel: the mean number of busy workers, in seconds of training per second of wall clock (> 0).
        """
        costs = list(trials)
        ended = [one for one in costs if one.ended]
        if len(ended) < MIN_ENDED or parallel <= 0:
            return None
        spans = []
        if self.epochs is not None:
            left = self.epochs - sum(one.asked for one in ended)
            spent = sum(one.seconds for one in costs if not one.ended)
            spans.append(_span([(one.asked, one.seconds) for one in ended], left, spent))
        if self.budget is not None:
            left = self.budget - sum(one.trained for one in costs)
            spans.append(_span([(one.trained, one.seconds) for one in ended if one.trained], left, 0.0))
        if not spans:
            return None
        span = min(spans, key=lambda one: one.high)
        if self.ends_early and self.epochs is not None and all(one.trained >= one.asked for one in ended):
            span = Span(0.0, span.high)
        return Span(span.low / parallel, span.high / parallel)


def _span(ended: Sequence[tuple[int, float]], left: int, spent: float) -> Span:
    """Seconds of training for `left` more epochs, minus the `spent` seconds of trials that have not ended.

    ended: epochs and seconds of ended trials. The range is the estimate ± 2 standard errors, from the error of the mean
    cost of an epoch and the variance of the cost of future trials (assumed to be that of past trials).
    """
    epochs = sum(one for one, _ in ended)
    if left <= 0 or epochs == 0:
        return Span(0.0, 0.0)
    rate = sum(seconds for _, seconds in ended) / epochs
    squares = sum((seconds - rate * one) ** 2 for one, seconds in ended)
    deviation = math.sqrt(squares / (len(ended) - 1)) if len(ended) > 1 else 0.0
    more = left / fmean(one for one, _ in ended)
    half = 2 * deviation * math.sqrt(more + more**2 / len(ended))
    middle = rate * left - spent
    return Span(max(0.0, middle - half), max(0.0, middle + half))
