"""A recorded study, as all verbs that read one are told of it: what is said where it is not found."""

import pytest

from tests.cli.cli_runner import CliRunner


@pytest.mark.parametrize("words", [("status", "tpy"), ("best", "tpy"), ("export", "tpy"), ("show", "tpy", "0")])
def test_study_with_the_nearest_name(done: CliRunner, words: tuple[str, ...]) -> None:
    answer = done.invoke(*words)
    assert (answer.code, answer.err) == (2, 'no study "tpy" in this journal; did you mean `toy`?\n')


def test_study_with_what_is_there(done: CliRunner) -> None:
    assert done.invoke("status", "digits").err == 'no study "digits" in this journal; recorded are: toy\n'


def test_journal(cli: CliRunner) -> None:
    answer = cli.invoke("status")
    assert answer.code == 2
    assert f"there is no journal at {cli.folder}/.hpsearch/journal.db" in answer.err
    assert "name the study's file" in answer.err
    assert cli.files() == []


def test_journal_that_is_named(cli: CliRunner) -> None:
    answer = cli.invoke("status", "--journal", "sqlite:///none.db")
    assert answer.code == 2
    assert "none.db" in answer.err
    assert not (cli.folder / "none.db").exists()


def test_journal_that_is_no_url(cli: CliRunner) -> None:
    assert "is not a URL" in cli.invoke("status", "--journal", "none.db").err
