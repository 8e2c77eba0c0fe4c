"""Random search, and the draw that the other samplers begin with and fall back on.

Bergstra and Bengio 2012, "Random Search for Hyper-Parameter Optimization" (JMLR 13, 281-305).
"""

from collections.abc import Iterator, Set
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from hpsearch.core.decisions import New
from hpsearch.core.history import History
from hpsearch.core.seeds import stream
from hpsearch.core.trial import Params
from hpsearch.study.space import Choice, Space

Key = tuple[float | None, ...]

REDRAWS = 100
ENUMERABLE = 100_000
"""Up to so many points a discrete space is listed to find what has not been proposed yet."""


def key(space: Space, params: Params) -> Key:
    """What two equal parameter sets have in common, and two different ones have not."""
    return tuple(space.to_unit(params))


class Cycle:
    """What has been proposed since a discrete space was last exhausted: a cache over the history it was last shown.

    A point that is proposed for a second time says that nothing else was left: a new cycle begins with it.
    """

    def __init__(self) -> None:
        self._history: History | None = None
        self._seen = 0
        self._keys: set[Key] = set()

    def __reduce__(self) -> tuple[type, tuple[()]]:
        return Cycle, ()

    def keys(self, space: Space, history: History) -> Set[Key]:
        if history is not self._history:
            self._history, self._seen, self._keys = history, 0, set()
        for number in range(self._seen, len(history)):
            point = key(space, history[number].params)
            if point in self._keys:
                self._keys.clear()
            self._keys.add(point)
        self._seen = len(history)
        return self._keys


def draw(space: Space, generator: np.random.Generator, taken: Set[Key]) -> Params:
    """Uniform in the unit cube, so log-uniform where log; in a discrete space not `taken` while anything is left."""
    first = params = space.from_unit(generator.random(space.dimensions).tolist())
    size = space.size()
    if size is None:
        return first
    for _ in range(REDRAWS):
        if key(space, params) not in taken:
            return params
        params = space.from_unit(generator.random(space.dimensions).tolist())
    left = [point for point in _points(space) if key(space, point) not in taken] if size <= ENUMERABLE else []
    return left[int(generator.integers(len(left)))] if left else first


def _points(space: Space) -> Iterator[Params]:
    """Every point of a discrete space, also those that its grid passes over."""
    whole = (p if isinstance(p, Choice) else replace(p, grid=(), points=None) for p in space.parameters)
    return Space(tuple(whole), space.fixed).grid()


@dataclass(frozen=True)
class Random:
    """Proposal n depends on the study's seed and n alone; in a discrete space no point twice until all were tried."""

    slow: ClassVar[bool] = False

    space: Space
    seed: int
    trials: int
    epochs: int
    _cycle: Cycle = field(default_factory=Cycle, init=False, repr=False, compare=False)

    def ask(self, history: History) -> New | None:
        number = len(history)
        if number >= self.trials:
            return None
        taken: Set[Key] = set() if self.space.size() is None else self._cycle.keys(self.space, history)
        params = draw(self.space, stream(self.seed, number), taken)
        return New(params, self.epochs, f"random draw {number + 1} of {self.trials}")
