import os
import re
import shutil
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hpsearch.core.errors import BadInput, JournalError, NotFound, StudyBusy
from hpsearch.core.trial import Cause, State
from hpsearch.journal import Journal, Owner, migrate, schema, upgrade, version
from hpsearch.journal.database import Database
from hpsearch.journal.lease import boot_clock
from tests.journal import old_journals

NEW = f"{int(schema.HEAD) + 1:04d}"
NEXT = f"""
import sqlalchemy as sa
from alembic import op

revision = "{NEW}"
down_revision = "{schema.HEAD}"


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
    (migrations / "versions" / "next.py").write_text(NEXT)
    monkeypatch.setattr(migrate, "MIGRATIONS", migrations)
    monkeypatch.setattr(schema, "REVISIONS", (*schema.REVISIONS, NEW))
    monkeypatch.setattr(schema, "HEAD", NEW)


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


def test_the_migrations_create_the_tables_of_the_schema(database: Database) -> None:
    with database.write() as connection:
        migrate.migrate(connection)
        assert migrate.read_version(connection) == schema.HEAD
    migrated = structure(database)
    with database.write() as connection:
        schema.metadata.drop_all(connection)
        schema.version.drop(connection)
    migrate.ensure_schema(database, create=True)
    made = structure(database)
    if database.path is not None:
        migrated, made = ({name: _words(sql) for name, sql in each} for each in (migrated, made))
    version_table = made.pop(schema.VERSION_TABLE), migrated.pop(schema.VERSION_TABLE)
    assert all("version_num" in str(columns) for columns in version_table)
    assert {name: made[name] for name in made if "alembic" not in name} == {
        name: migrated[name] for name in migrated if "alembic" not in name
    }


def _words(sql: str | None) -> list[str]:
    """Columns and constraints in any order: SQLite puts an added column after the constraints."""
    head, _, rest = (sql or "").partition("(")
    body, _, tail = rest.rpartition(")")
    parts = re.split(r",(?![^(]*\))", body)
    return [head.strip(), tail.strip(), *sorted(" ".join(part.split()) for part in parts)]


def test_alembic_finds_nothing_to_do(database: Database) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    migrate.ensure_schema(database, create=True)
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
    with pytest.raises(BadInput, match=r"version 9999, of a newer version of hpsearch than .*: upgrade hpsearch"):
        Journal.open(url, create=create)
    with pytest.raises(BadInput, match="newer version of hpsearch"):
        upgrade(url)
    assert version(url) == "9999"


@pytest.mark.parametrize("create", [True, False])
def test_an_older_journal_is_refused_until_it_is_upgraded(
    url: str, request: pytest.FixtureRequest, create: bool
) -> None:
    with Journal.open(url) as journal:
        study = journal.create("digits", {"trials": 3}, {}, at=5)
    today = schema.HEAD
    request.getfixturevalue("tomorrow")
    with pytest.raises(BadInput, match=rf"version {today}, and hpsearch .* needs {NEW}: .*run `hpsearch db upgrade"):
        Journal.open(url, create=create)
    done = upgrade(url)
    assert (done.before, done.after) == (today, NEW)
    database = Database(url, create=False)
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT name, note FROM hpsearch_studies").all() == [(study.name, "none")]
    database.close()


def test_a_sqlite_file_is_copied_before_it_is_upgraded(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    url, today = f"sqlite:///{tmp_path}/journal.db", schema.HEAD
    with Journal.open(url) as journal:
        journal.create("digits", {}, {}, at=5)
        (tmp_path / f"journal.db.{today}.backup").write_text("an earlier one")
        request.getfixturevalue("tomorrow")
        backup = upgrade(url).backup
    assert backup == tmp_path / f"journal.db.{today}.backup.2"
    assert (tmp_path / f"journal.db.{today}.backup").read_text() == "an earlier one"
    connection = sqlite3.connect(backup)
    assert connection.execute(f"SELECT version_num FROM {schema.VERSION_TABLE}").fetchall() == [(today,)]
    assert connection.execute("SELECT name FROM hpsearch_studies").fetchall() == [("digits",)]
    connection.close()


def test_an_upgrade_that_fails_changes_nothing(
    url: str, database: Database, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    Journal.open(url).close()
    today = schema.HEAD
    request.getfixturevalue("tomorrow")
    (migrate.MIGRATIONS / "versions" / "next.py").write_text(NEXT + "    raise RuntimeError('half way')\n")
    before = structure(database)
    with pytest.raises(RuntimeError, match="half way"):
        upgrade(url)
    assert structure(database) == before
    assert version(url) == today
    assert list(tmp_path.glob("*.backup*")) == []


def test_a_copy_that_fails_leaves_nothing_and_nothing_is_changed(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, today = f"sqlite:///{tmp_path}/journal.db", schema.HEAD
    Journal.open(url).close()
    request.getfixturevalue("tomorrow")
    real = sqlite3.connect

    def cramped(database: object, *args: Any, **options: Any) -> sqlite3.Connection:
        connection = real(database, *args, **options)
        if str(database).endswith(".backup"):
            connection.execute("PRAGMA max_page_count = 1")
        return connection

    monkeypatch.setattr(migrate.sqlite.sqlite3, "connect", cramped)
    with pytest.raises(JournalError, match=r"disk is full; [\d,]+ bytes are free"):
        upgrade(url)
    assert list(tmp_path.glob("*.backup*")) == []
    assert version(url) == today


def test_there_is_nothing_to_upgrade_where_no_journal_is(url: str, database: Database) -> None:
    with pytest.raises(NotFound, match="there is no journal"):
        upgrade(url)
    with pytest.raises(NotFound, match="there is no journal"):
        version(url)


@pytest.mark.parametrize("old", old_journals.VERSIONS)
def test_an_old_journal_is_upgraded_whole(url: str, tmp_path: Path, old: str) -> None:
    place = old_journal(url, old, tmp_path)
    before = old_journals.rows(place)
    assert version(place) == old
    done = upgrade(place)
    assert (done.before, done.after) == (old, schema.HEAD)
    assert old_journals.lost(before, old_journals.rows(place)) == []
    with Journal.open(place, create=False) as journal:
        assert {study.name for study in journal.studies()} == set(old_journals.exported(old))
        assert journal.create("another", {}, {}, at=5).id > 2


@pytest.mark.parametrize("old", old_journals.VERSIONS)
def test_the_backup_equals_the_old_journal(tmp_path: Path, old: str) -> None:
    backup = upgrade(old_journals.lay_down(old, tmp_path)).backup
    assert backup is not None
    with closing(sqlite3.connect(backup)) as connection:
        kept = "\n".join(connection.iterdump())
    assert kept.split() == (old_journals.ASSETS / old / "journal.sql").read_text(encoding="utf-8").split()


FATES: list[tuple[Cause | None, dict[str, float], str]] = [
    (Cause.DONE, {"epoch": 6}, ""),
    (Cause.DONE, {"epoch": 6}, ""),
    (Cause.DONE, {"epoch": 6}, ""),
    (Cause.DIVERGED, {"epoch": 2}, ""),
    (Cause.PRUNED, {"epoch": 1, "median": 0.5, "others": 4}, ""),
    (Cause.PATIENCE, {"epochs": 2, "best": 0.1, "epoch": 1}, ""),
    (Cause.OUT_OF_MEMORY, {"epoch": 0}, "MemoryError"),
    (Cause.WORKER_LOST, {"workers": 2, "epoch": 0}, ""),
    (Cause.TIMEOUT, {"seconds": 5}, ""),
    (Cause.STALLED, {"workers": 2, "seconds": 4, "epoch": 0}, ""),
    (Cause.TRAINER_RAISED, {"epoch": 1}, "ValueError: größer als erlaubt; 2 workers lost (limits.retries)"),
    (Cause.INTERRUPTED, {}, ""),
]
"""Of the trials of study `fates`, a trial for each."""


def test_what_was_recorded_has_the_cause_that_its_sentence_says(url: str, tmp_path: Path) -> None:
    place = old_journal(url, "0004", tmp_path)
    upgrade(place)
    with Journal.open(place, create=False) as journal:
        studies = {study.name: study for study in journal.studies()}
        trials = {name: journal.trials(study.id) for name, study in studies.items()}
        assert [(one.cause, one.cause_numbers, one.exception) for one in trials["fates"]] == FATES
        assert [one.diverged for one in trials["fates"]] == [number == 3 for number in range(12)]
        assert [(one.cause, one.cause_numbers) for one in trials["limited"]] == [
            (Cause.DONE, {"epoch": 4}),
            (Cause.LIMIT, {"epochs": 6}),
        ]
        assert {one.cause for one in trials["rounds"]} == {Cause.DONE}
        rounds = journal.documents(studies["rounds"].id)["rounds"]["rounds"]
        assert [one["headlines"] for one in rounds] == [1, *[2] * (len(rounds) - 1)]
        assert {one.cause for one in trials["veteran"] if one.state is State.RUNNING} == {None}
        assert {name: (study.cause, study.cause_numbers) for name, study in studies.items()} == {
            "fates": (Cause.INTERRUPTED, {}),
            "limited": (Cause.LIMIT, {"epochs": 6}),
            "rounds": (Cause.LIMIT, {"budget": 30, "left": 1}),
            "sprint": (Cause.DONE, {}),
            "veteran": (None, {}),
        }


def old_journal(url: str, old: str, tmp_path: Path) -> str:
    """Of that version, where `url` says."""
    folder = tmp_path / old
    folder.mkdir()
    place = old_journals.lay_down(old, folder)
    if url.startswith("sqlite"):
        return place
    old_journals.bring_over(old, folder / ".hpsearch" / "journal.db", url)
    return url


class TestWhileAStudyIsRun:
    """An old driver would write into tables that have changed under its hands."""

    @pytest.fixture
    def old(self, url: str, tmp_path: Path) -> str:
        return old_journal(url, old_journals.VERSIONS[0], tmp_path)

    def hold(self, url: str, owner: Owner, silence: float = 0.0) -> None:
        """Study 2 is run by this owner, who has been silent for so many seconds."""
        values, ago = asdict(owner), sa.literal_column(str(silence))
        database = Database(url, create=False)
        with database.write() as connection:
            beat = {"beat_wall": database.clock - ago, "beat_boot": boot_clock() - silence, "ttl": 15.0}
            held = schema.leases.update().where(schema.leases.c.study_id == 2)
            connection.execute(held.values(holder=values.pop("uid"), **values, **beat))
        database.close()

    def test_it_is_left_alone(self, old: str, tmp_path: Path) -> None:
        self.hold(old, replace(Owner.current(), uid="another", host="gauss"))
        before = old_journals.rows(old)
        who = rf'study "veteran" is being run by process {os.getpid()} on gauss, which last renewed its lease \d+ s ago'
        with pytest.raises(StudyBusy, match=rf"{who}.*`hpsearch db upgrade` again"):
            upgrade(old)
        assert old_journals.rows(old) == before
        assert list(tmp_path.rglob("*.backup")) == []

    @pytest.mark.parametrize("elsewhere", [True, False])
    def test_a_driver_that_is_gone_is_not_waited_for(self, old: str, elsewhere: bool) -> None:
        here = replace(Owner.current(), uid="another")
        if elsewhere:  # it cannot be seen to be dead, and has been silent for too long
            self.hold(old, replace(here, boot="another"), silence=16.0)
        else:
            self.hold(old, replace(here, started="1"))
        assert upgrade(old).after == schema.HEAD


def test_of_two_that_upgrade_at_once_one_does(url: str, tmp_path: Path) -> None:
    old = old_journal(url, old_journals.VERSIONS[0], tmp_path)
    with ThreadPoolExecutor(2) as threads:
        done = list(threads.map(upgrade, [old, old]))
    assert {one.after for one in done} == {schema.HEAD}
    assert version(old) == schema.HEAD
    assert len(list(tmp_path.rglob("*.backup*"))) == (1 if old.startswith("sqlite") else 0)


def test_an_upgrade_is_refused_while_programs_search_a_study_together(
    url: str, database: Database, request: pytest.FixtureRequest
) -> None:
    with Journal.open(url) as journal:
        study, owner = journal.create("digits", {}, {}, at=0), Owner.current()
        journal.renew_caller(study.id, owner)
        request.getfixturevalue("tomorrow")
        with pytest.raises(StudyBusy):
            upgrade(url)
        journal.leave(study.id, owner)
    assert upgrade(url).after == schema.HEAD
