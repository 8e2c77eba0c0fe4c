"""The learning-rate range test (Smith 2015, arXiv 1506.01186, section 3.3): a training whose rate rises and rises."""

import math
import time
from dataclasses import dataclass, replace

from hpsearch.core.trial import Params
from hpsearch.preflight.measure.instrumentation import Enough, Instrumentation, Rates
from hpsearch.preflight.measure.instrumented_training import TrainerUnderTest, run_out
from hpsearch.preflight.measurements import SweptLosses
from hpsearch.trainer.open_trial import TrainerContext

HOPELESS = 4.0
"""A smoothed loss that is so many times the best one will not come back, so the test ends."""

SMOOTH = 0.9
"""Of the smoothed loss that is watched for that: 1 - this is the weight of the newest."""


@dataclass(frozen=True, slots=True)
class LrSweep:
    """Train `iterations` steps with a learning rate that rises exponentially, and note the losses.

    parameter: the name of the parameter that is the learning rate; low, high: its bounds, 0 < low < high.
    seconds: the most that it may take.
    """

    params: Params
    seed: int
    epochs: int
    parameter: str
    low: float
    high: float
    iterations: int = 150
    seconds: float = 600.0

    def measure(self, context: TrainerContext) -> SweptLosses:
        """Never raises for the trainer's sake: why it cannot be done is in the answer."""
        began = time.monotonic()
        own = float(self.params[self.parameter])
        trainer = TrainerUnderTest(context, self.params, self.seed, self.epochs)
        problem = _why_not(self.parameter, trainer, own)
        if problem:
            return SweptLosses(self.params, self.parameter, problem=problem, seconds=time.monotonic() - began)
        seen = Instrumentation(
            rates=Rates(lambda step, _, base: base * self._rate(step) / own, still=True),
            end=_Hopeless(self.iterations),
            deadline=began + self.seconds,
        )
        _, failure = run_out(replace(trainer, epochs=max(self.epochs, self.iterations)).train(seen))
        losses = tuple(seen.losses[: self.iterations])
        rates = tuple(self._rate(step) for step in range(len(losses)))
        said = failure.summary if failure else ("time was up" if seen.late else "")
        return SweptLosses(self.params, self.parameter, rates, losses, said, time.monotonic() - began)

    def _rate(self, step: int) -> float:
        """The parameter's value in a step, from 0."""
        return float(self.low * (self.high / self.low) ** (step / max(self.iterations - 1, 1)))


class _Hopeless:
    """Whether a sweep is over: its steps are done, or the smoothed loss (a moving average, its beginning corrected as
    Adam's is) has left for good."""

    def __init__(self, iterations: int):
        self._iterations = iterations
        self._average, self._weight, self._seen = 0.0, 0.0, 0
        self._best = math.inf

    def __call__(self, seen: Instrumentation) -> bool:
        for loss in seen.losses[self._seen :]:
            self._seen += 1
            if not math.isfinite(loss):
                return True
            self._average = SMOOTH * self._average + (1 - SMOOTH) * loss
            self._weight = SMOOTH * self._weight + (1 - SMOOTH)
            smooth = self._average / self._weight
            self._best = min(self._best, smooth)
            if self._seen > self._iterations // 10 and smooth > HOPELESS * self._best > 0:
                return True
        return self._seen >= self._iterations


# Whether the parameter is the optimizer's learning rate ──────────────────────────────────────────


def _why_not(parameter: str, trainer: TrainerUnderTest, own: float) -> str:
    """Why the test cannot be done, "" where it can: with the parameter the optimizer's rate must rise in proportion."""
    found = []
    for value in (own, 3 * own):
        base, problem = _base(replace(trainer, params={**trainer.params, parameter: value}))
        if problem:
            return problem
        found.append(base)
    if not found[0] or abs(found[1] / found[0] / 3 - 1) > 0.01:
        return (
            f"with {parameter} = {own:.3g} the optimizer's learning rate is {found[0]:.3g}, and with three times "
            f"that it is {found[1]:.3g}: {parameter} is no learning rate"
        )
    return ""


def _base(trainer: TrainerUnderTest) -> tuple[float, str]:
    """What the optimizer begins with, and why that is not known."""
    seen = Instrumentation(end=lambda seen: True)  # noqa: ARG005

    def look() -> None:
        if seen.base is not None:
            raise Enough

    seen.begun.append(look)
    _, failure = run_out(trainer.train(seen), most=1)
    if seen.base is not None:
        return seen.base, ""
    if failure is not None:
        return 0.0, failure.summary
    return 0.0, "the trainer names no torch optimizer to run.track(optimizer=…), so there is no learning rate to raise"
