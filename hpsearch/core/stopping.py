"""What a signal raises, and the error that it ends with."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from hpsearch.core.errors import Stopped

RAISED = (KeyboardInterrupt, SystemExit)
"""By Ctrl-C, and by SIGTERM."""

RESUME = "run it again to go on"
"""What to do after a signal, where nothing is lost."""


@contextmanager
def stoppable(advice: str) -> Iterator[None]:
    """SIGINT and SIGTERM end what is inside as `Stopped`. advice: what to do then."""
    try:
        with _terminable():
            yield
    except RAISED as raised:
        number = signal.SIGINT if isinstance(raised, KeyboardInterrupt) else signal.SIGTERM
        raise Stopped(number, f"stopped by {number.name}: {advice}") from None


@contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM raises SystemExit. Python sets handlers on the main thread alone."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)


def _leave(number: int, frame: Any) -> NoReturn:  # noqa: ARG001
    raise SystemExit(128 + number)


@contextmanager
def handlers_kept() -> Iterator[None]:
    """The handlers of SIGINT and SIGTERM are afterwards what they were: `ray.init` puts others in their place, and that
    of its core (C++) prints a stack and ends the process."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
