"""Points that fulfil the constraints of a space: random ones, the nearest one to a point, and their share.

Constraints that share no parameter are independent: each group is drawn, and changed, by itself.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from hpsearch.core.constraints import Constraint
from hpsearch.core.trial import Params
from hpsearch.study.space import Space

if TYPE_CHECKING:
    import numpy as np

DRAWS = 2_000
"""The number of random points that are drawn before the feasible combinations are listed."""

LISTED = 100_000
"""The most combinations of the parameters of a group that are listed."""

SHARE_DRAWS = 20_000
"""The number of random points for the share."""

NEAR = (0.02, 0.05, 0.1, 0.2, 0.5)
"""Radii around a point, as fractions of each axis, in which the nearest feasible point is looked for."""

Point = list[float]
"""A coordinate in [0, 1] for each parameter of a space."""


@dataclass(frozen=True)
class Share:
    """value: the share of random points that are feasible. draws: points for each group of constraints."""

    value: float
    draws: int


def draw(space: Space, generator: "np.random.Generator") -> Params | None:
    """A random point, uniform in the feasible part of the unit cube; None if none was found.

    If almost nothing is feasible and the constrained parameters have few values, one of their feasible combinations is
    drawn.
    """
    point: Point = generator.random(space.dimensions).tolist()
    for group in _groups(space):
        found = _draw_in(group, generator)
        if found is None:
            return None
        point = _with_group(space, point, group, found)
    return space.from_unit(point)


def nearest(space: Space, params: Params, generator: "np.random.Generator", known: Sequence[Params] = ()) -> Params:
    """The feasible point nearest to `params` in the unit cube, among points around it, points on the lines to `known`
    feasible points, and random points. `params` itself if none was found."""
    if space.allows(params):
        return params
    point = _point(space, params)
    for group in _groups(space):
        at = [u for one, u in zip(space.parameters, point, strict=True) if one in group.parameters]
        if not group.allows(group.from_unit(at)):
            candidates = _candidates(group, at, generator, [one for one in known if space.contains(one)])
            found = min(candidates, key=lambda other: _distance(at, other), default=None)
            point = point if found is None else _with_group(space, point, group, found)
    return space.from_unit(point)


def centre(space: Space) -> Params:
    """The centre of the space, or the feasible point that is nearest to it."""
    return nearest(space, space.middle(), _generator())


def share(space: Space) -> Share:
    """The share of the unit cube that is feasible."""
    generator, value = _generator(), 1.0
    for group in _groups(space):
        points = generator.random((SHARE_DRAWS, group.dimensions)).tolist()
        value *= sum(group.allows(group.from_unit(point)) for point in points) / SHARE_DRAWS
    return Share(value, SHARE_DRAWS)


def impossible(space: Space) -> tuple[Constraint, ...]:
    """The constraints of the first group without a feasible point; empty if each group has one."""
    generator = _generator()
    for group in _groups(space):
        tries = (generator.random(group.dimensions).tolist() for _ in range(SHARE_DRAWS))
        if not any(group.allows(group.from_unit(point)) for point in tries) and not _combinations(group):
            return group.constraints
    return ()


# Points ──────────────────────────────────────────────────────────────────────────────────────────


def _draw_in(group: Space, generator: "np.random.Generator") -> Point | None:
    for _ in range(DRAWS):
        point: Point = generator.random(group.dimensions).tolist()
        if group.allows(group.from_unit(point)):
            return point
    combinations = _combinations(group)
    return _point(group, combinations[int(generator.integers(len(combinations)))]) if combinations else None


def _candidates(group: Space, at: Point, generator: "np.random.Generator", known: Sequence[Params]) -> Iterator[Point]:
    """Feasible points: all of them if they are few."""
    combinations = _combinations(group)
    yield from (_point(group, values, at) for values in combinations)
    if combinations:
        return
    for radius in NEAR:
        for moves in generator.uniform(-radius, radius, (100, len(at))).tolist():
            point = [min(max(u + move, 0.0), 1.0) for u, move in zip(at, moves, strict=True)]
            if group.allows(group.from_unit(point)):
                yield point
    for other in known:
        yield from _on_the_way(group, at, _point(group, other, at))
    if (anywhere := _draw_in(group, generator)) is not None:
        yield from _on_the_way(group, at, anywhere)


def _on_the_way(group: Space, start: Point, end: Point) -> Iterator[Point]:
    """A feasible point on the line, near its start; nothing if the end is not feasible."""
    low, high = 0.0, 1.0
    for _ in range(20):
        middle = (low + high) / 2
        is_feasible = group.allows(group.from_unit(_between(start, end, middle)))
        low, high = (low, middle) if is_feasible else (middle, high)
    point = _between(start, end, high)
    if group.allows(group.from_unit(point)):
        yield point


def _between(start: Point, end: Point, share: float) -> Point:
    return [u + share * (v - u) for u, v in zip(start, end, strict=True)]


def _generator() -> "np.random.Generator":
    import numpy as np  # here, so that a study without constraints does not import it

    return np.random.default_rng(0)


def _point(space: Space, params: Params, otherwise: Sequence[float] = ()) -> Point:
    """The coordinates of the parameters; for inactive ones from `otherwise`, or the middle of the axis."""
    others = otherwise or [0.5] * space.dimensions
    found = [
        one.to_unit(params[one.name]) if one.is_in(params) else u
        for one, u in zip(space.parameters, others, strict=True)
    ]
    return [min(max(u, 0.0), 1.0) for u in found]


def _with_group(space: Space, point: Point, group: Space, found: Point) -> Point:
    of_group = {one.key: u for one, u in zip(group.parameters, found, strict=True)}
    return [of_group.get(one.key, u) for one, u in zip(space.parameters, point, strict=True)]


def _distance(one: Point, other: Point) -> float:
    return sum((u - v) ** 2 for u, v in zip(one, other, strict=True))


# Groups of constraints ───────────────────────────────────────────────────────────────────────────


def _groups(space: Space) -> list[Space]:
    """A space for each group of constraints that share parameters, with the parameters in their conditions."""
    groups: list[tuple[set[str], list[Constraint]]] = []
    for one in space.constraints:
        names, own = _with_conditions(space, one.names), [one]
        for group in [group for group in groups if group[0] & names]:
            groups.remove(group)
            names, own = names | group[0], [*group[1], *own]
        groups.append((names, own))
    return [
        replace(
            space,
            parameters=tuple(one for one in space.parameters if one.name in names),
            families=(),
            constraints=tuple(own),
        )
        for names, own in groups
    ]


def _with_conditions(space: Space, names: frozenset[str]) -> set[str]:
    found = set(names)
    for one in reversed(space.parameters):  # each comes after the parameters of its condition
        if one.name in found:
            found |= set(one.when)
    return found - set(space.fixed)


def _combinations(group: Space) -> list[Params]:
    """The feasible combinations; empty if they are too many to list, or a parameter is continuous."""
    counts = [one.count for one in group.parameters]
    total = 1
    for count in counts:
        total = min(total * (LISTED + 1 if count is None else count), LISTED + 1)
    return _listed(_Hashed(group, _key(group))) if total <= LISTED else []


def _key(group: Space) -> tuple[object, ...]:
    texts = tuple(one.text for one in group.constraints)
    return (*map(repr, group.parameters), repr(sorted(group.fixed.items())), texts)


class _Hashed:
    """A space that can be the argument of a cached function."""

    def __init__(self, space: Space, key: tuple[object, ...]):
        self.space, self._key = space, key

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Hashed) and self._key == other._key


@lru_cache(maxsize=16)
def _listed(hashed: _Hashed) -> list[Params]:
    return list(hashed.space.points())
