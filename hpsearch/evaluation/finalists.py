"""The end of a search: which trials are trained again with fresh seeds, and what they are then worth.

The best value of a search is the best of many draws, and flatters: part of it is the seed's luck, and the more trials
there were the larger that part (Cawley and Talbot 2010, "On over-fitting in model selection and subsequent selection
bias in performance evaluation", JMLR 11). Fresh seeds tell the two apart.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, variance

from hpsearch.core.trial import Objective, State, Trial, key_of
from hpsearch.evaluation.noise import Noise, Spread, pooled

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


def shrunk(spreads: Sequence[Spread]) -> tuple[float, ...]:
    """The means, each drawn towards the mean of all by the part of their differences that seeds alone explain.

    The winner of several is the best partly by luck; what it would come to again is nearer to the others. Empirical
    Bayes with variances by the method of moments (Efron and Morris 1975, "Data analysis using Stein's estimator and
    its generalizations", JASA 70), the variance between seeds pooled. Unchanged where there is one, or no two seeds.
    """
    means = [one.mean for one in spreads]
    seeds = pooled([Noise(one.sd, len(one.values) - 1) for one in spreads if one.sd is not None])
    if len(spreads) < 2 or seeds is None:
        return tuple(means)
    noise = [seeds.sd**2 / len(one.values) for one in spreads]
    between, middle = max(0.0, variance(means) - fmean(noise)), fmean(means)
    real = (between / (between + one) if one > 0 else 1.0 for one in noise)
    return tuple(middle + share * (mean - middle) for share, mean in zip(real, means, strict=True))


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
