"""What the trials of a study show together: the evidence that the diagnosis of each of them is compared with.

Results of trials outrank the signs of one curve: a rate that the study's best trials have is not too high.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from statistics import median

from hpsearch.core.parameter_roles import learning_rate_of
from hpsearch.core.trial import Objective, Trial, key_of
from hpsearch.doctor.curves import Curves, rate_of
from hpsearch.doctor.meanings import Meanings
from hpsearch.doctor.series import Series
from hpsearch.doctor.shape import after_twice_the_epochs

GOOD = 0.1
"""Of what there is to gain in the study: a trial that lacks less has a good result."""

FAR = 0.2
"""Of what there is to gain: a trial that lacks more is far behind the best."""

ENOUGH_RATES = 3
"""Trials with further rates, none of which is better: then the best trial's rate is not called wrong."""

APART = 2.0
"""Learning rates that differ by less than this factor are no evidence about each other."""


@dataclass(frozen=True, slots=True)
class RateResult:
    """A trial's learning rate and what its result lacks; others: a key of its other parameters."""

    trial: int
    rate: float
    lacking: float
    others: str


@dataclass(frozen=True)
class StudyEvidence:
    """lowest: the lowest validation loss. best, level: the best result, and what trials begin with, both as losses.
    loss_level: the validation loss that trials begin with; 0 where it is not known. best_curve: of the best trial.

    noise: the standard deviation of the best trial's metric, as far as one trial shows it.
    """

    meanings: Meanings = field(default_factory=Meanings)
    lowest: float | None = None
    best: float | None = None
    level: float | None = None
    loss_level: float = 0.0
    noise: float = 0.0
    rates: tuple[RateResult, ...] = field(default=())
    best_curve: Series | None = None

    @classmethod
    def of(
        cls, trials: Sequence[Trial], objective: Objective, given: Mapping[str, str] | None = None
    ) -> "StudyEvidence":
        """given: the section [metrics] of the study file."""
        meanings = Meanings.of(trials, objective, given)
        curves = {trial.number: Curves.of(trial, objective, meanings) for trial in trials}
        lows = [min(c.validation.values) for c in curves.values() if c.validation is not None]
        ends = {number: _result(c) for number, c in curves.items()}
        best = min(ends.values(), default=math.inf)
        level = _level(trials, {number: c.metric for number, c in curves.items()})
        loss_level = _level(trials, {number: c.validation for number, c in curves.items()})
        found = cls(
            meanings,
            min(lows, default=None) if len(trials) > 1 else None,
            best if math.isfinite(best) else None,
            level if math.isfinite(level) else None,
            loss_level if math.isfinite(loss_level) else 0.0,
            _noise_of_best(curves, ends),
            best_curve=curves[min(ends, key=ends.__getitem__)].metric if ends else None,
        )
        rates = tuple(
            RateResult(trial.number, rate, found.lacking(ends[trial.number]), _others(trial))
            for trial in trials
            if (rate := rate_of(trial.params)) is not None and rate > 0 and trial.curve
        )
        return replace(found, rates=rates)

    def lacking(self, loss: float) -> float:
        """What a result lacks to the best, in shares of what there was to gain; 1 is no better than at the start."""
        if self.best is None or self.level is None or loss <= self.best + 3 * self.noise:
            return 0.0
        gain = self.level - self.best
        return min((loss - self.best) / gain, 10.0) if gain > 0 else 0.0

    def of_trial(self, number: int) -> RateResult | None:
        return next((one for one in self.rates if one.trial == number), None)

    def lacks(self, curves: Curves) -> float:
        return self.lacking(_result(curves))

    def lacks_later(self, curves: Curves) -> float:
        """What it will lack after twice its epochs, at best, to what the best trial had after as many as it has now."""
        one, best = curves.metric, self.best_curve
        expected = after_twice_the_epochs(one) if one is not None else None
        then = [v for s, v in zip(best.steps, best.values, strict=True) if s <= curves.last] if best is not None else []
        if expected is None or not then or self.level is None or self.level <= min(then):
            return 0.0
        return (expected[0] - min(then)) / (self.level - min(then))

    def better_rates(self, own: RateResult) -> list[RateResult]:
        """Good trials that differ in the learning rate alone, by more than `APART`."""
        return [one for one in self._good_ones_like(own) if not _is_near(one, own)]

    def same_rate_is_good(self, own: RateResult) -> bool:
        """Whether another trial with the same parameters has a good result: then the rate explains nothing."""
        return any(_is_near(one, own) for one in self._good_ones_like(own))

    def rate_is_good(self, number: int) -> bool:
        """Whether a good trial has about the same learning rate, whatever else differs."""
        own = self.of_trial(number)
        good = [one for one in self.rates if one.lacking <= GOOD and one.trial != number]
        return own is not None and any(_is_near(one, own) for one in good)

    def _good_ones_like(self, own: RateResult) -> list[RateResult]:
        return [one for one in self.rates if one.lacking <= GOOD and one.others == own.others and one is not own]

    def contradicts(self, own: RateResult, upwards: bool) -> bool:
        """Whether the trials speak against a better result with a higher rate (upwards), or with a lower one: those
        that differ in the rate alone, in that direction, are all worse; or it is the best of many."""
        beyond = [
            one for one in self.rates if (one.rate > own.rate * APART if upwards else one.rate < own.rate / APART)
        ]
        further = [one for one in beyond if one.others == own.others]
        if further and all(one.lacking > own.lacking + GOOD for one in further):
            return True
        # No other result is better than this one, whatever else differs.
        return own.lacking == 0 and len(beyond) >= ENOUGH_RATES


def _noise_of_best(curves: Mapping[int, Curves], ends: Mapping[int, float]) -> float:
    """How far its metric varies from epoch to epoch, or, of an accuracy, by which validation examples there are."""
    c = curves[min(ends, key=ends.__getitem__)] if ends else None
    if c is None or c.metric is None:
        return 0.0
    if c.metric.name not in c.held_fractions:
        return c.metric.jitter
    steps = [
        b - a for a, b in pairwise(sorted({one for each in curves.values() for one in _values(each)})) if b - a > 1e-6
    ]
    error = min(c.metric.values)
    return max(c.metric.jitter, math.sqrt(max(error * (1 - error), 0.0) * min(steps, default=0.0)))


def _values(c: Curves) -> Sequence[float]:
    return c.metric.values if c.metric is not None else ()


def _level(trials: Sequence[Trial], losses: Mapping[int, Series | None]) -> float:
    """What a trial begins with: the first value, of those with the lowest learning rates where they are known. With
    higher ones most is learnt, or much is lost, in the first epoch."""
    rated = [(rate_of(one.params) or 0.0, loss.first) for one in trials if (loss := losses[one.number]) is not None]
    lowest = sorted(rated)[: max(1, len(rated) // 3)] if all(rate > 0 for rate, _ in rated) else rated
    return median(first for _, first in lowest) if lowest else math.inf


def _is_near(one: RateResult, other: RateResult) -> bool:
    return abs(math.log(one.rate / other.rate)) <= math.log(APART)


def _result(c: Curves) -> float:
    return min(c.metric.values) if c.metric is not None else math.inf


def _others(trial: Trial) -> str:
    """The parameters without the learning rate, as a key: they may be lists."""
    rate = learning_rate_of(trial.params)
    return key_of({name: value for name, value in trial.params.items() if name != rate})
