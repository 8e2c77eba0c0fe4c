"""Runs a trainer with instrumentation. Every training starts from the beginning, like a trial."""

import gc
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hpsearch.core.messages import Failure
from hpsearch.core.trial import Params, Report
from hpsearch.preflight.measure.instrumentation import Instrumentation, StopTraining
from hpsearch.preflight.measure.interception import instrumented
from hpsearch.trainer.failures import failure_of
from hpsearch.trainer.open_trial import OpenTrial, TrainerContext


@dataclass(frozen=True)
class TrainerUnderTest:
    """epochs: the most epochs that a trial of the study trains."""

    context: TrainerContext
    params: Params
    seed: int
    epochs: int

    def train(self, instruments: Instrumentation) -> Iterator[Report]:
        """Train until the trainer or the instrumentation ends the training. Raises exceptions of the trainer, and
        TrainerError."""
        context, trainer = self.context, self.context.find()
        fold = next(iter(context.replicates)).fold
        with tempfile.TemporaryDirectory(prefix="hpsearch-preflight-", ignore_cleanup_errors=True) as scratch:
            run = context.run(self.seed, self.epochs, Path(scratch), fold=fold, instrument=instruments)
            trial = OpenTrial(trainer, context.params(self.params), run)
            try:
                while True:
                    with instrumented(instruments):
                        report = trial.next_report()
                    if report is None:
                        return
                    yield report
            except StopTraining:
                return
            finally:
                with suppress(Exception, StopTraining, SystemExit):  # its `finally` may raise
                    trial.close()
                gc.collect()
                if context.device == "cuda" and "torch" in sys.modules:
                    sys.modules["torch"].cuda.empty_cache()


def run_to_end(reports: Iterator[Report], most: int | None = None) -> tuple[tuple[Report, ...], Failure | None]:
    """All reports, or the first `most`, and the failure if the trainer raised an exception."""
    seen: list[Report] = []
    try:
        for report in reports:
            seen.append(report)
            if len(seen) == most:
                break
    except (Exception, SystemExit) as problem:
        return tuple(seen), failure_of(problem)
    finally:
        reports.close()  # type: ignore[attr-defined]  # it is a generator
    return tuple(seen), None
