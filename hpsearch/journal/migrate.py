"""The version of the schema: a new journal has the newest one, an older one is upgraded by `upgrade`.

A new journal is created from `schema`, since the import of Alembic is slow; a test checks that the migrations create
the same tables.
"""

import shlex
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hpsearch import __version__
from hpsearch.core.errors import BadInput, NotFound, StudyBusy
from hpsearch.journal import callers, schema, sqlite
from hpsearch.journal import lease as fencing
from hpsearch.journal.database import Database
from hpsearch.journal.lease import Now, Owner, boot_clock
from hpsearch.journal.schema import leases, studies

MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 0x68707365
"""PostgreSQL's advisory lock ("hpse"), held by the process that creates or changes the tables."""


@dataclass(frozen=True)
class Upgrade:
    """The result of `upgrade`: versions, and the copy of the SQLite file from before (None: nothing was changed)."""

    before: str
    after: str
    backup: Path | None


def version(url: str) -> str:
    """The version of the journal's schema. NotFound."""
    with closing(Database(url, create=False)) as database:
        return _existing_version(database)


def upgrade(url: str) -> Upgrade:
    """Upgrade a journal to the newest version, in one transaction, after a copy of a SQLite file.

    NotFound; BadInput for a newer journal; StudyBusy while a study in it is being run.
    """
    with closing(Database(url, create=False)) as database:
        before = _existing_version(database)
        _refuse_newer(database, before)
        if before == schema.HEAD:
            return Upgrade(before, before, None)
        return Upgrade(before, schema.HEAD, _upgrade(database))


def _upgrade(database: Database) -> Path | None:
    """The copy. No other process writes after it: copy and upgrade are in one transaction."""
    backup = None
    try:
        with database.write() as connection:
            _lock_tables(connection)
            before = read_version(connection)
            if before != schema.HEAD:  # another process may have upgraded it meanwhile
                _refuse_while_run(database, connection)
                backup = _back_up(database, str(before))
                migrate(connection)
    except BaseException:
        if backup is not None:
            backup.unlink(missing_ok=True)  # nothing has changed
        raise
    return backup


def migrate(connection: Connection) -> None:
    """Run all migrations from the version of the database to the newest one."""
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    command.upgrade(config, "head")


def ensure_schema(database: Database, *, create: bool) -> None:
    """Create the tables if there are none (create=False: NotFound). BadInput for tables of another version."""
    with database.read() as connection:
        found = read_version(connection)
    if found is None and create:
        with database.write() as connection:
            found = _make(connection)
    if found is None:
        raise NotFound(f"there is no journal in {database.where}: the first run of a study creates it")
    _refuse_newer(database, found)
    if found != schema.HEAD:
        raise BadInput(
            f"journal {database.where} has schema version {found}, and hpsearch {__version__} needs {schema.HEAD}: "
            f"{_how_to_upgrade(database)}"
        )


def read_version(connection: Connection) -> str | None:
    """The version of the schema; None if there is no journal."""
    if not sa.inspect(connection).has_table(schema.VERSION_TABLE):
        return None
    return connection.execute(sa.select(schema.version.c.version_num)).scalar()


def _make(connection: Connection) -> str | None:
    """Create the tables. Returns their version: another process, with another hpsearch, may have created them first."""
    _lock_tables(connection)
    if (found := read_version(connection)) is not None:
        return found
    schema.metadata.create_all(connection)
    schema.version.create(connection)
    connection.execute(schema.version.insert().values(version_num=schema.HEAD))
    return schema.HEAD


def _lock_tables(connection: Connection) -> None:
    """Wait for other processes that create or change the tables. On SQLite the transaction is a lock already."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))


def _refuse_while_run(database: Database, connection: Connection) -> None:
    """StudyBusy if a driver may be running. It reads only columns that every version has."""
    names = ("holder", "pid", "host", "boot", "space", "started", "ttl", "beat_wall", "beat_boot")
    asked = [leases.c[name] for name in names]
    query: sa.Select[Any] = sa.select(*asked, studies.c.name).join_from(leases, studies)
    now = Now(wall=float(connection.execute(sa.select(database.clock)).scalar_one()), boot=boot_clock())
    observer = Owner.current()
    if sa.inspect(connection).has_table(schema.callers.name):
        for id_ in connection.execute(sa.select(studies.c.id)).scalars().all():
            callers.check_no_callers(connection, database.clock, id_, observer)
    for row in connection.execute(query.with_for_update(of=leases)):
        holding = fencing.holding_of(row)
        if holding is not None and holding.blocks(observer, now):
            raise StudyBusy(
                f'journal {database.where}: study "{row.name}" is being run by process {row.pid} on {row.host}, which '
                f"last renewed its lease {holding.age(observer, now):.0f} s ago. Wait for it or stop it there, "
                "then `hpsearch db upgrade` again"
            )


def _how_to_upgrade(database: Database) -> str:
    if database.path is None:
        return "back it up with pg_dump, then run `hpsearch db upgrade STUDY.toml` with the study's file"
    url = shlex.quote(f"sqlite:///{database.path.absolute()}")
    return f"run `hpsearch db upgrade --journal {url}`, which copies it first"


def _existing_version(database: Database) -> str:
    with database.read() as connection:
        found = read_version(connection)
    if found is None:
        raise NotFound(f"there is no journal in {database.where}")
    return found


def _refuse_newer(database: Database, found: str) -> None:
    if found not in schema.REVISIONS:
        raise BadInput(
            f"journal {database.where} has schema version {found}, of a newer version of hpsearch than {__version__}: "
            "upgrade hpsearch, or name another journal.url"
        )


def _back_up(database: Database, before: str) -> Path | None:
    """The first free name of journal.db.0001.backup, journal.db.0001.backup.2, … PostgreSQL has its own tools."""
    if database.path is None:
        return None
    to = first = database.path.with_name(f"{database.path.name}.{before}.backup")
    count = 1
    while to.exists():
        count += 1
        to = first.with_name(f"{first.name}.{count}")
    with database.explaining():
        sqlite.back_up(database.path, to)
    return to
