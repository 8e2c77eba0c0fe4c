"""The search range of each numeric parameter in the next round: around the best trials so far.

All lengths are on the axis as it is searched, such as logarithms for log-uniform parameters. A range narrows to the
best trials. If the best value is at an end of the range, the optimum may be outside, and the range moves. (Other tools
leave this to the user: optuna#6299, optuna#2263.)
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import repeat

from hpsearch.core.format import many
from hpsearch.core.trial import Params, Trial
from hpsearch.doctor.rate_trend import trend
from hpsearch.study.scales import exponent
from hpsearch.study.space import Choice, Float, Int, Space

Number = Float | Int

MIN_TRIALS = 3
"""A range is drawn around at least this number of trials, if there are as many."""

EDGE = 0.05
"""The best value is at the edge of a range if it is closer to an end than this fraction of the width."""


BEYOND = 0.9
"""If results improve up to the end of a range, it moves by this fraction of its width; the rest overlaps."""


@dataclass(frozen=True, slots=True)
class SearchRange:
    """The range [low, high] that a round draws a parameter from, and the reason for it."""

    name: str
    low: float
    high: float
    moved: bool
    reason: str

    @property
    def range(self) -> str:
        return f"[{number_text(self.low)}, {number_text(self.high)}]"


def full_ranges(space: Space) -> tuple[SearchRange, ...]:
    """The search ranges of the first round, from the study file."""
    ranges = (SearchRange(p.key, p.low, p.high, False, "") for p in numbers(space))
    return tuple(replace(one, reason=f"{one.name}: full range {one.range}") for one in ranges)


def narrowed(space: Space, ranges: Sequence[SearchRange]) -> Space:
    """The space with its numeric parameters restricted to the ranges; categorical ones keep all values."""
    found = {one.name: one for one in ranges}
    return space.narrowed({p.key: _confined(p, found[p.key]) for p in numbers(space)})


def next_ranges(
    space: Space,
    current: Sequence[SearchRange],
    best: Sequence[Params],
    among: int,
    margin: float,
    trends: Mapping[str, int] | None = None,
    before: Sequence[Sequence[SearchRange]] = (),
) -> tuple[SearchRange, ...]:
    """The search ranges of the next round.

    trends: by parameter, the direction in which results improve up to the end of its range (`trends_in`).
    before: the ranges of all rounds so far. A range only moves in that direction if it leaves all of them.

    best: the parameters of the best trials, the best first. among: the number of trials that they were chosen from.
    margin: added on both sides of the box around them, as a fraction of the current range's width.
    """
    found = {one.name: one for one in current}
    ranges = []
    for parameter, earlier in zip(numbers(space), zip(*before, strict=True) if before else repeat(()), strict=False):
        now, direction = found[parameter.key], (trends or {}).get(parameter.key, 0)
        beyond = _beyond(parameter, now, direction) if parameter.expand and direction else now
        is_new = beyond.moved and is_outside(parameter, beyond, earlier or (now,))
        ranges.append(beyond if is_new else _next(parameter, now, best, among, margin))
    return tuple(ranges)


def trends_in(space: Space, trials: Sequence[Trial], loss: Callable[[Trial], float]) -> dict[str, int]:
    """By parameter: 1 if results improve up to the upper end of its values, -1 up to the lower end, 0 if not known."""
    found = {}
    for parameter in numbers(space):
        having = [one for one in trials if parameter.is_in(one.params)]
        places = [scaled(parameter, float(one.params[parameter.name])) for one in having]
        found[parameter.key] = trend(places, [loss(one) for one in having])
    return found


def _beyond(parameter: Number, current: SearchRange, direction: int) -> SearchRange:
    """The range moved beyond that end, with the same width: results improve up to the end, so the optimum is
    outside."""
    end = "upper" if direction > 0 else "lower"
    return shifted(parameter, current, direction * BEYOND, f"results improve up to its {end} end")


def shifted(parameter: Number, now: SearchRange, by: float, why: str, *, widened: bool = False) -> SearchRange:
    """The range moved by a fraction of its width (positive: upwards), as far as the parameter's bounds allow.

    widened: the opposite end stays, so the range becomes wider.
    """
    low, high = scaled(parameter, now.low), scaled(parameter, now.high)
    floor, ceiling = _limits(parameter)
    step = by * (high - low)
    step = min(step, ceiling - high) if step > 0 else max(step, floor - low)
    moved = _range(
        parameter, low if widened and step > 0 else low + step, high if widened and step < 0 else high + step
    )
    if moved.range == now.range:
        kept = f"{now.name}: range stays {now.range}, because it ends at the bound of the space ({why})"
        return replace(now, reason=kept)
    verb = "widened" if widened else "moved"
    return replace(moved, moved=True, reason=f"{now.name}: range {verb} from {now.range} to {moved.range} ({why})")


def is_outside(parameter: Number, now: SearchRange, before: Sequence[SearchRange]) -> bool:
    """Whether the range extends outside of all earlier ones by more than `EDGE` of their width."""
    low = min(scaled(parameter, one.low) for one in before)
    high = max(scaled(parameter, one.high) for one in before)
    edge = EDGE * (high - low)
    return scaled(parameter, now.low) < low - edge or scaled(parameter, now.high) > high + edge


def relative_position(parameter: Number, now: SearchRange, value: float) -> float:
    """The position of a value in a range, from 0 to 1 on the axis as it is searched; 0.5 if low equals high."""
    low, high = scaled(parameter, now.low), scaled(parameter, now.high)
    return (scaled(parameter, value) - low) / (high - low) if high > low else 0.5


def _next(parameter: Number, current: SearchRange, best: Sequence[Params], among: int, margin: float) -> SearchRange:
    values = [float(params[parameter.name]) for params in best if parameter.is_in(params)]
    low, high = scaled(parameter, current.low), scaled(parameter, current.high)
    if not values or low == high:
        why = "low equals high" if values else f"not active in the best {len(best)} of {many(among, 'trial')}"
        return replace(current, moved=False, reason=f"{current.name}: range stays {current.range} ({why})")
    at = [scaled(parameter, value) for value in values]
    width = high - low
    if min(at[0] - low, high - at[0]) <= EDGE * width:
        one = moved_to(parameter, current, at[0])
        why = f"the best value, {number_text(values[0])}, is at its edge"
        return replace(one, reason=f"{one.name}: range moved from {current.range} to {one.range} ({why})")
    one = _range(parameter, min(at) - margin * width, max(at) + margin * width)
    why = f"around the best {len(best)} of {many(among, 'trial')} (was {current.range})"
    return replace(one, reason=f"{one.name}: range {one.range} {why}")


def moved_to(parameter: Number, current: SearchRange, centre: float) -> SearchRange:
    """The range moved to the centre with the same width; with half the width if it already ends at a bound."""
    low, high = scaled(parameter, current.low), scaled(parameter, current.high)
    floor, ceiling = _limits(parameter)
    stuck = (low <= floor and centre - low < high - centre) or (high >= ceiling and high - centre < centre - low)
    half = (high - low) / (4 if stuck else 2)
    shift = max(floor - (centre - half), 0.0) - max(centre + half - ceiling, 0.0)
    return replace(_range(parameter, centre - half + shift, centre + half + shift), moved=True)


def around(parameter: Number, centre: float, half: float) -> SearchRange:
    """The range of this half width around a scaled value, as far as the parameter's bounds allow."""
    return _range(parameter, centre - half, centre + half)


def _range(parameter: Number, low: float, high: float) -> SearchRange:
    """The range with these scaled ends: cut at the limits, then extended to the next integer or step."""
    floor, ceiling = _limits(parameter)
    ends = [parameter.line.from_line(end) for end in (max(low, floor), min(high, ceiling))]
    step = parameter.step or (1 if isinstance(parameter, Int) else None)
    if step is not None:
        below = math.floor((ends[0] - parameter.low) / step + 1e-9)
        above = math.ceil((ends[1] - parameter.low) / step - 1e-9)
        ends = [float(f"{parameter.low + count * step:.12g}") for count in (below, above)]
    if isinstance(parameter, Int) and (base := parameter.powers_of):
        below, above = exponent(ends[0] + 1e-9, base), exponent(ends[1] - 1e-9, base)
        ends = [base**below, base ** (above + 1)]
    if not parameter.expand:
        ends = [min(max(end, parameter.low), parameter.high) for end in ends]
    low, high = (int(end) if isinstance(parameter, Int) else end for end in ends)
    return SearchRange(parameter.key, low, high, False, "")


def _limits(parameter: Number) -> tuple[float, float]:
    """The limits of a range, scaled. With `expand` there are none, except that positive values stay positive, and
    integers >= 1."""
    if not parameter.expand:
        return scaled(parameter, parameter.low), scaled(parameter, parameter.high)
    if parameter.low < 0:
        return -math.inf, math.inf
    return scaled(parameter, min(parameter.low, 1) if isinstance(parameter, Int) else 0.0), math.inf


def scaled(parameter: Number, value: float) -> float:
    return parameter.line.to_line(value)


def number_text(value: float) -> str:
    return f"{value:.0f}" if value == int(value) and abs(value) < 1e6 else f"{value:.3g}"


def _confined(parameter: Number, now: SearchRange) -> Number:
    if isinstance(parameter, Int):
        return replace(parameter, low=int(now.low), high=int(now.high))
    return replace(parameter, low=now.low, high=now.high)


def numbers(space: Space) -> list[Number]:
    return [parameter for parameter in space.parameters if not isinstance(parameter, Choice)]
