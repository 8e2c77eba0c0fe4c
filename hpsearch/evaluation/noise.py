"""How much a value would change by itself, with another seed, and what a difference between two then says."""

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
    """What several trainings came to that differ in their seeds alone.

    values: the metric in its own sign, at least one. lost: how many came to none, since they failed or diverged.
    """

    values: tuple[float, ...]
    lost: int = 0

    @property
    def mean(self) -> float:
        return fmean(self.values)

    @property
    def sd(self) -> float | None:
        """Standard deviation between seeds; None for one seed, which tells nothing of it."""
        return stdev(self.values) if len(self.values) > 1 else None

    @property
    def margin(self) -> float | None:
        """Half of the 95 % interval of the mean (Student's t); None as `sd`."""
        n = len(self.values)
        return None if self.sd is None else _quantile(n - 1) * self.sd / math.sqrt(n)


@dataclass(frozen=True)
class Noise:
    """sd: the standard deviation of one value. freedom: the degrees of freedom that it was estimated with, >= 1."""

    sd: float
    freedom: int

    @property
    def limit(self) -> float:
        """Two values that differ in nothing but noise are farther apart in one case of twenty (Student's t).

        It is for two that were chosen beforehand: of the best of many more is luck.
        """
        return _quantile(self.freedom) * self.sd * math.sqrt(2)


@dataclass(frozen=True)
class NoiseEstimate:
    """of: whose seed changes a value so much. source: what that is known from."""

    noise: Noise
    of: Literal["search", "training"]
    source: str

    def document(self) -> dict[str, Any]:
        numbers = {"sd": self.noise.sd, "freedom": self.noise.freedom, "limit": self.noise.limit}
        return {**numbers, "of": self.of, "from": self.source}


def within(groups: Iterable[Sequence[float]]) -> Noise | None:
    """From groups of values that differ in nothing but their seeds; None where no group has two.

    None as well where no two differ: a share of few examples is the same again and again, and noisy all the same.
    """
    found = pooled([Noise(stdev(group), len(group) - 1) for group in groups if len(group) > 1])
    return found if found is not None and found.sd > 0 else None


def pooled(noises: Sequence[Noise]) -> Noise | None:
    """As one, weighed by how well each is known; None of none."""
    freedom = sum(one.freedom for one in noises)
    if not freedom:
        return None
    return Noise(math.sqrt(sum(one.freedom * one.sd * one.sd for one in noises) / freedom), freedom)


def repeated(trials: Iterable[Trial], objective: Objective) -> list[list[float]]:
    """The values of trials that were trained to their ends with the same parameters, of each such set."""
    groups = defaultdict[str, list[float]](list)
    for trial in trials:
        if trial.state is State.COMPLETE and (value := objective.value(trial)) is not None:
            groups[key_of(trial.params)].append(value)
    return [values for values in groups.values() if len(values) > 1]


def difference(one: Spread, other: Spread) -> tuple[float, float | None]:
    """The difference of their means, and half of its 95 % interval; None where one has a single value, or no two of the
    same differ (see `within`).

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
