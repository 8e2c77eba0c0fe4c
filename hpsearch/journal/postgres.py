"""What is particular to PostgreSQL: which of its errors pass by themselves, and a server that does not answer."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Timer
from typing import Any

SILENCE = 15.0
"""Seconds that a transaction of the loop waits for a server that is connected and says nothing."""

_PASSES = ("08", "40", "53", "57", "25006")
"""Classes of SQLSTATE: connection lost, conflict, too much of something, shut down or starting, read-only (failover)."""


def is_away(error: BaseException) -> bool:
    """Whether the same may work a while later; without an SQLSTATE, the connection itself has failed."""
    state = getattr(error, "sqlstate", None)
    return type(error).__name__ != "IntegrityError" if state is None else str(state).startswith(_PASSES)


@contextmanager
def impatient(connection: Any, seconds: float = SILENCE) -> Iterator[None]:
    """Hangs up on a server that takes longer than this, so that whoever waits for it is told that it is away.

    connection: psycopg's. It has no timeout of its own: where a cable is cut behind a proxy, or the server is frozen,
    a query waits for ever.
    """
    timer = Timer(seconds, _hang_up, (connection,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _hang_up(connection: Any) -> None:
    with suppress(Exception), socket.socket(fileno=os.dup(connection.fileno())) as line:  # it may be closed by now
        line.shutdown(socket.SHUT_RDWR)
