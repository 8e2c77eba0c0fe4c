"""The learning-rate range test of a study: which sweeps are made, and which range of rates they show."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hpsearch.core import seeds
from hpsearch.core.errors import BadInput
from hpsearch.core.format import finite
from hpsearch.core.messages import Lost
from hpsearch.core.trial import Params
from hpsearch.preflight.judge import lr_curve
from hpsearch.preflight.judge.lr_curve import RateRange, Reading
from hpsearch.preflight.measure.lr_sweep import LrSweep
from hpsearch.preflight.measurements import SweptLosses
from hpsearch.study.definition import Study
from hpsearch.study.file.sections import AUTO_HIGH, AUTO_LOW
from hpsearch.study.space import Choice, Float, Parameter, Space
from hpsearch.workers.pools.base import Measurer


@dataclass(frozen=True)
class RangeTest:
    """auto: the file leaves the range to the test; else it asks for the rates from `asked[0]` to `asked[1]`.

    found: None where no sweep shows anything. says: the result in a sentence, which is also the decision's reason.
    """

    parameter: str
    auto: bool
    asked: tuple[float, float]
    found: RateRange | None
    says: str
    readings: tuple[Reading, ...]

    def document(self) -> dict[str, Any]:
        low, high = self.asked
        return {
            "parameter": self.parameter,
            "auto": self.auto,
            "window": {"low": self.found.low, "high": self.found.high} if self.found else None,
            "asked": None if self.auto else {"low": low, "high": high},
            "says": self.says,
            "tests": [_test(reading) for reading in self.readings],
        }


def _test(reading: Reading) -> dict[str, Any]:
    sweep = reading.sweep
    return {
        "params": dict(sweep.params),
        "rates": list(sweep.rates),
        "losses": finite(list(sweep.losses)),
        "smoothed": list(reading.smoothed),
        "begins": finite(reading.begins),
        "steepest": finite(reading.steepest),
        "best": finite(reading.best),
        "diverges": reading.diverges,
        "problem": reading.problem,
        "seconds": sweep.seconds,
    }


def run_range_test(study: Study, measurer: Measurer) -> RangeTest:
    """BadInput where a range is `auto` and nothing is found, or nothing can be tried."""
    section = study.range_test
    assert section is not None
    name, space = section.parameter, study.space
    own, asked = _own(space, name), asked_for(space, name)
    auto = isinstance(own, Float) and own.auto
    # Without auto wide ones, round what the file asks for.
    low, high = asked if auto else (min(AUTO_LOW, asked[0]), max(AUTO_HIGH, asked[1]))
    deadline = time.monotonic() + section.limit
    readings: list[Reading] = []
    for params in variants(space, name, section.tests):
        left = max(deadline - time.monotonic(), 1.0)
        seed = seeds.trial_seed(study.study.seed, 0)
        swept = measurer.measure(LrSweep(params, seed, study.trainer.epochs, name, low, high, section.iterations, left))
        if isinstance(swept, Lost):
            swept = SweptLosses(params, name, problem=f"no answer came back: {swept.reason}")
        readings.append(lr_curve.read(swept))
        if readings[-1].problem and len(readings) == 1 and not swept.losses:
            break  # what cannot be done with the first cannot be done with any
    return _judged(name, auto, asked, readings)


def _judged(name: str, auto: bool, asked: tuple[float, float], readings: Sequence[Reading]) -> RangeTest:
    found = lr_curve.rate_range(readings)
    if found is None:
        why = "; ".join(dict.fromkeys(one.problem for one in readings if one.problem)) or "nothing was tried"
        if auto:
            raise BadInput(
                f"space.{name}: auto = true, and the learning-rate range test finds no window: {why}. Give low and high"
            )
        says = f"{name}: the learning-rate range test finds no window: {why}"
    elif auto:
        says = found.reason
    else:
        says = lr_curve.misses(readings, *asked) or (
            f"{name}: the window [{asked[0]:.3g}, {asked[1]:.3g}] is right, by {found.evidence}"
        )
    return RangeTest(name, auto, asked, found, says, tuple(readings))


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
