"""Fits the losses of trials with a sum of parabolas, one for each parameter, and the uncertainty of the fit."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.float64]

MIN_POINTS = 6
"""The fewest results for a parabola of one parameter. With fewer, ranges are drawn around the best trials."""

MIN_PLACES = 4
"""The fewest distinct values of a parameter for a parabola with an error."""

KEPT = 0.8
"""Only this best fraction of the losses is fitted."""

SIGNIFICANT = 2.0
"""A curvature is significant from this number of standard errors on."""


@dataclass(frozen=True)
class Parabola:
    """The fit for one parameter. vertex: the place of the minimum on the axis, None if there is none. error: its
    standard error. bend: the quadratic coefficient divided by its standard error. reach: the distance from the vertex
    at which the loss is higher by one residual standard deviation."""

    vertex: float | None
    error: float
    bend: float
    reach: float

    @property
    def is_certain(self) -> bool:
        """Whether the loss depends on the parameter, and has a minimum."""
        return self.vertex is not None and self.bend >= SIGNIFICANT


def parabolas(
    places: Mapping[str, Sequence[float | None]],
    losses: Sequence[float],
    choices: Mapping[str, Sequence[int | None]] | None = None,
) -> dict[str, Parabola]:
    """A parabola for each parameter with enough places, fitted together: the loss is a sum of parabolas, and of a
    constant for each value of a choice.

    places: by parameter, for each trial the value on the axis as it is searched; None for a trial without the
    parameter.
    choices: by parameter, for each trial the index of its value. With fewer than two trials for each coefficient, the
    choices are left out; if that is not enough, each parameter is fitted alone.
    """
    y = np.array(losses, float)
    known = np.isfinite(y)
    if known.any():  # exploded losses are not informative about the place of the optimum
        known &= y <= np.quantile(y[known], KEPT)
    axes = {name: np.array(own, float)[known] for name, own in places.items()}
    axes = {name: x for name, x in axes.items() if len(set(x[~np.isnan(x)])) >= MIN_PLACES}
    y = y[known]
    flags = [np.array([one == value for one in own])[known] for own in (choices or {}).values() for value in set(own)]
    flags = [one.astype(float) for one in flags if MIN_PLACES <= one.sum() < len(y)]
    if len(y) >= 2 * (1 + 2 * len(axes) + len(flags)):
        return _fitted(axes, y, flags)
    if len(y) >= 2 * (1 + 2 * len(axes)):
        return _fitted(axes, y)
    alone = {name: (x[~np.isnan(x)], y[~np.isnan(x)]) for name, x in axes.items()}
    return {name: _fitted({name: x}, own)[name] for name, (x, own) in alone.items() if len(x) >= MIN_POINTS}


def _fitted(axes: Mapping[str, Places], y: Places, flags: Sequence[Places] = ()) -> dict[str, Parabola]:
    """Least squares, with a constant for each flag. A trial without a parameter is placed in the middle of its axis."""
    columns, units = [np.ones(len(y))], {}
    for name, x in axes.items():
        middle, scale = float(np.nanmean(x)), float(np.nanmax(x) - np.nanmin(x)) / 2
        own = np.nan_to_num((x - middle) / scale)
        columns += [own, own**2]
        units[name] = middle, scale
    design = np.stack([*columns, *flags], axis=1)
    coefficients, _, rank, _ = np.linalg.lstsq(design, y, rcond=None)
    left = y - design @ coefficients
    variance = float(left @ left) / max(1, len(y) - int(rank))
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
