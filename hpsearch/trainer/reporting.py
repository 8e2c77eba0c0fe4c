"""The report of a training that calls functions instead of yielding: to the search that runs it, where one does."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from hpsearch.trainer.training_run import Run

_current: Run | None = None
"""The run whose trainer is running. A process trains one epoch at a time: trials that share it take turns."""


@contextmanager
def reports_to(run: Run) -> Iterator[None]:
    """In this context `report` reports to this run."""
    global _current
    before, _current = _current, run
    try:
        yield
    finally:
        _current = before


def report(step: int | Mapping[str, Any], metrics: Mapping[str, Any] | None = None) -> None:
    """Report metrics of a training step to the search that runs this program, as `Run.report` does. Where no search
    runs it, nothing happens.

    step: counts from 1. `report({"val_loss": 0.3})`, without a step, is of the next one.

    Returns when the search has judged the report. TrialStopped is raised where the trial has to end.
    """
    if _current is not None:
        _current.report(step, metrics)
