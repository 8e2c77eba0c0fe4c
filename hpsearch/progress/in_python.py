"""The progress of a run that Python code starts, in a terminal or a notebook."""

from collections.abc import Iterator
from contextlib import contextmanager

from hpsearch.orchestrator.observers import Observer


@contextmanager
def observer_in_python(progress: bool) -> Iterator[Observer]:
    """In a notebook, plain lines on stdout: it shows stderr in red and a live view flickers. progress: False: nothing
    is shown."""
    if not progress:
        yield Observer()
        return
    from rich.console import Console

    from hpsearch.progress.terminal import Terminal

    plain = Console(force_jupyter=False, force_terminal=False, color_system=None) if Console().is_jupyter else None
    with Terminal(console=plain) as terminal:
        yield terminal
