"""PostgreSQL: which of its errors are transient, and a server that does not answer."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Timer
from typing import Any

REPLY_TIMEOUT = 15.0
"""Seconds that a transaction of the loop waits for a server that is connected and does not answer."""

IDLE_TRANSACTION_TIMEOUT = 20.0
"""Seconds after which the server ends a transaction of a client that has stopped or vanished, and frees its locks. Else
it would keep them until TCP notices, which takes hours."""

_PASSES = ("08", "40", "53", "57", "25006", "25P03")
"""Classes of SQLSTATE: connection lost, conflict, too much of something, shut down or starting, read-only (failover),
IDLE_TRANSACTION_TIMEOUT."""

_ADVICE = {
    "25006": "give the address of the primary server",
    "25P03": "this process was stopped within a transaction until the server ended it: keep it running",
    "42501": "give the user the right to make and change tables there",
    "53100": "free disk space on the server",
    "53300": "raise max_connections on the server",
    "57P03": "wait until it is up",
}


def is_transient(error: BaseException) -> bool:
    """Whether a retry may work. Without an SQLSTATE the connection itself has failed."""
    state = getattr(error, "sqlstate", None)
    return type(error).__name__ != "IntegrityError" if state is None else str(state).startswith(_PASSES)


def advice(error: BaseException) -> str:
    """What to do about it, before the next try."""
    state = getattr(error, "sqlstate", None)
    if state is None:
        return "check that the server runs, and that address, database, user and password are right"
    return _ADVICE.get(state, f"see the server's log (SQLSTATE {state})")


def set_up(connection: Any, _: object) -> None:
    """Settings of every new connection. connection: psycopg's."""
    connection.execute(f"SET idle_in_transaction_session_timeout = {IDLE_TRANSACTION_TIMEOUT * 1000:.0f}")
    connection.commit()


def restart_idle_timeout(cursor: Any) -> None:
    """After `executemany`: psycopg sends it as a pipeline, after which the server does not end an idle transaction
    (measured with PostgreSQL 18.4); after a plain statement it does again."""
    cursor.execute("SELECT 1")


@contextmanager
def reply_timeout(connection: Any, seconds: float = REPLY_TIMEOUT) -> Iterator[None]:
    """A context that closes the connection after `seconds`, so that a query that waits for the server raises.

    connection: psycopg's. It has no timeout of its own: behind a proxy whose cable is cut, or with a frozen server, a
    query waits for ever.
    """
    timer = Timer(seconds, _shut_down, (connection,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _shut_down(connection: Any) -> None:
    with suppress(Exception), socket.socket(fileno=os.dup(connection.fileno())) as line:  # it may be closed by now
        line.shutdown(socket.SHUT_RDWR)
