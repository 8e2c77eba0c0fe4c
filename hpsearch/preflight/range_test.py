"""The learning-rate range test of a study: the sweeps to make, and the resulting range of learning rates."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from hpsearch.core import seeds
from hpsearch.core.errors import BadInput
from hpsearch.core.format import finite
from hpsearch.core.messages import Lost
from hpsearch.core.trial import Params
from hpsearch.preflight.judge import lr_curve
from hpsearch.preflight.judge.lr_curve import LrRange, SweepResult
from hpsearch.preflight.measure.lr_sweep import LrSweep
from hpsearch.preflight.measurements import SweepLosses
from hpsearch.study.definition import Study
from hpsearch.study.file.space.space_forms import AUTO_HIGH, AUTO_LOW
from hpsearch.study.space import Choice, Float, Parameter, Space
from hpsearch.workers.pools.base import Measurer


@dataclass(frozen=True)
class RangeTest:
    """asked: lowest and highest rate in the study file. auto: the study file has no range, so the test determines it.

    found: the range of the test, None if no sweep has a result. outside: no rate of `asked` is in `found`.
    moves: the search uses `found`: with `auto`, or with `expand` if `outside`.
    says: the result as a sentence, which is also the decision's reason.
    """

    parameter: str
    auto: bool
    asked: tuple[float, float]
    found: LrRange | None
    says: str
    results: tuple[SweepResult, ...]
    expand: bool = False

    @property
    def outside(self) -> bool:
        low, high = self.asked
        return self.found is not None and not self.auto and (high < self.found.low or low > self.found.high)

    @property
    def moves(self) -> bool:
        return self.auto or (self.expand and self.outside)

    @property
    def change(self) -> str:
        """The line for the study file that replaces the range without a result."""
        assert self.found is not None
        return f"{self.parameter} = {{ low = {self.found.low:.3g}, high = {self.found.high:.3g}, log = true }}"

    def document(self) -> dict[str, Any]:
        low, high = self.asked
        return {
            "parameter": self.parameter,
            "auto": self.auto,
            "moves": self.moves,
            "window": {"low": self.found.low, "high": self.found.high} if self.found else None,
            "asked": None if self.auto else {"low": low, "high": high},
            "says": self.says,
            "tests": [_test(result) for result in self.results],
        }


def _test(result: SweepResult) -> dict[str, Any]:
    sweep = result.sweep
    return {
        "params": dict(sweep.params),
        "rates": list(sweep.rates),
        "losses": finite(list(sweep.losses)),
        "smoothed": list(result.smoothed),
        "begins": finite(result.begins),
        "steepest": finite(result.steepest),
        "best": finite(result.best),
        "diverges": result.diverges,
        "holds": result.holds,
        "problem": result.problem,
        "seconds": sweep.seconds,
    }


def run_range_test(study: Study, measurer: Measurer) -> RangeTest:
    """Run the range test. BadInput if a range is `auto`, and no range is found or no test is possible."""
    section = study.range_test
    assert section is not None
    name, space = section.parameter, study.space
    own, asked = _own(space, name), range_in_file(space, name)
    auto = isinstance(own, Float) and own.auto
    # Without auto, the tested range is wide and contains the range of the study file.
    low, high = asked if auto else (min(AUTO_LOW, asked[0]), max(AUTO_HIGH, asked[1]))
    deadline = time.monotonic() + section.limit
    results: list[SweepResult] = []
    for params in variants(space, name, section.tests):
        left = max(deadline - time.monotonic(), 1.0)
        seed = seeds.seed_of_trial(study.study.seed, study.study.trial_seeds, number=0, repeat=0)
        swept = measurer.measure(LrSweep(params, seed, study.trainer.epochs, name, low, high, section.iterations, left))
        if isinstance(swept, Lost):
            swept = SweepLosses(params, name, problem=f"the measurement was lost: {swept.reason}")
        results.append(lr_curve.read(swept))
        if results[-1].problem and len(results) == 1 and not swept.losses:
            break  # if the first test is not possible, the others are not either
    expand = isinstance(own, Float) and own.expand
    return _judged(name, auto, expand, asked, results)


def _judged(
    name: str, auto: bool, expand: bool, asked: tuple[float, float], results: Sequence[SweepResult]
) -> RangeTest:
    found = lr_curve.lr_range(results)
    if found is None:
        why = "; ".join(dict.fromkeys(one.problem for one in results if one.problem)) or "no test was possible"
        if auto:
            raise BadInput(
                f"space.{name}: auto = true, but the learning-rate range test finds no range: {why}. Set low and high"
            )
        says = f"{name}: the learning-rate range test finds no range: {why}"
    elif auto:
        says = found.reason
    else:
        says = lr_curve.misses(results, *asked) or (
            f"{name}: the range [{asked[0]:.3g}, {asked[1]:.3g}] agrees with {found.evidence}"
        )
    tested = RangeTest(name, auto, asked, found, says, tuple(results), expand)
    if found is None or auto or not tested.moves:
        return tested
    ends = f"from [{asked[0]:.3g}, {asked[1]:.3g}] to [{found.low:.3g}, {found.high:.3g}]"
    return replace(tested, says=f"{name}: the range moves {ends} (expand = true), because of {found.evidence}")


def _own(space: Space, name: str) -> Parameter | None:
    """The searched parameter; None if its value is fixed."""
    return next((one for one in space.parameters if one.name == name), None)


def range_in_file(space: Space, name: str) -> tuple[float, float]:
    """The smallest and the largest learning rate of the study file."""
    own = _own(space, name)
    if own is None:
        return float(space.fixed[name]), float(space.fixed[name])
    if isinstance(own, Choice):
        return min(map(float, own.values)), max(map(float, own.values))
    return float(own.low), float(own.high)


def variants(space: Space, name: str, most: int) -> list[Params]:
    """The centre of the space, and the centre with every other value of each choice; only points that have `name`."""
    middle = [0.5] * space.dimensions
    points = [middle]
    for i, parameter in enumerate(space.parameters):
        if isinstance(parameter, Choice) and parameter.name != name:
            points += [[*middle[:i], parameter.to_unit(value), *middle[i + 1 :]] for value in parameter.values]
    found: list[Params] = []
    for point in points:
        params = space.from_unit(point)
        if name in params and params not in found and space.allows(params):
            found.append(params)
    return found[:most]
