"""A recorded study, as all verbs that read one find it; the words are tested in tests/records/test_find.py."""

import pytest

from tests.cli.cli_runner import CliRunner


@pytest.mark.parametrize("words", [("status", "tpy"), ("best", "tpy"), ("export", "tpy"), ("show", "tpy", "0")])
def test_study_with_the_nearest_name(done: CliRunner, words: tuple[str, ...]) -> None:
    answer = done.invoke(*words)
    assert answer.is_refused
    assert answer.names('"tpy"', "`toy`")


def test_a_study_that_exists(done: CliRunner) -> None:
    assert done.invoke("status", "digits").names('"digits"', "toy")


@pytest.mark.parametrize("command", ["check", "run", "status", "report"])
def test_a_name_that_no_file_can_have(cli: CliRunner, command: str) -> None:
    answer = cli.invoke(command, "a" * 5_000)
    assert answer.code in (2, 5)
    assert "File name too long" in answer.err
    assert "bug" not in answer.err


@pytest.mark.parametrize("words", [("\x1b[2J",), ("--\x1b[2J",), ("run", "study.toml", "\x1b[2J"), ("ui", "\x1b[2J")])
def test_a_word_that_clears_the_terminal(cli: CliRunner, words: tuple[str, ...]) -> None:
    answer = cli.invoke(*words)
    assert answer.code == 2
    assert "\\x1b[2J" in answer.err
    assert "\x1b" not in answer.err


def test_journal(cli: CliRunner) -> None:
    answer = cli.invoke("status")
    assert answer.is_refused
    assert answer.names(f"{cli.folder}/.hpsearch/journal.db", "--journal URL")
    assert cli.files() == []


def test_journal_that_is_named(cli: CliRunner) -> None:
    answer = cli.invoke("status", "--journal", "sqlite:///none.db")
    assert answer.code == 2
    assert "none.db" in answer.err
    assert not (cli.folder / "none.db").exists()


def test_journal_that_is_no_url(cli: CliRunner) -> None:
    answer = cli.invoke("status", "--journal", "none.db")
    assert answer.is_refused
    assert answer.names("journal.url", "sqlite:///journal.db")
