"""Optuna's TPE and Gaussian process with a preference: piBO (Hvarfner 2022, arXiv 2204.11051), which adds the log of a
prior to the log of the acquisition.

Both override private methods of Optuna, which are the same in Optuna 4.9 and 5.0.
"""

from typing import Any

import numpy as np
from optuna.samplers import GPSampler, TPESampler

from hpsearch.samplers.agreement import Array
from hpsearch.samplers.believed import Preference
from hpsearch.samplers.freeze_thaw.new_points import candidates
from hpsearch.samplers.optuna.distributions import decode
from hpsearch.study.space import Choice, Parameter, Space

TPE_CANDIDATES = 64
"""Draws from the density of good trials; the best of them is proposed. With Optuna's default of 24, few agree with the
preference."""


class GuidedTPE(TPESampler):
    def __init__(self, space: Space, preference: Preference, **settings: Any):
        super().__init__(n_ei_candidates=TPE_CANDIDATES, **settings)
        self._space, self._preference = space, preference

    def _compute_acquisition_func(self, samples: dict[str, Any], below: Any, above: Any) -> Any:
        """samples: by parameter, in Optuna's encoding; in a conditional space only the parameters of one group."""
        count = len(next(iter(samples.values())))
        points = np.full((count, self._space.dimensions), np.nan)
        for place, one in enumerate(self._space.parameters):
            if one.key in samples:
                points[:, place] = [_unit(one, value) for value in samples[one.key]]
        return super()._compute_acquisition_func(samples, below, above) + self._preference(points)


class GuidedGP(GPSampler):
    """best: points of the unit cube. The proposal is searched around them, around the point that Optuna proposes
    without a preference, and among random points."""

    def __init__(self, space: Space, preference: Preference, best: Array, **settings: Any):
        super().__init__(**settings)
        self._space, self._preference, self._best = space, preference, best

    def _optimize_acqf(self, acqf: Any, best_params: Any) -> Any:
        names = list(acqf.search_space._optuna_search_space)
        places = {one.key: place for place, one in enumerate(self._space.parameters)}
        order = [places[name] for name in names]

        def value(points: Array) -> Array:
            values: Array = acqf.eval_acqf_no_grad(self._normalized(points)[:, order]) + self._preference(points)
            return values

        unguided = np.full(self._space.dimensions, 0.5)
        for place, u in zip(order, super()._optimize_acqf(acqf, best_params), strict=True):
            one = self._space.parameters[place]
            unguided[place] = (u + 0.5) / one.count if isinstance(one, Choice) else u
        generator = np.random.default_rng(self._rng.rng.randint(2**31))
        points = np.vstack([unguided, candidates(np.vstack([unguided, self._best]), value, generator)])
        return self._normalized(points[[np.argmax(value(points))]])[0][order]

    def _normalized(self, points: Array) -> Array:
        """As Optuna normalises parameters: discrete ones at their values, a choice by its index."""
        found = points.copy()
        for place, one in enumerate(self._space.parameters):
            if isinstance(one, Choice):
                found[:, place] = np.minimum(np.floor(points[:, place] * one.count), one.count - 1)
            elif one.count is not None:
                found[:, place] = [one.to_unit(one.from_unit(u)) for u in points[:, place].tolist()]
        return found


def _unit(parameter: Parameter, value: float) -> float:
    """The coordinate of a value in Optuna's encoding."""
    if isinstance(parameter, Choice):
        return (value + 0.5) / parameter.count
    u = parameter.to_unit(decode(parameter, float(value)))
    return min(max(u, 0.0), 1.0)
