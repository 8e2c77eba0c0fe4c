"""Where the next round of a coarse-to-fine search looks: a window for every number, round the best trials so far.

All lengths are relative to the axis as it is searched: logarithms where log. A window shrinks on to the best trials,
unless the very best lies at its edge: then what is sought may lie beyond, and the window moves. (Users of other tools
are left alone there: optuna#6299, optuna#2263.)
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from hpsearch.core.trial import Params
from hpsearch.study.space import Choice, Float, Int, Space

Number = Float | Int

EDGE = 0.05
"""The best lies at an edge where less than this part of the window's width is between them."""


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
    """The windows of the first round."""
    windows = (SearchRange(p.name, p.low, p.high, False, "") for p in numbers(space))
    return tuple(replace(window, reason=f"{window.name}: the whole range {window.range}") for window in windows)


def narrowed(space: Space, windows: Sequence[SearchRange]) -> Space:
    """The space with its numbers confined to the windows; choices stay whole."""
    found = {window.name: window for window in windows}
    return space.narrowed({p.name: _confined(p, found[p.name]) for p in numbers(space)})


def next_windows(
    space: Space, current: Sequence[SearchRange], best: Sequence[Params], among: int, margin: float
) -> tuple[SearchRange, ...]:
    """The windows of the next round.

    best: the parameters of the best trials, the very best first. among: of how many trials they are the best.
    margin: what is added on both sides of the box round them, as a part of the current window's width.
    """
    found = {window.name: window for window in current}
    return tuple(_next(p, found[p.name], best, among, margin) for p in numbers(space))


def shifted(parameter: Number, window: SearchRange, by: float, why: str, *, opened: bool = False) -> SearchRange:
    """The window moved by a part of its width, upwards where positive, as far as the parameter allows.

    opened: the end that it moves away from stays where it is.
    """
    low, high = _scaled(parameter, window.low), _scaled(parameter, window.high)
    floor, ceiling = _limits(parameter)
    step = by * (high - low)
    step = min(step, ceiling - high) if step > 0 else max(step, floor - low)
    moved = _window(parameter, low if opened and step > 0 else low + step, high if opened and step < 0 else high + step)
    if moved.range == window.range:
        return replace(window, reason=f"{window.reason}; it would be moved, but ends at the space's bound: {why}")
    verb = "opened" if opened else "moved"
    return replace(
        moved, moved=True, reason=f"{window.name}: window {verb} to {moved.range}, from {window.range}: {why}"
    )


def is_beyond(parameter: Number, window: SearchRange, before: Sequence[SearchRange]) -> bool:
    """Whether it looks where none of those before did, by more than an edge's width."""
    low = min(_scaled(parameter, one.low) for one in before)
    high = max(_scaled(parameter, one.high) for one in before)
    edge = EDGE * (high - low)
    return _scaled(parameter, window.low) < low - edge or _scaled(parameter, window.high) > high + edge


def place(parameter: Number, window: SearchRange, value: float) -> float:
    """Where a value lies in a window, from 0 to 1 on the axis as it is searched; 0.5 where that has no width."""
    low, high = _scaled(parameter, window.low), _scaled(parameter, window.high)
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
        window = _moved(parameter, current, at[0])
        why = f"the best, {_shown(values[0])}, lies at the edge of {current.range}"
        return replace(window, reason=f"{window.name}: window moved to {window.range}: {why}")
    window = _window(parameter, min(at) - margin * width, max(at) + margin * width)
    why = f"round the best {len(best)} of {among}; was {current.range}"
    return replace(window, reason=f"{window.name}: window {window.range} {why}")


def _moved(parameter: Number, current: SearchRange, centre: float) -> SearchRange:
    """As wide as before and round the centre; against a bound that it may not pass, half as wide."""
    low, high = _scaled(parameter, current.low), _scaled(parameter, current.high)
    floor, ceiling = _limits(parameter)
    stuck = (low <= floor and centre - low < high - centre) or (high >= ceiling and high - centre < centre - low)
    half = (high - low) / (4 if stuck else 2)
    shift = max(floor - (centre - half), 0.0) - max(centre + half - ceiling, 0.0)
    return replace(_window(parameter, centre - half + shift, centre + half + shift), moved=True)


def _window(parameter: Number, low: float, high: float) -> SearchRange:
    """From scaled ends to native ones, cut at the limits, outwards to the next value of an int or a step."""
    floor, ceiling = _limits(parameter)
    ends = [_native(parameter, max(low, floor)), _native(parameter, min(high, ceiling))]
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
    """How far a window may go, scaled; with `expand` anywhere, but what is positive stays so: an int >= 1."""
    if not parameter.expand:
        return _scaled(parameter, parameter.low), _scaled(parameter, parameter.high)
    if parameter.low < 0:
        return -math.inf, math.inf
    return _scaled(parameter, min(parameter.low, 1) if isinstance(parameter, Int) else 0.0), math.inf


def _scaled(parameter: Number, value: float) -> float:
    if not parameter.log:
        return value
    return math.log(value) if value > 0 else -math.inf


def _native(parameter: Number, scaled: float) -> float:
    return math.exp(scaled) if parameter.log else scaled


def _shown(value: float) -> str:
    return f"{value:.0f}" if value == int(value) and abs(value) < 1e6 else f"{value:.3g}"


def _confined(parameter: Number, window: SearchRange) -> Number:
    if isinstance(parameter, Int):
        return replace(parameter, low=int(window.low), high=int(window.high))
    return replace(parameter, low=window.low, high=window.high)


def numbers(space: Space) -> list[Number]:
    return [parameter for parameter in space.parameters if not isinstance(parameter, Choice)]
