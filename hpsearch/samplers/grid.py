"""Grid search: every point of the grid once."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import ClassVar

from hpsearch.core.decisions import New
from hpsearch.core.history import History
from hpsearch.core.trial import Params
from hpsearch.study.space import Space


class _GridCursor:
    """A cache of the position in the grid, so that the next `ask` need not enumerate from the first point."""

    def __init__(self) -> None:
        self._points: Iterator[Params] = iter(())
        self._next = 0

    def __reduce__(self) -> tuple[type, tuple[()]]:
        return _GridCursor, ()

    def point(self, space: Space, number: int) -> Params | None:
        if number < self._next or self._next == 0:
            self._points, self._next = space.grid(), 0
        skipped, self._next = number - self._next, number + 1
        return next(islice(self._points, skipped, None), None)


@dataclass(frozen=True)
class Grid:
    """Trial n is point n of `space.grid()`, however often the search was interrupted."""

    slow: ClassVar[bool] = False

    space: Space
    epochs: int
    _cursor: _GridCursor = field(default_factory=_GridCursor, init=False, repr=False, compare=False)

    @cached_property
    def points(self) -> int:
        """The number of points in the grid."""
        return sum(1 for _ in self.space.grid())

    def ask(self, history: History) -> New | None:
        number = len(history)
        if number >= self.points:
            return None
        params = self._cursor.point(self.space, number)
        assert params is not None
        return New(params, self.epochs, f"grid point {number + 1} of {self.points}")
