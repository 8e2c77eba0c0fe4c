"""The forecast of disk space for checkpoints, compared with the space that a run takes."""

import os
from pathlib import Path
from typing import Any

import pytest

from hpsearch.orchestrator import disk_forecast as module
from hpsearch.orchestrator.disk_forecast import DiskForecast, disk_forecast
from hpsearch.study import plan
from hpsearch.study.definition import Study
from hpsearch.workers.checkpoints import CheckpointStore
from tests.support.study_text import RANDOM, ROUNDS, make_study


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


ALONE = '[resources]\naddress = "none"\n'
COST = {"checkpoint": 300, "weights": 100}


def forecast(study: Study, cost: dict[str, Any] | None = None, work: Path | None = None) -> DiskForecast:
    return disk_forecast(study, plan.rounds(study), plan.trials(study), cost, work)


def study(more: str = "", search: str = RANDOM) -> Study:
    return make_study((RANDOM, search), ("", ALONE + more))


class TestCount:
    """Of five random trials, or of rounds."""

    @pytest.mark.parametrize(("keep", "ended"), [("finalists", 3), ("best", 1), ("all", 5)])
    def test_ended_trials(self, keep: str, ended: int) -> None:
        found = forecast(study(f'[checkpoints]\nkeep = "{keep}"\nfinalists = 3\n'))
        assert (found.ended, found.running, found.paused) == (ended, 1, 0)

    def test_no_more_than_there_are(self) -> None:
        assert forecast(study()).ended == 5

    @pytest.mark.parametrize(
        ("rounds", "paused"),
        [
            ("[{ trials = 8, epochs = 2 }, { trials = 4, epochs = 9 }]", 8),
            ("[{ trials = 8, epochs = 2 }, { trials = 4, epochs = 4 }, { trials = 2, epochs = 9 }]", 8 - 2 + 4),
            ("[{ trials = 8, epochs = 9 }]", 0),
        ],
    )
    def test_paused_ones_of_rounds(self, rounds: str, paused: int) -> None:
        """Half of each later round are continued ones."""
        assert forecast(study(search=ROUNDS + rounds)).paused == paused

    @pytest.mark.parametrize(
        ("resources", "running"),
        [
            ("workers = 3", 3),
            ("workers = 40", 5),
            ("", min(5, os.cpu_count() or 1)),
            ("per_trial = { cpus = 1000 }", 1),
            ('address = "auto"', 1),
        ],
    )
    def test_running_ones(self, resources: str, running: int) -> None:
        assert forecast(make_study(("", f"[resources]\n{resources}\n"))).running == running


class TestSize:
    def test_not_known_before_anything_was_measured(self) -> None:
        for cost in (None, {"seconds": 1.0}, {"checkpoint": 0, "weights": 0}):
            found = forecast(study(), cost)
            assert (found.checkpoint, found.best, found.most, found.fits) == (None, None, None, None)

    @pytest.mark.parametrize(("weights_only", "best"), [("true", 100), ("false", 300)])
    def test_of_the_preflight(self, weights_only: str, best: int) -> None:
        found = forecast(study(f"[checkpoints]\nweights_only = {weights_only}\n"), COST)
        assert (found.checkpoint, found.best) == (300, best)
        assert found.most == 5 * (300 + best) + (3 * 300 + 2 * best)

    def test_written_sizes_replace_measured_ones(self, tmp_path: Path) -> None:
        CheckpointStore.of(tmp_path, "u", 0).write(1, b"x" * 700, best=True)
        found = forecast(study(), COST, tmp_path)
        assert (found.checkpoint, found.best, found.used > 700) == (700, 700, True)

    def test_an_ended_study(self, tmp_path: Path) -> None:
        CheckpointStore.of(tmp_path, "u", 0).write_best(b"x" * 500)
        assert forecast(study(), None, tmp_path).checkpoint == 500
        weights = study("[checkpoints]\nweights_only = true\n")
        assert forecast(weights, None, tmp_path).checkpoint is None, "another is larger"
        assert forecast(weights, COST, tmp_path).checkpoint == 300


class TestRoom:
    @pytest.mark.parametrize(("free", "fits"), [(4499, False), (4500, True), (None, None)])
    def test_fits(self, monkeypatch: pytest.MonkeyPatch, free: int | None, fits: bool | None) -> None:
        monkeypatch.setattr(module, "_free", lambda _: free)
        found = forecast(study(), COST)
        assert (found.most, found.fits) == (4500, fits)

    def test_existing_checkpoints_need_no_more_space(self) -> None:
        assert DiskForecast(300, 300, 5, 1, 0, used=2500, free=2000).fits is True
        assert DiskForecast(300, 300, 5, 1, 0, used=2499, free=2000).fits is False

    def test_of_the_disk_that_the_home_will_be_on(self) -> None:
        assert (forecast(study()).free or 0) > 0
