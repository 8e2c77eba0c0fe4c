"""The priors of a space (`study.priors`) in a search: random draws from them, and the preference of a model."""

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from statistics import NormalDist, fmean

import numpy as np

from hpsearch.core.history import History
from hpsearch.core.trial import Params
from hpsearch.samplers.agreement import EXPECTED, Array, agreement
from hpsearch.samplers.observations import comparable, observations
from hpsearch.study.priors import lowest_log_density
from hpsearch.study.space import Choice, Parameter, Space

Preference = Callable[[Array], Array]
"""A log weight for each of n points of the unit cube (n, parameters), which is added to the log of a model's
acquisition. A column of NaN is a parameter that the model does not propose at the same time."""

JUDGED = 100
"""Random draws judge the priors by the first ended trials, at most this many. Later, few are drawn from priors."""


def has_priors(space: Space) -> bool:
    return any(one.prior is not None for one in space.parameters)


def at_values(space: Space, generator: np.random.Generator) -> Params:
    """The values of the priors, and random values of the other parameters."""
    units = generator.random(space.dimensions).tolist()
    return space.from_unit([_middle(one) if one.prior else u for one, u in zip(space.parameters, units, strict=True)])


def trust(space: Space, params: Sequence[Params], losses: Sequence[float]) -> float:
    """1 if the losses of the trials agree with the priors at least as well as is expected of right ones; less, down to
    0, if trials near the values of the priors are no better than others. params, losses: of the ended trials."""
    if not params or not has_priors(space):
        return 1.0
    predicted = -_log_priors(space, len(params), 1.0, _coordinates(space, params))
    return min(agreement(predicted, np.array(losses)) / EXPECTED, 1.0)


def number_near(space: Space, params: Sequence[Params]) -> int:
    """How many of the points the joint density of the priors does not exclude (`study.priors.lowest_log_density`)."""
    if not params or not has_priors(space):
        return 0
    densities, lowest = _unlimited(space, 1, 1.0, _coordinates(space, params))
    return int((densities > lowest).sum())


def trust_of_draws(space: Space, history: History) -> float:
    """`trust` for random draws, from the first JUDGED ended trials."""
    if not has_priors(space):
        return 1.0
    seen = observations(history, space)[:JUDGED]
    return trust(space, [one.params for one in seen], comparable(seen))


def _coordinates(space: Space, params: Sequence[Params]) -> Array:
    """(n, parameters)"""
    return np.array([[_seen_at(one, values) for one in space.parameters] for values in params])


def _seen_at(parameter: Parameter, params: Params) -> float:
    """The coordinate in a trial; that of the prior, or the middle, if the trial does not have the parameter."""
    if parameter.is_in(params):
        return min(max(parameter.to_unit(params[parameter.name]), 0.0), 1.0)
    return _middle(parameter) if parameter.prior else 0.5


def drawn(
    space: Space, generator: np.random.Generator, trials: int, tries: int, trusted: float = 1.0
) -> Iterator[Params]:
    """Random points for one trial, in which parameters with a prior are drawn from it. Empty if this trial is drawn
    uniformly, which is more probable the more trials there are, and the less the priors are trusted (see `trust`).

    One random number decides it for all parameters, so that the values of several priors occur together.
    """
    chance = float(generator.random())
    used = [one.prior is not None and chance < trusted * one.prior.share(trials) for one in space.parameters]
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


def prior_preference(space: Space, trials: int, trusted: float = 1.0) -> Preference | None:
    """The log of the priors' joint density, with the exponent of piBO after this number of trials, times `trusted` (see
    `trust`): 0 at their values, negative elsewhere. None without priors, or if they are not trusted at all."""
    return partial(_log_priors, space, trials, trusted) if has_priors(space) and trusted else None


def together(*parts: Preference | None) -> Preference | None:
    """The sum of the preferences; None if there are none."""
    given = [one for one in parts if one is not None]
    return partial(_sum, given) if given else None


def _sum(parts: Sequence[Preference], points: Array) -> Array:
    return sum((one(points) for one in parts), np.zeros(len(points)))


def _log_priors(space: Space, trials: int, trusted: float, points: Array) -> Array:
    return np.maximum(*_unlimited(space, trials, trusted, points))


def _unlimited(space: Space, trials: int, trusted: float, points: Array) -> tuple[Array, float]:
    """The log densities (n,), and the lowest one that is used."""
    total, powers = np.zeros(len(points)), []
    for place, one in enumerate(space.parameters):
        u = points[:, place]
        if one.prior is None or np.isnan(u).any():
            continue
        powers.append(trusted * one.prior.power(trials))
        if isinstance(one, Choice):
            is_other = np.minimum(np.floor(u * one.count), one.count - 1) != one.index(one.prior.value)
            total -= powers[-1] * math.log(one.prior.odds) * is_other
        else:
            total -= powers[-1] * 0.5 * ((u - _middle(one)) / one.prior.width) ** 2
    return total, fmean(powers) * lowest_log_density(len(powers)) if powers else 0.0
