"""`hpsearch db`: the journal's schema."""

import sqlite3
from contextlib import closing

from hpsearch.journal.schema import HEAD, VERSION_TABLE
from tests.commands.desk import Desk


def test_version(desk: Desk) -> None:
    desk.study()
    desk.run()
    assert desk.hp("db", "version").out == f"schema version {HEAD}\n"
    assert desk.hp("db", "version", "--json").data == {"version": HEAD}
    assert desk.hp("db", "version", "--journal", "sqlite:///.hpsearch/journal.db").code == 0


def test_upgrade_of_what_is_new(desk: Desk) -> None:
    desk.study()
    desk.run()
    assert desk.hp("db", "upgrade").out == f"already at version {HEAD}\n"
    assert desk.hp("db", "upgrade", "--json").data == {"before": HEAD, "after": HEAD, "backup": None}


def test_a_journal_of_a_newer_hpsearch(desk: Desk) -> None:
    desk.study()
    desk.run()
    with closing(sqlite3.connect(".hpsearch/journal.db")) as connection:
        connection.execute(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
        connection.commit()
    for words in (("status",), ("run", "study.toml"), ("db", "upgrade")):
        answer = desk.hp(*words)
        assert answer.code == 2
        assert "is of version 9999, which a newer hpsearch than" in answer.err
    assert desk.hp("db", "version").out == "schema version 9999\n"


def test_no_journal(desk: Desk) -> None:
    for action in ("version", "upgrade"):
        answer = desk.hp("db", action)
        assert answer.code == 2
        assert "journal.db" in answer.err
    assert desk.files() == []
    assert desk.hp("db", "downgrade").code == 2
