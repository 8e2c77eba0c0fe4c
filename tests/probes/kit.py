"""A trainer on a bench."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hpsearch.probes.bench import run_out, train
from hpsearch.probes.tap import Tap
from hpsearch.probes.values import Bench
from hpsearch.trial import Failure, Objective, Report

SCORE = Objective("val_score", "maximize")


def bench(trainer: Callable[..., Iterator[Report]] | str, objective: Objective = SCORE, seed: int = 0) -> Bench:
    use = trainer if isinstance(trainer, str) else f"{trainer.__module__}:{trainer.__name__}"
    return Bench(use, Path(), {}, objective, seed=seed)


def listened(
    trainer: Callable[..., Iterator[Report]], tap: Tap, *, epochs: int = 2, params: dict[str, Any] | None = None
) -> tuple[tuple[Report, ...], Failure | None]:
    return run_out(train(bench(trainer), params or {}, tap, epochs))
