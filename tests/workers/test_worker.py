"""What a worker makes of a trainer's reports, its failures, its output and its resources."""

import gc
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hpsearch import Report, Run
from hpsearch.core.errors import TrainerError
from hpsearch.core.trial import Params
from hpsearch.workers import trial_log, worker
from hpsearch.workers.worker import Worker
from tests.support import toys
from tests.support.studies import setup
from tests.support.workers import EPOCHS, checkpoint_files, start, train, train_and_release

pytest_plugins = ["tests.support.fixtures"]
pytestmark = pytest.mark.usefixtures("quick_collections")


class TestAhead:
    """Where the order for a slice comes late, a worker may go one epoch ahead of its verdict."""

    @pytest.mark.parametrize(
        ("ahead", "late", "epochs"), [(True, 10.0, [1, 2, 2]), (True, 0.0, [1, 1, 1]), (False, 10.0, [1, 1, 1])]
    )
    def test_one_epoch_and_no_more(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ahead: bool, late: float, epochs: list[int]
    ) -> None:
        monkeypatch.setattr(worker, "SLICE_SECONDS", 1e-9)
        toy = Worker(replace(setup(tmp_path, "learner"), ahead=ahead))
        monkeypatch.setattr(worker, "LATE_FRACTION", 1.0 if late else float("inf"))
        came = [toy.start(start())]
        for _ in range(2):
            toy.replied_at -= late
            came.append(toy.advance())
        assert [len(reported.reports) for reported in came] == epochs

    def test_not_beyond_until(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(worker, "SLICE_SECONDS", 1e-9)
        toy = Worker(replace(setup(tmp_path, "learner"), ahead=True))
        monkeypatch.setattr(worker, "LATE_FRACTION", float("inf"))
        toy.start(start(until=2))
        monkeypatch.setattr(worker, "LATE_FRACTION", 1.0)
        toy.replied_at -= 10.0
        assert [report.step for report in toy.advance().reports] == [2]


@pytest.mark.usefixtures("slices")
class TestReports:
    @pytest.mark.parametrize("trainer", ["learner", "untracked", "endless", "noop"])
    @pytest.mark.parametrize("until", [1, 3, EPOCHS])
    def test_no_report_beyond_until(self, tmp_path: Path, trainer: str, until: int) -> None:
        reported = train(Worker(setup(tmp_path, trainer)), start(until=until))
        assert [report.step for report in reported.reports] == list(range(1, until + 1))
        assert reported.ended is (until == EPOCHS and trainer != "endless")
        assert reported.failure is None

    def test_a_trainer_may_end_before(self, tmp_path: Path) -> None:
        reported = train(Worker(setup(tmp_path, "scripted")), start(params={"losses": "3 2 1"}))
        assert len(reported.reports) == 3
        assert reported.ended

    @pytest.mark.parametrize("late", ["step", "metrics", "two"])
    def test_a_final_evaluation_belongs_to_the_last_epoch(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, late: str
    ) -> None:
        def evaluates_at_its_end(params: Params, run: Run) -> Iterator[Any]:
            for epoch in run.epochs():
                yield Report(epoch, {"train_loss": 1.0 / epoch})
            yield Report(EPOCHS + 1, {"val_loss": 0.5}) if late == "step" else {"val_loss": 0.5}
            if late == "two":
                yield {"test_loss": 0.7}

        monkeypatch.setattr(toys, "learner", evaluates_at_its_end)
        reported = train(Worker(setup(tmp_path, "learner")), start(until=EPOCHS))
        assert [report.step for report in reported.reports] == list(range(1, EPOCHS + 1))
        further = {"val_loss": 0.5} | ({"test_loss": 0.7} if late == "two" else {})
        assert reported.reports[-1].metrics == {"train_loss": 1.0 / EPOCHS, **further}
        assert "val_loss" not in reported.reports[-2].metrics
        assert reported.ended

    def test_options_and_parameters_are_one(self, tmp_path: Path) -> None:
        toy = Worker(setup(tmp_path, "scripted", options={"losses": "3 2"}))
        assert len(train(toy, start()).reports) == 2

    def test_metrics_are_plain_floats(self, tmp_path: Path) -> None:
        report = train(Worker(setup(tmp_path, "torch_toy:train")), start(params={"lr": 0.1}, until=1)).reports[0]
        assert {type(value) for value in report.metrics.values()} == {float}
        assert sorted(report.metrics) == ["lr", "train_loss", "val_loss"]

    def test_it_says_how_long_it_trained(self, tmp_path: Path) -> None:
        assert 0 < train(Worker(setup(tmp_path)), start()).seconds < 60

    @pytest.mark.parametrize(
        ("how", "kind", "words"),
        [
            ("raise", "error", "ValueError: no such optimizer"),
            ("unpicklable", "error", "LocalError: gone at"),
            ("unprintable", "error", "Unprintable"),
            ("long", "error", "RuntimeError: CUDA error: device-side assert"),
            ("sys.exit", "error", "the trainer called sys.exit(3)"),
            ("cancelled", "error", "CancelledError"),
            ("memory", "oom", "MemoryError"),
            ("torch memory", "oom", "OutOfMemoryError: CUDA out of memory"),
            ("allocator", "oom", "can't allocate memory"),
        ],
    )
    def test_a_trainer_that_raises_keeps_what_it_reported(
        self, tmp_path: Path, how: str, kind: str, words: str
    ) -> None:
        reported = train(Worker(setup(tmp_path, "faulty")), start(params={"at": 3, "how": how}))
        assert [report.step for report in reported.reports] == [1, 2]
        assert reported.failure is not None
        assert reported.failure.kind == kind
        assert words in reported.failure.summary
        assert "\n" not in reported.failure.summary
        assert "go_wrong" in reported.failure.traceback
        assert not reported.ended

    @pytest.mark.parametrize("how", ["raise", "memory"])
    def test_a_trainer_that_raised_is_continued_from_before(self, tmp_path: Path, how: str) -> None:
        toy = Worker(setup(tmp_path, "faulty"))
        train(toy, start(params={"at": 4, "how": how}))
        then = train(toy, start(params={"at": 0, "how": how}, after=3))
        assert [report.step for report in then.reports] == [4, 5, 6]

    @pytest.mark.parametrize(
        ("how", "words"),
        [
            ("tuple", "not a Report(epoch, {name: value})"),
            ("repeated step", "step 1 after step 1"),
            ("falling step", "step 0 after step 1"),
            ("step of a float", "step 2.0 after step 1"),
            ("list", "the metrics are [1.0], not {name: value}"),
            ("text", "metric 'val_loss' is '0.5', a str, not a number"),
            ("none", "metric 'val_loss' is None, a NoneType, not a number"),
        ],
    )
    def test_what_is_no_report_breaks_the_contract(self, tmp_path: Path, how: str, words: str) -> None:
        reported = train(Worker(setup(tmp_path, "wrong")), start(params={"how": how}))
        assert len(reported.reports) == 1
        assert reported.failure is not None
        assert reported.failure.kind == "contract"
        assert words in reported.failure.summary

    def test_parameters_of_which_a_trainer_reports_nothing_are_infeasible(self, tmp_path: Path) -> None:
        failure = train(Worker(setup(tmp_path, "silent")), start()).failure
        assert failure is not None
        assert failure.kind == "infeasible"

    def test_parameters_that_do_not_fit_break_the_contract(self, tmp_path: Path) -> None:
        failure = train(Worker(setup(tmp_path, "typed")), start(params={"lr": "high"})).failure
        assert failure is not None
        assert (failure.kind, failure.summary) == ("contract", "Settings.lr must be float, got 'high'")

    def test_the_same_worker_serves_the_next_trial(self, tmp_path: Path) -> None:
        toy = Worker(setup(tmp_path, "faulty"))
        assert train(toy, start(params={"at": 1, "how": "raise"})).failure
        assert train(toy, start(1, {"at": 0, "how": ""})).ended


class TestSurroundings:
    def test_finally_runs_when_it_is_released(self, tmp_path: Path) -> None:
        toy = Worker(setup(tmp_path, "tidy"))
        train(toy, start(until=2))
        closed = tmp_path / "scratch" / "00000" / "closed"
        assert not closed.exists()
        toy.release()
        assert closed.exists()

    def test_finally_runs_before_the_next_trial(self, tmp_path: Path) -> None:
        toy = Worker(setup(tmp_path, "tidy"))
        train(toy, start(until=2))
        train(toy, start(1, until=2))
        assert (tmp_path / "scratch" / "00000" / "closed").exists()

    @pytest.mark.parametrize("how", ["raise", "sys.exit", "unprintable"])
    def test_a_trainer_that_goes_wrong_when_it_is_closed_harms_nobody(self, tmp_path: Path, how: str) -> None:
        toy = Worker(setup(tmp_path, "tidy"))
        train(toy, start(params={"how": how}, until=2))
        toy.release()
        assert "closing the trainer failed" in (tmp_path / "logs" / "trial-00000.log").read_text()

    def test_releasing_twice_or_nothing_is_nothing(self, tmp_path: Path) -> None:
        toy = Worker(setup(tmp_path))
        toy.release()
        train(toy, start(until=2))
        toy.release()
        toy.release(over=True)
        assert checkpoint_files(tmp_path) != []

    def test_what_it_prints_goes_to_its_log(self, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
        train(Worker(setup(tmp_path, "chatty")), start(until=2))
        text = (tmp_path / "logs" / "trial-00000.log").read_text()
        assert text == "epoch 1: words \nand to stderr\nepoch 2: words \nand to stderr\n"
        assert capfd.readouterr() == ("", "")

    def test_or_to_the_terminal_where_that_is_asked_for(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        train(Worker(setup(tmp_path, "chatty", capture=False)), start(until=1))
        assert capsys.readouterr() == ("epoch 1: words \n", "and to stderr\n")
        assert not (tmp_path / "logs").exists()

    def test_the_log_is_capped_over_all_pauses(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        toy = Worker(setup(tmp_path, "chatty"))
        for after in range(4):
            train_and_release(toy, start(params={"words": 100_000}, until=after + 1, after=after))
        size = (tmp_path / "logs" / "trial-00000.log").stat().st_size
        assert trial_log.MAX_BYTES <= size < trial_log.MAX_BYTES + 1000

    @pytest.mark.parametrize(("cpus", "threads"), [(1.0, 1), (0.5, 1), (2.0, 2), (3.9, 3)])
    def test_threads_are_cpus(self, tmp_path: Path, torch_threads: None, cpus: float, threads: int) -> None:
        toy = Worker(setup(tmp_path, "resources", cpus=cpus))
        report = train(toy, start(until=1)).reports[0]
        assert (report.metrics["threads"], report.metrics["torch_threads"]) == (threads, threads)

    @pytest.fixture
    def torch_threads(self) -> Iterator[None]:
        import torch

        before = torch.get_num_threads()
        torch.set_num_threads(5)
        yield
        torch.set_num_threads(before)


class TestCheck:
    def test_it_trains_nothing(self, tmp_path: Path) -> None:
        Worker(setup(tmp_path)).check({"epoch_log": str(tmp_path / "epoch_log")})
        assert list(tmp_path.iterdir()) == []

    def test_what_it_freezes_is_freed_at_the_exit(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        at_exit: list[Callable[[], object]] = []
        monkeypatch.setattr("atexit.register", at_exit.append)
        Worker(setup(tmp_path)).check({"epoch_log": ""})
        frozen = gc.get_freeze_count()
        for function in at_exit:
            function()
        left = gc.get_freeze_count()
        gc.freeze()  # as `quick_collections` has it
        assert left < frozen

    @pytest.mark.parametrize(
        ("trainer", "words"),
        [
            ("nowhere:train", "no module tests.support.nowhere"),
            ("toys:lerner", "did you mean `learner`?"),
            ("toys:typed", "Settings.lr must be float, got 'high'"),
            ("annotated:lost", "name 'Iterator' is not defined"),
        ],
    )
    def test_it_says_what_is_wrong(self, tmp_path: Path, trainer: str, words: str) -> None:
        with pytest.raises(TrainerError) as caught:
            Worker(setup(tmp_path, trainer)).check({"lr": "high"})
        assert words in str(caught.value)

    def test_a_dataclass_that_refuses_its_values(self, tmp_path: Path) -> None:
        with pytest.raises(TrainerError, match=r"(?s)picky.*lr = 2.0 is too much"):
            Worker(setup(tmp_path, "picky")).check({"lr": 2.0})
