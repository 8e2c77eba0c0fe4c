"""The version of the schema: a new journal is made at the newest one, an older one is brought there when asked to.

A new one is made from the tables themselves, because to import Alembic takes longer than all the rest; a test holds
that its migrations make the same.
"""

from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hpsearch import __version__
from hpsearch.errors import BadInput, NotFound
from hpsearch.journal import schema, sqlite
from hpsearch.journal.database import Database

MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 0x68707365
"""PostgreSQL's advisory lock ("hpse") under which one process alone makes the tables."""


@dataclass(frozen=True)
class Upgrade:
    """What `upgrade` did. backup: the copy of a SQLite file as it was, None where there was nothing to do."""

    before: str
    after: str
    backup: Path | None


def version(url: str) -> str:
    """The version of the journal's schema. NotFound."""
    database = Database(url, create=False)
    try:
        return _known(database)
    finally:
        database.close()


def upgrade(url: str) -> Upgrade:
    """Bring a journal to the newest version, all of it or nothing. NotFound; BadInput for one that is newer still.

    A SQLite file is copied first, beside itself. Nobody should run a study in it meanwhile.
    """
    database = Database(url, create=False)
    try:
        before = _known(database)
        _refuse_newer(database, before)
        if before == schema.HEAD:
            return Upgrade(before, before, None)
        backup = _back_up(database, before)
        with database.write() as connection:
            migrate(connection)
        return Upgrade(before, schema.HEAD, backup)
    finally:
        database.close()


def migrate(connection: Connection) -> None:
    """Take every step from where the database is to the newest version."""
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    command.upgrade(config, "head")


def make_ready(database: Database, *, create: bool) -> None:
    """Make the tables where there are none, or raise NotFound; BadInput where they are of another version."""
    with database.read() as connection:
        found = read_version(connection)
    if found is None and create:
        with database.write() as connection:
            found = _make(connection)
    if found is None:
        raise NotFound(f"there is no journal in {database.where}: `hpsearch run` makes one")
    _refuse_newer(database, found)
    if found != schema.HEAD:
        raise BadInput(
            f"journal {database.where} is of version {found}, this hpsearch {__version__} needs {schema.HEAD}: "
            "run `hpsearch db upgrade`"
        )


def read_version(connection: Connection) -> str | None:
    """None where there is no journal."""
    if not sa.inspect(connection).has_table(schema.VERSION_TABLE):
        return None
    return connection.execute(sa.select(schema.version.c.version_num)).scalar()


def _make(connection: Connection) -> str | None:
    """The version that the journal has then: another process may have made it first, and may be another hpsearch."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    if (found := read_version(connection)) is not None:
        return found
    schema.metadata.create_all(connection)
    schema.version.create(connection)
    connection.execute(schema.version.insert().values(version_num=schema.HEAD))
    return schema.HEAD


def _known(database: Database) -> str:
    with database.read() as connection:
        found = read_version(connection)
    if found is None:
        raise NotFound(f"there is no journal in {database.where}")
    return found


def _refuse_newer(database: Database, found: str) -> None:
    if found not in schema.REVISIONS:
        raise BadInput(
            f"journal {database.where} is of version {found}, which a newer hpsearch than {__version__} has made: "
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
