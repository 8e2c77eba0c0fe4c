"""A sampler for a table of trained parameter sets: each proposal is replaced by the nearest row without a trial."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from hpsearch.core.decisions import New, Over, Proposal
from hpsearch.core.history import History
from hpsearch.core.trial import Cause, Params, key_of
from hpsearch.samplers.base import Sampler
from hpsearch.study.space import Choice, Space

MISMATCH = 1.0
"""The distance of two different choices, and of a parameter that only one of the sets has. A range has the width 1."""


@dataclass(frozen=True)
class TableRows:
    """The trial gets the row's parameters, so the sampler learns from the parameters that were trained. The nearest row
    has the smallest squared distance over all parameters, each on its axis as it is searched. A proposal that equals a
    row is not replaced, also if the row has a trial: it is a repetition with another seed.

    rows: parameter sets of the space, with its fixed values.
    """

    sampler: Sampler
    space: Space
    rows: Sequence[Params]
    _points: NDArray[np.float64] = field(init=False, repr=False, compare=False)
    _places: dict[str, list[int]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        points = np.array([self._point(row) for row in self.rows], float).reshape(len(self.rows), -1)
        places: dict[str, list[int]] = {}
        for place, row in enumerate(self.rows):
            places.setdefault(key_of(row), []).append(place)
        object.__setattr__(self, "_points", points)
        object.__setattr__(self, "_places", places)

    @property
    def slow(self) -> bool:
        return self.sampler.slow

    def ask(self, history: History) -> Proposal | None:
        proposal = self.sampler.ask(history)
        if not isinstance(proposal, New) or key_of(proposal.params) in self._places:
            return proposal
        free = np.ones(len(self.rows), bool)
        for trial in history:
            for place in self._places.get(key_of(trial.params), ()):
                if free[place]:
                    free[place] = False
                    break
        if not free.any():
            reason = f"all {len(self.rows)} rows of the table have a trial"
            return Over(reason, Cause.EXHAUSTED, {"rows": len(self.rows)})
        return replace(proposal, params=dict(self.rows[self._nearest(proposal.params, free)]))

    def _nearest(self, params: Params, free: NDArray[np.bool_]) -> int:
        point = np.array(self._point(params), float)
        apart = self._points - point
        only_one = np.isnan(self._points) != np.isnan(point)
        choices = np.array([isinstance(one, Choice) for one in self.space.parameters], bool)
        apart = np.where(choices & (apart != 0), MISMATCH, apart)
        apart = np.where(only_one, MISMATCH, np.nan_to_num(apart))
        return int(np.argmin(np.where(free, (apart**2).sum(axis=1), np.inf)))

    def _point(self, params: Params) -> list[float | None]:
        return self.space.to_unit(params)
