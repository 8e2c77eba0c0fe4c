"""A trainer that is measured."""

from collections.abc import Callable, Iterator
from pathlib import Path

from hpsearch.core.messages import Failure
from hpsearch.core.trial import Objective, Params, Report
from hpsearch.preflight.measure.instrumentation import Instrumentation
from hpsearch.preflight.measure.instrumented_training import TrainerUnderTest, run_to_end
from hpsearch.trainer.open_trial import TrainerContext

SCORE = Objective("val_score", "maximize")


def context(trainer: Callable[..., Iterator[Report]] | str, objective: Objective = SCORE) -> TrainerContext:
    use = trainer if isinstance(trainer, str) else f"{trainer.__module__}:{trainer.__name__}"
    return TrainerContext(use, Path(), {}, objective)


def under_test(
    trainer: Callable[..., Iterator[Report]], epochs: int = 10, params: Params | None = None
) -> TrainerUnderTest:
    return TrainerUnderTest(context(trainer), params or {}, seed=0, epochs=epochs)


def measured(
    trainer: Callable[..., Iterator[Report]],
    seen: Instrumentation,
    *,
    epochs: int = 2,
    params: Params | None = None,
) -> tuple[tuple[Report, ...], Failure | None]:
    return run_to_end(under_test(trainer, epochs, params).train(seen))
