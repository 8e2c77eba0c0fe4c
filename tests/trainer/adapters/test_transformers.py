"""`transformers_callback` with the real package: `make test-frameworks`."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import hpsearch
from hpsearch import Report, Run, TrainerError
from hpsearch.core.trial import Objective, State
from hpsearch.workers.worker import Worker
from tests.cli.cli_runner import CliRunner
from tests.cli.conftest import cli
from tests.support import transformers_toys
from tests.support.documented import write_example
from tests.support.studies import setup
from tests.support.workers import checkpoint_files, start, store_of, train, train_and_release

pytest.importorskip("transformers", reason="needs transformers and accelerate: make test-frameworks")
pytest_plugins = ["tests.support.fixtures"]
pytestmark = [pytest.mark.usefixtures("quick_collections"), pytest.mark.filterwarnings("default")]
__all__ = ["cli"]  # a fixture

EPOCHS = 3
LOSS = Objective("eval_loss", "minimize")


WORKERS: list[Worker] = []


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test may leave a file in the working directory, or the open log of a trial."""
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    yield
    while WORKERS:
        WORKERS.pop().release()
    assert list(project.iterdir()) == []


def worker(work: Path, name: str = "train") -> Worker:
    WORKERS.append(Worker(setup(work, f"transformers_toys:{name}", objective=LOSS)))
    return WORKERS[-1]


def trained(worker: Worker, number: int = 0, **changes: Any) -> tuple[Report, ...]:
    reported = train(worker, start(number, **{"epochs": EPOCHS, "until": EPOCHS, **changes}))
    assert reported.failure is None, reported.failure
    return reported.reports


class TestResumed:
    @pytest.mark.parametrize("k", [1, 2])
    def test_bit_for_bit(self, tmp_path: Path, k: int) -> None:
        """With dropout, a shuffled order, warm-up and weight decay."""
        whole = trained(worker(tmp_path / "whole"))
        mine = worker(tmp_path)
        first = trained(mine, until=k)
        mine.release()
        assert first + trained(mine, after=k) == whole
        assert [report.step for report in whole] == [1, 2, 3]

    def test_by_steps(self, tmp_path: Path) -> None:
        """An evaluation each third step, which is in the middle of an epoch of four."""
        params = {"every": 3}
        whole = trained(worker(tmp_path / "whole"), params=params, epochs=12, until=12)
        assert [report.step for report in whole] == [3, 6, 9, 12]
        mine = worker(tmp_path)
        first = trained(mine, params=params, epochs=12, until=6)
        mine.release()
        assert first + trained(mine, params=params, epochs=12, until=12, after=6) == whole

    def test_a_train_call_without_the_checkpoint_trains_again(self, tmp_path: Path) -> None:
        mine = worker(tmp_path, "forgetful")
        first = trained(mine, until=1)
        mine.release()
        then = train(mine, start(epochs=EPOCHS, until=EPOCHS, after=1))
        assert "resume_from_checkpoint=callback.checkpoint" in "".join(then.notes)
        assert first + then.reports == trained(worker(tmp_path / "whole"))

    def test_best_pt_has_the_files(self, tmp_path: Path) -> None:
        mine = worker(tmp_path)
        trained(mine)
        mine.release(over=True)
        snapshot = store_of(tmp_path).read("best.pt")
        assert snapshot is not None
        assert {"config.json", "model.safetensors", "trainer_state.json"} <= set(
            snapshot.objects["transformers"]["files"]
        )
        assert checkpoint_files(tmp_path) == ["best.pt"]


class TestReports:
    def test_what_was_evaluated_and_logged(self, tmp_path: Path) -> None:
        (report,) = trained(worker(tmp_path), until=1)
        assert sorted(report.metrics) == ["eval_accuracy", "eval_loss", "grad_norm", "learning_rate", "loss"]

    def test_in_a_notebook(self) -> None:
        run = Run.local(2, device="cpu")
        transformers_toys.train({}, run)
        assert [report.step for report in run.reports] == [1, 2]

    @pytest.mark.parametrize("params", [{"eval_strategy": "no"}, {"save_only_model": True}])
    def test_arguments_that_cannot_work_are_refused(self, tmp_path: Path, params: dict[str, Any]) -> None:
        failure = train_and_release(worker(tmp_path), start(params=params, epochs=1, until=1)).failure
        assert failure is not None
        assert failure.kind == "contract"


class TestStopped:
    def test_the_trainer_ends_in_good_order(self, tmp_path: Path) -> None:
        note = tmp_path / "note"
        mine = worker(tmp_path)
        trained(mine, params={"note": str(note)}, until=1)
        mine.release()
        assert note.read_text().split() == ["on_train_end"]

    def test_one_that_was_not_stopped_returns(self, tmp_path: Path) -> None:
        note = tmp_path / "note"
        mine = worker(tmp_path)
        trained(mine, params={"note": str(note)})
        mine.release()
        assert note.read_text().split() == ["on_train_end", "train_returned"]


class TestFiles:
    def test_two_trials_of_one_output_dir_do_not_meet(self, tmp_path: Path) -> None:
        """The working directory is checked by the fixture: not even an empty folder is left."""
        whole = trained(worker(tmp_path / "whole"))
        mine, other = worker(tmp_path, "in_trainer_output"), worker(tmp_path, "in_trainer_output")
        trained(mine, until=1)
        trained(other, 1, until=2)
        mine.release()
        other.release()
        assert trained(mine, after=1) == whole[1:]

    def test_checkpoints_that_the_user_asked_for_are_left(self, tmp_path: Path) -> None:
        trained(worker(tmp_path), params={"save_strategy": "epoch"})
        trained(worker(tmp_path), 1)
        assert len(list((tmp_path / "scratch" / "00000").glob("checkpoint-*"))) == EPOCHS
        assert len(list((tmp_path / "scratch" / "00001").glob("checkpoint-*"))) <= 1


def test_it_is_said_where_transformers_is_not_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "transformers")
    with pytest.raises(TrainerError, match="import transformers"):
        hpsearch.transformers_callback(Run.local(1))


def test_the_documented_training_is_searched_and_continued(
    cli: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use = write_example("frameworks.md", "transformers_numbers.py", cli.folder)
    cli.study(
        trainer=f"{use}:train",
        epochs=2,
        space="lr = { low = 1e-4, high = 1e-2, log = true }\nhidden = 16",
        search='method = "coarse-to-fine"\nrounds = [{ trials = 2, epochs = 1 }, { trials = 1, epochs = 2 }]',
    )
    cli.change(('metric = "val_loss"', 'metric = "eval_loss"'))
    answer = cli.run("--json")
    assert answer.code == 0, answer.err
    trials = cli.export()["trials"]
    assert answer.data["epochs_trained"] == sum(len(trial["curve"]) for trial in trials) == 3
    assert {trial["state"] for trial in trials} == {State.COMPLETE.value, State.PAUSED.value}
    monkeypatch.chdir(tmp_path / "project")
