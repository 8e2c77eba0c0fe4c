"""Measures the first steps of an ordinary training."""

from collections.abc import Iterator
from dataclasses import replace

from hpsearch.core.messages import Failure
from hpsearch.core.trial import Report
from hpsearch.preflight.measure.instrumentation import Instrumentation
from hpsearch.preflight.measure.instrumented_training import TrainerUnderTest, run_to_end
from hpsearch.preflight.measure.layers import (
    GradientMonitor,
    InitialWeights,
    InputMonitor,
    LeafMonitor,
    WeightSums,
    ZeroGradMonitor,
)
from hpsearch.preflight.measurements import FirstSteps

STEPS = 8
"""The number of steps. A layer before a layer of zeros gets its first gradient only in the second or third step."""


def measure_first_steps(trainer: TrainerUnderTest, deadline: float) -> tuple[FirstSteps, Failure | None]:
    """Train STEPS steps, then stop, even within an epoch."""
    seen = Instrumentation(end=lambda seen: len(seen.steps) >= STEPS, deadline=deadline)
    gradients, zero_grad, inputs = GradientMonitor(seen), ZeroGradMonitor(seen), InputMonitor(seen)
    weights, leaves, initial = WeightSums(seen), LeafMonitor(seen), InitialWeights(seen)
    _, failure = run_to_end(_until_backward(trainer, seen))
    found = FirstSteps(models=len(seen.models), optimizers=len(seen.optimizers), fed=seen.fed, rows=seen.rows)
    if not seen.backwards:
        return replace(found, detached=initial.detached), failure
    losses = [step.loss for step in seen.steps] or seen.unstepped
    first = losses[0] if losses else None
    found = replace(
        found,
        losses=tuple(loss.value for loss in losses),
        loss_kind=first.kind if first else "",
        chance=first.chance if first else None,
        classes=first.classes if first else None,
        probabilities=bool(losses) and all(loss.probabilities for loss in losses),
        inputs=inputs.inputs(),
        layers=gradients.layers(),
        backwards=seen.backwards / max(len(seen.steps), 1),
        accumulated=zero_grad.accumulated,
        without_step=0 if seen.steps or seen.late else seen.backwards,
        moves=weights.moved,
        broadcast=bool(losses) and all(loss.broadcast for loss in losses),
        rates=tuple(step.rate for step in seen.steps) if seen.optimizers else (),
        unregistered=leaves.unregistered,
        initial_scale=initial.scale,
    )
    return found, failure


def _until_backward(trainer: TrainerUnderTest, seen: Instrumentation) -> Iterator[Report]:
    """Ends after the first epoch if the trainer did not call backward, or no tracked optimizer made a step."""
    for report in trainer.train(seen):
        yield report
        if not seen.steps or (not seen.optimizers and len(seen.steps) >= STEPS):
            return
