"""The finalists of a search: which trials are trained again with fresh seeds, and their values over these seeds.

The best value of a search is optimistic, because it is the best of many: part of it is the effect of its seed, and this
part grows with the number of trials (Cawley and Talbot 2010, "On over-fitting in model selection and subsequent
selection bias in performance evaluation", JMLR 11). Fresh seeds measure it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, variance

from hpsearch.core.trial import Objective, State, Trial, key_of
from hpsearch.evaluation.noise import Noise, Spread, pooled

# Selection ───────────────────────────────────────────────────────────────────────────────


def best_distinct(trials: Iterable[Trial], objective: Objective, most: int) -> list[Trial]:
    """The best trials, best first, no two with the same parameters."""
    chosen: dict[str, Trial] = {}
    for trial in objective.ranked(trials):
        if len(chosen) < most:
            chosen.setdefault(key_of(trial.params), trial)
    return list(chosen.values())


def length(trial: Trial, epochs: int) -> int:
    """The epoch to which a finalist is trained. For a COMPLETE trial, the last one, with the same early stopping. For
    others, the epoch at which it was pruned, paused or interrupted, or after which it failed: its value after more
    epochs is unknown.
    """
    return epochs if trial.state is State.COMPLETE else trial.epoch


# Values over fresh seeds ─────────────────────────────────────────────────────────────────────────────


def shrunk(spreads: Sequence[Spread]) -> tuple[float, ...]:
    """The means, each shrunk towards the mean of all by the share of variance that seeds explain.

    The best of several means is optimistic; with other seeds it would be nearer to the others. Empirical Bayes with
    variances by the method of moments (Efron and Morris 1975, "Data analysis using Stein's estimator and its
    generalizations", JASA 70); the variance between seeds is pooled. Unchanged for one mean, or if no trial has two
    seeds.
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
    """A finalist and its trainings with fresh seeds.

    found: its value in the search. trainings: those that have a value. corrected: its shrunk mean (see `shrunk`). All
    values are of the metric in its own sign.
    """

    trial: Trial
    found: float
    trainings: tuple[Trial, ...]
    spread: Spread
    corrected: float


def ranked(chosen: Sequence[Trial], trainings: Sequence[Trial], objective: Objective) -> list[Finalist]:
    """The finalists that have a value, best first: by the number of their failed seeds, then by their mean.

    A finalist with failed or diverged seeds ranks below those without. Of equal finalists, the better one in the search
    is first.
    """
    found = []
    for trial in chosen:
        own = [one for one in trainings if key_of(one.params) == key_of(trial.params)]
        good = tuple(sorted(objective.succeeded(own), key=lambda one: one.number))
        values = tuple(value for one in good if (value := objective.value(one)) is not None)
        if good:
            found.append((trial, good, Spread(values, lost=len(own) - len(good))))
    corrected = shrunk([spread for _, _, spread in found])
    finalists = [
        Finalist(trial, objective.value(trial) or 0.0, good, spread, value)
        for (trial, good, spread), value in zip(found, corrected, strict=True)
    ]
    return sorted(finalists, key=lambda one: (one.spread.lost, objective.sign * one.spread.mean))
