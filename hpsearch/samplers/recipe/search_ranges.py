"""Where the next round of a coarse-to-fine search looks: a range for every number, round the best trials so far.

All lengths are relative to the axis as it is searched: logarithms where log. A range shrinks on to the best trials,
unless the very best lies at its edge: then what is sought may lie beyond, and the range moves. (Users of other tools
are left alone there: optuna#6299, optuna#2263.)
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from hpsearch.core.trial import Params
from hpsearch.study.space import Choice, Float, Int, Space

Number = Float | Int

FEWEST = 3
"""A range is drawn round so many trials at least, where there are as many."""

EDGE = 0.05
"""The best lies at an edge where less than this part of the range's width is between them."""


@dataclass(frozen=True, slots=True)
class SearchRange:
    """The part [low, high] of a parameter that a round draws from, and why."""

    name: str
    low: float
    high: float
    moved: bool
    reason: str

    @property
    def range(self) -> str:
        return f"[{_shown(self.low)}, {_shown(self.high)}]"


def whole(space: Space) -> tuple[SearchRange, ...]:
    """The ranges of the first round."""
    ranges = (SearchRange(p.name, p.low, p.high, False, "") for p in numbers(space))
    return tuple(replace(one, reason=f"{one.name}: the whole range {one.range}") for one in ranges)


def narrowed(space: Space, ranges: Sequence[SearchRange]) -> Space:
    """The space with its numbers confined to the ranges; choices stay whole."""
    found = {one.name: one for one in ranges}
    return space.narrowed({p.name: _confined(p, found[p.name]) for p in numbers(space)})


def next_ranges(
    space: Space, current: Sequence[SearchRange], best: Sequence[Params], among: int, margin: float
) -> tuple[SearchRange, ...]:
    """The ranges of the next round.

    best: the parameters of the best trials, the very best first. among: of how many trials they are the best.
    margin: what is added on both sides of the box round them, as a part of the current range's width.
    """
    found = {one.name: one for one in current}
    return tuple(_next(p, found[p.name], best, among, margin) for p in numbers(space))


def shifted(parameter: Number, now: SearchRange, by: float, why: str, *, opened: bool = False) -> SearchRange:
    """The range moved by a part of its width, upwards where positive, as far as the parameter allows.

    opened: the end that it moves away from stays where it is.
    """
    low, high = _scaled(parameter, now.low), _scaled(parameter, now.high)
    floor, ceiling = _limits(parameter)
    step = by * (high - low)
    step = min(step, ceiling - high) if step > 0 else max(step, floor - low)
    moved = _range(parameter, low if opened and step > 0 else low + step, high if opened and step < 0 else high + step)
    if moved.range == now.range:
        return replace(now, reason=f"{now.reason}; it would be moved, but ends at the space's bound: {why}")
    verb = "opened" if opened else "moved"
    return replace(moved, moved=True, reason=f"{now.name}: window {verb} to {moved.range}, from {now.range}: {why}")


def is_beyond(parameter: Number, now: SearchRange, before: Sequence[SearchRange]) -> bool:
    """Whether it looks where none of those before did, by more than an edge's width."""
    low = min(_scaled(parameter, one.low) for one in before)
    high = max(_scaled(parameter, one.high) for one in before)
    edge = EDGE * (high - low)
    return _scaled(parameter, now.low) < low - edge or _scaled(parameter, now.high) > high + edge


def place(parameter: Number, now: SearchRange, value: float) -> float:
    """Where a value lies in a range, from 0 to 1 on the axis as it is searched; 0.5 where that has no width."""
    low, high = _scaled(parameter, now.low), _scaled(parameter, now.high)
    return (_scaled(parameter, value) - low) / (high - low) if high > low else 0.5


def _next(parameter: Number, current: SearchRange, best: Sequence[Params], among: int, margin: float) -> SearchRange:
    values = [float(params[parameter.name]) for params in best if parameter.name in params]
    low, high = _scaled(parameter, current.low), _scaled(parameter, current.high)
    if not values or low == high:
        why = "no width" if values else f"it is used by none of the best {len(best)} of {among}"
        return replace(current, moved=False, reason=f"{current.name}: window stays {current.range}: {why}")
    at = [_scaled(parameter, value) for value in values]
    width = high - low
    if min(at[0] - low, high - at[0]) <= EDGE * width:
        one = _moved(parameter, current, at[0])
        why = f"the best, {_shown(values[0])}, lies at the edge of {current.range}"
        return replace(one, reason=f"{one.name}: window moved to {one.range}: {why}")
    one = _range(parameter, min(at) - margin * width, max(at) + margin * width)
    why = f"round the best {len(best)} of {among}; was {current.range}"
    return replace(one, reason=f"{one.name}: window {one.range} {why}")


def _moved(parameter: Number, current: SearchRange, centre: float) -> SearchRange:
    """As wide as before and round the centre; against a bound that it may not pass, half as wide."""
    low, high = _scaled(parameter, current.low), _scaled(parameter, current.high)
    floor, ceiling = _limits(parameter)
    stuck = (low <= floor and centre - low < high - centre) or (high >= ceiling and high - centre < centre - low)
    half = (high - low) / (4 if stuck else 2)
    shift = max(floor - (centre - half), 0.0) - max(centre + half - ceiling, 0.0)
    return replace(_range(parameter, centre - half + shift, centre + half + shift), moved=True)


def _range(parameter: Number, low: float, high: float) -> SearchRange:
    """From scaled ends to native ones, cut at the limits, outwards to the next value of an int or a step."""
    floor, ceiling = _limits(parameter)
    ends = [math.exp(end) if parameter.log else end for end in (max(low, floor), min(high, ceiling))]
    step = parameter.step or (1 if isinstance(parameter, Int) else None)
    if step is not None:
        below = math.floor((ends[0] - parameter.low) / step + 1e-9)
        above = math.ceil((ends[1] - parameter.low) / step - 1e-9)
        ends = [float(f"{parameter.low + count * step:.12g}") for count in (below, above)]
    if not parameter.expand:
        ends = [min(max(end, parameter.low), parameter.high) for end in ends]
    low, high = (int(end) if isinstance(parameter, Int) else end for end in ends)
    return SearchRange(parameter.name, low, high, False, "")


def _limits(parameter: Number) -> tuple[float, float]:
    """How far a range may go, scaled; with `expand` anywhere, but what is positive stays so: an int >= 1."""
    if not parameter.expand:
        return _scaled(parameter, parameter.low), _scaled(parameter, parameter.high)
    if parameter.low < 0:
        return -math.inf, math.inf
    return _scaled(parameter, min(parameter.low, 1) if isinstance(parameter, Int) else 0.0), math.inf


def _scaled(parameter: Number, value: float) -> float:
    if not parameter.log:
        return value
    return math.log(value) if value > 0 else -math.inf


def _shown(value: float) -> str:
    return f"{value:.0f}" if value == int(value) and abs(value) < 1e6 else f"{value:.3g}"


def _confined(parameter: Number, now: SearchRange) -> Number:
    if isinstance(parameter, Int):
        return replace(parameter, low=int(now.low), high=int(now.high))
    return replace(parameter, low=now.low, high=now.high)


def numbers(space: Space) -> list[Number]:
    return [parameter for parameter in space.parameters if not isinstance(parameter, Choice)]
