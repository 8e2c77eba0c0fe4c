"""`hpsearch.report`: reports for training code that calls a function instead of yielding.

Programs that a search starts import this module, so it imports no other module of hpsearch.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hpsearch.trainer.training_run import Run

REPORT = "HPSEARCH_REPORT"
"""The environment variable with the path of the file for a program's reports: one line of JSON for each."""

_current: "Run | None" = None
"""The run of the trainer that is running. Trials that share a process take turns, one epoch at a time."""


@contextmanager
def reports_to(run: "Run") -> Iterator[None]:
    """In this context `report` calls this run's `report`."""
    global _current
    before, _current = _current, run
    try:
        yield
    finally:
        _current = before


def report(step: int | Mapping[str, Any], metrics: Mapping[str, Any] | None = None) -> None:
    """Report metrics of a training step to the search that runs this program, like `Run.report`. Outside
    of a search it does nothing.

    step: counts from 1. `report({"val_loss": 0.3})`, without a step, reports the next one.

    Returns when the pruner has judged the report. Raises TrialStopped if the trial has to end. In a program that
    `trainer.command` has started it returns at once, and SIGTERM stops the program.
    """
    if _current is not None:
        _current.report(step, metrics)
    elif path := os.environ.get(REPORT):
        _write(path, step, metrics)


def _write(path: str, step: int | Mapping[str, Any], metrics: Mapping[str, Any] | None) -> None:
    """Writes nothing if the search has ended. TypeError for a value that is not a number."""
    given = step if isinstance(step, Mapping) else metrics
    if given is None:
        raise TypeError(f"hpsearch.report({step!r:.80}) has no metrics: write hpsearch.report(step, {{name: value}})")
    values = {str(name): float(value.item() if hasattr(value, "item") else value) for name, value in given.items()}
    line = {"metrics": values} if isinstance(step, Mapping) else {"step": int(step), "metrics": values}
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK)
    except OSError:  # the search has removed the file, or no longer reads it
        return
    try:
        os.set_blocking(descriptor, True)
        os.write(descriptor, f"{json.dumps(line)}\n".encode())
    finally:
        os.close(descriptor)
