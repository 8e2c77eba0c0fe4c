"""Random search, and the random draw that other samplers begin with and fall back on.

Bergstra and Bengio 2012, "Random Search for Hyper-Parameter Optimization" (JMLR 13, 281-305).
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from hpsearch.core.decisions import New
from hpsearch.core.history import History
from hpsearch.core.seeds import stream
from hpsearch.core.trial import Params
from hpsearch.samplers.first_trials import known_point
from hpsearch.study import feasible
from hpsearch.study.space import Space

Key = tuple[float | None, ...]

REDRAWS = 100
"""How often a point that was proposed before is drawn again, before the discrete space is enumerated."""

ENUMERABLE = 100_000
"""Discrete spaces with up to this many points are enumerated to find a point that was not proposed yet."""


def key(space: Space, params: Params) -> Key:
    """A hashable key that is equal for equal parameter sets only."""
    return tuple(space.to_unit(params))


class ProposedPoints:
    """The points that were proposed since a discrete space was last exhausted: a cache over one history.

    A point is proposed for a second time only when no other point was left; the set then starts again with it.
    """

    def __init__(self) -> None:
        self._history: History | None = None
        self._seen = 0
        self._keys: set[Key] = set()

    def __reduce__(self) -> tuple[type, tuple[()]]:
        return ProposedPoints, ()

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


def draw(space: Space, generator: np.random.Generator, taken: Set[Key], whole: Space | None = None) -> Params:
    """Uniform in the feasible part of the unit cube, so log-uniform where log. In a discrete space, not one of `taken`
    while any is left.

    whole: drawn from where the space, a part of it, has no feasible point.
    """
    found = feasible.draw(space, generator)
    if found is None:
        space = whole or space
        found = feasible.draw(space, generator)
    first = params = feasible.centre(space) if found is None else found
    size = space.size()
    if size is None:
        return first
    for _ in range(REDRAWS):
        if key(space, params) not in taken:
            return params
        params = feasible.draw(space, generator) or first
    left = [point for point in space.points() if key(space, point) not in taken] if size <= ENUMERABLE else []
    return left[int(generator.integers(len(left)))] if left else first


@dataclass(frozen=True)
class Random:
    """Random search. Proposal n depends on the study's seed and n only.

    In a discrete space no point is proposed twice before all have been tried.
    """

    slow: ClassVar[bool] = False

    space: Space
    seed: int
    trials: int
    epochs: int
    known: Sequence[Params] = ()
    _proposed: ProposedPoints = field(default_factory=ProposedPoints, init=False, repr=False, compare=False)

    def ask(self, history: History) -> New | None:
        number = len(history)
        if history.counted >= self.trials:
            return None
        if (known := known_point(self.known, history, self.epochs)) is not None:
            return known
        taken: Set[Key] = set() if self.space.size() is None else self._proposed.keys(self.space, history)
        params = draw(self.space, stream(self.seed, number), taken)
        return New(params, self.epochs, f"random draw {history.counted + 1} of {self.trials}")
