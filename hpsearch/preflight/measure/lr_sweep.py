"""The learning-rate range test (Smith 2015, arXiv 1506.01186, section 3.3): a training with a rising learning rate."""

import math
import time
from dataclasses import dataclass, replace

from hpsearch.core.trial import Params
from hpsearch.preflight.judge import lr_curve
from hpsearch.preflight.measure.instrumentation import Instrumentation, LrOverride, StopTraining, constant_lr
from hpsearch.preflight.measure.instrumented_training import TrainerUnderTest, run_to_end
from hpsearch.preflight.measurements import SweepLosses
from hpsearch.trainer.open_trial import TrainerContext

DIVERGED = 4.0
"""The test ends if the smoothed loss is more than this many times its minimum."""

ABOVE = 3.0
"""A training from the start is tried with this many times the rate at which the test diverges."""

SMOOTH = 0.9
"""The smoothing factor of the loss: the newest value has the weight 1 - SMOOTH."""


@dataclass(frozen=True, slots=True)
class LrSweep:
    """Trains `iterations` steps with an exponentially rising learning rate, and records the losses.

    parameter: the name of the learning-rate parameter; low, high: its bounds, 0 < low < high.
    seconds: the time limit.
    """

    params: Params
    seed: int
    epochs: int
    parameter: str
    low: float
    high: float
    iterations: int = 150
    seconds: float = 600.0

    def measure(self, context: TrainerContext) -> SweepLosses:
        """The losses. Exceptions of the trainer are not raised: the result says why the test is not possible."""
        began = time.monotonic()
        own = float(self.params[self.parameter])
        trainer = TrainerUnderTest(context, self.params, self.seed, self.epochs)
        problem = _why_not_possible(self.parameter, trainer, own, began + self.seconds)
        if problem:
            return SweepLosses(self.params, self.parameter, problem=problem, seconds=time.monotonic() - began)
        trainer = replace(trainer, epochs=max(self.epochs, self.iterations))
        unmoved = _unmoved(trainer, self.iterations, began + self.seconds / 3)
        seen = Instrumentation(
            rates=LrOverride(lambda step, _, base: base * self._rate(step) / own, stop_schedule=True),
            end=SweepEnd(self.iterations),
            deadline=began + self.seconds,
        )
        _, failure = run_to_end(trainer.train(seen))
        losses = tuple(seen.losses[: self.iterations])
        rates = tuple(self._rate(step) for step in range(len(losses)))
        problem = failure.summary if failure else ("the time limit was reached" if seen.late else "")
        seconds = time.monotonic() - began
        found = SweepLosses(self.params, self.parameter, rates, losses, problem, seconds, unmoved[: len(losses)])
        return self._with_beyond(found, trainer, began) if not problem else found

    def _with_beyond(self, found: SweepLosses, trainer: TrainerUnderTest, began: float) -> SweepLosses:
        """The losses, with those of a training at a rate above the one at which the test diverges.

        Late in the test, Adam's moments come from lower rates. So it can diverge at a rate that works from the start.
        """
        diverges = lr_curve.read(found).diverges
        rate = min(ABOVE * diverges, self.high) if diverges is not None else 0.0
        if diverges is None or rate <= diverges:
            return found
        own = float(self.params[self.parameter])
        seen = Instrumentation(
            rates=constant_lr(rate / own), end=SweepEnd(self.iterations), deadline=began + self.seconds
        )
        run_to_end(trainer.train(seen))
        losses = tuple(seen.losses[: self.iterations])
        return replace(found, beyond=(rate, losses), seconds=time.monotonic() - began)

    def _rate(self, step: int) -> float:
        """The parameter's value in a step, counted from 0."""
        return float(self.low * (self.high / self.low) ** (step / max(self.iterations - 1, 1)))


def _unmoved(trainer: TrainerUnderTest, steps: int, deadline: float) -> tuple[float, ...]:
    """The losses of the same steps with a learning rate of 0, which show how the loss varies from batch to batch. With
    the same seeds, the batches are the same."""
    seen = Instrumentation(
        rates=LrOverride(lambda *_: 0.0, stop_schedule=True),
        end=lambda seen: len(seen.steps) >= steps,
        deadline=deadline,
    )
    _, failure = run_to_end(trainer.train(seen))
    losses = tuple(seen.losses[:steps])
    return losses if failure is None and len(losses) == steps and all(map(math.isfinite, losses)) else ()


class SweepEnd:
    """Whether a sweep is over: all steps are done, or the smoothed loss (a moving average, bias-corrected as in Adam)
    has diverged."""

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
            if self._seen > self._iterations // 10 and smooth > DIVERGED * self._best > 0:
                return True
        return self._seen >= self._iterations


# Whether the parameter is the optimizer's learning rate ──────────────────────────────────────────


def _why_not_possible(parameter: str, trainer: TrainerUnderTest, own: float, deadline: float) -> str:
    """Why the test is not possible, "" if it is. The optimizer's learning rate must be proportional to the value."""
    found = []
    for value in (own, 3 * own):
        base, problem = _base(replace(trainer, params={**trainer.params, parameter: value}), deadline)
        if problem:
            return problem
        found.append(base)
    if not found[0] or abs(found[1] / found[0] / 3 - 1) > 0.01:
        return (
            f"with {parameter} = {own:.3g} the optimizer's learning rate is {found[0]:.3g}, and with three times that "
            f"value it is {found[1]:.3g}: {parameter} is not the learning rate"
        )
    return ""


def _base(trainer: TrainerUnderTest, deadline: float) -> tuple[float, str]:
    """The optimizer's initial learning rate and "", or 0 and why it is not known."""
    seen = Instrumentation(end=lambda seen: True, deadline=deadline)  # noqa: ARG005

    def stop_when_known() -> None:
        if seen.base is not None:
            raise StopTraining

    seen.after_tracking.append(stop_when_known)
    _, failure = run_to_end(trainer.train(seen), most=1)
    if seen.base is not None:
        return seen.base, ""
    if failure is not None:
        return 0.0, failure.summary
    if seen.late:
        return 0.0, "the time limit was reached before the trainer passed an optimizer to run.track(optimizer=…)"
    return 0.0, "the trainer passes no torch optimizer to run.track(optimizer=…), so its learning rate cannot be set"
