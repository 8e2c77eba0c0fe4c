"""The priors of a space (`study.priors`) in a search: random draws from them, and the preference of a model."""

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from statistics import NormalDist, fmean

import numpy as np
import numpy.typing as npt

from hpsearch.core.trial import Params
from hpsearch.study.priors import lowest_log_density
from hpsearch.study.space import Choice, Parameter, Space

Array = npt.NDArray[np.float64]

Preference = Callable[[Array], Array]
"""A log weight for each of n points of the unit cube (n, parameters), which is added to the log of a model's
acquisition. A column of NaN is a parameter that the model does not propose at the same time."""


def has_priors(space: Space) -> bool:
    return any(one.prior is not None for one in space.parameters)


def at_values(space: Space, generator: np.random.Generator) -> Params:
    """The values of the priors, and random values of the other parameters."""
    units = generator.random(space.dimensions).tolist()
    return space.from_unit([_middle(one) if one.prior else u for one, u in zip(space.parameters, units, strict=True)])


def drawn(space: Space, generator: np.random.Generator, trials: int, tries: int) -> Iterator[Params]:
    """Random points for one trial, in which parameters with a prior are drawn from it. Empty if this trial is drawn
    uniformly, which is more probable the more trials there are.

    One random number decides it for all parameters, so that the values of several priors occur together.
    """
    chance = float(generator.random())
    used = [one.prior is not None and chance < one.prior.share(trials) for one in space.parameters]
    for _ in range(tries if any(used) else 0):
        units = zip(space.parameters, generator.random(space.dimensions).tolist(), used, strict=True)
        yield space.from_unit([_quantile(one, u) if from_prior else u for one, u, from_prior in units])


def _middle(parameter: Parameter) -> float:
    assert parameter.prior is not None
    return min(max(parameter.to_unit(parameter.prior.value), 0.0), 1.0)


def _quantile(parameter: Parameter, u: float) -> float:
    """The coordinate at the quantile u of the prior."""
    prior = parameter.prior
    assert prior is not None
    if isinstance(parameter, Choice):
        expected, total = parameter.index(prior.value), parameter.count - 1 + prior.odds
        if u * total < prior.odds:
            return (expected + 0.5) / parameter.count
        other = min(int(u * total - prior.odds), parameter.count - 2)
        return (other + (other >= expected) + 0.5) / parameter.count
    normal = NormalDist(_middle(parameter), prior.width)
    low, high = normal.cdf(0.0), normal.cdf(1.0)
    return min(max(normal.inv_cdf(low + u * (high - low)), 0.0), 1.0)


def prior_preference(space: Space, trials: int) -> Preference | None:
    """The log of the priors' joint density, with the exponent of piBO after this number of trials: 0 at their values,
    negative elsewhere. None without priors."""
    return partial(_log_priors, space, trials) if has_priors(space) else None


def together(*parts: Preference | None) -> Preference | None:
    """The sum of the preferences; None if there are none."""
    given = [one for one in parts if one is not None]
    return partial(_sum, given) if given else None


def _sum(parts: Sequence[Preference], points: Array) -> Array:
    return sum((one(points) for one in parts), np.zeros(len(points)))


def _log_priors(space: Space, trials: int, points: Array) -> Array:
    total, powers = np.zeros(len(points)), []
    for place, one in enumerate(space.parameters):
        u = points[:, place]
        if one.prior is None or np.isnan(u).any():
            continue
        powers.append(one.prior.power(trials))
        if isinstance(one, Choice):
            is_other = np.minimum(np.floor(u * one.count), one.count - 1) != one.index(one.prior.value)
            total -= powers[-1] * math.log(one.prior.odds) * is_other
        else:
            total -= powers[-1] * 0.5 * ((u - _middle(one)) / one.prior.width) ** 2
    return np.maximum(total, fmean(powers) * lowest_log_density(len(powers))) if powers else total
