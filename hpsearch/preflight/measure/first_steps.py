"""Measures the first steps of an ordinary training."""

from collections.abc import Iterator
from dataclasses import replace

from hpsearch.core.messages import Failure
from hpsearch.core.trial import Report
from hpsearch.preflight.measure.instrumentation import Instrumentation
from hpsearch.preflight.measure.instrumented_training import TrainerUnderTest, run_to_end
from hpsearch.preflight.measure.layers import GradientMonitor, InputMonitor, ZeroGradMonitor
from hpsearch.preflight.measurements import FirstSteps

STEPS = 8
"""A layer below one that is initialised with zeros gets its first gradient in the second or third step."""


def measure_first_steps(trainer: TrainerUnderTest, deadline: float) -> tuple[FirstSteps, Failure | None]:
    """Train STEPS steps and stop, also within an epoch."""
    seen = Instrumentation(end=lambda seen: len(seen.steps) >= STEPS, deadline=deadline)
    gradients, zero_grad, inputs = GradientMonitor(seen), ZeroGradMonitor(seen), InputMonitor(seen)
    _, failure = run_to_end(_until_backward(trainer, seen))
    found = FirstSteps(models=len(seen.models), optimizers=len(seen.optimizers), fed=seen.fed, rows=seen.rows)
    if not seen.backwards:
        return found, failure
    first = seen.steps[0].loss if seen.steps else None
    found = replace(
        found,
        losses=tuple(seen.losses),
        loss_kind=first.kind if first else "",
        chance=first.chance if first else None,
        classes=first.classes if first else None,
        probabilities=bool(seen.steps) and all(step.loss.probabilities for step in seen.steps),
        inputs=inputs.inputs(),
        layers=gradients.layers(),
        backwards=seen.backwards / max(len(seen.steps), 1),
        accumulated=zero_grad.accumulated,
    )
    return found, failure


def _until_backward(trainer: TrainerUnderTest, seen: Instrumentation) -> Iterator[Report]:
    """Ends after the first epoch where the trainer has not called backward."""
    for report in trainer.train(seen):
        yield report
        if not seen.backwards:
            return
