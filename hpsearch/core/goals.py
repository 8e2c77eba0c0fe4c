"""Goals of a study, and the order of results by several goals (Pareto ranks)."""

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol


@dataclass(frozen=True)
class Goal:
    """A reported metric, and whether it is minimized or maximized."""

    metric: str
    goal: Literal["minimize", "maximize"]

    def loss(self, metrics: Mapping[str, float]) -> float:
        """Smaller is better; +inf if the metric is missing or not finite."""
        value = metrics.get(self.metric, math.nan)
        if not math.isfinite(value):
            return math.inf
        return value if self.goal == "minimize" else -value


def ranks(points: Sequence[tuple[float, ...]]) -> list[int]:
    """The non-domination rank of each point: 0 for the Pareto front, 1 for the front of the other points, and so on.

    points: losses, smaller is better. Equal points have equal ranks. In lexicographic order no point is dominated by a
    later one, so each belongs to the first front without a member that dominates it (Zhang 2015, "An Efficient Approach
    to Nondominated Sorting for Evolutionary Multiobjective Optimization").
    """
    found = [0] * len(points)
    fronts: list[list[tuple[float, ...]]] = []
    for place in sorted(range(len(points)), key=points.__getitem__):
        point = points[place]
        rank = next((r for r, own in enumerate(fronts) if not any(dominates(one, point) for one in own)), len(fronts))
        if rank == len(fronts):
            fronts.append([])
        fronts[rank].append(point)
        found[place] = rank
    return found


def pareto_order(points: Sequence[tuple[float, ...]]) -> list[float]:
    """For each point its non-domination rank, from 0, plus a fraction below 1 that orders the points of a front.

    As in NSGA-II, points whose neighbours are far away come first. points: finite losses.
    """
    fronts: dict[int, list[int]] = {}
    for place, rank in enumerate(ranks(points)):
        fronts.setdefault(rank, []).append(place)
    found = [0.0] * len(points)
    for rank, front in fronts.items():
        distances = crowding([points[one] for one in front])
        order = sorted(range(len(front)), key=lambda place: (-distances[place], front[place]))
        for place, index in enumerate(order):
            found[front[index]] = rank + place / len(front)
    return found


def crowding(points: Sequence[tuple[float, ...]]) -> list[float]:
    """The crowding distance of each point of a front (Deb et al. 2002, NSGA-II); infinite at the ends of the front."""
    found = [0.0] * len(points)
    for column in zip(*points, strict=True):
        order = sorted(range(len(points)), key=column.__getitem__)
        width = column[order[-1]] - column[order[0]]
        found[order[0]] = found[order[-1]] = math.inf
        for before, place, after in zip(order, order[1:], order[2:], strict=False):
            found[place] += (column[after] - column[before]) / width if width else 0.0
    return found


def dominates(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether the result `one` is at least as good as `other` by all goals, and better by at least one."""
    return all(a <= b for a, b in zip(one, other, strict=True)) and tuple(one) != tuple(other)


class _Reported(Protocol):
    @property
    def step(self) -> int: ...
    @property
    def metrics(self) -> Mapping[str, float]: ...


def metrics_at(curve: Sequence[_Reported], step: int, names: Iterable[str]) -> dict[str, float]:
    """The metrics of a trial at an epoch.

    A metric that the report of the epoch lacks has its last value before the epoch, otherwise its first value after it.
    A metric that no report has is left out.
    """
    end = bisect_right(curve, step, key=lambda report: report.step)
    found = {}
    for name in names:
        report = next((one for one in reversed(curve[:end]) if name in one.metrics), None)
        report = report or next((one for one in curve[end:] if name in one.metrics), None)
        if report is not None:
            found[name] = report.metrics[name]
    return found
