"""The search ranges and the first new trial of the next round, for all searches in rounds.

A range moves along the slope of all trials that trained equally long, and narrows around the best one as far as the
fitted `parabolas` justify. The vertices of all parabolas are the first new trial of the round, as in response surface
methodology (Box and Wilson 1951, "On the Experimental Attainment of Optimum Conditions", Journal of the Royal
Statistical Society B 13).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from hpsearch.core.format import many
from hpsearch.core.trial import Params, Trial
from hpsearch.samplers.recipe.parabolas import Parabola, parabolas
from hpsearch.samplers.recipe.search_ranges import (
    EDGE,
    MIN_TRIALS,
    Number,
    SearchRange,
    around,
    is_outside,
    moved_to,
    narrowed,
    next_ranges,
    number_text,
    numbers,
    relative_position,
    scaled,
    trends_in,
)
from hpsearch.study.space import Choice, Space

MAX_STEP = 2.0
"""The largest move of a range in one round, in widths from its end to the estimated optimum. Far from its optimum, a
loss is not a parabola."""

CERTAIN = 0.5
"""The vertex is trusted if its standard error is below this fraction of the range's width."""

NARROWEST = 0.3
"""The smallest width of a range, as a fraction of the last one: a single round may be wrong."""

PILED = 0.25
"""The best trials pile up at an end of a range if all of them are within this fraction of its width."""


@dataclass(frozen=True)
class RoundEvidence:
    """The data for the next round.

    past: the ranges of all rounds so far. best: the best trials, the best first, at least one. latest: all trials of
    one length, good and bad ones. among: the number of trials that `best` is chosen from.
    """

    past: Sequence[Sequence[SearchRange]]
    best: Sequence[Trial]
    latest: Sequence[Trial]
    loss: Callable[[Trial], float]
    among: int

    @property
    def params(self) -> list[Params]:
        return [trial.params for trial in self.best]


@dataclass(frozen=True)
class NextRound:
    """beyond: the names of the ranges that extend outside of all earlier ones. estimate: the parameters with the lowest
    fitted loss; None if the fit is too uncertain."""

    ranges: tuple[SearchRange, ...]
    beyond: tuple[str, ...] = ()
    estimate: Params | None = None


Advised = Callable[[tuple[SearchRange, ...]], tuple[SearchRange, ...]]


def next_round(
    space: Space, seen: RoundEvidence, margin: float, *, by_slope: bool = True, advised: Advised = tuple
) -> NextRound:
    """margin: see `next_ranges`. by_slope: False: ranges are boxes around the best trials, as in studies of earlier
    versions. advised: changes the ranges by other evidence, such as learning curves.

    If a range extends outside of all earlier ones, the other ranges are not changed, since their best values may depend
    on the range that moves.
    """
    last, trends = seen.past[-1], trends_in(space, seen.latest, seen.loss)
    boxes = next_ranges(space, last, seen.params, seen.among, margin, trends, seen.past)
    fits = _fits(space, seen) if by_slope else {}
    drawn = ranges_by_slope(space, seen, boxes, trends, fits) if by_slope else boxes
    ranges, beyond = _others_stay(space, last, advised(drawn), seen.past)
    return NextRound(ranges, beyond, _estimate(space, ranges, seen.params[0], fits))


def _fits(space: Space, seen: RoundEvidence) -> dict[str, Parabola]:
    trials = seen.latest
    places = {
        one.key: [scaled(one, float(t.params[one.name])) if one.is_in(t.params) else None for t in trials]
        for one in numbers(space)
    }
    values = {
        one.key: [one.index(t.params[one.name]) if one.is_in(t.params) else None for t in trials]
        for one in space.parameters
        if isinstance(one, Choice)
    }
    return parabolas(places, [seen.loss(trial) for trial in trials], values)


def ranges_by_slope(
    space: Space,
    seen: RoundEvidence,
    boxes: Sequence[SearchRange],
    trends: Mapping[str, int],
    fits: Mapping[str, Parabola],
) -> tuple[SearchRange, ...]:
    """boxes: of `next_ranges`, used for parameters without a certain fit."""
    found = []
    for parameter, box, earlier in zip(numbers(space), boxes, zip(*seen.past, strict=True), strict=True):
        now, parabola = earlier[-1], fits.get(parameter.key)
        direction = trends.get(parameter.key, 0) or _leads(parameter, now, parabola)
        count = sum(parameter.is_in(one.params) for one in seen.latest)
        if now.low == now.high or not parameter.is_in(seen.params[0]):
            found.append(box)
        elif parameter.expand and direction and (moved := _beyond(parameter, earlier, box, parabola, direction, count)):
            found.append(moved)
        elif parabola is not None and parabola.is_certain:
            found.append(_around_best(parameter, earlier, float(seen.params[0][parameter.name]), parabola))
        else:
            found.append(_unpiled(parameter, now, box, seen.params))
    return tuple(found)


def _leads(parameter: Number, now: SearchRange, parabola: Parabola | None) -> int:
    """1: the vertex is above the range; -1: below it; 0: in it, or not known. More reliable than `trends_in`, since the
    other parameters are fitted too."""
    if parabola is None or parabola.vertex is None or not parabola.is_certain:
        return 0
    low, high = scaled(parameter, now.low), scaled(parameter, now.high)
    doubt = max(2 * parabola.error, EDGE * (high - low))
    return int(parabola.vertex > high + doubt) - int(parabola.vertex < low - doubt)


def _others_stay(
    space: Space, last: Sequence[SearchRange], found: Sequence[SearchRange], before: Sequence[Sequence[SearchRange]]
) -> tuple[tuple[SearchRange, ...], tuple[str, ...]]:
    """The ranges, and the names of those that extend outside of all earlier ones."""
    pairs = zip(numbers(space), found, zip(*before, strict=True), strict=True)
    beyond = tuple(one.name for one, new, old in pairs if is_outside(one, new, old))
    if not beyond:
        return tuple(found), ()
    kept = (replace(old, moved=False, reason=f"{old.name}: range stays {old.range}") for old in last)
    return tuple(new if new.name in beyond else old for new, old in zip(found, kept, strict=True)), beyond


def _beyond(
    parameter: Number,
    earlier: Sequence[SearchRange],
    box: SearchRange,
    parabola: Parabola | None,
    direction: int,
    count: int,
) -> SearchRange | None:
    """The range around the vertex if that is certain, else the box. None if it is not outside of the earlier ranges."""
    now, otherwise = earlier[-1], box if is_outside(parameter, box, earlier) else None
    low, high = scaled(parameter, now.low), scaled(parameter, now.high)
    width, end = high - low, high if direction > 0 else low
    if parabola is None or parabola.vertex is None or not parabola.is_certain or parabola.error > CERTAIN * width:
        return otherwise
    distance = direction * (parabola.vertex - end)
    if distance <= 0:
        return otherwise
    centre = end + direction * min(distance, MAX_STEP * width)
    half = max(width / 2, 2 * parabola.error)
    one = replace(around(parameter, centre, half), moved=True)
    if not is_outside(parameter, one, earlier):
        return otherwise
    end_name, near = ("upper", "up") if direction > 0 else ("lower", "down")
    optimum = parameter.line.from_line(centre)
    why = f"results improve up to its {end_name} end; the slope of {many(count, 'trial')} leads {near} to about "
    return replace(one, reason=f"{one.name}: range moved from {now.range} to {one.range} ({why}{number_text(optimum)})")


def _around_best(parameter: Number, earlier: Sequence[SearchRange], best: float, parabola: Parabola) -> SearchRange:
    """The range centred on the best value. If the vertex is far from it, it is wider, up to the widest range so far."""
    now, centre = earlier[-1], scaled(parameter, best)
    width = scaled(parameter, now.high) - scaled(parameter, now.low)
    widest = max(scaled(parameter, one.high) - scaled(parameter, one.low) for one in earlier)
    assert parabola.vertex is not None
    doubt = abs(parabola.vertex - centre) + 2 * parabola.error  # far away, the best trial is good for other reasons
    at = relative_position(parameter, now, best)
    is_at_edge = min(at, 1 - at) <= EDGE
    least = width / 2 if is_at_edge else max(min(parabola.reach, width / 2), NARROWEST * width / 2)
    one = around(parameter, centre, min(max(least, doubt), widest / 2))
    why = f"centred on the best value, {number_text(best)} (was {now.range})"
    return replace(one, moved=is_at_edge, reason=f"{one.name}: range {one.range} {why}")


def _unpiled(parameter: Number, now: SearchRange, box: SearchRange, best: Sequence[Params]) -> SearchRange:
    """The box. If the best trials pile up at an end of the range: the range centred on the best value, not narrowed."""
    values = [float(one[parameter.name]) for one in best if parameter.is_in(one)]
    places = [relative_position(parameter, now, value) for value in values]
    is_low, is_high = max(places) < PILED, min(places) > 1 - PILED
    if box.moved or len(values) < MIN_TRIALS or not (is_low or is_high):
        return box
    one = moved_to(parameter, now, scaled(parameter, values[0]))
    why = f"the best {len(values)} trials are near its {'lower' if is_low else 'upper'} end"
    return replace(one, reason=f"{one.name}: range moved from {now.range} to {one.range} ({why})")


def _estimate(space: Space, ranges: Sequence[SearchRange], best: Params, fits: Mapping[str, Parabola]) -> Params | None:
    """The vertices of the parabolas, within the ranges; for a parameter without a certain vertex, its best value."""
    own = {one.name: one for one in ranges}
    point: list[float] = []
    certain = False
    for parameter in space.parameters:
        if not parameter.is_in(best):
            point.append(0.5)
        elif isinstance(parameter, Choice):
            point.append(parameter.to_unit(best[parameter.name]))
        else:
            parabola, now = fits.get(parameter.key), own[parameter.key]
            place = scaled(parameter, float(best[parameter.name]))
            low, high = scaled(parameter, now.low), scaled(parameter, now.high)
            if parabola is not None and parabola.vertex is not None and parabola.is_certain:
                certain = certain or parabola.error <= CERTAIN * (high - low)
                place = parabola.vertex
            point.append(min(max((place - low) / (high - low), 0.0), 1.0) if high > low else 0.5)
    params = narrowed(space, ranges).from_unit(point)
    return params if certain and space.allows(params) else None
