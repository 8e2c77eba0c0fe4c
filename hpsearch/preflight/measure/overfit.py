"""Whether a few examples can be learned by heart, at some learning rate (Karpathy 2019, "A Recipe for Training Neural
Networks", "overfit one batch"; CS231n, "sanity checks")."""

import time
from collections.abc import Iterator

from hpsearch.preflight.measure.batches import Tiny
from hpsearch.preflight.measure.instrumentation import Instrumentation, fixed
from hpsearch.preflight.measure.instrumented_training import TrainerUnderTest, run_out
from hpsearch.preflight.measurements import TAIL, OverfitAttempt

FACTORS = (1.0, 10.0, 0.1, 100.0, 0.01)
"""Times the trainer's own learning rate, in the order in which they are tried."""

STEPS, LONGER = 100, 600
"""Of an attempt, and of the last with a minibatch: the one with the learning rate that came farthest."""

FEW = (8, 2)
"""Examples to learn where a minibatch is too much: a model with few parameters cannot hold one."""


def attempts(trainer: TrainerUnderTest, deadline: float) -> tuple[OverfitAttempt, ...]:
    """Until one has learned its examples, or nothing is left to try. The last is the one that counts."""
    made: list[OverfitAttempt] = []
    for factor, most, steps in _plan(made):
        if time.monotonic() >= deadline:
            break
        made.append(_attempt(trainer, factor, most, steps, deadline))
        if made[-1].memorised or made[-1].problem:
            break
    return tuple(made)


def _plan(made: list[OverfitAttempt]) -> Iterator[tuple[float, int | None, int]]:
    """What to try next, in view of what was: a factor, how many examples at most, how many steps."""
    for factor in FACTORS:
        if not any(attempt.diverged and attempt.factor < factor for attempt in made):
            yield factor, None, STEPS
    farthest = min((attempt for attempt in made if not attempt.diverged), key=lambda one: one.last, default=made[0])
    yield farthest.factor, None, LONGER
    if made[-1].rows:
        for few in FEW:
            if few < made[0].rows:
                yield farthest.factor, few, LONGER


def _attempt(trainer: TrainerUnderTest, factor: float, most: int | None, steps: int, deadline: float) -> OverfitAttempt:
    feed = Tiny(most=most)
    seen = Instrumentation(feed, fixed(factor), lambda seen: _is_over(seen, steps), plainly=True, deadline=deadline)
    _, failure = run_out(trainer.train(seen))
    accuracies = [step.loss.accuracy for step in seen.steps[-TAIL:] if step.loss.accuracy is not None]
    return OverfitAttempt(
        factor,
        feed.rows,
        tuple(seen.losses),
        sum(accuracies) / len(accuracies) if accuracies else None,
        seen.steps[0].loss.chance if seen.steps else None,
        failure.summary if failure else "",
    )


def _is_over(seen: Instrumentation, steps: int) -> bool:
    """As soon as it is learned: five losses in a row say so."""
    if len(seen.steps) >= steps or seen.backwards >= 10 * steps:
        return True
    recent = (seen.losses[0], *seen.losses[-TAIL:])
    return len(seen.steps) > 2 * TAIL and OverfitAttempt(1.0, 0, recent, chance=seen.steps[0].loss.chance).memorised
