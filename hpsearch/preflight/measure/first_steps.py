"""The first steps of an ordinary training, looked at closely."""

from collections.abc import Iterator
from dataclasses import replace

from hpsearch.core.messages import Failure
from hpsearch.core.trial import Report
from hpsearch.preflight.measure.instrumentation import Instrumentation
from hpsearch.preflight.measure.instrumented_training import TrainerUnderTest, run_out
from hpsearch.preflight.measure.layers import GradientWatch, InputWatch, ZeroGradWatch
from hpsearch.preflight.measurements import FirstSteps

STEPS = 8
"""A layer behind one that begins at zero gets its first gradient in the second step or the third."""


def look(trainer: TrainerUnderTest, deadline: float) -> tuple[FirstSteps, Failure | None]:
    """Stops in the midst of an epoch where there are as many batches in it."""
    seen = Instrumentation(end=lambda seen: len(seen.steps) >= STEPS, deadline=deadline)
    gradients, zero_grad, inputs = GradientWatch(seen), ZeroGradWatch(seen), InputWatch(seen)
    _, failure = run_out(_until_backward(trainer, seen))
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
    """A trainer that has not called backward in its first epoch never will."""
    for report in trainer.train(seen):
        yield report
        if not seen.backwards:
            return
