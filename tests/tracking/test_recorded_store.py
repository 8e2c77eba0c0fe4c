"""The MLflow store of a recorded study: that of the option, of its file, or the recorded one."""

from pathlib import Path

import pytest

from hpsearch.core.errors import BadInput
from hpsearch.journal import Journal
from hpsearch.tracking import recorded_store
from hpsearch.tracking.base import Sync
from hpsearch.tracking.recorded_store import checked, sync_recorded
from tests.support.study_text import make_study

NOT_TRACKED = '[tracking]\nmlflow = "none"\n'
SERVER = "http://127.0.0.1:5001"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder. `sync` is replaced: it opens no MLflow and returns the URI."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HPSEARCH_HOME", raising=False)
    monkeypatch.setattr(recorded_store, "sync", lambda _record, _objective, _journal, uri, **_: Sync(1, 0, uri))
    return tmp_path


def recorded(*names: str, tracking: str = "") -> str:
    """Studies of these names in one journal; its URL."""
    url = ""
    for name in names:
        study = make_study(("digits", name), ("", tracking))
        url = study.journal_url
        Path(".hpsearch").mkdir(exist_ok=True)
        with Journal.open(url) as journal:
            journal.create(name, study.spec(), study.identity(), at=0)
    return url


def uris(study: str | None, mlflow: str | None = None) -> dict[str, str]:
    return {name: one.problem for name, one in sync_recorded(study, None, mlflow).items()}


def test_a_study_by_its_name_uses_the_recorded_store(folder: Path) -> None:
    recorded("digits")
    assert uris("digits") == {"digits": f"sqlite:///{folder}/.hpsearch/mlflow.db"}


def test_a_study_by_its_file_uses_the_store_of_the_file() -> None:
    recorded("digits")
    make_study(("", f'[tracking]\nmlflow = "{SERVER}"\n'))
    assert uris("study.toml") == {"digits": SERVER}


@pytest.mark.parametrize("study", ["digits", "study.toml", None])
def test_the_option_takes_precedence(study: str | None) -> None:
    recorded("digits", tracking=NOT_TRACKED)
    assert uris(study, SERVER) == {"digits": SERVER}


def test_a_study_without_mlflow_is_refused() -> None:
    recorded("digits", tracking=NOT_TRACKED)
    with pytest.raises(BadInput) as problem:
        sync_recorded("digits", None, None)
    where = 'study "digits" is not tracked with MLflow (tracking.mlflow = "none")'
    assert str(problem.value) == f"{where}: name a store with --mlflow URI"


def test_a_store_that_only_the_journal_names_is_refused() -> None:
    recorded("digits", tracking='[tracking]\nmlflow = "sqlite:///other.db"\n')
    with pytest.raises(BadInput) as problem:
        sync_recorded("digits", None, None)
    assert str(problem.value) == (
        'study "digits" is recorded with tracking.mlflow = "sqlite:///other.db", and an address that only a journal '
        "names is not used: give the study file in place of the study's name, name the store with --mlflow URI, or set "
        "MLFLOW_TRACKING_URI to this address"
    )


def test_the_others_are_sent_before_such_a_study_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded("digits", tracking=f'[tracking]\nmlflow = "{SERVER}"\n')
    recorded("heart")
    sent: list[str] = []
    monkeypatch.setattr(recorded_store, "sync", lambda record, *_, **__: sent.append(record.name))
    with pytest.raises(BadInput):
        sync_recorded(None, None, None)
    assert sent == ["heart"]


def test_of_all_studies_those_without_mlflow_are_left_out() -> None:
    recorded("digits")
    recorded("heart", tracking=NOT_TRACKED)
    assert list(uris(None)) == ["digits"]


def test_an_option_that_mlflow_does_not_accept_is_refused() -> None:
    with pytest.raises(BadInput):
        checked("./mlruns")
