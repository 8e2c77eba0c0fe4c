"""What a command takes from files of the caller, and not from the record of a study."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hpsearch.core.errors import BadInput, StudyChanged
from hpsearch.journal import StudyRecord
from hpsearch.records.callers_files import CallersStudy, as_recorded, trainable
from hpsearch.records.study_place import TRAINER_CODE
from tests.records.conftest import Scenario

SERVER = "http://127.0.0.1:9"


def test_to_be_trained_again(scenario: Scenario) -> None:
    """As the file has it, which may not have changed; or as the journal has it, with that journal."""
    assert trainable(scenario.journal, scenario.record, "study.toml") == scenario.study
    again = trainable(scenario.journal, scenario.record, "digits")
    assert again.identity() == scenario.study.identity()
    assert again.journal_url == scenario.study.journal_url
    assert again.folder == Path(os.path.realpath("."))
    file = Path("study.toml")
    file.write_text(file.read_text().replace("high = 1.0", "high = 0.5"))
    with pytest.raises(StudyChanged, match=r"space\.lr\.high: was 1\.0, is 0\.5"):
        trainable(scenario.journal, scenario.record, "study.toml")


def changed(record: StudyRecord, section: str, **values: Any) -> StudyRecord:
    """The record, as somebody with access to the journal may have written it."""
    return replace(record, spec={**record.spec, section: {**record.spec.get(section, {}), **values}})


def with_file(scenario: Scenario) -> None:
    """The journal has the path of the study file, as after a run."""
    document = {"file": str(Path("study.toml").absolute()), "sources": {}, "versions": {}}
    scenario.journal.put_document(scenario.lease, TRAINER_CODE, document, at=0)


def own_trainer(scenario: Scenario, text: str = "def train(params): ...", use: str = "mine:train") -> StudyRecord:
    Path("mine.py").write_text(text)
    return changed(scenario.record, "trainer", use=use)


# Addresses ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("written", [SERVER, SERVER + "/${env:SECRET}", "sqlite:////elsewhere/mlflow.db"])
def test_an_address_that_only_the_record_has_is_refused(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    monkeypatch.setenv("SECRET", "s3cret")
    record = changed(scenario.record, "tracking", mlflow=written)
    with_file(scenario)  # it has no [tracking]
    own = CallersStudy.of(scenario.journal, record)
    assert own.file is not None
    with pytest.raises(BadInput) as refused:
        own.tracking(Path(".hpsearch").absolute())
    assert "s3cret" not in str(refused.value)
    with pytest.raises(BadInput):
        trainable(scenario.journal, record, "digits")


def test_an_address_of_the_study_file_or_of_the_environment_is_used(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Path(".hpsearch").absolute()
    written = "http://user:${env:PW}@host"
    monkeypatch.setenv("PW", "s3cret")
    file = Path("study.toml")
    file.write_text(file.read_text() + f'[tracking]\nmlflow = "{written}"\n')
    with_file(scenario)
    record = changed(scenario.record, "tracking", mlflow=written)
    assert CallersStudy.of(scenario.journal, record).tracking(home) == written

    in_environment = CallersStudy(changed(scenario.record, "tracking", mlflow=SERVER), None)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", SERVER)
    assert in_environment.tracking(home) == "${env:MLFLOW_TRACKING_URI}"


def test_the_default_store_none_and_a_file_in_the_home_are_used(scenario: Scenario) -> None:
    home = Path(".hpsearch").absolute()
    for written, used in (
        ("none", "none"),
        ("sqlite:///.hpsearch/other.db", f"sqlite:///{home.resolve()}/other.db"),
    ):
        assert CallersStudy(changed(scenario.record, "tracking", mlflow=written), None).tracking(home) == used
    assert CallersStudy(scenario.record, None).tracking(home) is None


def test_a_file_of_another_user_is_not_the_callers(scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    with_file(scenario)
    assert CallersStudy.of(scenario.journal, scenario.record).file is not None
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert CallersStudy.of(scenario.journal, scenario.record).file is None


def test_references_in_a_record_are_refused(scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "s3cret")
    record = changed(scenario.record, "study", metric="${env:SECRET}")
    with pytest.raises(BadInput) as refused:
        as_recorded(record, Path())
    assert "study.metric" in str(refused.value)
    assert "s3cret" not in str(refused.value)


# Code ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_trainer_in_the_callers_folder_is_trained(scenario: Scenario) -> None:
    assert trainable(scenario.journal, own_trainer(scenario), "digits").trainer.use == "mine:train"


def test_a_trainer_in_a_folder_of_another_user_is_not(scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    record = own_trainer(scenario)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(BadInput):
        trainable(scenario.journal, record, "digits")


@pytest.mark.parametrize("mode", [0o777, 0o1777])
def test_nor_in_a_folder_that_everybody_may_write_to(scenario: Scenario, mode: int) -> None:
    record = own_trainer(scenario)
    Path().chmod(mode)
    with pytest.raises(BadInput):
        trainable(scenario.journal, record, "digits")


def test_a_standard_function_is_no_trainer_of_a_record(scenario: Scenario) -> None:
    for record in (
        own_trainer(scenario, use="subprocess:getoutput"),
        own_trainer(scenario, "from subprocess import getoutput", use="mine:getoutput"),
    ):
        with pytest.raises(BadInput):
            trainable(scenario.journal, record, "digits")


def test_a_command_or_cluster_is_taken_only_from_the_callers_file(scenario: Scenario) -> None:
    command = changed(scenario.record, "trainer", command=["sh", "-c", "echo {lr} {hidden} {optimizer} {momentum}"])
    cluster = changed(own_trainer(scenario), "resources", address="ray://somewhere:10001")
    for record in (command, cluster):
        with pytest.raises(BadInput):
            trainable(scenario.journal, record, "digits")
    file = Path("study.toml")
    file.write_text(file.read_text() + '[resources]\naddress = "ray://somewhere:10001"\n')
    with_file(scenario)
    again = changed(scenario.record, "resources", address="ray://somewhere:10001")
    assert trainable(scenario.journal, again, "digits").resources.address == "ray://somewhere:10001"


def test_an_own_sampler_is_imported_from_the_callers_files_only(scenario: Scenario) -> None:
    own = own_trainer(scenario)
    spec = {**own.spec, "search": {"method": "own", "use": "mine:Sampler"}}
    Path("mine.py").write_text("def train(params): ...\nclass Sampler: ...")
    assert trainable(scenario.journal, replace(own, spec=spec), "digits").search.label == "mine:Sampler"
    spec["search"]["use"] = "optuna.samplers:TPESampler"
    with pytest.raises(BadInput):
        trainable(scenario.journal, replace(own, spec=spec), "digits")
