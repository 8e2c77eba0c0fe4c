"""Evidence from all trials of a study, with which the diagnosis of each trial is compared.

Results of trials outrank the signs of one curve: if the study's best trials have a rate, it is not too high.
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
"""A trial has a good result if it lacks less than this fraction of the study's possible gain."""

KEPT = 0.05
"""A good result was lost again if the end of the curve lacks more than this fraction of the study's possible gain."""

FAR = 0.2
"""A trial is far behind the best if it lacks more than this fraction of the study's possible gain."""

ENOUGH_RATES = 3
"""If this many trials with other rates are not better, the best trial's rate is not called wrong."""

APART, BESIDE = 2.0, 12.0
"""Trials whose learning rates differ by less than the factor APART are not compared. A worse trial shows that a change
of the rate does not help only if its rate differs by less than BESIDE: further away, it may be wrong as well."""


@dataclass(frozen=True, slots=True)
class RateResult:
    """A trial's learning rate, and how far its result is from the best. others: a key of its other parameters."""

    trial: int
    rate: float
    lacking: float
    others: str


@dataclass(frozen=True)
class StudyEvidence:
    """lowest: the lowest validation loss. best, level: the best and the initial result of trials, both as losses.
    loss_level: the initial validation loss of trials; 0 if unknown. best_curve: of the best trial.

    noise: the standard deviation of the best trial's metric, estimated from this one trial.
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
        """The distance of a result from the best, as a fraction of the possible gain; 1 is no better than the start."""
        if self.best is None or self.level is None or loss <= self.best + 3 * self.noise:
            return 0.0
        gain = self.level - self.best
        return min((loss - self.best) / gain, 10.0) if gain > 0 else 0.0

    def of_trial(self, number: int) -> RateResult | None:
        return next((one for one in self.rates if one.trial == number), None)

    def lacks(self, curves: Curves) -> float:
        return self.lacking(_result(curves))

    def lacks_later(self, curves: Curves) -> float:
        """The least distance after twice the epochs, from the best trial's result at this trial's present epoch."""
        one, best = curves.metric, self.best_curve
        expected = after_twice_the_epochs(one) if one is not None else None
        then = [v for s, v in zip(best.steps, best.values, strict=True) if s <= curves.last] if best is not None else []
        if expected is None or not then or self.level is None or self.level <= min(then):
            return 0.0
        return (expected[0] - min(then)) / (self.level - min(then))

    def better_rates(self, own: RateResult) -> list[RateResult]:
        """Good trials that differ only in the learning rate, by more than `APART`."""
        return [one for one in self._good_ones_like(own) if not _is_near(one, own)]

    def same_rate_is_good(self, own: RateResult) -> bool:
        """Whether another trial with the same parameters has a good result, so that the rate explains nothing."""
        return any(_is_near(one, own) for one in self._good_ones_like(own))

    def rate_is_good(self, number: int) -> bool:
        """Whether a good trial has about the same learning rate; other parameters may differ."""
        own = self.of_trial(number)
        good = [one for one in self.rates if one.lacking <= GOOD and one.trial != number]
        return own is not None and any(_is_near(one, own) for one in good)

    def _good_ones_like(self, own: RateResult) -> list[RateResult]:
        return [one for one in self.rates if one.lacking <= GOOD and one.others == own.others and one is not own]

    def keeps(self, curves: Curves) -> bool:
        """Whether a good result is also that of the last epochs, and not of an early one that was lost again."""
        return curves.metric is not None and self.lacking(curves.metric.end) <= KEPT

    def contradicts(self, own: RateResult, upwards: bool, kept: bool = True) -> bool:
        """Whether other trials show that a higher rate (upwards), or a lower rate, is not better.

        This is so if all trials that differ only in the rate, in this direction, are worse, and one of them has nearly
        this rate, or if this trial is the best of many. kept: see `keeps`.
        """
        beyond = [
            one for one in self.rates if (one.rate > own.rate * APART if upwards else one.rate < own.rate / APART)
        ]
        further = [one for one in beyond if one.others == own.others]
        is_beside = any(max(one.rate, own.rate) <= BESIDE * min(one.rate, own.rate) for one in further)
        if is_beside and all(one.lacking > own.lacking + GOOD for one in further):
            return True
        # No other result is better than this one, also with other parameters.
        return own.lacking == 0 and kept and len(beyond) >= ENOUGH_RATES


def _noise_of_best(curves: Mapping[int, Curves], ends: Mapping[int, float]) -> float:
    """The noise of the metric from epoch to epoch, or of an accuracy because of the choice of validation examples."""
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
    """The initial value of trials: the first value of the trials with the lowest learning rates, if they are known.

    With higher rates, the loss changes much within the first epoch.
    """
    rated = [(rate_of(one.params) or 0.0, loss.first) for one in trials if (loss := losses[one.number]) is not None]
    lowest = sorted(rated)[: max(1, len(rated) // 3)] if all(rate > 0 for rate, _ in rated) else rated
    return median(first for _, first in lowest) if lowest else math.inf


def _is_near(one: RateResult, other: RateResult) -> bool:
    return abs(math.log(one.rate / other.rate)) <= math.log(APART)


def _result(c: Curves) -> float:
    return min(c.metric.values) if c.metric is not None else math.inf


def _others(trial: Trial) -> str:
    """The parameters without the learning rate, as a text key, because they may be lists."""
    rate = learning_rate_of(trial.params)
    return key_of({name: value for name, value in trial.params.items() if name != rate})
