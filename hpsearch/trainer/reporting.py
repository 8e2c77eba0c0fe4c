"""The report of a training that calls functions instead of yielding: to the search that runs it, where one does.

A program that a search has started imports this module: it imports nothing else of hpsearch.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hpsearch.trainer.training_run import Run

REPORT = "HPSEARCH_REPORT"
"""The environment variable with the path of the file that a program writes its reports to: one line of JSON each."""

_current: "Run | None" = None
"""The run whose trainer is running. A process trains one epoch at a time: trials that share it take turns."""


@contextmanager
def reports_to(run: "Run") -> Iterator[None]:
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

    Returns when the search has judged the report. TrialStopped is raised where the trial has to end. In a program that
    `trainer.command` has started it returns at once, and the program is stopped by SIGTERM.
    """
    if _current is not None:
        _current.report(step, metrics)
    elif path := os.environ.get(REPORT):
        _write(path, step, metrics)


def _write(path: str, step: int | Mapping[str, Any], metrics: Mapping[str, Any] | None) -> None:
    """Nothing is written where the search has ended. TypeError for what is no number."""
    given = step if isinstance(step, Mapping) else metrics
    if given is None:
        raise TypeError(f"hpsearch.report({step!r:.80}) has no metrics: write hpsearch.report(step, {{name: value}})")
    values = {str(name): float(value.item() if hasattr(value, "item") else value) for name, value in given.items()}
    line = {"metrics": values} if isinstance(step, Mapping) else {"step": int(step), "metrics": values}
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK)
    except OSError:  # the search has removed the file, or reads it no more
        return
    try:
        os.set_blocking(descriptor, True)
        os.write(descriptor, f"{json.dumps(line)}\n".encode())
    finally:
        os.close(descriptor)
