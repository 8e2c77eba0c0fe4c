"""Search ranges by the slope of all trials of a round, and around the best one, as wide as the evidence says.

Losses are fitted by a parabola over the axis as it is searched (logarithms where log). Where results improve up to an
end of the range, the vertex of the parabola says how far outside the optimum lies; elsewhere its curvature says how far
from the best value a loss still differs from the best by no more than the scatter that other parameters cause.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hpsearch.core.format import many
from hpsearch.core.trial import Params, Trial
from hpsearch.samplers.recipe.search_ranges import (
    EDGE,
    Number,
    SearchRange,
    around,
    is_outside,
    next_ranges,
    number_text,
    numbers,
    relative_position,
    scaled,
)
from hpsearch.study.space import Space

Places = NDArray[np.float64]

MIN_POINTS = 6
"""Results that a parabola of one parameter needs. With fewer, ranges follow the best trials."""

MIN_PLACES = 4
"""Different values of a parameter that a parabola with an error needs."""

KEPT = 0.8
"""The best fraction of the losses that is fitted."""

MAX_STEP = 2.0
"""How far a range moves at most in one round, in widths between its end and the estimated optimum. A loss is no
parabola far away from its optimum."""

CERTAIN = 0.5
"""The vertex is trusted where its standard error is below this fraction of the range's width."""

SIGNIFICANT = 2.0
"""Standard errors from which a curvature is more than scatter."""

NARROWEST = 0.3
"""The smallest width of a range, as a fraction of the one before: one round is no proof."""


@dataclass(frozen=True)
class Parabola:
    """Of one parameter. vertex, error: its place and the standard error of it, on the axis; None where it is no
    minimum. bend: the coefficient of the square, in its standard errors. reach: the distance from the vertex at which
    the loss is higher by the scatter."""

    vertex: float | None
    error: float
    bend: float
    reach: float


def parabolas(places: Mapping[str, Sequence[float | None]], losses: Sequence[float]) -> dict[str, Parabola]:
    """One for each parameter with enough places, fitted together: the loss is a sum of parabolas.

    places: of each trial, by parameter, on the axis as it is searched; None where the trial does not have it.
    Where there are fewer than two trials for each coefficient, each parameter is fitted alone.
    """
    y = np.array(losses, float)
    known = np.isfinite(y)
    if known.any():  # what has exploded says nothing about the place of the optimum
        known &= y <= np.quantile(y[known], KEPT)
    axes = {name: np.array(own, float)[known] for name, own in places.items()}
    axes = {name: x for name, x in axes.items() if len(set(x[~np.isnan(x)])) >= MIN_PLACES}
    y = y[known]
    if len(y) >= 2 * (1 + 2 * len(axes)):
        return _fitted(axes, y)
    alone = {name: (x[~np.isnan(x)], y[~np.isnan(x)]) for name, x in axes.items()}
    return {name: _fitted({name: x}, own)[name] for name, (x, own) in alone.items() if len(x) >= MIN_POINTS}


def _fitted(axes: Mapping[str, Places], y: Places) -> dict[str, Parabola]:
    """Least squares; a trial without a parameter counts as one in the middle of its places."""
    columns, units = [np.ones(len(y))], {}
    for name, x in axes.items():
        middle, scale = float(np.nanmean(x)), float(np.nanmax(x) - np.nanmin(x)) / 2
        own = np.nan_to_num((x - middle) / scale)
        columns += [own, own**2]
        units[name] = middle, scale
    design = np.stack(columns, axis=1)
    coefficients = np.linalg.lstsq(design, y, rcond=None)[0]
    left = y - design @ coefficients
    variance = float(left @ left) / max(1, len(y) - len(coefficients))
    covariance = variance * np.linalg.pinv(design.T @ design)
    found = {}
    for place, (name, (middle, scale)) in enumerate(units.items()):
        pair = slice(1 + 2 * place, 3 + 2 * place)
        slope, square = map(float, coefficients[pair])
        error = math.sqrt(max(float(covariance[pair, pair][1, 1]), 1e-300))
        if square <= 0:
            found[name] = Parabola(None, math.inf, square / error, math.inf)
            continue
        toward = np.array([-1 / (2 * square), slope / (2 * square**2)])
        spread = math.sqrt(max(0.0, float(toward @ covariance[pair, pair] @ toward)))
        reach = math.sqrt(math.sqrt(variance) / square)
        found[name] = Parabola(middle - scale * slope / (2 * square), scale * spread, square / error, scale * reach)
    return found


def ranges_by_slope(
    space: Space,
    current: Sequence[SearchRange],
    best: Sequence[Params],
    among: int,
    margin: float,
    trends: Mapping[str, int],
    before: Sequence[Sequence[SearchRange]],
    trials: Sequence[Trial],
    loss: Callable[[Trial], float],
) -> tuple[SearchRange, ...]:
    """As `next_ranges`. trials: those that trained equally long, good and bad ones, with their loss."""
    drawn = next_ranges(space, current, best, among, margin, trends, before)
    places = {
        one.key: [scaled(one, float(t.params[one.name])) if one.is_in(t.params) else None for t in trials]
        for one in numbers(space)
    }
    fits = parabolas(places, [loss(trial) for trial in trials])
    found = []
    earlier_ones = zip(*before, strict=True) if before else [(one,) for one in current]
    for parameter, now, box, earlier in zip(numbers(space), current, drawn, earlier_ones, strict=True):
        parabola, count = fits.get(parameter.key), sum(parameter.is_in(one.params) for one in trials)
        direction = trends.get(parameter.key, 0)
        if parabola is None or now.low == now.high or not parameter.is_in(best[0]):
            found.append(box)
        elif parameter.expand and direction and is_outside(parameter, box, earlier):
            found.append(_beyond(parameter, now, box, parabola, direction, count))
        else:
            found.append(_around_best(parameter, now, box, float(best[0][parameter.name]), parabola))
    return tuple(found)


def others_stay(
    space: Space, last: Sequence[SearchRange], found: Sequence[SearchRange], before: Sequence[Sequence[SearchRange]]
) -> tuple[tuple[SearchRange, ...], tuple[str, ...]]:
    """The ranges, and the names of those that extend outside of all earlier ones. Where there are any, the other
    ranges stay as they are: what is good in them may depend on the range that moves."""
    pairs = zip(numbers(space), found, zip(*before, strict=True), strict=True)
    beyond = tuple(one.name for one, new, old in pairs if is_outside(one, new, old))
    if not beyond:
        return tuple(found), ()
    kept = (replace(old, moved=False, reason=f"{old.name}: range stays {old.range}") for old in last)
    return tuple(new if new.name in beyond else old for new, old in zip(found, kept, strict=True)), beyond


def _beyond(
    parameter: Number, now: SearchRange, box: SearchRange, parabola: Parabola, direction: int, count: int
) -> SearchRange:
    """The range round the vertex, where the trials say clearly where that is; else as `next_ranges` moves it."""
    low, high = scaled(parameter, now.low), scaled(parameter, now.high)
    width, end = high - low, high if direction > 0 else low
    if parabola.vertex is None or parabola.error > CERTAIN * width or parabola.bend < SIGNIFICANT:
        return box
    distance = direction * (parabola.vertex - end)
    if distance <= 0:
        return box
    centre = end + direction * min(distance, MAX_STEP * width)
    half = max(width / 2, 2 * parabola.error)
    one = replace(around(parameter, centre, half), moved=True)
    if not is_outside(parameter, one, (now,)):
        return box
    end_name, near = ("upper", "up") if direction > 0 else ("lower", "down")
    optimum = parameter.line.from_line(centre)
    why = f"results improve up to its {end_name} end; the slope of {many(count, 'trial')} leads {near} to about "
    return replace(one, reason=f"{one.name}: range moved from {now.range} to {one.range} ({why}{number_text(optimum)})")


def _around_best(parameter: Number, now: SearchRange, box: SearchRange, best: float, parabola: Parabola) -> SearchRange:
    """Centred on the best value. As `next_ranges` draws it where that lies at an end of the range, or where the trials
    do not show that the parameter matters."""
    width = scaled(parameter, now.high) - scaled(parameter, now.low)
    at = relative_position(parameter, now, best)
    if min(at, 1 - at) <= EDGE:
        return box
    if parabola.bend < SIGNIFICANT:
        return box
    centre = scaled(parameter, best)
    vertex = centre if parabola.vertex is None else parabola.vertex
    doubt = abs(vertex - centre) + 2 * parabola.error  # the best trial is good for other reasons
    half = min(max(parabola.reach, doubt, NARROWEST * width / 2), width / 2)
    one = around(parameter, centre, half)
    why = f"centred on the best value, {number_text(best)} (was {now.range})"
    return replace(one, reason=f"{one.name}: range {one.range} {why}")
