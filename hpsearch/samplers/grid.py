"""Grid search: every point of the grid once."""

from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

from hpsearch.core.decisions import New
from hpsearch.core.history import History
from hpsearch.core.trial import Params, key_of
from hpsearch.samplers.random import Key, KnownPoints, key
from hpsearch.study.space import Space


class _GridCursor:
    """A cache of the position in the grid, so that `ask` does not enumerate from the first point."""

    def __init__(self) -> None:
        self._history: History | None = None
        self._seen = 0
        self._points: Iterator[tuple[int, Params]] = iter(())
        self._next: tuple[int, Params] | None = None

    def __reduce__(self) -> tuple[type, tuple[()]]:
        return _GridCursor, ()

    def next(
        self, points: Callable[[], Iterator[Params]], space: Space, history: History, known: Set[Key]
    ) -> tuple[int, Params] | None:
        """The first point without a trial, with its number; None if all have one."""
        if history is not self._history or len(history) < self._seen:
            self._history, self._points = history, enumerate(points())
            self._next = next(self._points, None)
        self._seen = len(history)
        while self._next is not None and key(space, self._next[1]) in known:
            self._next = next(self._points, None)
        return self._next


@dataclass(frozen=True)
class Grid:
    """The known points, then the points of `space.grid()` in their order. Points with a trial are skipped, so a grid
    that got more values continues with its new points."""

    slow: ClassVar[bool] = False

    space: Space
    epochs: int
    known: Sequence[Params] = ()
    _cursor: _GridCursor = field(default_factory=_GridCursor, init=False, repr=False, compare=False)
    _known: KnownPoints = field(default_factory=KnownPoints, init=False, repr=False, compare=False)

    @cached_property
    def points(self) -> int:
        """The number of points in the grid."""
        return sum(1 for _ in self._points())

    def _points(self) -> Iterator[Params]:
        """The known points, then the other points of the grid."""
        yield from self.known
        known = set(map(key_of, self.known))
        yield from (point for point in self.space.grid() if key_of(point) not in known)

    def ask(self, history: History) -> New | None:
        found = self._cursor.next(self._points, self.space, history, self._known.keys(self.space, history))
        if found is None:
            return None
        number, params = found
        if number < len(self.known):
            return New(params, self.epochs, f"known point {number + 1} of {len(self.known)}")
        return New(params, self.epochs, f"grid point {number + 1} of {self.points}")
