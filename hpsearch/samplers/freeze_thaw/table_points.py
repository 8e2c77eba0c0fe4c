"""The points of a space in which only the rows of a table can be trained."""

from collections.abc import Set
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hpsearch.samplers.freeze_thaw.curve_kernel import Array
from hpsearch.samplers.random import Key, key
from hpsearch.study.space import Space


@dataclass(frozen=True)
class TablePoints:
    """The rows of a space, with a cache of their points."""

    space: Space

    def __reduce__(self) -> tuple[type, tuple[Space]]:
        return TablePoints, (self.space,)

    def without(self, taken: Set[Key]) -> Array:
        """The points of the unit cube of the rows without a trial (rows, parameters). Inactive parameters are at the
        middle."""
        is_free = np.array([one not in taken for one in self._keys], bool)
        found: Array = self._cube[is_free]
        return found

    @cached_property
    def _keys(self) -> list[Key]:
        return [key(self.space, row) for row in self.space.rows]

    @cached_property
    def _cube(self) -> Array:
        points = [[0.5 if u is None else u for u in one] for one in self._keys]
        clipped: Array = np.clip(np.array(points, float).reshape(-1, self.space.dimensions), 0.0, 1.0)
        return clipped
