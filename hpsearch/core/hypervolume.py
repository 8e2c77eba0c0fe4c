"""How much of the space of two or three goals a set of results dominates."""

from collections.abc import Iterable, Sequence

Point = tuple[float, ...]


def hypervolume(points: Iterable[Point], reference: Point) -> float:
    """The volume between the points and the reference. Losses, smaller is better; a point that is not better than the
    reference by each goal has none. Exact, by slices of the last goal (Zitzler and Thiele 1998)."""
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
