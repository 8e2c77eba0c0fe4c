"""`setup_mlflow` of ray.air in what was written for ray.tune: its run is in the study's experiment."""

from pathlib import Path
from typing import Any

import mlflow
import pytest
from ray import tune
from ray.air.integrations.mlflow import setup_mlflow

from hpsearch.trainer import forms
from hpsearch.trainer.training_run import Run

pytestmark = pytest.mark.filterwarnings("ignore")  # of MLflow and SQLAlchemy


def logs(config: dict[str, Any]) -> None:
    options = {"experiment_name": config["name"], "create_experiment_if_not_exists": True} if config["name"] else {}
    setup_mlflow({"table": {"a": [1, 2]}, **config}, **options)
    run = mlflow.active_run()
    assert run is not None
    tune.report({"val_loss": float(run.info.experiment_id)})
    mlflow.end_run()


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Its experiment 1 is another study's: Ray looks for an experiment of the trial's id, such as "00001"."""
    address = f"sqlite:///{tmp_path_factory.mktemp('store')}/mlflow.db"
    client = mlflow.MlflowClient(address)
    for name in ("other", "study"):
        client.create_experiment(name)
    return address


@pytest.fixture(autouse=True)
def store(filled: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", filled)
    return filled


def experiment_of(tmp_path: Path, name: str = "") -> int:
    run = Run(0, 3, scratch_dir=tmp_path / "scratch" / "00001")
    run.scratch_dir.mkdir(parents=True, exist_ok=True)
    (report,) = forms.as_trainer("it", logs)({"name": name}, run)
    return int(report.metrics["val_loss"])


def test_it_is_the_study_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", "2")
    assert experiment_of(tmp_path) == 2


def test_one_of_another_name_has_priority(tmp_path: Path, store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", "2")
    mine = experiment_of(tmp_path, "mine")
    assert mlflow.MlflowClient(store).get_experiment(str(mine)).name == "mine"


def test_the_default_one_without_an_experiment_of_the_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_EXPERIMENT_ID", raising=False)
    assert experiment_of(tmp_path) == 0
