"""What signals do to a run: one ends it in good order, a second one now, and a closed terminal does nothing.

A handler only leaves notes: the loop and the terminal act on them in their own time. Python lets the main thread alone
install handlers: a run on another thread, such as a notebook's, leaves all signals as they are.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from hpsearch.core.errors import Stopped
from hpsearch.core.stopping import stoppable
from hpsearch.orchestrator.loop import Loop
from hpsearch.workers import worker

GRACE = {signal.SIGINT: 25.0, signal.SIGTERM: 20.0}
"""Seconds that running trials have to end their epoch, so that all is over within 30 and 25: closing Ray takes some.
Slurm and Kubernetes allow 30 from SIGTERM to SIGKILL."""

AGAIN = "run the same command again to go on"


class Signals:
    """first: the signal that asked for the end, None while none has. note: takes what the user should know."""

    def __init__(self, note: Callable[[str], None]) -> None:
        self.first: signal.Signals | None = None
        self._note = note
        self._loop: Loop | None = None
        self._count = 0

    @contextmanager
    def listening(self) -> Iterator[None]:
        """In this context a signal ends what runs as `Stopped`; SIGHUP is ignored, by processes started here too."""
        handlers: dict[signal.Signals, Any] = dict.fromkeys(GRACE, self._handle)
        if hasattr(signal, "SIGHUP"):
            handlers[signal.SIGHUP] = signal.SIG_IGN
        if not _on_main_thread():
            handlers.clear()
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        try:
            with stoppable(AGAIN):
                yield
        except KeyboardInterrupt:
            asked = self.first or signal.SIGINT
            raise Stopped(asked, f"stopped by {asked.name}: {AGAIN}") from None
        finally:
            for number, handler in before.items():
                signal.signal(number, signal.SIG_DFL if handler is None else handler)

    @contextmanager
    def stopping(self, loop: Loop) -> Iterator[None]:
        """In this context the loop is asked to end."""
        for number in GRACE if _on_main_thread() else ():
            signal.signal(number, self._handle)  # `ray.init` has put a handler of its own for SIGTERM
        self._loop = loop
        try:
            yield
        finally:
            self._loop = None

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self._count += 1
        self.first = self.first or signal.Signals(number)
        reason, grace = f"stopped by {self.first.name}", GRACE[self.first]
        if self._loop is None or self._count > 2 or (self._count == 2 and _trains_here(frame)):
            raise KeyboardInterrupt
        if self._count == 1:
            self._loop.stop(reason, grace)
            self._note(f"stopping: running trials end their epoch (at most {grace:.0f} s); again to stop at once")
        else:
            self._loop.stop(reason, 0.0)


def _on_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _trains_here(frame: FrameType | None) -> bool:
    """Whether the signal came while a trial trained in this very process, which only an exception can break off.

    Everywhere else the loop ends within half a second, and an exception might come between a write and its notes.
    """
    while frame is not None:
        if frame.f_globals is vars(worker):
            return True
        frame = frame.f_back
    return False
