"""A trainer on a bench."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hpsearch.core.messages import Failure
from hpsearch.core.trial import Objective, Report
from hpsearch.preflight.measure.instrumentation import Tap
from hpsearch.preflight.measure.instrumented_training import run_out, train
from hpsearch.preflight.measurements import Bench

SCORE = Objective("val_score", "maximize")


def bench(trainer: Callable[..., Iterator[Report]] | str, objective: Objective = SCORE, seed: int = 0) -> Bench:
    use = trainer if isinstance(trainer, str) else f"{trainer.__module__}:{trainer.__name__}"
    return Bench(use, Path(), {}, objective, seed=seed)


def listened(
    trainer: Callable[..., Iterator[Report]], tap: Tap, *, epochs: int = 2, params: dict[str, Any] | None = None
) -> tuple[tuple[Report, ...], Failure | None]:
    return run_out(train(bench(trainer), params or {}, tap, epochs))
