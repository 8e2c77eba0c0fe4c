"""The hypervolume that a set of results dominates, for two or three goals."""

from collections.abc import Iterable, Sequence

Point = tuple[float, ...]


def hypervolume(points: Iterable[Point], reference: Point) -> float:
    """The volume between the points and the reference, computed exactly in slices along the last goal.

    The coordinates are losses (smaller is better). A point that is not better than the reference by every goal adds
    nothing. Zitzler and Thiele 1998, "Multiobjective Optimization Using Evolutionary Algorithms".
    """
    inside = sorted({one for one in points if all(a < b for a, b in zip(one, reference, strict=True))})
    return _volume(inside, reference)


def _volume(points: Sequence[Point], reference: Point) -> float:
    if not points:
        return 0.0
    if len(reference) == 1:
        return reference[0] - min(points)[0]
    levels = sorted({one[-1] for one in points})
    total = 0.0
    for level, above in zip(levels, [*levels[1:], reference[-1]], strict=True):
        total += (above - level) * _volume([one[:-1] for one in points if one[-1] <= level], reference[:-1])
    return total
