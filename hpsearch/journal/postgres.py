"""What is particular to PostgreSQL: which of its errors pass by themselves, and a server that does not answer."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Timer
from typing import Any

SILENCE = 15.0
"""Seconds that a transaction of the loop waits for a server that is connected and says nothing."""

ABANDONED = 20.0
"""Seconds after which the server ends a transaction whose client stands still or is gone, so that nobody waits for its
locks; else it would keep them until TCP notices, which takes hours."""

_PASSES = ("08", "40", "53", "57", "25006", "25P03")
"""Classes of SQLSTATE: connection lost, conflict, too much of something, shut down or starting, read-only (failover),
ABANDONED."""

_ADVICE = {
    "25006": "give the address of the primary server",
    "25P03": f"this process was stopped within a transaction for more than {ABANDONED:.0f} s: keep it running",
    "42501": "give the user the right to make and change tables there",
    "53100": "make room on the server's disk",
    "53300": "let it have more connections (max_connections)",
    "57P03": "wait until it is up",
}


def is_away(error: BaseException) -> bool:
    """Whether the same may work a while later; without an SQLSTATE, the connection itself has failed."""
    state = getattr(error, "sqlstate", None)
    return type(error).__name__ != "IntegrityError" if state is None else str(state).startswith(_PASSES)


def advice(error: BaseException) -> str:
    """What to do about it, before the next try."""
    state = getattr(error, "sqlstate", None)
    if state is None:
        return "see that the server runs, and that address, database, user and password are right"
    return _ADVICE.get(state, f"look into the server's log (SQLSTATE {state})")


def set_up(connection: Any, _: object) -> None:
    """What every connection of ours begins with. connection: psycopg's."""
    connection.execute(f"SET idle_in_transaction_session_timeout = {ABANDONED * 1000:.0f}")
    connection.commit()


def restart_idle_timeout(cursor: Any) -> None:
    """After `executemany`: psycopg sends it as a pipeline, after which the server does not end an idle transaction
    (measured with PostgreSQL 18.4); after a plain statement it does again."""
    cursor.execute("SELECT 1")


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
