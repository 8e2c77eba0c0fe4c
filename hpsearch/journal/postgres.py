"""PostgreSQL: transient errors, and timeouts for a server that does not answer."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Timer
from typing import Any

REPLY_TIMEOUT = 15.0
"""Seconds that a transaction of the loop waits for a reply of the server."""

IDLE_TRANSACTION_TIMEOUT = 20.0
"""Seconds after which the server ends a transaction of a stopped or lost client, and frees its locks. Without it the
locks would be held until a TCP timeout, for hours."""

_TRANSIENT = ("08", "40", "53", "57", "25006", "25P03")
"""Classes of SQLSTATE: connection lost, conflict, insufficient resources, shutdown or start, read-only (failover),
IDLE_TRANSACTION_TIMEOUT."""

_ADVICE = {
    "25006": "give the address of the primary server",
    "25P03": "this process was suspended, so the server ended its transaction: keep the process running",
    "42501": "grant the user the right to create and change tables there",
    "53100": "free disk space on the server",
    "53300": "raise max_connections on the server",
    "57P03": "wait until it is up",
}


def is_transient(error: BaseException) -> bool:
    """Whether a retry may work. Without an SQLSTATE the connection itself has failed."""
    state = getattr(error, "sqlstate", None)
    return type(error).__name__ != "IntegrityError" if state is None else str(state).startswith(_TRANSIENT)


def advice(error: BaseException) -> str:
    """What the user can do before the next attempt."""
    state = getattr(error, "sqlstate", None)
    if state is None:
        return "check that the server runs, and that address, database, user and password are right"
    return _ADVICE.get(state, f"see the server's log (SQLSTATE {state})")


def set_up(connection: Any, _: object) -> None:
    """Configure a new connection (psycopg's)."""
    connection.execute(f"SET idle_in_transaction_session_timeout = {IDLE_TRANSACTION_TIMEOUT * 1000:.0f}")
    connection.commit()


def restart_idle_timeout(cursor: Any) -> None:
    """Call it after `executemany`: psycopg sends that as a pipeline, after which the server does not apply the timeout
    of idle transactions (measured with PostgreSQL 18.4); after a plain statement it does again."""
    cursor.execute("SELECT 1")


@contextmanager
def reply_timeout(connection: Any, seconds: float = REPLY_TIMEOUT) -> Iterator[None]:
    """A context that closes the connection (psycopg's) after `seconds`, so that a waiting query raises.

    psycopg has no timeout for replies: if a proxy loses its connection, or the server hangs, a query never returns.
    """
    timer = Timer(seconds, _shut_down, (connection,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _shut_down(connection: Any) -> None:
    with suppress(Exception), socket.socket(fileno=os.dup(connection.fileno())) as sock:  # it may be closed already
        sock.shutdown(socket.SHUT_RDWR)
