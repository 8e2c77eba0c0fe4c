"""A recorded study, by its name or its file."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from hpsearch.core.errors import BadInput, NotFound
from hpsearch.core.replicates import Replicates
from hpsearch.core.trial import Objective
from hpsearch.records.find import check_trial, evaluation_name, folder_of, journal_url, looked_up, opened
from tests.records.conftest import Scenario


@pytest.mark.parametrize("study", ["digits", "study.toml"])
def test_by_name_and_by_file(scenario: Scenario, study: str) -> None:
    with opened(study) as (journal, found):
        assert found.record == scenario.record
        assert len(journal.trials(found.record.id)) == 2
    assert found.objective == Objective("loss", "minimize")
    assert found.replicates == Replicates()
    assert found.space.parameters == scenario.study.space.parameters


def test_in_the_journal_that_is_named(scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    monkeypatch.setenv("PLACE", str(tmp_path))
    with opened("digits", "sqlite:///${env:PLACE}/.hpsearch/journal.db") as (_, found):
        assert found.record == scenario.record
    with pytest.raises(BadInput, match="journal: the environment variable PLICE is not set"):
        looked_up("sqlite:///${env:PLICE}/journal.db", "journal")


@pytest.mark.parametrize(("name", "hint"), [("digit", "did you mean `digits`?"), ("heart", "recorded are: digits")])
def test_a_study_that_is_not_there(scenario: Scenario, name: str, hint: str) -> None:
    with pytest.raises(NotFound) as problem, opened(name):
        pass
    assert str(problem.value) == f'no study "{name}" in this journal; {hint}'


def test_a_journal_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HPSEARCH_HOME", raising=False)
    place = re.escape(str(tmp_path / ".hpsearch" / "journal.db"))
    with pytest.raises(NotFound, match=f"there is no journal at {place}: name the study's file .* or the journal with"):
        journal_url("digits")


@pytest.mark.parametrize("number", [-1, 2])
def test_a_trial_that_is_not_there(scenario: Scenario, number: int) -> None:
    with opened("digits") as (journal, found):
        check_trial(journal, found, 1)
        with pytest.raises(NotFound, match=f"has no trial {number}: it has trials 0 to 1"):
            check_trial(journal, found, number)


def test_the_evaluation_of_a_study_has_a_name_that_a_study_may_have(scenario: Scenario) -> None:
    assert evaluation_name(scenario.record) == "digits evaluation"
    longest = replace(scenario.record, name="x" * 250)
    assert evaluation_name(longest) == f"{scenario.record.uid} evaluation"


def test_by_a_folder(scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home, the folder that it lies in, and a study's own."""
    own = tmp_path / ".hpsearch" / "studies" / f"digits-{scenario.record.uid[:8]}"
    monkeypatch.chdir("/")
    for folder in (tmp_path, tmp_path / ".hpsearch", own):
        with opened(str(folder)) as (_, found):
            assert found.record == scenario.record
    assert folder_of("digits") is None
    assert folder_of("study.toml") is None


def test_a_home_with_several_studies(scenario: Scenario, tmp_path: Path) -> None:
    spec, identity = scenario.study.spec(), scenario.study.identity()
    scenario.journal.create(evaluation_name(scenario.record), spec, identity, at=0)
    with opened(str(tmp_path)) as (_, found):
        assert found.record == scenario.record, "an evaluation belongs to its study"
    second = scenario.journal.create("second", spec, identity, at=0)
    with pytest.raises(NotFound, match="digits, second"), opened(str(tmp_path)):
        pass
    with opened(str(tmp_path / ".hpsearch" / "studies" / f"second-{second.uid[:8]}")) as (_, found):
        assert found.record == second
