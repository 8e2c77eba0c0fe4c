"""Runs of an MLflow experiment that another program has logged."""

from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from hpsearch.core.errors import BadInput, NotFound
from hpsearch.core.trial import State
from hpsearch.study.definition import Study
from hpsearch.tracking import imported_runs, mlflow_runs
from hpsearch.tracking.mlflow_runs import FoundRun


def study(folder: Path) -> Study:
    return Study.from_dict(
        {
            "study": {"name": "toy", "metric": "loss", "goal": "minimize"},
            "trainer": {"epochs": 3},
            "space": {"lr": {"low": 0.0, "high": 1.0}},
            "search": {"method": "bayesian", "trials": 5},
            "tracking": {"mlflow": "none"},
        },
        folder=folder,
    )


def store(folder: Path) -> str:
    path = folder / "mlflow.db"
    path.touch()
    return f"sqlite:///{path}"


def run(number: str, *points: tuple[int, float], status: str = "FINISHED", state: str = "") -> FoundRun:
    return FoundRun(number, status, state, {"rate": "0.1"}, ["loss"] if points else [], points)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[FoundRun]:
    """What MLflow has in its experiment "old"."""
    found: list[FoundRun] = []
    monkeypatch.setattr(mlflow_runs, "runs_of", lambda _, name, *__: found if name == "old" else None)
    monkeypatch.setattr(mlflow_runs, "experiment_names", lambda _: ["old"])
    return found


def read(folder: Path, experiment: str = "old", **columns: str) -> list[Any]:
    return imported_runs.read(study(folder), experiment, store(folder), columns)


def test_runs_become_trials(tmp_path: Path, runs: list[FoundRun]) -> None:
    """Steps from 0 are shifted; a metric that was logged without steps has none."""
    runs += [run("a", (0, 0.5), (1, 0.4)), run("b", (0, 0.9), (0, 0.8)), run("c", status="FAILED")]
    runs += [
        run("d", (1, 0.5), status="KILLED"),
        run("e", (1, 0.5), status="RUNNING"),
        run("f", (1, 0.5), state="PRUNED"),
    ]
    trials = read(tmp_path, lr="rate")
    assert [list(one.values) for one in trials[:3]] == [[(1, 0.5), (2, 0.4)], [(0, 0.8)], []]
    assert [one.state for one in trials] == [None, None, State.FAILED, State.PRUNED, State.FAILED, State.PRUNED]
    assert (trials[0].label, dict(trials[0].params)) == ("run a", {"lr": "0.1"})


def test_several_metrics(tmp_path: Path, runs: list[FoundRun]) -> None:
    about = study(tmp_path).study.model_copy(update={"require": ("latency <= 20",)})
    required = study(tmp_path).model_copy(update={"study": about})
    further = {"ms": [(0, 9.0), (1, 8.0)]}
    curve = FoundRun("a", "FINISHED", "", {"lr": "0.1"}, ["loss", "ms"], [(0, 0.5), (1, 0.4)], further)
    last = FoundRun("b", "FINISHED", "", {"lr": "0.2"}, ["loss", "ms"], [(0, 0.5)], further)
    runs += [curve, last]
    trials = imported_runs.read(required, "old", store(tmp_path), {"latency": "ms"})
    assert [dict(one.others) for one in trials] == [
        {1: {"latency": 9.0}, 2: {"latency": 8.0}},
        {0: {"latency": 8.0}},
    ]
    with pytest.raises(BadInput, match="`latency`"):
        imported_runs.read(required, "old", store(tmp_path), {})


def test_what_mlflow_does_not_have(tmp_path: Path, runs: list[FoundRun]) -> None:
    with pytest.raises(NotFound, match="did you mean `old`"):
        read(tmp_path, "olds")
    runs.append(run("a", (1, 0.5)))
    with pytest.raises(BadInput, match="did you mean `loss`"):
        read(tmp_path, loss="losss")
    with pytest.raises(NotFound):
        imported_runs.read(study(tmp_path), "old", f"sqlite:///{tmp_path / 'missing.db'}", {})
    assert not (tmp_path / "missing.db").exists()
    for address in (None, "file:./mlruns", "mlruns"):
        with pytest.raises(BadInput):
            imported_runs.read(study(tmp_path), "old", address, {})


@pytest.mark.slow
def test_a_store_that_mlflow_has_written(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'mlflow.db'}"
    client = MlflowClient(tracking_uri=address, registry_uri=address)
    experiment = client.create_experiment("old", artifact_location=str(tmp_path / "artifacts"))
    for place in range(3):
        one = client.create_run(experiment).info.run_id
        client.log_param(one, "lr", 0.1 * place)
        for step in range(2):
            client.log_metric(one, "loss", place - step, step=step)
        client.set_terminated(one, "FAILED" if place == 2 else "FINISHED")
    client.create_run(experiment, tags={"hpsearch.study": "a", "hpsearch.uid": "a"})
    trials = imported_runs.read(study(tmp_path), "old", address, {})
    assert [list(one.values) for one in trials] == [[(1, float(p)), (2, p - 1.0)] for p in range(3)]
    assert [(one.params["lr"], one.state) for one in trials] == [("0.0", None), ("0.1", None), ("0.2", State.FAILED)]
