"""`hpsearch.report`: reports for training code that calls a function instead of yielding.

Programs that a search starts import this module, so it imports no other module of hpsearch.
"""

import json
import os
from collections.abc import Callable, Mapping
from typing import Any

REPORT = "HPSEARCH_REPORT"
"""The environment variable with the path of the file for a program's reports: one line of JSON for each."""

current: Callable[..., None] | None = None
"""`Run.report` of the trainer that is running; `OpenTrial` sets it. Trials that share a process take turns, one epoch
at a time."""


def report(step: int | Mapping[str, Any], metrics: Mapping[str, Any] | int | None = None, **named: Any) -> None:
    """Report metrics of a training step to the search that runs this program, like `Run.report`. Outside
    of a search it does nothing.

    step: counts from 1. `report({"val_loss": 0.3})`, without a step, reports the next one. `report(3, val_loss=0.3)`
    and `report({"val_loss": 0.3}, 3)` are of step 3.

    Returns when the pruner has judged the report. Raises TrialStopped if the trial has to end. In a program that
    `trainer.command` has started it returns at once, and SIGTERM stops the program.
    """
    if current is not None:
        current(step, metrics, **named)
    elif path := os.environ.get(REPORT):
        at, given = step_and_metrics(step, metrics, named)
        if given is None:
            raise TypeError(
                f"hpsearch.report({step!r:.80}) has no metrics: write hpsearch.report(step, {{name: value}})"
            )
        _write(path, at, given)


def step_and_metrics(
    step: int | Mapping[str, Any], metrics: Mapping[str, Any] | int | None, named: Mapping[str, Any]
) -> tuple[Any, Any]:
    """The step, None for the next one, and the metrics, None if there are none, of any form of a report."""
    if isinstance(step, Mapping):
        return metrics, {**step, **named}
    if not named:
        return step, metrics
    return step, {**metrics, **named} if isinstance(metrics, Mapping) else named


def _write(path: str, step: Any, metrics: Mapping[str, Any]) -> None:
    """Writes nothing if the search has ended. TypeError for a value that is not a number."""
    values = {str(name): float(value.item() if hasattr(value, "item") else value) for name, value in metrics.items()}
    line = {"metrics": values} if step is None else {"step": int(step), "metrics": values}
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK)
    except OSError:  # the search has removed the file, or no longer reads it
        return
    try:
        os.set_blocking(descriptor, True)
        os.write(descriptor, f"{json.dumps(line)}\n".encode())
    finally:
        os.close(descriptor)
