"""The working directory of what was written for ray.tune: a folder of the trial, as in Tune."""

import os
from pathlib import Path
from typing import Any

import pytest
from ray import tune

from hpsearch.trainer import forms
from hpsearch.trainer.adapters.ray_tune import Trainable
from hpsearch.trainer.training_run import Run


def saves(config: dict[str, Any]) -> None:
    for _ in range(3):
        Path("my_model").write_text(str(config["x"]))
        tune.report({"val_loss": config["x"]})
        assert Path("my_model").read_text() == str(config["x"])


class Saves(Trainable):
    def setup(self, config: dict[str, Any]) -> None:
        Path("my_model").write_text(str(config["x"]))

    def step(self) -> dict[str, Any]:
        return {"val_loss": float(Path("my_model").read_text())}

    def cleanup(self) -> None:
        Path("cleaned").touch()


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("TUNE_ORIG_WORKING_DIR", raising=False)
    return folder


@pytest.mark.parametrize("trainable", [saves, Saves])
def test_two_trials_that_take_turns_in_a_process(project: Path, tmp_path: Path, trainable: Any) -> None:
    train = forms.as_trainer("it", trainable)
    places = [tmp_path / name for name in ("first", "second")]
    trials = [train({"x": x}, Run(0, 3, scratch_dir=place)) for x, place in enumerate(places)]
    reports = [[next(trial).metrics["val_loss"] for trial in trials] for _ in range(3)]
    for trial in trials:
        trial.close()  # type: ignore[attr-defined]
    assert reports == [[0.0, 1.0]] * 3
    assert [(place / "working" / "my_model").read_text() for place in places] == ["0", "1"]
    assert (Path.cwd(), list(project.iterdir())) == (project, [])
    assert os.environ["TUNE_ORIG_WORKING_DIR"] == str(project)


def test_as_the_user_has_set_it(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_CHDIR_TO_TRIAL_DIR", "0")
    trial = forms.as_trainer("it", Saves)({"x": 1}, Run(0, 1, scratch_dir=tmp_path / "scratch"))
    next(trial)
    trial.close()  # type: ignore[attr-defined]
    assert sorted(path.name for path in project.iterdir()) == ["cleaned", "my_model"]
