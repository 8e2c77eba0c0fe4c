"""The progress of a run that Python code starts, in a terminal or a notebook."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from hpsearch.core.errors import BadInput
from hpsearch.core.logs import logging_restored
from hpsearch.orchestrator.observers import Observer

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
