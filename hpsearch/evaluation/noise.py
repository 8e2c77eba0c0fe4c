"""The noise of values over seeds, and whether a difference between two values may be chance."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any, Literal

from hpsearch.core.trial import Objective, State, Trial, key_of

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Spread:
    """The values of trainings that differ only in their seeds.

    values: the metric in its own sign, at least one. lost: the number of trainings without a value, since they failed
    or diverged.
    """

    values: tuple[float, ...]
    lost: int = 0

    @property
    def mean(self) -> float:
        return fmean(self.values)

    @property
    def sd(self) -> float | None:
        """Standard deviation between seeds; None for one seed."""
        return stdev(self.values) if len(self.values) > 1 else None

    @property
    def margin(self) -> float | None:
        """Half of the 95 % interval of the mean (Student's t); None as `sd`."""
        n = len(self.values)
        return None if self.sd is None else _quantile(n - 1) * self.sd / math.sqrt(n)


@dataclass(frozen=True)
class Noise:
    """sd: the standard deviation of one value. freedom: the degrees of freedom of its estimate, >= 1."""

    sd: float
    freedom: int

    @property
    def limit(self) -> float:
        """Two values that differ only by noise differ by more than this in 5 % of cases (Student's t).

        It holds for two values that were chosen beforehand; the best of many differs by more.
        """
        return _quantile(self.freedom) * self.sd * math.sqrt(2)


@dataclass(frozen=True)
class NoiseEstimate:
    """of: whether the seed is a search's or a training's. source: what the estimate is based on."""

    noise: Noise
    of: Literal["search", "training"]
    source: str

    def document(self) -> dict[str, Any]:
        numbers = {"sd": self.noise.sd, "freedom": self.noise.freedom, "limit": self.noise.limit}
        return {**numbers, "of": self.of, "from": self.source}


def within(groups: Iterable[Sequence[float]]) -> Noise | None:
    """From groups of values that differ only in their seeds; None if no group has two values.

    None also if no two values differ: an accuracy on few examples may be noisy and yet the same for several seeds.
    """
    found = pooled([Noise(stdev(group), len(group) - 1) for group in groups if len(group) > 1])
    return found if found is not None and found.sd > 0 else None


def pooled(noises: Sequence[Noise]) -> Noise | None:
    """One estimate from several, weighted by their degrees of freedom; None without any."""
    freedom = sum(one.freedom for one in noises)
    if not freedom:
        return None
    return Noise(math.sqrt(sum(one.freedom * one.sd * one.sd for one in noises) / freedom), freedom)


def repeated(trials: Iterable[Trial], objective: Objective) -> list[list[float]]:
    """The values of COMPLETE trials, grouped by equal parameters; groups of one are left out."""
    groups = defaultdict[str, list[float]](list)
    for trial in trials:
        if trial.state is State.COMPLETE and (value := objective.value(trial)) is not None:
            groups[key_of(trial.params)].append(value)
    return [values for values in groups.values() if len(values) > 1]


def difference(one: Spread, other: Spread) -> tuple[float, float | None]:
    """The difference of their means, and half of its 95 % interval; None if one has a single value, or if all values of
    each are equal (see `within`).

    Welch 1947, "The generalization of 'Student's' problem when several different population variances are involved",
    Biometrika 34.
    """
    if one.sd is None or other.sd is None:
        return one.mean - other.mean, None
    a, b = one.sd**2 / len(one.values), other.sd**2 / len(other.values)
    if not a + b:
        return one.mean - other.mean, None
    freedom = (a + b) ** 2 / (a**2 / (len(one.values) - 1) + b**2 / (len(other.values) - 1))
    return one.mean - other.mean, _quantile(freedom) * math.sqrt(a + b)


def _quantile(freedom: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + CONFIDENCE) / 2))
