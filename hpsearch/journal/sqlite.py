"""What is particular to SQLite: how its file is opened, copied, and what to do about its errors."""

import shutil
import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine

from hpsearch.core.errors import JournalError

BUSY_TIMEOUT = 90.0
"""Seconds to wait for another process that holds the file, where a transaction does not say otherwise."""

_ADVICE = {
    "SQLITE_BUSY": "another process holds it: wait for that, or end it",
    "SQLITE_CORRUPT": "it is damaged: `sqlite3 FILE .recover` may save what is in it",
    "SQLITE_READONLY": "make the file and its folder writable",
    "SQLITE_CANTOPEN": "make the file and its folder readable and writable",
    "SQLITE_FULL": "make room",
    "SQLITE_IOERR": "its disk fails, or is full: see to that",
}


def engine(url: URL, path: Path, *, create: bool) -> Engine:
    """Its transactions begin as their connection's option `hpsearch_begin` says, by default as a writer's, and wait for
    as many seconds as `hpsearch_patience` says.

    create: whether to connect may make the file.
    """

    def connect() -> sqlite3.Connection:
        return _connect(path, create)

    made = sa.create_engine(url, creator=connect, paramstyle="named", hide_parameters=True)
    sa.event.listen(made, "begin", _begin)
    return made


def make_file(path: Path) -> None:
    """Folder and file, with a write-ahead log, which the file remembers: readers never hold up the writer."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise JournalError(f"journal {path}: its folder cannot be made: {error}") from error
    with closing(_connect(path, create=True)) as connection:
        _use_wal(connection, time.monotonic() + BUSY_TIMEOUT)


def back_up(path: Path, to: Path) -> None:
    """A copy of the file as it is committed now, whoever uses it meanwhile: whole, or none."""
    try:
        with closing(_connect(path, create=False)) as source, closing(sqlite3.connect(to)) as target:
            source.backup(target)
    except BaseException:
        to.unlink(missing_ok=True)
        raise


def is_busy(error: BaseException) -> bool:
    """Another process has locked the file."""
    return getattr(error, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def advice(error: BaseException, path: Path) -> str:
    """What to do about it, before the next try."""
    name = getattr(error, "sqlite_errorname", "")
    todo = next((text for kind, text in _ADVICE.items() if name.startswith(kind)), f"put that right ({name})")
    if name.startswith(("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_CANTOPEN")):
        with suppress(OSError):
            todo = f"{shutil.disk_usage(path.parent).free:,} bytes are free in {path.parent}: {todo}"
    return todo


def _connect(path: Path, create: bool) -> sqlite3.Connection:
    uri = f"file:{quote(str(path.absolute()))}?mode={'rwc' if create else 'rw'}"
    # isolation_level None: SQLAlchemy begins the transactions (its page on pysqlite), so that they can be IMMEDIATE.
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")  # what is committed survives a power cut
    return connection


def _begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    connection.exec_driver_sql(f"PRAGMA busy_timeout = {options.get('hpsearch_patience', BUSY_TIMEOUT) * 1000:.0f}")
    connection.exec_driver_sql(options.get("hpsearch_begin", "BEGIN IMMEDIATE"))


def _use_wal(connection: sqlite3.Connection, deadline: float) -> None:
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            # Here SQLite does not wait by itself for others that open the same new file.
            if not error.sqlite_errorname.startswith("SQLITE_BUSY") or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
