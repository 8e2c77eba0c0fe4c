"""The learning-rate range test of a study: which tests, and what came of them, as the journal keeps it."""

import time
from collections.abc import Sequence
from typing import Any

from hpsearch.core import seeds
from hpsearch.core.errors import BadInput
from hpsearch.core.format import finite
from hpsearch.core.messages import Lost
from hpsearch.core.trial import Params
from hpsearch.preflight.judge import lr_curve
from hpsearch.preflight.measure.lr_sweep import LrRange
from hpsearch.preflight.measurements import Sweep
from hpsearch.study.definition import Study
from hpsearch.study.file.sections import AUTO_HIGH, AUTO_LOW
from hpsearch.study.space import Choice, Float, Parameter, Space
from hpsearch.workers.pools.base import Measurer


def run_range_test(study: Study, measurer: Measurer) -> dict[str, Any]:
    """The document. BadInput where a range is `auto` and nothing is found, or nothing can be tried."""
    section = study.range_test
    assert section is not None
    name, space = section.parameter, study.space
    low, high = _bounds(space, name)
    sets = variants(space, name, section.tests)
    deadline = time.monotonic() + section.limit
    readings = []
    for params in sets:
        left = max(deadline - time.monotonic(), 1.0)
        seed = seeds.trial_seed(study.study.seed, 0)
        order = LrRange(params, seed, study.trainer.epochs, name, low, high, section.iterations, left)
        readings.append(lr_curve.read(_swept(measurer, order)))
        if readings[-1].problem and len(readings) == 1 and not readings[-1].sweep.losses:
            break  # what cannot be done with the first cannot be done with any
    return _range_document(space, name, readings)


def _swept(measurer: Measurer, order: LrRange) -> Sweep:
    found = measurer.measure(order)
    if isinstance(found, Lost):
        return Sweep(order.params, order.parameter, problem=f"no answer came back: {found.reason}")
    return found


def _bounds(space: Space, name: str) -> tuple[float, float]:
    """Of the test: those of an `auto`; else wide ones, round what the file asks for."""
    own = _own(space, name)
    if isinstance(own, Float) and own.auto:
        return own.low, own.high
    low, high = asked_for(space, name)
    return min(AUTO_LOW, low), max(AUTO_HIGH, high)


def _own(space: Space, name: str) -> Parameter | None:
    """None for a fixed value."""
    return next((one for one in space.parameters if one.name == name), None)


def asked_for(space: Space, name: str) -> tuple[float, float]:
    """The learning rates that the file asks for."""
    own = _own(space, name)
    if own is None:
        return float(space.fixed[name]), float(space.fixed[name])
    if isinstance(own, Choice):
        return min(map(float, own.values)), max(map(float, own.values))
    return float(own.low), float(own.high)


def variants(space: Space, name: str, most: int) -> list[Params]:
    """The middle of the space, and it with every other value of each choice, as far as `name` is active there."""
    middle = [0.5] * space.dimensions
    points = [middle]
    for i, parameter in enumerate(space.parameters):
        if isinstance(parameter, Choice) and parameter.name != name:
            points += [[*middle[:i], parameter.to_unit(value), *middle[i + 1 :]] for value in parameter.values]
    found: list[Params] = []
    for point in points:
        params = space.from_unit(point)
        if name in params and params not in found:
            found.append(params)
    return found[:most]


def _range_document(space: Space, name: str, readings: Sequence[lr_curve.Reading]) -> dict[str, Any]:
    own = _own(space, name)
    auto = isinstance(own, Float) and own.auto
    found = lr_curve.window(readings)
    why = "; ".join(dict.fromkeys(one.problem for one in readings if one.problem)) or "nothing was tried"
    if found is None and auto:
        raise BadInput(
            f"space.{name}: auto = true, and the learning-rate range test finds no window: {why}. Give low and high"
        )
    low, high = asked_for(space, name)
    says = found.reason if found else f"{name}: the learning-rate range test finds no window: {why}"
    if found and not auto:
        misses = lr_curve.misses(readings, low, high)
        says = (
            misses or f"{name}: the window [{low:.3g}, {high:.3g}] is right, by {found.reason.partition(' from ')[2]}"
        )
    return {
        "parameter": name,
        "auto": auto,
        "window": {"low": found.low, "high": found.high} if found else None,
        "asked": None if auto else {"low": low, "high": high},
        "says": says,
        "tests": [_test(reading) for reading in readings],
    }


def _test(reading: lr_curve.Reading) -> dict[str, Any]:
    sweep = reading.sweep
    return {
        "params": dict(sweep.params),
        "rates": list(sweep.rates),
        "losses": finite(sweep.losses),
        "smoothed": list(reading.smoothed),
        "begins": finite(reading.begins),
        "steepest": finite(reading.steepest),
        "best": finite(reading.best),
        "diverges": reading.diverges,
        "problem": reading.problem,
        "seconds": sweep.seconds,
    }
