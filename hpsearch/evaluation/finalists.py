"""The end of a search: which trials are trained again with fresh seeds, and what they are then worth.

The best value of a search is the best of many draws, and flatters: part of it is the seed's luck, and the more trials
there were the larger that part (Cawley and Talbot 2010, "On over-fitting in model selection and subsequent selection
bias in performance evaluation", JMLR 11). Fresh seeds tell the two apart.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev, variance

from hpsearch.core.trial import Objective, State, Trial, key_of

CONFIDENCE = 0.95


# Who is a finalist ───────────────────────────────────────────────────────────────────────────────


def best_distinct(trials: Iterable[Trial], objective: Objective, most: int) -> list[Trial]:
    """The best trials, best first, no two with the same parameters; failed and diverged ones are none."""
    chosen: dict[str, Trial] = {}
    for trial in objective.ranked(trials):
        if len(chosen) < most:
            chosen.setdefault(key_of(trial.params), trial)
    return list(chosen.values())


def length(trial: Trial, epochs: int) -> int:
    """The epoch to which a finalist is trained: as far as the search has seen it.

    One that came to its end may go all the way, where the same early stopping awaits it; of one that was pruned, paused
    or interrupted nobody knows what more epochs would make of it.
    """
    return epochs if trial.state is State.COMPLETE else trial.epoch


# What they are worth ─────────────────────────────────────────────────────────────────────────────


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
        from scipy.special import stdtrit

        n = len(self.values)
        return None if self.sd is None else float(stdtrit(n - 1, (1 + CONFIDENCE) / 2)) * self.sd / math.sqrt(n)


def shrunk(spreads: Sequence[Spread]) -> tuple[float, ...]:
    """The means, each drawn towards the mean of all by the part of their differences that seeds alone explain.

    The winner of several is the best partly by luck; what it would come to again is nearer to the others. Empirical
    Bayes with variances by the method of moments (Efron and Morris 1975, "Data analysis using Stein's estimator and
    its generalizations", JASA 70), the variance between seeds pooled. Unchanged where there is one, or no two seeds.
    """
    means = [one.mean for one in spreads]
    freedom = sum(len(one.values) - 1 for one in spreads)
    if len(spreads) < 2 or not freedom:
        return tuple(means)
    pooled = sum((len(one.values) - 1) * (one.sd or 0.0) ** 2 for one in spreads) / freedom
    noise = [pooled / len(one.values) for one in spreads]
    between = max(0.0, variance(means) - fmean(noise))
    middle = fmean(means)
    return tuple(middle + (m - middle) * _kept(between, n) for m, n in zip(means, noise, strict=True))


def _kept(between: float, noise: float) -> float:
    """The share of a difference that is none of the seeds'."""
    return between / (between + noise) if noise > 0 else 1.0


@dataclass(frozen=True)
class Finalist:
    """A finalist and its fresh seeds.

    found: its value in the search. trainings: those that came to a value. corrected: its mean without what being chosen
    among the finalists flatters (see `shrunk`). All of the metric in its own sign.
    """

    trial: Trial
    found: float
    trainings: tuple[Trial, ...]
    spread: Spread
    corrected: float


def ranked(chosen: Sequence[Trial], trainings: Sequence[Trial], objective: Objective) -> list[Finalist]:
    """The finalists that came to a value, best first: by how many seeds they lost, then by their mean.

    A finalist of which some seeds diverge is not as good as those that did not; of equals the search's favourite leads.
    """
    found = []
    for trial in chosen:
        own = [one for one in trainings if key_of(one.params) == key_of(trial.params)]
        good = tuple(sorted(objective.ranked(own), key=lambda one: one.number))
        values = tuple(value for one in good if (value := objective.value(one)) is not None)
        if good:
            found.append((trial, good, Spread(values, lost=len(own) - len(good))))
    corrected = shrunk([spread for _, _, spread in found])
    finalists = [
        Finalist(trial, objective.value(trial) or 0.0, good, spread, value)
        for (trial, good, spread), value in zip(found, corrected, strict=True)
    ]
    return sorted(finalists, key=lambda one: (one.spread.lost, objective.sign * one.spread.mean))
