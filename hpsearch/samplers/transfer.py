"""Transfer from earlier studies on other data: [search] learn_from.

Each earlier study has a Gaussian process over the parameters that it shares with this study, fitted to the ranks of its
trials, so that the units of its metric do not matter. Its weight depends on how well it predicts the ranks of this
study's trials, as in RGPE (Feurer et al. 2018, arXiv 1802.02219): a study that does not predict them has no weight.
Ranks as normal quantiles: Salinas et al. 2020, arXiv 1909.13595. All weights fall with the number of trials, as the
model of this study becomes more accurate.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np

from hpsearch.core.history import History
from hpsearch.core.related import BEST_POINTS, RelatedStudy
from hpsearch.core.trial import Params, value_key
from hpsearch.samplers.agreement import Array, agreement
from hpsearch.samplers.believed import Preference
from hpsearch.study.space import Choice, Space, is_active

STRENGTH = 2.0
"""The initial strength of the preference, in nats per standard deviation of the predicted rank."""

TRIALS = 15.0
"""After this number of trials of this study the preference is half as strong."""

LENGTHS, NOISES = (0.15, 0.3, 0.6, 1.2, 5.0), (0.03, 0.1, 0.3)


@dataclass(frozen=True)
class _Process:
    """A Gaussian process on the axes `places` of the unit cube. Different values of a choice have the distance 1."""

    places: tuple[int, ...]
    is_choice: Array
    lengths: Array
    points: Array
    alpha: Array

    def mean(self, cube: Array) -> Array:
        found: Array = _kernel(cube[:, list(self.places)], self.points, self.lengths, self.is_choice) @ self.alpha
        return found


def _kernel(one: Array, other: Array, lengths: Array, is_choice: Array) -> Array:
    """Matérn 5/2."""
    apart = np.abs(one[:, None, :] - other[None, :, :])
    apart = np.where(is_choice, (apart > 1e-9).astype(float), apart)
    r = np.sqrt(5 * ((apart / lengths) ** 2).sum(2))
    found: Array = (1 + r + r * r / 3) * np.exp(-r)
    return found


@lru_cache(maxsize=32)
def _fitted(study: RelatedStudy, key: "_Key") -> _Process:
    """Fitted length scales and noise: the highest likelihood, by coordinate descent over a few values."""
    space = key.space
    places = tuple(place for place, one in enumerate(space.parameters) if one.name in study.parameters)
    is_choice = np.array([isinstance(space.parameters[place], Choice) for place in places])
    points = np.array([_coordinates(space, one.params) for one in study.trials])[:, list(places)]
    z = np.array([one.score for one in study.trials])
    lengths, noise = np.full(len(places), 0.6), 0.1
    best = _log_likelihood(points, z, lengths, noise, is_choice)
    for _ in range(2):
        for axis in range(len(places) + 1):
            for value in NOISES if axis == len(places) else LENGTHS:
                tried, other = lengths.copy(), noise
                if axis == len(places):
                    other = value
                else:
                    tried[axis] = value
                if (found := _log_likelihood(points, z, tried, other, is_choice)) > best:
                    best, lengths, noise = found, tried, other
    k = _kernel(points, points, lengths, is_choice) + noise * np.eye(len(z))
    return _Process(places, is_choice, lengths, points, np.linalg.solve(k, z))


def _log_likelihood(points: Array, z: Array, lengths: Array, noise: float, is_choice: Array) -> float:
    factor = np.linalg.cholesky(_kernel(points, points, lengths, is_choice) + noise * np.eye(len(z)))
    half = np.linalg.solve(factor, z)
    return float(-0.5 * half @ half - np.log(np.diag(factor)).sum())


class _Key:
    """A space that can be the argument of a cached function."""

    def __init__(self, space: Space):
        self.space, self._text = space, repr(space.parameters)

    def __hash__(self) -> int:
        return hash(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self._text == other._text


def _coordinates(space: Space, params: Params) -> list[float]:
    """Coordinates in the unit cube. A missing parameter is at the middle; values outside of a range are cut at a
    distance of 0.5."""
    found = [one.to_unit(params[one.name]) if one.is_in(params) else 0.5 for one in space.parameters]
    return [min(max(u, -0.5), 1.5) for u in found]


@dataclass(frozen=True)
class Transfer:
    """weights: of each earlier study."""

    related: tuple[RelatedStudy, ...]
    weights: tuple[float, ...]
    preference: Preference

    @property
    def text(self) -> str:
        """For the reason of a proposal."""
        named = zip(self.related, self.weights, strict=True)
        return "learn_from " + ", ".join(f"{one.name} with weight {weight:.2f}" for one, weight in named)


def transfer(space: Space, history: History, params: Sequence[Params], losses: Sequence[float]) -> Transfer | None:
    """params, losses: of the ended trials of this study. None without earlier studies."""
    if not history.related:
        return None
    processes = [_fitted(one, _Key(space)) for one in history.related]
    cube = np.array([_coordinates(space, one) for one in params]).reshape(len(params), space.dimensions)
    weights = [agreement(process.mean(cube), np.array(losses)) for process in processes]
    strength = STRENGTH * TRIALS / (TRIALS + len(params))
    total = max(sum(weights), 1.0)
    used = [(process, strength * weight / total) for process, weight in zip(processes, weights, strict=True) if weight]
    return Transfer(history.related, tuple(weights), partial(_preferred, used))


def _preferred(used: Sequence[tuple[_Process, float]], cube: Array) -> Array:
    points = np.nan_to_num(cube, nan=0.5)
    return -sum((weight * process.mean(points) for process, weight in used), np.zeros(len(points)))


def first_points(space: Space, history: History, drawn: Params) -> list[tuple[Params, str]]:
    """The best parameters of the earlier studies, in turn. drawn: values for parameters that a study does not have."""
    ranked = [
        sorted(one.trials, key=lambda trial: (trial.score, trial.number))[:BEST_POINTS] for one in history.related
    ]
    found: dict[str, tuple[Params, str]] = {}
    for place in range(BEST_POINTS):
        for study, trials in zip(history.related, ranked, strict=True):
            if place < len(trials):
                params = _completed(space, trials[place].params, drawn)
                if space.allows(params):
                    key = value_key({name: value for name, value in params.items() if name in study.parameters})
                    found.setdefault(key, (params, f"trial {trials[place].number} of study {study.name}"))
    return list(found.values())


def of_related(origin: str) -> str:
    """The reason for a proposal from `first_points`."""
    return f"learn_from: the parameters of {origin}, one of its best trials"


def _completed(space: Space, params: Params, drawn: Params) -> Params:
    """The values of an earlier trial, clipped to the ranges of this space and completed with `drawn`."""
    found = dict(space.fixed)
    for one in space.parameters:
        if is_active(one, found):
            own = one.name in params and (not one.axis or one.is_in({**found, one.name: params[one.name]}))
            u = one.to_unit(params[one.name]) if own else one.to_unit(drawn[one.name]) if one.is_in(drawn) else 0.5
            found[one.name] = one.from_unit(min(max(u, 0.0), 1.0))
    return found
