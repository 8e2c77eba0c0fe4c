"""A recorded study, as all verbs that read one are told of it: what is said where it is not found."""

import pytest

from tests.cli.desk import Desk


@pytest.mark.parametrize("words", [("status", "tpy"), ("best", "tpy"), ("export", "tpy"), ("show", "tpy", "0")])
def test_study_with_the_nearest_name(done: Desk, words: tuple[str, ...]) -> None:
    answer = done.hp(*words)
    assert (answer.code, answer.err) == (2, 'no study "tpy" in this journal; did you mean `toy`?\n')


def test_study_with_what_is_there(done: Desk) -> None:
    assert done.hp("status", "digits").err == 'no study "digits" in this journal; recorded are: toy\n'


def test_journal(desk: Desk) -> None:
    answer = desk.hp("status")
    assert answer.code == 2
    assert f"there is no journal at {desk.folder}/.hpsearch/journal.db" in answer.err
    assert "name the study's file" in answer.err
    assert desk.files() == []


def test_journal_that_is_named(desk: Desk) -> None:
    answer = desk.hp("status", "--journal", "sqlite:///none.db")
    assert answer.code == 2
    assert "none.db" in answer.err
    assert not (desk.folder / "none.db").exists()


def test_journal_that_is_no_url(desk: Desk) -> None:
    assert "is not a URL" in desk.hp("status", "--journal", "none.db").err
