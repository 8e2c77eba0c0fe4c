"""`hpsearch db`: the journal's schema."""

from hpsearch.journal.schema import HEAD
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


def test_no_journal(desk: Desk) -> None:
    for action in ("version", "upgrade"):
        answer = desk.hp("db", action)
        assert answer.code == 2
        assert "journal.db" in answer.err
    assert desk.files() == []
    assert desk.hp("db", "downgrade").code == 2
