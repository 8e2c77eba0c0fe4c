"""New configurations with a large acquisition value: random points and steps from the best trials, refined."""

from collections.abc import Callable

import numpy as np

from hpsearch.core.seeds import stream
from hpsearch.samplers.freeze_thaw.curve_kernel import Array
from hpsearch.study.space import Space

RANDOM = 150
STEPS = ((15, 0.05, 0.5), (15, 0.15, 0.3), (15, 0.4, 0.15))
"""From each of the best points: the number of steps, their size, and the probability that a step changes a
parameter."""

REFINED = ((0.2, 0.3), (0.1, 0.3), (0.05, 0.3), (0.02, 0.3))
"""Rounds of smaller and smaller steps from the best candidates: size and probability."""

SOBOL = 2**40 - 1
"""The number of the random stream of the Sobol sequence; trials have smaller numbers."""

KEPT = 8
"""The number of candidates that are kept after each round, and of steps from each."""


def candidates(best: Array, value: Callable[[Array], Array], generator: np.random.Generator) -> Array:
    """KEPT points of the unit cube, the largest value first. best: points of the best trials."""
    around = [_steps(np.repeat(best, count, 0), size, share, generator) for count, size, share in STEPS]
    points = np.concatenate([generator.random((RANDOM, best.shape[1])), *around])
    values = value(points)
    for size, share in REFINED:
        kept = np.argsort(-values, kind="stable")[:KEPT]
        moved = _steps(np.repeat(points[kept], KEPT, 0), size, share, generator)
        points, values = np.concatenate([points[kept], moved]), np.r_[values[kept], value(moved)]
    found: Array = points[np.argsort(-values, kind="stable")[:KEPT]]
    return found


def _steps(points: Array, size: float, share: float, generator: np.random.Generator) -> Array:
    """Each point after a step that changes at least one parameter."""
    changed = generator.random(points.shape) < share
    changed[np.arange(len(points)), generator.integers(points.shape[1], size=len(points))] = True
    moved: Array = np.clip(points + generator.standard_normal(points.shape) * size * changed, 0.0, 1.0)
    return moved


def sobol(space: Space, seed: int, number: int) -> list[float]:
    """Point `number` of a scrambled Sobol sequence (Owen 1998)."""
    from scipy.stats import qmc

    engine = qmc.Sobol(space.dimensions, scramble=True, rng=stream(seed, SOBOL))
    points: list[list[float]] = engine.random_base2(number.bit_length()).tolist()
    return points[number]
