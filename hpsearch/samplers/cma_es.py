"""CMA-ES in the unit cube (Hansen 2016, arXiv 1604.00772), replayed from the history for every ask.

Optuna's CmaEsSampler keeps its state inside the trials that it proposed, and a study that is rebuilt has lost it. Here
the state is what follows from the observations in the order in which they ended: the first ones place the mean, each
further group of `population` is one generation. It needs no account of running trials: those of one generation are
independent draws by construction, and one that ends late counts in the generation that it ends in.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hpsearch.core.trial import Params, Plain
from hpsearch.samplers.observations import Observation
from hpsearch.study.space import Int, Parameter, Space

if TYPE_CHECKING:
    from cmaes import CMA

Point = npt.NDArray[np.float64]
Solution = tuple[Point, float]

SIGMA = 0.2
"""First step size, as a part of every axis."""


def propose(space: Space, seen: Sequence[Observation], starts: int, seed: int) -> Params:
    """A draw from the distribution that `seen` has led to; `starts`: how many of them only place the first mean."""
    generator = np.random.default_rng(0)
    solutions = [(_point(space, one.params, generator), one.loss) for one in seen]
    optimizer = _started(solutions[:starts])
    population = optimizer.population_size
    for end in range(starts + population, len(solutions) + 1, population):
        optimizer.tell(solutions[end - population : end])
        if optimizer.should_stop():
            optimizer = _started(solutions[:end])
    optimizer.reseed_rng(seed)
    return space.from_unit(optimizer.ask().tolist())


def _started(solutions: Sequence[Solution]) -> "CMA":
    from cmaes import CMA

    mean, _ = min(solutions, key=lambda solution: solution[1])
    return CMA(mean=mean, sigma=SIGMA, bounds=np.array([[0.0, 1.0]] * len(mean)))


def _point(space: Space, params: Params, generator: np.random.Generator) -> Point:
    """Where in the unit cube the parameters lie; a discrete value anywhere in its share, an inactive one anywhere.

    With the middle of the share for a discrete value the distribution would soon be too narrow to leave it.
    """
    shares = [_share(p, params[p.name]) if p.name in params else (0.0, 1.0) for p in space.parameters]
    point: Point = generator.uniform(*np.clip(np.array(shares).T, 0.0, 1.0))
    return point


def _share(parameter: Parameter, value: Plain) -> tuple[float, float]:
    """The part of its axis that gives this value."""
    if isinstance(parameter, Int) and parameter.log:
        return parameter.to_unit(float(value) - 0.5), parameter.to_unit(float(value) + 0.5)
    half = 0.0 if parameter.count is None else 0.5 / parameter.count
    middle = parameter.to_unit(value)
    return middle - half, middle + half
