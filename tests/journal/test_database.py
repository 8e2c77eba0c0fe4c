"""Where a journal may be, and what is said when it cannot be there."""

import sqlite3
import subprocess
import sys
import traceback
from pathlib import Path

import pytest
import sqlalchemy as sa

from hpsearch.core.decisions import Decision
from hpsearch.core.errors import BadInput, JournalError, JournalUnavailable, NotFound
from hpsearch.core.trial import Objective
from hpsearch.journal import Batch, Journal, Owner, sqlite, upgrade, version
from hpsearch.journal.database import Database

SECRET = "hunter2%"


def test_a_sqlite_journal_survives_a_power_cut_and_does_not_hold_readers_up(tmp_path: Path) -> None:
    with Journal.open(f"sqlite:///{tmp_path}/journal.db") as journal, journal._database.read() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 90_000}


def test_a_closed_journal_leaves_one_file(tmp_path: Path) -> None:
    journal = Journal.open(f"sqlite:///{tmp_path}/journal.db")
    journal.create("digits", {}, {}, at=0)
    journal.close()
    assert [path.name for path in tmp_path.iterdir()] == ["journal.db"]


def test_a_reader_makes_neither_file_nor_folder(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/.hpsearch/journal.db"
    for look in (lambda: Journal.open(url, create=False), lambda: version(url), lambda: upgrade(url)):
        with pytest.raises(NotFound, match=str(tmp_path)):
            look()
    assert list(tmp_path.iterdir()) == []


def test_a_reader_leaves_a_file_without_a_journal_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "other.db").touch()
    with pytest.raises(NotFound):
        Journal.open(f"sqlite:///{tmp_path}/other.db", create=False)
    assert (tmp_path / "other.db").read_bytes() == b""


def test_a_journal_may_live_beside_other_tables(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "shared.db") as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("CREATE TABLE studies (id INTEGER)")
    connection.close()
    with Journal.open(f"sqlite:///{tmp_path}/shared.db") as journal:
        journal.create("digits", {}, {}, at=0)
    with Journal.open(f"sqlite:///{tmp_path}/shared.db", create=False) as journal:
        assert [study.name for study in journal.studies()] == ["digits"]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("journal.db", "not a URL such as"),
        ("", "not a URL such as"),
        (f"postgresql://me:{SECRET}@host:port/name", "not a URL such as"),
        (f"mysql://me:{SECRET}@host/name", "mysql is not supported"),
        (f"postgresql+psycopg2://me:{SECRET}@host/name", "psycopg2 is not supported"),
        ("sqlite://", "in memory"),
        ("sqlite:///:memory:", "in memory"),
    ],
)
def test_other_urls_are_refused_without_being_repeated(url: str, message: str) -> None:
    with pytest.raises(BadInput, match=message) as refused:
        Journal.open(url)
    assert "hunter2" not in str(refused.value)


def test_a_file_of_another_kind_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, " * 100)
    for create in (True, False):
        with pytest.raises(BadInput, match=r"notes\.txt: file is not a database; name another file"):
            Journal.open(f"sqlite:///{path}", create=create)
    assert path.read_text() == "not a database, " * 100


@pytest.mark.parametrize("place", ["file/journal.db", "file/deeper/journal.db", "folder"])
def test_a_place_that_cannot_be_is_named(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(JournalError, match=f"journal {tmp_path}/{place}: "):
        Journal.open(f"sqlite:///{tmp_path}/{place}")


@pytest.mark.parametrize(
    ("pragma", "says"),
    [
        ("max_page_count = 1", r"disk is full; [\d,]+ bytes are free in .*: make room, then run again"),
        ("query_only = ON", "readonly database; make the file and its folder writable, then run again"),
    ],
)
def test_errors_of_writes_say_where_and_what_to_do(tmp_path: Path, pragma: str, says: str) -> None:
    with Journal.open(f"sqlite:///{tmp_path}/journal.db") as journal:
        study = journal.create("digits", {}, {}, at=0)
        writer = journal.writer(journal.acquire(study.id, Owner.current()), Objective("loss", "minimize"))

        def spoil(connection: sqlite3.Connection, record: object) -> None:
            connection.execute(f"PRAGMA {pragma}")

        sa.event.listen(journal._database.engine, "connect", spoil)
        journal._database.engine.dispose()
        with pytest.raises(JournalError, match=f"{tmp_path}/journal.db: .*{says}"):
            writer.write(Batch(decisions=[Decision("note", "x" * 100_000)]))
        sa.event.remove(journal._database.engine, "connect", spoil)
        writer.write(Batch(decisions=[Decision("note", "there is room again")]))
        writer.close()
        assert [decision.reason for decision in journal.decisions(study.id)] == ["there is room again"]


def test_a_file_that_another_process_holds_is_waited_for_and_then_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path}/journal.db"
    Journal.open(url).close()
    monkeypatch.setattr("hpsearch.journal.sqlite.BUSY_TIMEOUT", 0.01)
    holder = sqlite3.connect(tmp_path / "journal.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with Journal.open(url) as journal, pytest.raises(JournalUnavailable, match="locked") as away:
        journal.create("digits", {}, {}, at=0)
    (advice,) = away.value.__notes__
    assert advice == "another process has locked it: wait until that process is done, or end it, then run again"
    holder.close()


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="needs Linux: locks are read from /proc/locks")
def test_another_process_that_holds_a_file_is_named_by_its_pid(tmp_path: Path) -> None:
    url, path = f"sqlite:///{tmp_path}/journal.db", tmp_path / "journal.db"
    code = f"""
import sqlite3
import subprocess
connection = sqlite3.connect({str(path)!r}, isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
input()
"""
    with Journal.open(url):  # or the other process would empty the log as the last one
        assert sqlite.writing_process(path) is None
        with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
            assert other.stdout is not None
            assert other.stdout.readline() == b"locked\n"
            assert sqlite.writing_process(path) == other.pid
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorname = "SQLITE_BUSY"
            assert sqlite.advice(error, path) == f"process {other.pid} has locked it: wait until it is done, or end it"
            other.communicate(b"\n")
        assert sqlite.writing_process(path) is None


SQLITE_SAYS = {
    "SQLITE_FULL": "make room",
    "SQLITE_IOERR_FSYNC": "its disk fails or is full",
    "SQLITE_IOERR_SHMSIZE": "bytes are free in",
    "SQLITE_CANTOPEN": "make the file and its folder readable and writable",
    "SQLITE_READONLY_DIRECTORY": "make the file and its folder writable",
    "SQLITE_CORRUPT": "`sqlite3 FILE .recover` may save what is in it",
    "SQLITE_BUSY": "another process has locked it",
    "SQLITE_BUSY_SNAPSHOT": "another process has locked it",
    "SQLITE_ERROR": "fix this (SQLITE_ERROR)",
}
POSTGRES_SAYS = {
    "25P03": "this process was suspended, so the server ended its transaction",
    "25006": "give the address of the primary server",
    "42501": "grant the user the right to create and change tables there",
    "53100": "free disk space on the server",
    "53300": "max_connections",
    "57P01": "see the server's log (SQLSTATE 57P01)",
    "57P03": "wait until it is up",
    "42P01": "see the server's log (SQLSTATE 42P01)",
}
AWAY = ("SQLITE_BUSY", "SQLITE_BUSY_SNAPSHOT", "25006", "25P03", "53100", "53300", "57P01", "57P03")
"""What passes by itself, so that a run goes on meanwhile."""


def explained(url: str, error: Exception) -> str:
    """The message that a user gets."""
    database = Database(url, create=False)
    kind = (
        JournalUnavailable
        if getattr(error, "sqlite_errorname", getattr(error, "sqlstate", "")) in AWAY
        else JournalError
    )
    with pytest.raises(kind) as raised, database.explaining():
        raise error
    assert type(raised.value) is kind
    database.close()
    return "\n".join([str(raised.value), *getattr(raised.value, "__notes__", [])])


@pytest.mark.parametrize("name", SQLITE_SAYS)
def test_every_error_of_sqlite_says_where_and_what_to_do(tmp_path: Path, name: str) -> None:
    Journal.open(f"sqlite:///{tmp_path}/journal.db").close()
    error = sqlite3.OperationalError("it went wrong")
    error.sqlite_errorname = name
    said = explained(f"sqlite:///{tmp_path}/journal.db", error)
    assert said.startswith(f"journal {tmp_path}/journal.db: it went wrong")
    assert SQLITE_SAYS[name] in said
    assert said.endswith("then run again")


@pytest.mark.parametrize("state", POSTGRES_SAYS)
def test_every_error_of_postgresql_says_where_and_what_to_do_and_no_secret(state: str) -> None:
    psycopg = pytest.importorskip("psycopg")
    url = f"postgresql://me:{SECRET}@host/name?sslpassword={SECRET}"
    said = explained(url, psycopg.errors.lookup(state)(f"it went wrong with {SECRET}\nDETAIL: {SECRET}"))
    assert said.startswith("journal postgresql+psycopg://me:***@host/name: it went wrong with ***")
    assert POSTGRES_SAYS[state] in said
    assert said.endswith("then run again")
    assert "hunter2" not in said


def test_without_the_driver_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(JournalError, match=r"pip install 'hpsearch\[postgres\]'") as missing:
        Journal.open(f"postgresql://me:{SECRET}@host/name")
    assert "hunter2" not in str(missing.value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_an_unreachable_server_is_named_without_its_password(scheme: str) -> None:
    url = f"{scheme}://me:{SECRET}@127.0.0.1:1/name?password={SECRET}"
    with pytest.raises(JournalUnavailable, match=r"me:\*\*\*@127\.0\.0\.1:1/name: ") as away:
        Journal.open(url)
    (advice,) = away.value.__notes__
    assert advice.startswith(
        "check that the server runs, and that address, database, user and password are right, then"
    )
    assert "hunter2" not in "".join(traceback.format_exception(away.value))


def test_a_password_is_in_no_repr_and_no_message(postgres_url: str) -> None:
    with Journal.open(postgres_url.replace("postgres:@", f"postgres:{SECRET}@")) as journal:
        assert "hunter2" not in repr(journal) + repr(journal._database) + repr(vars(journal._database))
        with pytest.raises(JournalError) as failed, journal._database.write() as connection:
            connection.exec_driver_sql("SELECT * FROM nowhere")
    assert "hunter2" not in "".join(traceback.format_exception(failed.value))
    assert 'relation "nowhere" does not exist' in str(failed.value)


def test_connections_that_the_server_has_ended_are_replaced(postgres_url: str) -> None:
    with Journal.open(postgres_url) as journal:
        study = journal.create("digits", {}, {}, at=0)
        writer = journal.writer(journal.acquire(study.id, Owner.current()), Objective("loss", "minimize"))
        writer.write(Batch(study_state="RUNNING"))
        end_all = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'hpsearch'"
        with pytest.raises(JournalError), journal._database.write() as connection:
            connection.exec_driver_sql(end_all)
        with pytest.raises(JournalError):
            writer.write(Batch(study_state="DONE"))
        writer.write(Batch(study_state="DONE"))
        writer.close()
        assert journal.studies()[0].state == "DONE"
