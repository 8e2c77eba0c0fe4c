"""A trial's checkpoint in MLflow's model registry, and what a caller does who has only MLflow and torch."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from mlflow import MlflowClient

from hpsearch.core.errors import BadInput, HpsearchError, InfrastructureError, NotFound
from hpsearch.records.find import JournalStudy
from hpsearch.tracking.mlflow_runs import MlflowRuns
from hpsearch.tracking.model_version import Model, Registered, model_of, promote
from hpsearch.trainer.state import Snapshot, pack
from hpsearch.workers.checkpoints import CheckpointStore, Removal
from tests.tracking.study_recorder import StudyRecorder

WHY = "the best trial of the study"


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[StudyRecorder]:
    study = {"name": "digits", "metric": "val_accuracy", "goal": "maximize", "at": "best"}
    space = {
        "lr": {"low": 1e-5, "high": 1.0, "log": True},
        "act": {"values": ["relu", "tanh"], "names": ["rectified", "smooth"]},
    }
    recorder = StudyRecorder(tmp_path, study=study, space=space)
    yield recorder
    recorder.close()


def checkpoint(recorder: StudyRecorder, work: Path, number: int, step: int, weight: float) -> CheckpointStore:
    store = CheckpointStore.of(work, recorder.study.uid, number)
    objects = {"model": {"weight": torch.tensor([weight])}}
    store.write(step, pack(Snapshot(store.owner, step, 0.2, objects, {})), best=True)
    return store


@pytest.fixture
def trained(recorder: StudyRecorder, tmp_path: Path) -> Callable[[], Model]:
    """The model of trial 0, whose best epoch is the second of three."""
    recorder.train(0.5, 0.8, 0.7)
    checkpoint(recorder, tmp_path, 0, 2, weight=1.5)
    return lambda: model_of(JournalStudy(recorder.study), recorder.trials[0], tmp_path, WHY)


def promoted(
    recorder: StudyRecorder, model: Model, uri: str, name: str = "digits", alias: str | None = None
) -> Registered:
    with recorder.open() as journal:
        return promote(journal, JournalStudy(recorder.study), model, uri, name, alias)


def versions(uri: str, name: str = "digits") -> list[Any]:
    found = MlflowClient(tracking_uri=uri, registry_uri=uri).search_model_versions(f"name = '{name}'")
    return sorted(found, key=lambda one: int(one.version))


def test_a_version_with_the_checkpoint_its_run_and_its_origin(
    recorder: StudyRecorder, trained: Callable[[], Model], store: str, tmp_path: Path
) -> None:
    """The study was not in this MLflow store before."""
    done = promoted(recorder, trained(), store, alias="champion")
    assert (done.version, done.is_new, done.model_uri) == ("1", True, "models:/digits/1")
    client = MlflowClient(tracking_uri=store, registry_uri=store)
    (version,) = versions(store)
    assert client.get_run(version.run_id).data.tags["hpsearch.trial"] == "0"
    assert client.get_model_version_by_alias("digits", "champion").version == version.version
    about = {name: version.tags[f"hpsearch.{name}"] for name in ("study", "trial", "epoch", "metric", "value")}
    assert about == {"study": "digits", "trial": "0", "epoch": "2", "metric": "val_accuracy", "value": "0.8"}
    assert json.loads(version.tags["hpsearch.params"]) == recorder.trials[0].params
    folder = Path(client.download_artifacts(version.run_id, version.source.rpartition("/")[2], str(tmp_path)))
    assert f"runs:/{version.run_id}/{folder.name}" in version.description
    assert "act = rectified" in version.description
    assert torch.load(folder / "best.pt", weights_only=True)["objects"]["model"]["weight"].tolist() == [1.5]
    assert json.loads((folder / "trial.json").read_text())["objects"] == ["model"]


def test_the_same_model_keeps_its_version_and_another_gets_a_new_one(
    recorder: StudyRecorder, trained: Callable[[], Model], store: str, tmp_path: Path
) -> None:
    promoted(recorder, trained(), store)
    again = promoted(recorder, trained(), store)
    assert (again.version, again.is_new) == ("1", False)
    assert promoted(recorder, trained(), store, "other name's").version == "1"
    checkpoint(recorder, tmp_path, 0, 2, weight=2.5)
    assert promoted(recorder, trained(), store).version == "2"
    first, second = versions(store)
    assert first.source != second.source


@pytest.mark.parametrize("fails", ["upload", "register"])
def test_what_an_interrupted_call_left_is_completed_by_the_next(
    recorder: StudyRecorder,
    trained: Callable[[], Model],
    store: str,
    monkeypatch: pytest.MonkeyPatch,
    fails: str,
) -> None:
    def failing(*_: object) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(MlflowRuns, fails, failing)
        with pytest.raises(InfrastructureError, match="disk full; nothing was registered; run the same command again"):
            promoted(recorder, trained(), store)
    assert versions(store) == []
    assert promoted(recorder, trained(), store).version == "1"


def test_names_that_mlflow_refuses(recorder: StudyRecorder, trained: Callable[[], Model], store: str) -> None:
    MlflowClient(tracking_uri=store, registry_uri=store).register_prompt("greeting", "Hello")
    for name, alias in (("a/b", None), ("digits", "latest"), ("digits", "no spaces"), ("greeting", None)):
        with pytest.raises(BadInput, match="MLflow refuses this name: "):
            promoted(recorder, trained(), store, name, alias)
    assert versions(store) == []


def test_mlflow_that_does_not_answer(recorder: StudyRecorder, trained: Callable[[], Model]) -> None:
    with pytest.raises(InfrastructureError, match=r"does not answer .*; nothing was registered"):
        promoted(recorder, trained(), "http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("missing", "advice"),
    [("tracked", r"run\.track\(model=model\)"), ("kept", 'keep = "all"'), ("here", "HPSEARCH_HOME")],
)
def test_a_trial_without_a_checkpoint(
    recorder: StudyRecorder, trained: Callable[[], Model], tmp_path: Path, missing: str, advice: str
) -> None:
    number = 0 if missing != "tracked" else recorder.train(0.9)
    if missing == "kept":
        CheckpointStore.of(tmp_path, recorder.study.uid, 0).remove(Removal("best", 1))
    work = None if missing == "here" else tmp_path
    with pytest.raises(NotFound, match=advice) as caught:
        model_of(JournalStudy(recorder.study), recorder.trials[number], work, WHY)
    assert isinstance(caught.value, HpsearchError)
    assert caught.value.exit_code == 2
