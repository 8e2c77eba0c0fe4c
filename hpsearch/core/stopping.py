"""SIGINT and SIGTERM as exceptions."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from hpsearch.core.errors import Stopped

SIGNAL_EXCEPTIONS = (KeyboardInterrupt, SystemExit)
"""Raised by SIGINT (Ctrl-C), and by SIGTERM."""

RESUME = "run the same command again to continue"
"""The advice after a signal where the next run resumes."""


@contextmanager
def stoppable(advice: str) -> Iterator[None]:
    """A context in which SIGINT and SIGTERM raise `Stopped`. advice: what to do then."""
    try:
        with _terminable():
            yield
    except SIGNAL_EXCEPTIONS as raised:
        number = signal.SIGINT if isinstance(raised, KeyboardInterrupt) else signal.SIGTERM
        raise Stopped(number, f"stopped by {number.name}: {advice}") from None


@contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM raises SystemExit. Without effect on other threads: Python sets handlers on the main thread only."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _raise_system_exit)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)


def _raise_system_exit(number: int, frame: Any) -> NoReturn:  # noqa: ARG001
    raise SystemExit(128 + number)


@contextmanager
def handlers_kept() -> Iterator[None]:
    """A context that restores the handlers of SIGINT and SIGTERM: `ray.init` replaces them, and Ray's own (C++) prints
    a stack and ends the process."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
