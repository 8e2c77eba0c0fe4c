"""Measures whether the trainer can overfit (memorise) a few examples with one of several learning rates (Karpathy 2019,
"A Recipe for Training Neural Networks", "overfit one batch"; CS231n, "sanity checks")."""

import time
from collections.abc import Iterator

from hpsearch.preflight.measure.batches import RepeatedBatches
from hpsearch.preflight.measure.held_tensors import HeldTensors
from hpsearch.preflight.measure.instrumentation import Instrumentation, constant_lr
from hpsearch.preflight.measure.instrumented_training import TrainerUnderTest, run_to_end
from hpsearch.preflight.measure.layers import InputChanges
from hpsearch.preflight.measurements import TAIL, OverfitAttempt

FACTORS = (1.0, 10.0, 0.1, 100.0, 0.01)
"""Multiples of the trainer's learning rate, in the order in which they are tried."""

STEPS, LONGER = 100, 600
"""Steps of an attempt, and of the last attempt with a minibatch, which repeats the best learning rate."""

FEW = (8, 2)
"""Numbers of examples that are tried next: a model with few parameters cannot memorise a minibatch."""


def attempts(trainer: TrainerUnderTest, deadline: float, *, fed: bool) -> tuple[OverfitAttempt, ...]:
    """Attempts until one has memorised its examples, or none is left. The last attempt is the result.

    fed: see FirstSteps. Without that, the data of the first step are repeated by `HeldTensors`; no attempts if this is
    not possible.
    """
    made: list[OverfitAttempt] = []
    for factor, most, steps in _plan(made):
        if time.monotonic() >= deadline:
            break
        attempt = _attempt(trainer, factor, most, steps, deadline) if fed else _held(trainer, factor, steps, deadline)
        if attempt is None:
            return ()
        made.append(attempt)
        if attempt.memorised or attempt.problem:
            break
    return tuple(made)


def _plan(made: list[OverfitAttempt]) -> Iterator[tuple[float, int | None, int]]:
    """The next attempts, given the results so far: learning-rate factor, most examples, number of steps."""
    for factor in FACTORS:
        if not any(attempt.diverged and attempt.factor < factor for attempt in made):
            yield factor, None, STEPS
    best = min((attempt for attempt in made if not attempt.diverged), key=lambda one: one.last, default=made[0])
    yield best.factor, None, LONGER
    if made[-1].rows:
        for few in FEW:
            if few < made[0].rows:
                yield best.factor, few, LONGER


def _attempt(trainer: TrainerUnderTest, factor: float, most: int | None, steps: int, deadline: float) -> OverfitAttempt:
    feed = RepeatedBatches(most=most)
    seen = Instrumentation(
        feed, constant_lr(factor), lambda seen: _is_over(seen, steps), without_regularization=True, deadline=deadline
    )
    inputs = InputChanges(seen)
    _, failure = run_to_end(trainer.train(seen))
    return OverfitAttempt(
        factor,
        feed.rows,
        tuple(seen.losses),
        _accuracy(seen),
        seen.steps[0].loss.chance if seen.steps else None,
        failure.summary if failure else "",
        _always_wrong(seen) if feed.batches == 1 else (),
        feed.conflicting,
        feed.batches == 1 and inputs.changed,
        _floor(seen),
    )


def _held(trainer: TrainerUnderTest, factor: float, steps: int, deadline: float) -> OverfitAttempt | None:
    """None if the data of the first step cannot be repeated."""
    seen = Instrumentation(
        rates=constant_lr(factor),
        end=lambda seen: _is_over(seen, steps),
        without_regularization=True,
        deadline=deadline,
    )
    held = HeldTensors(seen)
    _, failure = run_to_end(trainer.train(seen))
    if failure is not None or not held.works or not seen.steps:
        return None
    chance, wrong = seen.steps[0].loss.chance, _always_wrong(seen)
    losses = tuple(seen.losses)
    return OverfitAttempt(factor, 0, losses, _accuracy(seen), chance, wrong=wrong, floor=_floor(seen), held=True)


def _accuracy(seen: Instrumentation) -> float | None:
    """The mean over the last TAIL steps."""
    known = [step.loss.accuracy for step in seen.steps[-TAIL:] if step.loss.accuracy is not None]
    return sum(known) / len(known) if known else None


def _always_wrong(seen: Instrumentation) -> tuple[int, ...]:
    """The places of the examples that are wrong in each of the last TAIL steps."""
    last = [set(step.loss.wrong or ()) for step in seen.steps[-TAIL:]]
    return tuple(sorted(set.intersection(*last))) if last else ()


def _is_over(seen: Instrumentation, steps: int) -> bool:
    """Whether the examples are memorised, by the last TAIL losses, or all steps are done."""
    if len(seen.steps) >= steps or seen.backwards >= 10 * steps:
        return True
    recent = (seen.losses[0], *seen.losses[-TAIL:])
    if len(seen.steps) <= 2 * TAIL:
        return False
    chance = seen.steps[0].loss.chance
    return OverfitAttempt(1.0, 0, recent, _accuracy(seen), chance, floor=_floor(seen)).memorised


def _floor(seen: Instrumentation) -> float | None:
    return seen.steps[0].loss.floor if seen.steps else None
