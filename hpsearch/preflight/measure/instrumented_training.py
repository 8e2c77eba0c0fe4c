"""A trainer that is measured: each training begins anew, as a trial would, and is instrumented."""

import gc
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpsearch.core.errors import TrainerError
from hpsearch.core.messages import Failure
from hpsearch.core.trial import Params, Report
from hpsearch.preflight.measure.instrumentation import Enough, Tap
from hpsearch.preflight.measure.interception import listening
from hpsearch.trainer import contract, state
from hpsearch.trainer.measurement import MeasurementContext
from hpsearch.trainer.training_run import Run


@dataclass(frozen=True)
class TrainerUnderTest:
    """epochs: the most that a trial of the study trains."""

    context: MeasurementContext
    params: Params
    seed: int
    epochs: int

    def train(self, tap: Tap) -> Iterator[Report]:
        """Train until the trainer or the tap comes to an end. Raises what the trainer raises; TrainerError."""
        context = self.context
        function = contract.find(context.use, context.folder)
        state.seed_everything(self.seed)
        with tempfile.TemporaryDirectory(prefix="hpsearch-preflight-", ignore_cleanup_errors=True) as scratch:
            run = Run(
                self.seed,
                self.epochs,
                device=context.device,
                threads=context.threads,
                data_dir=context.data_dir,
                scratch_dir=Path(scratch),
                probe=tap,
                fold=next(iter(context.replicates)).fold,
            )
            reports = function(contract.argument(function, {**context.options, **self.params}), run)
            try:
                for report in _checked(context.objective.metric, reports, tap):
                    run.check_fold_is_asked_for()
                    yield report
            finally:
                _close(context.device, reports)


def _checked(metric: str, reports: Iterator[Report], tap: Tap) -> Iterator[Report]:
    step = 0
    while True:
        try:
            with listening(tap):
                report = next(reports)
        except (StopIteration, Enough):
            return
        checked = contract.metrics_of(report, step)
        step = checked.step
        if metric not in checked.metrics:
            raise TrainerError(
                f'study.metric = "{metric}" is not among what the trainer reports: '
                f"{', '.join(sorted(checked.metrics)) or 'nothing'}"
            )
        yield checked


def _close(device: str, reports: Any) -> None:
    """Its `finally` may raise; what it held is given back."""
    with suppress(Exception, Enough, SystemExit):
        reports.close()
    gc.collect()
    if device == "cuda" and "torch" in sys.modules:
        sys.modules["torch"].cuda.empty_cache()


def run_out(reports: Iterator[Report], most: int | None = None) -> tuple[tuple[Report, ...], Failure | None]:
    """All reports, or the first so many, and why there are no more, where the trainer raised."""
    seen: list[Report] = []
    try:
        for report in reports:
            seen.append(report)
            if len(seen) == most:
                break
    except TrainerError as problem:
        return tuple(seen), Failure("contract", str(problem))
    except Exception as problem:
        return tuple(seen), failure_of(problem)
    except SystemExit as leaving:
        return tuple(seen), Failure("error", f"the trainer called sys.exit({leaving.code!r})", contract.brief(leaving))
    finally:
        reports.close()  # type: ignore[attr-defined]  # it is a generator
    return tuple(seen), None


def failure_of(problem: Exception) -> Failure:
    out_of_memory = isinstance(problem, MemoryError) or "out of memory" in str(problem).lower()
    return Failure(
        "oom" if out_of_memory else "error", contract.headline(problem)[:500], contract.brief(problem, frames=20)
    )
