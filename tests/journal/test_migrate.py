import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hpsearch.errors import BadInput, NotFound
from hpsearch.journal import Journal, migrate, schema, upgrade, version
from hpsearch.journal.database import Database

NEXT = """
import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade():
    with op.batch_alter_table("hpsearch_studies") as table:
        table.add_column(sa.Column("note", sa.Text(), nullable=False, server_default="none"))
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/journal.db"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = Database(url)
    yield opened
    opened.close()


@pytest.fixture
def tomorrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A later hpsearch, whose schema is one step further."""
    migrations = shutil.copytree(migrate.MIGRATIONS, tmp_path / "50% migrations")
    (migrations / "versions" / "0002_next.py").write_text(NEXT)
    monkeypatch.setattr(migrate, "MIGRATIONS", migrations)
    monkeypatch.setattr(schema, "REVISIONS", ("0001", "0002"))
    monkeypatch.setattr(schema, "HEAD", "0002")


def set_version(database: Database, revision: str) -> None:
    with database.write() as connection:
        connection.execute(schema.version.update().values(version_num=revision))


def structure(database: Database) -> Any:
    """Everything that the database knows about our tables; SQLite keeps their very words."""
    with database.read() as connection:
        if database.path is not None:
            return set(connection.exec_driver_sql("SELECT name, sql FROM sqlite_master").all())
        inspector = sa.inspect(connection)
        return {
            name: [
                [(column["name"], str(column["type"]), column["nullable"]) for column in inspector.get_columns(name)],
                inspector.get_pk_constraint(name),
                sorted(map(str, inspector.get_foreign_keys(name))),
                sorted(map(str, inspector.get_indexes(name))),
                sorted(map(str, inspector.get_unique_constraints(name))),
            ]
            for name in inspector.get_table_names()
        }


def test_the_migrations_make_what_the_tables_say(database: Database) -> None:
    with database.write() as connection:
        migrate.migrate(connection)
        assert migrate.read_version(connection) == schema.HEAD
    migrated = structure(database)
    with database.write() as connection:
        schema.metadata.drop_all(connection)
        schema.version.drop(connection)
    migrate.make_ready(database, create=True)
    made = structure(database)
    if database.path is not None:
        migrated, made = ({name: _words(sql) for name, sql in each} for each in (migrated, made))
    version_table = made.pop(schema.VERSION_TABLE), migrated.pop(schema.VERSION_TABLE)
    assert all("version_num" in str(columns) for columns in version_table)
    assert {name: made[name] for name in made if "alembic" not in name} == {
        name: migrated[name] for name in migrated if "alembic" not in name
    }


def _words(sql: str | None) -> list[str]:
    return sorted(line.strip(" ,\t") for line in (sql or "").splitlines() if line.strip(" ,\t"))


def test_alembic_finds_nothing_to_do(database: Database) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    migrate.make_ready(database, create=True)
    options = {"version_table": schema.VERSION_TABLE, "compare_server_default": True}
    with database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts=options), schema.metadata) == []


def test_the_list_of_versions_is_that_of_the_migrations() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(migrate.MIGRATIONS))
    config.set_main_option("path_separator", "os")
    steps = ScriptDirectory.from_config(config).walk_revisions()
    assert tuple(step.revision for step in steps)[::-1] == schema.REVISIONS


def test_a_new_journal_is_of_the_newest_version(url: str) -> None:
    Journal.open(url).close()
    assert version(url) == schema.HEAD
    assert upgrade(url) == migrate.Upgrade(schema.HEAD, schema.HEAD, None)


@pytest.mark.parametrize("create", [True, False])
def test_a_newer_journal_is_refused(url: str, database: Database, create: bool) -> None:
    Journal.open(url).close()
    set_version(database, "9999")
    with pytest.raises(BadInput, match=r"version 9999, which a newer hpsearch .* has made: upgrade hpsearch"):
        Journal.open(url, create=create)
    with pytest.raises(BadInput, match="newer hpsearch"):
        upgrade(url)
    assert version(url) == "9999"


@pytest.mark.parametrize("create", [True, False])
def test_an_older_journal_is_refused_until_it_is_upgraded(
    url: str, request: pytest.FixtureRequest, create: bool
) -> None:
    with Journal.open(url) as journal:
        study = journal.create("digits", {"trials": 3}, {}, at=5)
    request.getfixturevalue("tomorrow")
    with pytest.raises(BadInput, match=r"version 0001, this hpsearch .* needs 0002: run `hpsearch db upgrade`"):
        Journal.open(url, create=create)
    done = upgrade(url)
    assert (done.before, done.after) == ("0001", "0002")
    database = Database(url, create=False)
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT name, note FROM hpsearch_studies").all() == [(study.name, "none")]
    database.close()


def test_a_sqlite_file_is_copied_before_it_is_upgraded(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    url = f"sqlite:///{tmp_path}/journal.db"
    with Journal.open(url) as journal:
        journal.create("digits", {}, {}, at=5)
        (tmp_path / "journal.db.0001.backup").write_text("an earlier one")
        request.getfixturevalue("tomorrow")
        backup = upgrade(url).backup
    assert backup == tmp_path / "journal.db.0001.backup.2"
    assert (tmp_path / "journal.db.0001.backup").read_text() == "an earlier one"
    connection = sqlite3.connect(backup)
    assert connection.execute(f"SELECT version_num FROM {schema.VERSION_TABLE}").fetchall() == [("0001",)]
    assert connection.execute("SELECT name FROM hpsearch_studies").fetchall() == [("digits",)]
    connection.close()


def test_an_upgrade_that_fails_changes_nothing(url: str, database: Database, request: pytest.FixtureRequest) -> None:
    Journal.open(url).close()
    request.getfixturevalue("tomorrow")
    broken = migrate.MIGRATIONS / "versions" / "0002_next.py"
    broken.write_text(NEXT + "    raise RuntimeError('half way')\n")
    before = structure(database)
    with pytest.raises(RuntimeError, match="half way"):
        upgrade(url)
    assert structure(database) == before
    assert version(url) == "0001"


def test_there_is_nothing_to_upgrade_where_no_journal_is(url: str, database: Database) -> None:
    with pytest.raises(NotFound, match="there is no journal"):
        upgrade(url)
    with pytest.raises(NotFound, match="there is no journal"):
        version(url)
