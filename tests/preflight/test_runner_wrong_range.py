"""A range of the learning rate that is wrong by decades, with the recipe, from the preflight to the best trial."""

from pathlib import Path
from typing import Any

import pytest

import hpsearch
from hpsearch import Run, Study
from hpsearch.preflight.measure.lr_sweep import LrSweep
from hpsearch.preflight.runner import PreflightFailed
from tests.preflight import wine
from tests.preflight.measure.helpers import context

LOW, HIGH = 1e-6, 3e-5


def study(folder: Path, name: str, expand: bool) -> Study:
    sections: dict[str, Any] = {
        "study": {"name": name, "metric": "val_loss", "goal": "minimize"},
        "trainer": {"use": "tests.preflight.wine:train", "epochs": 20},
        "space": {
            "lr": {"low": LOW, "high": HIGH, "log": True, "expand": expand},
            "hidden": {"low": 4, "high": 32, "log": True},
        },
        "search": {"method": "recipe", "budget": {"epochs": 240}},
        "resources": {"address": "none"},
        "tracking": {"mlflow": "none"},
    }
    return Study.from_dict(sections, folder=folder)


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HPSEARCH_HOME", str(tmp_path / "home"))


def best_of(lr: float, epochs: int = 20) -> float:
    reports = wine.train(wine.Params(lr), Run.local(epochs, device="cpu"))
    return min(report.metrics["val_loss"] for report in reports)


# Bounds, of a sweep over 1e-6 to 3 with 4, 11 and 32 hidden units, each the best of 20 epochs:
# 1.05 to 1.12 up to a rate of 3e-5, 0.42 to 0.88 at 0.01, 0.035 to 0.063 at 0.1, 0.0025 to 0.024 at 0.3 and 1.
STUCK, GOOD = 0.9, 0.1


@pytest.mark.slow
def test_with_expand_the_search_ends_near_the_best_rates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = hpsearch.run(study(tmp_path, "moves", expand=True))
    assert best_of(HIGH) > STUCK
    assert result.best.value < max(GOOD, best_of(0.1))
    assert result.best.params["lr"] > 0.01
    shown = capsys.readouterr()
    (found,) = {line for line in (shown.out + shown.err).splitlines() if line.startswith("lr: ")}
    assert f"[{LOW:.3g}, {HIGH:.3g}]" in found


@pytest.mark.slow
def test_without_expand_it_stops_before_the_first_trial(tmp_path: Path) -> None:
    fixed = study(tmp_path, "stays", expand=False)
    with pytest.raises(PreflightFailed) as problem:
        hpsearch.run(fixed, progress=False)
    assert problem.value.exit_code == 2
    change = str(problem.value).splitlines()[-1]
    assert change.startswith("write lr = { low = ")
    forced = hpsearch.run(fixed, progress=False, force=True)
    assert forced.best.value > STUCK
    assert forced.best.params["lr"] <= HIGH


def test_the_range_test_finds_rates_at_which_the_network_learns() -> None:
    sweep = LrSweep({"lr": 5e-6}, 0, 20, "lr", 1e-7, 10.0, iterations=60).measure(context(wine.train))
    assert sweep.problem == ""
    at = {rate: loss for rate, loss in zip(sweep.rates, sweep.losses, strict=False) if 0.1 <= rate <= 1}
    assert min(at.values()) < STUCK < min(sweep.losses[:10])
