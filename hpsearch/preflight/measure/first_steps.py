"""The first steps of an ordinary training, looked at closely."""

from collections.abc import Iterator

from hpsearch.core.messages import Failure
from hpsearch.core.trial import Report
from hpsearch.preflight.measure.instrumentation import Tap
from hpsearch.preflight.measure.instrumented_training import TrainerUnderTest, run_out
from hpsearch.preflight.measure.layers import GradientWatch, InputWatch, ZeroGradWatch
from hpsearch.preflight.measurements import FirstSteps

STEPS = 8
"""A layer behind one that begins at zero gets its first gradient in the second step or the third."""


def look(trainer: TrainerUnderTest, deadline: float) -> tuple[FirstSteps, Failure | None]:
    """Stops in the midst of an epoch where there are as many batches in it."""
    tap = Tap(end=lambda tap: len(tap.steps) >= STEPS, deadline=deadline)
    gradients, zero_grad, inputs = GradientWatch(tap), ZeroGradWatch(tap), InputWatch(tap)
    failure = _train(trainer, tap)
    if not tap.backwards:
        return FirstSteps(models=len(tap.models), optimizers=len(tap.optimizers), fed=tap.fed, rows=tap.rows), failure
    first = tap.steps[0].loss if tap.steps else None
    seen = FirstSteps(
        losses=tuple(tap.losses),
        loss_kind=first.kind if first else "",
        chance=first.chance if first else None,
        classes=first.classes if first else None,
        probabilities=bool(tap.steps) and all(step.loss.probabilities for step in tap.steps),
        inputs=inputs.inputs(),
        layers=gradients.layers(),
        backwards=tap.backwards / max(len(tap.steps), 1),
        accumulated=zero_grad.accumulated,
        models=len(tap.models),
        optimizers=len(tap.optimizers),
        fed=tap.fed,
        rows=tap.rows,
    )
    return seen, failure


def _train(trainer: TrainerUnderTest, tap: Tap) -> Failure | None:
    """Until there are enough steps. A trainer that has not called backward in its first epoch never will."""
    seen, failure = run_out(_until_backward(trainer, tap))
    if failure is None and not seen and not tap.steps and not tap.late:
        return Failure("contract", "the trainer ended without a report")
    return failure


def _until_backward(trainer: TrainerUnderTest, tap: Tap) -> Iterator[Report]:
    for report in trainer.train(tap):
        yield report
        if not tap.backwards:
            return
