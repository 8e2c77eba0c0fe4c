"""Signals of a run: the first stops it after the running epochs, a second one at once; SIGHUP is ignored.

A handler only stores requests, which the loop and the terminal process later. Python allows only the main thread to
install handlers, so a run on another thread does not change any signal handler.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from hpsearch.core.errors import Stopped
from hpsearch.core.stopping import NOTICES, RESUME, SIGNAL_EXCEPTIONS
from hpsearch.orchestrator.loop import Loop
from hpsearch.workers import worker

GRACE = {signal.SIGINT: 25.0, signal.SIGTERM: 20.0, **dict.fromkeys(NOTICES, 20.0)}
"""Seconds that running trials have to end their epoch. With 5 s to close Ray, a run ends within 30 s of Ctrl-C and 25 s
of SIGTERM; Slurm and Kubernetes allow 30 s from SIGTERM to SIGKILL."""


class Signals:
    """first: the signal that requested the end, or None. note: shows a line to the user."""

    def __init__(self, note: Callable[[str], None]) -> None:
        self.first: signal.Signals | None = None
        self._note = note
        self._loop: Loop | None = None
        self._count = 0
        self._repeat: threading.Timer | None = None

    @contextmanager
    def listening(self) -> Iterator[None]:
        """In this context a signal raises `Stopped`. SIGHUP is ignored, also by processes that are started here."""
        handlers: dict[signal.Signals, Any] = dict.fromkeys(GRACE, self._handle)
        if hasattr(signal, "SIGHUP"):
            handlers[signal.SIGHUP] = signal.SIG_IGN
        if not _on_main_thread():
            handlers.clear()
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        try:
            yield
        except SIGNAL_EXCEPTIONS as raised:  # SystemExit: from the handler that `ray.init` installs while it starts
            asked = self.first or (signal.SIGINT if isinstance(raised, KeyboardInterrupt) else signal.SIGTERM)
            raise Stopped(asked, f"stopped by {asked.name}: {RESUME}") from None
        finally:
            for number, handler in before.items():
                signal.signal(number, signal.SIG_DFL if handler is None else handler)

    @contextmanager
    def stopping(self, loop: Loop) -> Iterator[None]:
        """In this context a signal stops the loop."""
        for number in GRACE if _on_main_thread() else ():
            signal.signal(number, self._handle)  # `ray.init` has installed its own handler for SIGTERM
        self._loop = loop
        try:
            yield
        finally:
            self._loop = None
            if self._repeat is not None:
                self._repeat.cancel()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self._count += 1
        self.first = self.first or signal.Signals(number)
        reason, grace = f"stopped by {self.first.name}", GRACE[self.first]
        if self._loop is None or self._count > 2 or (self._count == 2 and _trains_here(frame)):
            raise KeyboardInterrupt
        if self._count == 1:
            self._loop.stop(reason, grace)
            self._note(f"stopping after the running epochs (at most {grace:.0f} s); repeat to stop at once")
            if _trains_here(frame):
                self._repeat_after(grace, number)
        else:
            self._loop.stop(reason, 0.0)

    def _repeat_after(self, seconds: float, number: int) -> None:
        """Send the signal again after some seconds: while a trial trains in this process, the loop cannot stop it."""
        target = threading.main_thread().ident
        assert target is not None
        self._repeat = threading.Timer(seconds, signal.pthread_kill, (target, number))
        self._repeat.daemon = True
        self._repeat.start()


def _on_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _trains_here(frame: FrameType | None) -> bool:
    """Whether the signal arrived while a trial trained in this process. Only an exception can interrupt that.

    Otherwise the loop ends within half a second, and an exception might be raised between a write and its notes.
    """
    while frame is not None:
        if frame.f_globals is vars(worker):
            return True
        frame = frame.f_back
    return False


class DeferredSignals:
    """A context for a Session in a caller's program. The first SIGINT or SIGTERM requests a regular end; the program's
    own handler is called with it when the context ends. Further signals raise KeyboardInterrupt at once. SIGUSR1 and
    SIGUSR2 are handled in the same way, unless the program has its own handlers for them.

    stop: called with the request. first: the signal that requested the end, or None.
    No effect outside of the main thread, since only that thread may handle signals.
    """

    def __init__(self, stop: Callable[[str], None]) -> None:
        self.first: signal.Signals | None = None
        self._stop = stop
        self._before: dict[signal.Signals, Any] = {}
        self._pid = os.getpid()
        self._is_held = self._came_again = False

    def __enter__(self) -> "DeferredSignals":
        if threading.current_thread() is threading.main_thread():
            for number in GRACE:
                before = signal.getsignal(number)
                if before not in (signal.SIG_IGN, None) and (number not in NOTICES or before is signal.SIG_DFL):
                    self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self.first is not None and kind is None:
            signal.raise_signal(self.first)

    @contextmanager
    def held_back(self) -> Iterator[None]:
        """In this context, on the main thread, a second signal is delayed until its end."""
        is_main = threading.current_thread() is threading.main_thread()
        self._is_held = self._is_held or is_main
        try:
            yield
        finally:
            if is_main:
                self._is_held = False
        if self._came_again and is_main:
            self._came_again = False
            raise KeyboardInterrupt

    def _handle(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if os.getpid() != self._pid:  # in a forked process, such as a worker of a DataLoader
            signal.signal(number, self._before[signal.Signals(number)])
            signal.raise_signal(number)
        elif self.first is None:
            self.first = signal.Signals(number)
            self._stop(f"stopped by {self.first.name}")
        elif self._is_held:
            self._came_again = True
        else:
            raise KeyboardInterrupt
