import gc
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hpsearch import checkpoint, log, worker
from hpsearch.errors import TrainerError
from hpsearch.trial import Objective, Params, Report, Reported, Start
from hpsearch.worker import Worker
from tests.support.studies import ROOT, setup

EPOCHS = 6
TORCH = {"lr": 0.01}
ENDLESS = 1e9


def start(number: int = 0, params: Params | None = None, *, until: int = EPOCHS, **changes: Any) -> Start:
    return Start(**{"number": number, "params": params or {}, "seed": 3, "until": until, "epochs": EPOCHS, **changes})


def train(worker: Worker, order: Start) -> Reported:
    """All that comes of an order, to its end or to the epoch `until`, as one report."""
    heard = [worker.start(order)]
    while not (
        heard[-1].ended or heard[-1].failure or (heard[-1].reports and heard[-1].reports[-1].step >= order.until)
    ):
        heard.append(worker.more())
    reports = tuple(report for reported in heard for report in reported.reports)
    notes = tuple(note for reported in heard for note in reported.notes)
    return replace(heard[-1], reports=reports, notes=notes)


def paused(worker: Worker, order: Start) -> Reported:
    reported = train(worker, order)
    worker.release()
    return reported


def shelf(work: Path, number: int = 0) -> checkpoint.Shelf:
    return checkpoint.Shelf(work / "checkpoints" / f"{number:05d}", f"u/{number}")


def kept(work: Path, number: int = 0) -> list[str]:
    return sorted(path.name for path in shelf(work, number).folder.glob("*.pt"))


@pytest.fixture(scope="module", autouse=True)
def quick_collections() -> Iterator[None]:
    """A worker collects garbage after every trial; what pytest and torch hold is none (as after `Worker.check`)."""
    import torch  # noqa: F401

    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(params=[0.0, 0.02, ENDLESS], ids=["an epoch a slice", "20 ms a slice", "one slice"])
def slices(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "SLICE", request.param)


@pytest.fixture
def one_epoch_a_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "SLICE", 0.0)


@pytest.fixture
def one_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "SLICE", ENDLESS)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, ...]:
    """The curve of the small torch training when nothing interrupts it."""
    return train(Worker(setup(tmp_path_factory.mktemp("unbroken"), "torch_toy:train")), start(params=TORCH)).reports


class TestContinuation:
    """A trial that is paused and continued yields, on a CPU, the same numbers bit for bit as one that never stopped."""

    @pytest.mark.usefixtures("slices")
    @pytest.mark.parametrize("k", range(1, EPOCHS))
    def test_after_every_epoch(self, tmp_path: Path, unbroken: tuple[Report, ...], k: int) -> None:
        torch_worker = Worker(setup(tmp_path, "torch_toy:train"))
        first = paused(torch_worker, start(params=TORCH, until=k))
        paused(torch_worker, start(1, {"lr": 0.1}, seed=9, until=2))
        then = train(torch_worker, start(params=TORCH, after=k))
        assert first.reports == unbroken[:k]
        assert then.reports == unbroken[k:]
        assert then.notes == ()

    def test_in_a_fresh_process(self, tmp_path: Path, unbroken: tuple[Report, ...]) -> None:
        torch_worker = Worker(setup(tmp_path, "torch_toy:train"))
        for k in range(1, EPOCHS):
            paused(torch_worker, start(k, TORCH, until=k))
        numbers = [str(k) for k in range(1, EPOCHS)]
        printed = subprocess.run(
            [sys.executable, "-m", "tests.support.fresh_process", tmp_path, str(EPOCHS), *numbers],
            cwd=ROOT,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout
        for k, line in enumerate(printed.splitlines(), start=1):
            assert json.loads(line) == [k, [[r.step, dict(r.metrics)] for r in unbroken[k:]], []]

    def test_paused_after_every_epoch_in_turn(self, tmp_path: Path, unbroken: tuple[Report, ...]) -> None:
        torch_worker = Worker(setup(tmp_path, "torch_toy:train"))
        curve: list[Report] = []
        for k in range(EPOCHS):
            curve += paused(torch_worker, start(params=TORCH, until=k + 1, after=k)).reports
        assert tuple(curve) == unbroken

    def test_what_was_trained_is_not_trained_again(self, tmp_path: Path) -> None:
        diary = tmp_path / "diary"
        toy = Worker(setup(tmp_path))
        paused(toy, start(params={"diary": str(diary)}, until=4))
        train(toy, start(params={"diary": str(diary)}, after=4))
        assert diary.read_text().split() == ["3", "1", "3", "2", "3", "3", "3", "4", "3", "5", "3", "6"]

    def test_a_trainer_that_tracks_nothing_is_trained_again_and_keeps_it_to_itself(self, tmp_path: Path) -> None:
        toy = Worker(setup(tmp_path, "untracked"))
        unbroken = train(toy, start(1)).reports
        first = paused(toy, start(until=4))
        then = train(toy, start(after=4))
        assert first.reports + then.reports == unbroken
        assert [report.step for report in then.reports] == [5, 6]
        assert then.notes == ("epochs 1 to 4 are trained again: no checkpoint of them",)
        assert kept(tmp_path) == []

    @pytest.mark.usefixtures("one_slice")
    def test_what_was_dropped_leaves_no_trace(self, tmp_path: Path) -> None:
        """A verdict at epoch 2 came when six were trained: it goes on from there as if it had stopped in time."""
        toy = Worker(setup(tmp_path))
        unbroken = paused(toy, start(until=6, epochs=9)).reports
        until_4 = paused(toy, start(until=4, after=2))
        assert until_4.reports == unbroken[2:4]
        then = train(toy, start(after=4))
        assert then.reports == unbroken[4:]
        assert then.notes == ()

    @pytest.mark.usefixtures("one_epoch_a_slice")
    def test_several_in_one_process_do_not_disturb_each_other(self, tmp_path: Path) -> None:
        alone = train(Worker(setup(tmp_path / "alone")), start()).reports
        first, second = (Worker(setup(tmp_path, shared=True)) for _ in range(2))
        curves = [[*first.start(start()).reports], [*second.start(start(1, seed=4)).reports]]
        for _ in range(1, EPOCHS):
            curves[0] += first.more().reports
            curves[1] += second.more().reports
        assert tuple(curves[0]) == alone
        assert curves[0] != curves[1]

    def test_a_trainer_that_tracks_too_late_is_refused(self, tmp_path: Path) -> None:
        toy = Worker(setup(tmp_path, "kept_late"))
        paused(toy, start(until=2))
        failure = train(toy, start(after=2)).failure
        assert failure is not None
        assert failure.kind == "contract"
        assert "weight" in failure.summary


class TestDamage:
    """Whatever happened to a checkpoint, the one before serves, then scratch; nothing in it is executed."""

    @pytest.fixture
    def whole(self, tmp_path: Path) -> tuple[Report, ...]:
        """The curve of a learner when nothing interrupts it."""
        return train(Worker(setup(tmp_path / "unbroken")), start()).reports

    @pytest.fixture
    def files(self, tmp_path: Path, one_epoch_a_slice: None) -> list[Path]:
        """The checkpoints of epochs 4 and 3."""
        paused(Worker(setup(tmp_path)), start(until=4))
        return sorted(shelf(tmp_path).folder.glob("epoch-*.pt"), reverse=True)

    @pytest.mark.parametrize("how", ["truncated", "empty", "a flipped bit", "no hash", "gone", "a hash of nothing"])
    @pytest.mark.parametrize("damaged", [1, 2])
    def test_the_one_before_serves(
        self, tmp_path: Path, files: list[Path], whole: tuple[Report, ...], how: str, damaged: int
    ) -> None:
        for path in files[:damaged]:
            damage(path, how)
        then = train(Worker(setup(tmp_path)), start(after=4))
        assert then.reports == whole[4:]
        assert any(f"epochs {5 - damaged} to 4 are trained again" in note for note in then.notes) or damaged == 2
        if how != "gone":
            assert sum("is not used" in note for note in then.notes) == damaged

    def test_of_another_trial(self, tmp_path: Path, files: list[Path], whole: tuple[Report, ...]) -> None:
        paused(Worker(setup(tmp_path)), start(1, seed=99, until=4))
        for path in files:
            for suffix in ("", ".sha256"):
                own = path.with_name(path.name + suffix)
                own.write_bytes((shelf(tmp_path, 1).folder / own.name).read_bytes())
        then = train(Worker(setup(tmp_path)), start(after=4))
        assert then.reports == whole[4:]
        assert "it belongs to u/1" in then.notes[0]

    @pytest.mark.parametrize("pickled", ["torch", "plain"])
    def test_nothing_in_it_is_executed(
        self, tmp_path: Path, files: list[Path], whole: tuple[Report, ...], pickled: str
    ) -> None:
        marker = tmp_path / "executed"
        for path in files:
            shelf(tmp_path).write(int(path.stem[6:]), malicious(marker, pickled))
        then = train(Worker(setup(tmp_path)), start(after=4))
        assert then.reports == whole[4:]
        assert "is not used" in then.notes[0]
        assert not marker.exists()


class Bomb:
    def __init__(self, marker: Path):
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.marker,)


def malicious(marker: Path, pickled: str) -> bytes:
    import io
    import pickle

    import torch

    content = {"owner": "u/0", "step": 4, "best": 0.0, "objects": {"weight": Bomb(marker)}, "random": {}}
    if pickled == "plain":
        return pickle.dumps(content)
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def damage(path: Path, how: str) -> None:
    content, digest = path.read_bytes(), path.with_name(f"{path.name}.sha256")
    match how:
        case "truncated":
            path.write_bytes(content[: len(content) // 2])
        case "empty":
            path.write_bytes(b"")
        case "a flipped bit":
            path.write_bytes(content[:100] + bytes([content[100] ^ 1]) + content[101:])
        case "no hash":
            digest.unlink()
        case "gone":
            path.unlink()
        case "a hash of nothing":
            digest.write_text("")


class TestRetention:
    def test_the_newest_two_and_the_best_stay(self, tmp_path: Path, one_epoch_a_slice: None) -> None:
        toy = Worker(setup(tmp_path, "scripted"))
        paused(toy, start(params={"losses": "5 1 4 3 2 3"}, until=5))
        assert kept(tmp_path) == ["best.pt", "epoch-000004.pt", "epoch-000005.pt"]

    def test_of_a_trial_that_is_over_the_best_alone_stays(self, tmp_path: Path) -> None:
        toy = Worker(setup(tmp_path, "scripted"))
        train(toy, start(params={"losses": "5 1 4 3 2 3"}, until=5))
        toy.release(over=True)
        assert [path.name for path in shelf(tmp_path).folder.iterdir()] == unordered("best.pt", "best.pt.sha256")

    def test_of_a_trial_that_ended_by_itself_too(self, tmp_path: Path) -> None:
        assert train(Worker(setup(tmp_path, "scripted")), start(params={"losses": "5 1 4"})).ended
        assert kept(tmp_path) == ["best.pt"]

    @pytest.mark.usefixtures("slices")
    @pytest.mark.parametrize(
        ("losses", "best"), [("5 1 4 3 2 3", 2), ("1 2 3 4 5 6", 1), ("6 5 4 3 2 1", 6), ("3 2 2 2 3 9", 2)]
    )
    @pytest.mark.parametrize("pause", [None, 1, 2, 4])
    def test_the_best_is_the_state_at_the_best_epoch(
        self, tmp_path: Path, losses: str, best: int, pause: int | None
    ) -> None:
        toy = Worker(setup(tmp_path, "scripted"))
        if pause is not None:
            paused(toy, start(params={"losses": losses}, until=pause))
        train(toy, start(params={"losses": losses}, after=pause or 0))
        snapshot = shelf(tmp_path).read("best.pt")
        assert snapshot is not None
        assert (snapshot.step, snapshot.objects) == (best, {"weight": {"value": float(best)}})

    def test_a_metric_that_is_maximised(self, tmp_path: Path) -> None:
        toy = Worker(setup(tmp_path, "scripted", objective=Objective("val_loss", "maximize")))
        train(toy, start(params={"losses": "1 5 2"}))
        snapshot = shelf(tmp_path).read("best.pt")
        assert snapshot is not None
        assert (snapshot.step, snapshot.best) == (2, -5.0)

    def test_nothing_that_diverged_is_the_best(self, tmp_path: Path) -> None:
        train(Worker(setup(tmp_path, "scripted")), start(params={"losses": "nan 3 -inf 4"}))
        snapshot = shelf(tmp_path).read("best.pt")
        assert snapshot is not None
        assert snapshot.step == 2

    @pytest.mark.usefixtures("one_slice")
    def test_what_a_verdict_dropped_does_not_push_off_what_counts(self, tmp_path: Path) -> None:
        """Six epochs were trained when the verdict came to pause at two; then it is trained to three, and to four."""
        toy = Worker(setup(tmp_path, "scripted"))
        losses, diary = "6 5 4 3 2 1 7 7 7", tmp_path / "diary"
        paused(toy, start(params={"losses": losses}, until=6, epochs=9))
        params = {"losses": losses, "diary": str(diary)}
        paused(toy, start(params=params, after=2, until=3, epochs=9))
        snapshot = shelf(tmp_path).read("best.pt")
        assert snapshot is not None
        assert snapshot.step == 3
        before = diary.read_text()
        paused(toy, start(params=params, after=3, until=4, epochs=9))
        assert diary.read_text() == before + "3 4\n"

    def test_a_state_that_cannot_be_kept_breaks_the_contract(self, tmp_path: Path) -> None:
        failure = train(Worker(setup(tmp_path, "unkeepable")), start()).failure
        assert failure is not None
        assert failure.kind == "contract"
        assert "schedule" in failure.summary


def unordered(*items: Any) -> Any:
    class Unordered:
        def __eq__(self, other: object) -> bool:
            return sorted(other) == sorted(items)  # type: ignore[call-overload, no-any-return]

        __hash__ = None  # type: ignore[assignment]

    return Unordered()


@pytest.mark.usefixtures("slices")
class TestReports:
    @pytest.mark.parametrize("trainer", ["learner", "untracked", "endless", "noop"])
    @pytest.mark.parametrize("until", [1, 3, EPOCHS])
    def test_never_beyond_until(self, tmp_path: Path, trainer: str, until: int) -> None:
        reported = train(Worker(setup(tmp_path, trainer)), start(until=until))
        assert [report.step for report in reported.reports] == list(range(1, until + 1))
        assert reported.ended is (until == EPOCHS and trainer != "endless")
        assert reported.failure is None

    def test_a_trainer_may_end_before(self, tmp_path: Path) -> None:
        reported = train(Worker(setup(tmp_path, "scripted")), start(params={"losses": "3 2 1"}))
        assert len(reported.reports) == 3
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
            ("skipped step", "step 3 after step 1"),
            ("step of a float", "step 2.0 after step 1"),
            ("metric", 'study.metric = "val_loss" is not among what the trainer reports: accuracy, loss'),
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

    def test_a_trainer_that_reports_nothing_breaks_the_contract(self, tmp_path: Path) -> None:
        failure = train(Worker(setup(tmp_path, "silent")), start()).failure
        assert failure is not None
        assert failure.kind == "contract"
        assert "without a report" in failure.summary

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
        assert kept(tmp_path) != []

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
            paused(toy, start(params={"words": 100_000}, until=after + 1, after=after))
        size = (tmp_path / "logs" / "trial-00000.log").stat().st_size
        assert log.MOST_BYTES <= size < log.MOST_BYTES + 1000

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
        Worker(setup(tmp_path)).check({"diary": str(tmp_path / "diary")})
        assert list(tmp_path.iterdir()) == []

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
