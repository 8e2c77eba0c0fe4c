"""How long a search will still take, estimated from what its trials have cost so far."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from hpsearch.core.trial import State, Trial

FEWEST = 2
"""Trials that must have ended before there is an estimate."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one trial has cost. asked: the epoch that it was to train to. trained: its last epoch. Both with what was
    trained again. seconds: inside its trainer. ended: it does not train now (it may be paused).
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
        """Of an INFEASIBLE trial nothing is asked any more: others may take its place."""
        return cls(0 if state is State.INFEASIBLE else until, epoch, busy, not state.is_active)


@dataclass(frozen=True, slots=True)
class Span:
    """Seconds, 0 <= low <= high. low is 0 where trials may be pruned and none was yet, so only the most is known."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Workload:
    """What a search trains. epochs: of all trials if none ends early, None where results decide.

    budget: the most epochs that all trials may train together, None for no limit. ends_early: trials may be pruned or
    stopped early.
    """

    epochs: int | None
    budget: int | None
    ends_early: bool

    def time_left(self, trials: Iterable[Cost], parallel: float) -> Span | None:
        """None while fewer than FEWEST trials have ended.

        parallel: seconds of training in a second of wall clock, so how many workers are busy (> 0).
        """
        costs = list(trials)
        ended = [one for one in costs if one.ended]
        if len(ended) < FEWEST or parallel <= 0:
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
    """Seconds of training for `left` more epochs, of which `spent` seconds are trained already.

    ended: epochs and seconds of trials. The range is two standard errors wide on either side: that of the mean cost of
    an epoch, and that of the trials to come, which are taken to vary as these did.
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
