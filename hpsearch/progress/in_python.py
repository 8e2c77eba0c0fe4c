"""Runs that Python code starts, in a terminal or a notebook, and their progress."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hpsearch.core.errors import BadInput
from hpsearch.core.logs import logging_restored
from hpsearch.orchestrator.changes.extend import extend as extend_recorded
from hpsearch.orchestrator.changes.extension import ExtendRequest
from hpsearch.orchestrator.observers import Observer
from hpsearch.orchestrator.run_result import RunResult
from hpsearch.study.definition import Study

_RUNNING = threading.Lock()
"""Held while a study runs, since random states, Ray and logging are global to the process."""


@contextmanager
def running(progress: bool) -> Iterator[Observer]:
    """A context in which this process runs a study. BadInput if it runs another one. progress: see
    `observer_in_python`."""
    if not _RUNNING.acquire(blocking=False):
        raise BadInput("a study is running in this process already: wait for its end, or use a process of its own")
    try:
        with logging_restored(), observer_in_python(progress) as observer:
            yield observer
    finally:
        _RUNNING.release()


@contextmanager
def observer_in_python(progress: bool) -> Iterator[Observer]:
    """In a notebook, plain lines on stdout, since stderr is shown in red and a live view flickers. progress: False for
    no output."""
    if not progress:
        yield Observer()
        return
    from rich.console import Console

    from hpsearch.progress.terminal import Terminal

    plain = Console(force_jupyter=False, force_terminal=False, color_system=None) if Console().is_jupyter else None
    with Terminal(console=plain) as terminal:
        yield terminal


def extend(
    study: str | Path | Study,
    epochs: int,
    *,
    best: int | None = None,
    from_scratch: bool = False,
    journal: str | None = None,
    progress: bool = True,
) -> RunResult:
    """Train the finished trials of a recorded study longer, from their checkpoints, as `hpsearch extend` does.

    study: its name, its file, or the Study; a trainer that is given as a Python object needs the Study.
    epochs: total epochs of a trial, including those that it has trained.
    best: the number of best trials to train longer; None: all finished trials.
    from_scratch: train trials without a checkpoint again from epoch 1; otherwise such a trial raises StudyChanged.
    journal: as for `load`, for a name or a file. progress: as for `run`.

    Raises BadInput for fewer epochs than recorded, NotFound for a study that is not recorded, and the errors of `run`.
    """
    asked = study if isinstance(study, Study) else os.fspath(study)
    with running(progress) as observer:
        return extend_recorded(asked, journal, epochs, ExtendRequest(best, from_scratch), observer)
