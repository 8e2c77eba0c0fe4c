"""CMA-ES in the unit cube (Hansen 2016, arXiv 1604.00772), replayed from the history for every `ask`.

Optuna's CmaEsSampler keeps its state in the trials that it proposed, so a rebuilt study has lost it. Here the state is
computed from the observations in the order of their end: the first ones set the mean, each further group of
`population` is one generation. Running trials are not needed: trials of one generation are independent draws, and a
trial that ends late counts in the generation in which it ends.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hpsearch.core.trial import Params, Value
from hpsearch.samplers.observations import Observation
from hpsearch.study.space import Int, Parameter, Space

if TYPE_CHECKING:
    from cmaes import CMA

Point = npt.NDArray[np.float64]
Solution = tuple[Point, float]

SIGMA = 0.2
"""Initial step size, as a fraction of every axis."""


def propose(space: Space, seen: Sequence[Observation], starts: int, seed: int) -> Params:
    """A draw from the distribution after updates with `seen`; its first `starts` observations only set the mean."""
    generator = np.random.default_rng(0)
    solutions = [(_point(space, one.params, generator), one.loss) for one in seen]
    optimizer = _new_optimizer(solutions[:starts])
    population = optimizer.population_size
    for end in range(starts + population, len(solutions) + 1, population):
        optimizer.tell(solutions[end - population : end])
        if optimizer.should_stop():
            optimizer = _new_optimizer(solutions[:end])
    optimizer.reseed_rng(seed)
    return space.from_unit(optimizer.ask().tolist())


def _new_optimizer(solutions: Sequence[Solution]) -> "CMA":
    from cmaes import CMA

    mean, _ = min(solutions, key=lambda solution: solution[1])
    return CMA(mean=mean, sigma=SIGMA, bounds=np.array([[0.0, 1.0]] * len(mean)))


def _point(space: Space, params: Params, generator: np.random.Generator) -> Point:
    """The point of the unit cube for the parameters.

    A discrete value becomes a random point of its interval, an inactive parameter a random point of the whole axis.
    The centre of the interval would make the distribution too narrow to reach another value.
    """
    intervals = [_interval(p, params[p.name]) if p.is_in(params) else (0.0, 1.0) for p in space.parameters]
    point: Point = generator.uniform(*np.clip(np.array(intervals).T, 0.0, 1.0))
    return point


def _interval(parameter: Parameter, value: Value) -> tuple[float, float]:
    """The interval of the unit axis that maps to this value."""
    if isinstance(parameter, Int) and parameter.log:
        return parameter.to_unit(float(value) - 0.5), parameter.to_unit(float(value) + 0.5)
    half = 0.0 if parameter.count is None else 0.5 / parameter.count
    centre = parameter.to_unit(value)
    return centre - half, centre + half
