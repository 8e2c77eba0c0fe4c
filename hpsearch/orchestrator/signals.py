"""What signals do to a run: one ends it in good order, a second one now, and a closed terminal does nothing.

A handler only leaves notes: the loop and the screen act on them in their own time.
"""

import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Any

from hpsearch.orchestrator.loop import Loop

GRACE = {signal.SIGINT: 25.0, signal.SIGTERM: 20.0}
"""Seconds that running trials have to end their epoch, so that all is over within 30 and 25: closing Ray takes some.
Slurm and Kubernetes allow 30 from SIGTERM to SIGKILL."""


class Signals:
    """first: the signal that asked for the end, None while none has. news: where to put what the user should know."""

    def __init__(self, news: list[str]) -> None:
        self.first: signal.Signals | None = None
        self._news = news
        self._loop: Loop | None = None
        self._count = 0

    def listen(self, stack: ExitStack) -> None:
        """From here on, and until `stack` is closed. SIGHUP is ignored, by the processes that we start too."""
        handlers: dict[signal.Signals, Any] = dict.fromkeys(GRACE, self._heard)
        if hasattr(signal, "SIGHUP"):
            handlers[signal.SIGHUP] = signal.SIG_IGN
        for number, handler in handlers.items():
            before = signal.signal(number, handler)
            stack.callback(signal.signal, number, signal.SIG_DFL if before is None else before)

    @contextmanager
    def stopping(self, loop: Loop) -> Iterator[None]:
        """In this context the loop is asked to end; outside of it a signal raises KeyboardInterrupt."""
        for number in GRACE:
            signal.signal(number, self._heard)  # `ray.init` has put a handler of its own for SIGTERM
        self._loop = loop
        try:
            yield
        finally:
            self._loop = None

    def _heard(self, number: int, frame: FrameType | None) -> None:
        self._count += 1
        self.first = self.first or signal.Signals(number)
        reason, grace = f"stopped by {self.first.name}", GRACE[self.first]
        if self._loop is None or self._count > 2 or (self._count == 2 and _trains_here(frame)):
            raise KeyboardInterrupt
        if self._count == 1:
            self._loop.stop(reason, grace)
            self._news.append(
                f"stopping: running trials end their epoch (at most {grace:.0f} s); again to stop at once"
            )
        else:
            self._loop.stop(reason, 0.0)


def _trains_here(frame: FrameType | None) -> bool:
    """Whether the signal came while a trial trained in this very process, which only an exception can break off.

    Everywhere else the loop ends within half a second, and an exception might come between a write and its notes.
    """
    while frame is not None:
        if frame.f_globals.get("__name__") == "hpsearch.workers.worker":
            return True
        frame = frame.f_back
    return False
