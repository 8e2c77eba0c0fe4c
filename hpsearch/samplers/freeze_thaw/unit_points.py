"""Parameters as points for the model: one column for each numeric parameter, and for each value of a small choice.

An inactive parameter is at the middle of its axis: the column of the parameter in its condition distinguishes it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from hpsearch.core.trial import Params, Trial
from hpsearch.samplers.freeze_thaw.curve_kernel import Array
from hpsearch.study.space import Choice, Int, Parameter, Space

MAX_COLUMNS = 8
"""The most values of a choice with a column for each. A larger choice has one column, with its values in their
order."""

EDGE = 1e-4
"""Columns are in [EDGE, 1 - EDGE]: the warp has no derivative at 0 and 1."""


@dataclass(frozen=True)
class UnitPoints:
    """The points of a space, with a cache over the trials of one history."""

    space: Space
    _known: dict[int, tuple[Params, Array]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __reduce__(self) -> tuple[type, tuple[Space]]:
        return UnitPoints, (self.space,)

    @property
    def columns(self) -> int:
        return sum(map(_width, self.space.parameters))

    def of(self, trial: Trial) -> Array:
        """The columns of a trial."""
        known = self._known.get(trial.number)
        if known is None or known[0] is not trial.params:
            cube = [0.5 if u is None else u for u in self.space.to_unit(trial.params)]
            known = self._known[trial.number] = trial.params, self.of_cube(np.array([cube]))[0]
        return known[1]

    def of_cube(self, cube: Array) -> Array:
        """The columns of points of the unit cube (points, parameters), rounded as by `Space.from_unit`."""
        if any(parameter.when for parameter in self.space.parameters):
            cube = np.array([self._with_inactive(point) for point in cube.tolist()])
        columns = [_columns(one, cube[:, place]) for place, one in enumerate(self.space.parameters)]
        clipped: Array = np.clip(np.concatenate(columns, axis=1), EDGE, 1 - EDGE)
        return clipped

    def _with_inactive(self, point: Sequence[float]) -> list[float]:
        """The point, with inactive parameters at the middle."""
        params = self.space.from_unit(point)
        return [u if one.is_in(params) else 0.5 for one, u in zip(self.space.parameters, point, strict=True)]


def _width(parameter: Parameter) -> int:
    return parameter.count if isinstance(parameter, Choice) and 2 < parameter.count <= MAX_COLUMNS else 1


def _columns(parameter: Parameter, u: Array) -> Array:
    count = parameter.count
    if count is None or (isinstance(parameter, Int) and parameter.log and not parameter.powers_of):
        return u[:, None]
    place = np.minimum(np.floor(u * count), count - 1)
    if _width(parameter) > 1:
        return np.equal(place[:, None], np.arange(count)).astype(float)
    middle: Array = (place + 0.5) / count
    return middle[:, None]
