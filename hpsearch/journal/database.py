"""The journal's database: an engine with read and write transactions, and messages for its errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite as sqlite_dialect
from sqlalchemy.engine import URL, Connection, Engine, make_url

from hpsearch.core.errors import BadInput, HpsearchError, JournalError, JournalUnavailable, NotFound
from hpsearch.core.redact import is_ambiguous, masked
from hpsearch.journal import postgres, sqlite
from hpsearch.journal.sqlite import check_is_local

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql as postgresql_dialect

POSTGRES_TIMEOUTS: dict[str, str | int] = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
"""A lost connection is detected within 30 s. Parameters of the URL take precedence."""

_SECRETS = ("password", "sslpassword")


class Database:
    """A SQLite file or a PostgreSQL database. Threads may share it; every transaction has its own connection.

    path: the SQLite file, None for PostgreSQL. where: its name in messages, without passwords.
    """

    def __init__(self, url: str, *, create: bool = True):
        self.url = _parse(url)
        self.path = Path(str(self.url.database)) if self.url.get_backend_name() == "sqlite" else None
        address = self.url.difference_update_query(_SECRETS).render_as_string(hide_password=True)
        self.where = str(self.path or masked(address))
        if self.path is not None:
            check_is_local(self.path)
            if not create and not self.path.exists():
                raise NotFound(f"there is no journal at {self.where}: the first run of a study creates it")
        self.engine = sqlite.engine(self.url, self.path, create=create) if self.path else self._postgres()
        if self.path is not None:
            sa.event.listen(self.engine, "begin", _begin_on_sqlite)
        options = {"hpsearch_begin": "BEGIN"} if self.path else {"isolation_level": "REPEATABLE READ"}
        self._reader = self.engine.execution_options(**options)
        if self.path is not None and create:
            with self.explaining():
                sqlite.make_file(self.path)

    def _postgres(self) -> Engine:
        timeouts = {key: value for key, value in POSTGRES_TIMEOUTS.items() if key not in self.url.query}
        try:
            engine = sa.create_engine(
                self.url,
                connect_args={"application_name": "hpsearch", **timeouts},
                isolation_level="READ COMMITTED",
                pool_pre_ping=True,
                hide_parameters=True,
            )
        except ImportError as error:
            hint = "pip install 'hpsearch[postgres]'"
            raise JournalError(f"journal {self.where}: PostgreSQL needs a driver ({error}): {hint}") from error
        sa.event.listen(engine, "connect", postgres.set_up)
        return engine

    def __repr__(self) -> str:
        return f"Database({self.where!r})"

    @property
    def clock(self) -> sa.ColumnElement[float]:
        """SQL for the database's own time, in seconds since 1970."""
        sqlite_clock, server_clock = "(julianday('now') - 2440587.5) * 86400.0", "extract(epoch from clock_timestamp())"
        return sa.literal_column(sqlite_clock if self.path else server_clock, sa.Double)

    def insert(self, table: sa.Table) -> "sqlite_dialect.Insert | postgresql_dialect.Insert":
        """An INSERT with ON CONFLICT, which both dialects have."""
        if self.path is not None:
            return sqlite_dialect.insert(table)
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction with one snapshot of the database. It does not block writers, nor do they block it."""
        with self.explaining(), self._reader.connect() as connection:
            yield connection

    @contextmanager
    def write(self, patience: float | None = None) -> Iterator[Connection]:
        """A transaction that is committed at the end, and rolled back after an exception.

        patience: seconds to wait for another process's lock on a SQLite file, None: `sqlite.BUSY_TIMEOUT`.
        """
        options = {} if patience is None else {"hpsearch_patience": patience}
        with self.explaining(), self.engine.execution_options(**options).begin() as connection:
            yield connection

    @contextmanager
    def explaining(self) -> Iterator[None]:
        """Errors of SQLAlchemy and of the driver become JournalError (JournalUnavailable where they are transient), or
        BadInput for a file of another kind.

        A violated constraint is a bug of hpsearch: ValueError.
        """
        try:
            yield
        except sa.exc.DBAPIError as error:
            raise self._explained(error.orig or error) from error
        except (sa.exc.TimeoutError, self.engine.dialect.loaded_dbapi.Error) as error:
            raise self._explained(error) from error

    def _explained(self, error: BaseException) -> HpsearchError | ValueError:
        message = str(error).strip().partition("\n")[0]
        for secret in (self.url.password, *(self.url.query.get(name) for name in _SECRETS)):
            message = message.replace(str(secret), "***") if secret else message
        message = masked(message)
        if isinstance(error, self.engine.dialect.loaded_dbapi.IntegrityError):
            return ValueError(f"journal {self.where}: {message}")
        if getattr(error, "sqlite_errorname", "") == "SQLITE_NOTADB":
            return BadInput(f"journal {self.where}: {message}; name another file as journal.url")
        advice = sqlite.advice(error, self.path) if self.path else postgres.advice(error)
        advice += ", then run again"
        if sqlite.is_busy(error) if self.path else postgres.is_transient(error):
            unavailable = JournalUnavailable(f"journal {self.where}: {message}")
            unavailable.add_note(advice)
            return unavailable
        return JournalError(f"journal {self.where}: {message}; {advice}")

    def close(self) -> None:
        self.engine.dispose()


def _begin_on_sqlite(connection: Connection) -> None:
    """Begin as a writer, or with the connection's option `hpsearch_begin`; wait for the lock of another process for
    `hpsearch_patience` seconds."""
    options = connection.get_execution_options()
    patience = options.get("hpsearch_patience", sqlite.BUSY_TIMEOUT)
    connection.exec_driver_sql(f"PRAGMA busy_timeout = {patience * 1000:.0f}")
    connection.exec_driver_sql(options.get("hpsearch_begin", "BEGIN IMMEDIATE"))


def _parse(url: str) -> URL:
    """BadInput for a URL of neither a SQLite file nor PostgreSQL. The message has no URL: it may have a password."""
    if url.startswith("sqlite"):
        url = url.replace("%", "%25")  # SQLAlchemy 2.1 would decode a % in the file's name
    if is_ambiguous(url):
        raise BadInput("journal.url: the password in it must be percent-encoded: %40 for @, %2F for /")
    try:
        parsed = make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        raise BadInput("journal.url is not a URL such as sqlite:///journal.db or postgresql://user@host/name") from None
    if parsed.drivername in ("postgres", "postgresql", "postgresql+psycopg"):
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise BadInput(f"journal.url: {parsed.drivername} is not supported; use sqlite:///FILE or postgresql://…")
    if parsed.database in (None, "", ":memory:"):
        raise BadInput("journal.url: a database in memory is not supported; use sqlite:///FILE")
    return parsed
