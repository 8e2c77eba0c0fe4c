"""`lightning_callback` with the real packages, lightning and pytorch_lightning: `make test-frameworks`."""

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import hpsearch
from hpsearch import Report, Run, TrainerError
from hpsearch.core.trial import Cause, Objective, State
from hpsearch.workers.worker import Worker
from tests.cli.cli_runner import CliRunner
from tests.cli.conftest import cli
from tests.support import lightning_toys
from tests.support.documented import example, write_example
from tests.support.studies import setup
from tests.support.workers import EPOCHS, checkpoint_files, start, store_of, train, train_and_release

pytest.importorskip("lightning", reason="needs lightning and pytorch_lightning: make test-frameworks")
pytest_plugins = ["tests.support.fixtures"]
pytestmark = [pytest.mark.usefixtures("quick_collections"), pytest.mark.filterwarnings("default")]
__all__ = ["cli"]  # a fixture

PACKAGES = ("lightning.pytorch", "pytorch_lightning")


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test may leave a file in the working directory."""
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    yield
    assert [path.name for path in project.iterdir() if path.name not in ("study.toml", ".hpsearch")] == []


def worker(work: Path, name: str = "train", **changes: Any) -> Worker:
    return Worker(setup(work, f"lightning_toys:{name}", **changes))


def curve(work: Path, **params: Any) -> tuple[Report, ...]:
    reported = train(worker(work), start(params=params))
    assert reported.failure is None, reported.failure
    return reported.reports


class TestResumed:
    @pytest.mark.parametrize("package", PACKAGES)
    @pytest.mark.parametrize("schedule", ["none", "plateau", "cycle"])
    def test_bit_for_bit(self, tmp_path: Path, package: str, schedule: str) -> None:
        """Dropout, batch norm, a shuffled DataLoader, callbacks; a schedule that follows the validation."""
        params = {"package": package, "schedule": schedule}
        whole = curve(tmp_path / "whole", **params)
        trained = worker(tmp_path)
        first = train_and_release(trained, start(params=params, until=2))
        then = train(trained, start(params=params, after=2))
        assert first.reports + then.reports == whole
        assert [report.step for report in whole] == list(range(1, EPOCHS + 1))
        assert then.notes == ()

    @pytest.mark.parametrize("workers", [0, 2])
    def test_with_workers_of_a_dataloader(self, tmp_path: Path, workers: int) -> None:
        params = {"workers": workers}
        whole = curve(tmp_path / "whole", **params)
        trained = worker(tmp_path)
        first = train_and_release(trained, start(params=params, until=3))
        then = train(trained, start(params=params, after=3))
        assert first.reports + then.reports == whole

    def test_in_the_middle_of_epochs(self, tmp_path: Path) -> None:
        """Two validations per epoch of four batches: steps go on, with another order of the data."""
        params = {"interval": 2}
        trained = worker(tmp_path)
        first = train_and_release(trained, start(params=params, until=6, epochs=12))
        then = train(trained, start(params=params, after=6, until=12, epochs=12))
        assert [report.step for report in first.reports + then.reports] == [2, 4, 6, 8, 10, 12]
        assert then.failure is None

    def test_a_trainer_that_loads_another_checkpoint_is_trained_again(self, tmp_path: Path) -> None:
        whole = curve(tmp_path / "whole")
        trained = worker(tmp_path, "of_another_checkpoint")
        first = train_and_release(trained, start(until=2))
        then = train(trained, start(after=2))
        assert "without a ckpt_path of your own" in "".join(then.notes)
        assert first.reports == whole[:2]

    def test_best_pt_has_the_model(self, tmp_path: Path) -> None:
        trained = worker(tmp_path)
        train(trained, start())
        trained.release(over=True)
        snapshot = store_of(tmp_path).read("best.pt")
        assert snapshot is not None
        assert sorted(snapshot.objects) == ["lightning", "model"]
        assert checkpoint_files(tmp_path) == ["best.pt"]
        lightning_toys.Net("none").load_state_dict(snapshot.objects["model"])


class TestReports:
    def test_all_that_was_logged(self, tmp_path: Path) -> None:
        last = curve(tmp_path)[-1].metrics
        assert sorted(last) == ["late", "train_loss", "val_loss"]
        assert last["late"] == EPOCHS - 1, "what on_train_epoch_end has logged is of this epoch"

    def test_an_epoch_without_validation_is_none(self, tmp_path: Path) -> None:
        assert [report.step for report in curve(tmp_path, every=2)] == [2, 4, 6]

    def test_a_module_without_validation_reports_each_epoch(self, tmp_path: Path) -> None:
        reports = train(worker(tmp_path, "without_validation", objective=Objective("train_loss", "minimize")), start())
        assert [sorted(report.metrics) for report in reports.reports] == [["late", "train_loss"]] * EPOCHS

    def test_in_a_notebook(self) -> None:
        run = Run.local(2)
        lightning_toys.train({}, run)
        assert [report.step for report in run.reports] == [1, 2]


class TestStopped:
    def test_fit_returns_in_good_order(self, tmp_path: Path) -> None:
        note = tmp_path / "note"
        trained = worker(tmp_path)
        train(trained, start(params={"note": str(note)}, until=2))
        trained.release()
        assert note.read_text().split() == ["on_train_end", "success", "fit_returned"]

    def test_a_further_call_of_the_trainer_is_not_made(self, tmp_path: Path) -> None:
        note = tmp_path / "note"
        trained = worker(tmp_path, "tested")
        train(trained, start(params={"note": str(note)}, until=2))
        trained.release()
        assert "tested" not in note.read_text()
        train(trained, start(1, params={"note": str(note)}))
        trained.release()
        assert "tested" in note.read_text()

    def test_min_epochs_do_not_hold_it(self, tmp_path: Path) -> None:
        note = tmp_path / "note"
        trained = worker(tmp_path)
        train(trained, start(params={"note": str(note), "min_epochs": 5}, until=2))
        trained.release()
        assert "on_train_end" not in note.read_text()

    def test_early_stopping_of_lightning_ends_it(self, tmp_path: Path) -> None:
        reported = train(worker(tmp_path), start(params={"patience": 1}))
        assert reported.ended
        assert len(reported.reports) < EPOCHS

    def test_several_devices_are_refused(self, tmp_path: Path) -> None:
        reported = train(worker(tmp_path, "on_two_devices"), start())
        assert reported.failure is not None
        assert reported.failure.kind == "contract"


class TestFiles:
    def test_default_loggers_write_into_the_scratch_folder(self, tmp_path: Path) -> None:
        """The working directory is checked by the fixture."""
        curve(tmp_path / "work", logger=True)
        assert list((tmp_path / "work" / "scratch").glob("*/lightning_logs/version_0/*"))

    def test_a_trainer_without_the_callback_is_as_before(self, tmp_path: Path) -> None:
        for name in PACKAGES:
            package = importlib.import_module(name)
            hpsearch.lightning_callback(Run.local(1))
            hpsearch.lightning_callback(Run.local(1))
            trainer = package.Trainer(logger=False, accelerator="cpu")
            assert trainer.default_root_dir == str(Path.cwd())
            assert trainer.progress_bar_callback is not None
            own = package.Trainer(default_root_dir=tmp_path, callbacks=[hpsearch.lightning_callback(Run.local(1))])
            assert own.default_root_dir == str(tmp_path)


def test_it_is_said_where_lightning_is_not_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PACKAGES:
        monkeypatch.delitem(importlib.import_module("sys").modules, name, raising=False)
    with pytest.raises(TrainerError, match="import lightning"):
        hpsearch.lightning_callback(Run.local(1))


@pytest.mark.parametrize("package", ["lightning", "pytorch_lightning"])
def test_the_documented_training_is_searched_and_continued(cli: CliRunner, package: str) -> None:
    """Four trials of two epochs; the better half is trained to four. The median stops some earlier."""
    use = write_example("frameworks.md", "lightning_digits.py", cli.folder)
    (cli.folder / f"{use}.py").write_text(re.sub(r"\blightning\b(?!_)", package, example("frameworks.md", f"{use}.py")))
    cli.study(
        trainer=f"{use}:train",
        epochs=4,
        space="lr = { low = 1e-4, high = 1e-1, log = true }\nhidden = 16",
        search='method = "coarse-to-fine"\nrounds = [{ trials = 4, epochs = 2 }, { trials = 2, epochs = 4 }]',
    )
    answer = cli.run("--json")
    assert answer.code == 0, answer.err
    trials = cli.export()["trials"]
    assert answer.data["epochs_trained"] == sum(len(trial["curve"]) for trial in trials), "nothing is trained twice"
    assert {State.COMPLETE.name} <= {trial["state"] for trial in trials}
    assert Cause.TRAINER_RAISED.value not in {trial.get("cause") for trial in trials}
    (cli.folder / f"{use}.py").unlink()
