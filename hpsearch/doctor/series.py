"""One reported quantity over the epochs of a trial."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from statistics import median

from hpsearch.core.trial import EPOCH
from hpsearch.doctor.evidence import Change, CurvePoint


@dataclass(frozen=True)
class Series:
    """One quantity over the epochs: at least one point, with increasing steps and finite values.

    name: of the metric. reported: the values as reported, if `values` were converted to losses (see `Curves.metric`).
    unit: of the steps, see `Objective.unit`.
    """

    steps: tuple[int, ...]
    values: tuple[float, ...]
    name: str = ""
    reported: tuple[float, ...] = ()
    unit: str = EPOCH

    def __len__(self) -> int:
        return len(self.values)

    @property
    def first(self) -> float:
        return self.values[0]

    @cached_property
    def end(self) -> float:
        """The median of the last fifth of the points, at most five, so that one outlier at the end does not count."""
        return median(self.values[self._last_fifth])

    @property
    def _last_fifth(self) -> slice:
        return slice(-min(5, max(1, len(self) // 5)), None)

    def third(self, which: int) -> float:
        """The median of the first, second or last third of the points (0, 1, 2); of all if there are fewer than 3."""
        return median(self.values[self._third(which)])

    def _third(self, which: int) -> slice:
        low, high = (round(len(self) * cut / 3) for cut in (which, which + 1))
        return slice(low, high) if high > low else slice(None)

    @cached_property
    def smooth(self) -> "Series":
        """The running median of three points, or of more if the curve is long."""
        half = max(1, len(self) // 40)
        windows = (self.values[max(0, at - half) : at + half + 1] for at in range(len(self)))
        return Series(self.steps, tuple(map(median, windows)), self.name, unit=self.unit)

    @cached_property
    def lowest(self) -> tuple[int, float]:
        """The first lowest point of the smoothed curve: step and value."""
        value, step = min(zip(self.smooth.values, self.steps, strict=True))
        return step, value

    def late_fall_significance(self) -> float:
        """The fall from the second to the last third, in standard errors of this difference (from the curve's noise).

        If consecutive points show no noise at all, a change of 1e-5 (relative) counts as one standard error.
        """
        third = max(1, len(self) / 3)
        noise = max(1.2 * self.jitter, 1e-5 * max(map(abs, self.values)), 1e-300)
        return (self.third(1) - self.third(2)) / (noise * math.sqrt(2 / third))

    @cached_property
    def jitter(self) -> float:
        """The noise: the median distance of a point from the straight line between its neighbours."""
        triples = zip(self.values, self.values[1:], self.values[2:], strict=False)
        bends = [abs(b - (a + c) / 2) for a, b, c in triples]
        return median(bends) if bends else 0.0

    def point(self, place: int) -> CurvePoint:
        """The reported point at an index of `values`."""
        return CurvePoint(self.name, self.steps[place], (self.reported or self.values)[place], self.unit)

    @property
    def first_point(self) -> CurvePoint:
        return self.point(0)

    @property
    def end_point(self) -> CurvePoint:
        """The reported value nearest to `end`, the latest of several."""
        return self._typical(self._last_fifth)

    def third_point(self, which: int) -> CurvePoint:
        """The reported value nearest to `third(which)`, the latest of several."""
        return self._typical(self._third(which))

    def _typical(self, part: slice) -> CurvePoint:
        middle = median(self.values[part])
        return self.point(min(range(len(self))[part], key=lambda place: (abs(self.values[place] - middle), -place)))

    @property
    def lowest_point(self) -> CurvePoint:
        """The first lowest value; for a maximised metric, the best value."""
        return self.point(self.values.index(min(self.values)))

    @property
    def highest_point(self) -> CurvePoint:
        return self.point(self.values.index(max(self.values)))

    @property
    def change(self) -> Change:
        """The change from the first value to the end."""
        return Change(self.first_point, self.end_point)

    def at(self, step: int) -> float:
        """The value at a step, otherwise the last value before it, otherwise the first value."""
        before = (v for s, v in zip(reversed(self.steps), reversed(self.values), strict=True) if s <= step)
        return next(before, self.first)


def series(points: Iterable[tuple[int, float]], name: str = "", unit: str = EPOCH) -> Series | None:
    """The finite points in their order; None if there are none."""
    finite = [(step, value) for step, value in points if math.isfinite(value)]
    steps, values = tuple(step for step, _ in finite), tuple(value for _, value in finite)
    return Series(steps, values, name, unit=unit) if finite else None
