"""Turns SIGINT, SIGTERM, SIGUSR1 and SIGUSR2 into exceptions."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from hpsearch.core.errors import Stopped

NOTICES = (signal.SIGUSR1, signal.SIGUSR2) if hasattr(signal, "SIGUSR1") else ()
"""Signals that schedulers send some time before they end a job, such as Slurm with --signal=USR1@120."""

SIGNAL_EXCEPTIONS = (KeyboardInterrupt, SystemExit)
"""Raised by SIGINT (Ctrl-C), and by SIGTERM and NOTICES."""

RESUME = "run the same command again to continue"
"""The advice after a signal if the next run resumes the study."""


@contextmanager
def stoppable(advice: str) -> Iterator[None]:
    """A context in which SIGINT, SIGTERM and NOTICES raise `Stopped`. advice: what to do then."""
    try:
        with _terminable():
            yield
    except SIGNAL_EXCEPTIONS as raised:
        codes: dict[object, signal.Signals] = {128 + number: number for number in NOTICES}
        number = signal.SIGINT if isinstance(raised, KeyboardInterrupt) else codes.get(raised.code, signal.SIGTERM)
        raise Stopped(number, f"stopped by {number.name}: {advice}") from None


@contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM and NOTICES raise SystemExit. Without effect on other threads: only the main thread sets handlers."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _raise_system_exit) for number in (signal.SIGTERM, *NOTICES)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


def _raise_system_exit(number: int, frame: Any) -> NoReturn:  # noqa: ARG001
    raise SystemExit(128 + number)


@contextmanager
def notices_ignored() -> Iterator[None]:
    """A context in which this process, and processes started in it, ignore NOTICES.

    Slurm sends them to every process of a job step, and they end a process that does not handle them.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in NOTICES}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


@contextmanager
def handlers_kept() -> Iterator[None]:
    """A context that restores the handlers of SIGINT and SIGTERM at its end.

    `ray.init` replaces them with handlers (in C++) that print a stack and end the process.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
