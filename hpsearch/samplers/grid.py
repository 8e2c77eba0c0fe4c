"""Grid search: every point of the grid once."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import ClassVar

from hpsearch.core.decisions import New
from hpsearch.core.history import History
from hpsearch.core.trial import Params, key_of
from hpsearch.samplers.first_trials import known_point
from hpsearch.study.space import Space


class _GridCursor:
    """A cache of the position in the grid, so that the next `ask` need not enumerate from the first point."""

    def __init__(self) -> None:
        self._points: Iterator[Params] = iter(())
        self._next = 0

    def __reduce__(self) -> tuple[type, tuple[()]]:
        return _GridCursor, ()

    def point(self, points: Callable[[], Iterator[Params]], number: int) -> Params | None:
        if number < self._next or self._next == 0:
            self._points, self._next = points(), 0
        skipped, self._next = number - self._next, number + 1
        return next(islice(self._points, skipped, None), None)


@dataclass(frozen=True)
class Grid:
    """Trial n is point n of the known points and then `space.grid()`, however often the search was interrupted."""

    slow: ClassVar[bool] = False

    space: Space
    epochs: int
    known: Sequence[Params] = ()
    _cursor: _GridCursor = field(default_factory=_GridCursor, init=False, repr=False, compare=False)

    @cached_property
    def points(self) -> int:
        """The number of points in the grid."""
        return sum(1 for _ in self._points())

    def _points(self) -> Iterator[Params]:
        """The known points, then the others of the grid."""
        yield from self.known
        known = set(map(key_of, self.known))
        yield from (point for point in self.space.grid() if key_of(point) not in known)

    def ask(self, history: History) -> New | None:
        number = len(history)
        if number >= self.points:
            return None
        params = self._cursor.point(self._points, number)
        assert params is not None
        if (known := known_point(self.known, history, self.epochs)) is not None:
            return known
        return New(params, self.epochs, f"grid point {number + 1} of {self.points}")
