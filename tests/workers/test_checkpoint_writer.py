"""Which checkpoints a worker keeps, and of which epoch the best one is."""

from pathlib import Path

import pytest

from hpsearch.core.trial import Objective
from hpsearch.trainer import state
from hpsearch.workers.worker import Worker
from tests.support.studies import setup
from tests.support.workers import checkpoint_files, start, store_of, train, train_and_release

pytest_plugins = ["tests.support.fixtures"]
pytestmark = pytest.mark.usefixtures("quick_collections")


def best_of(work: Path) -> int | None:
    """The epoch of the best checkpoint."""
    best = store_of(work).read("best.pt")
    return None if best is None else best.step


class TestRetention:
    def test_the_newest_two_and_the_best_stay(self, tmp_path: Path, one_epoch_a_slice: None) -> None:
        toy = Worker(setup(tmp_path, "scripted"))
        train_and_release(toy, start(params={"losses": "5 1 4 3 2 3"}, until=5))
        assert checkpoint_files(tmp_path) == ["best.pt", "epoch-000004.pt", "epoch-000005.pt"]

    def test_of_a_trial_that_is_over_the_best_alone_stays(self, tmp_path: Path) -> None:
        toy = Worker(setup(tmp_path, "scripted"))
        train(toy, start(params={"losses": "5 1 4 3 2 3"}, until=5))
        toy.release(over=True)
        assert {path.name for path in store_of(tmp_path).folder.iterdir()} == {"best.pt", "best.pt.sha256", "claim"}

    def test_of_a_trial_that_ended_by_itself_too(self, tmp_path: Path) -> None:
        toy = Worker(setup(tmp_path, "scripted"))
        assert train(toy, start(params={"losses": "5 1 4"})).ended
        toy.release(over=True)
        assert checkpoint_files(tmp_path) == ["best.pt"]

    def test_one_that_ended_and_was_not_released_can_go_on(self, tmp_path: Path, one_epoch_a_slice: None) -> None:
        """A driver may be killed before the end is in its journal."""
        assert train(Worker(setup(tmp_path, "scripted")), start(params={"losses": "5 1 4"}, until=9, epochs=9)).ended
        assert checkpoint_files(tmp_path) == ["best.pt", "epoch-000002.pt", "epoch-000003.pt"]

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
            train_and_release(toy, start(params={"losses": losses}, until=pause))
        train(toy, start(params={"losses": losses}, after=pause or 0))
        snapshot = store_of(tmp_path).read("best.pt")
        assert snapshot is not None
        assert (snapshot.step, snapshot.objects) == (best, {"weight": {"value": float(best)}})

    def test_a_metric_that_is_maximised(self, tmp_path: Path) -> None:
        toy = Worker(setup(tmp_path, "scripted", objective=Objective("val_loss", "maximize")))
        train(toy, start(params={"losses": "1 5 2"}))
        snapshot = store_of(tmp_path).read("best.pt")
        assert snapshot is not None
        assert (snapshot.step, snapshot.best) == (2, -5.0)

    @pytest.mark.usefixtures("slices")
    @pytest.mark.parametrize(("pause", "at"), [(None, "last"), (1, "last"), (3, "last"), (1, "mean of last 2")])
    def test_judged_at_the_last_epoch_the_last_is_the_best(self, tmp_path: Path, pause: int | None, at: str) -> None:
        toy = Worker(setup(tmp_path, "scripted", objective=Objective("val_loss", "minimize", at=at)))
        if pause is not None:
            train_and_release(toy, start(params={"losses": "5 1 nan 3"}, until=pause))
        assert train(toy, start(params={"losses": "5 1 nan 3"}, after=pause or 0)).ended
        toy.release(over=True)
        snapshot = store_of(tmp_path).read("best.pt")
        assert snapshot is not None
        assert (snapshot.step, snapshot.objects) == (4, {"weight": {"value": 4.0}})

    def test_nothing_that_diverged_is_the_best(self, tmp_path: Path) -> None:
        train(Worker(setup(tmp_path, "scripted")), start(params={"losses": "nan 3 -inf 4"}))
        snapshot = store_of(tmp_path).read("best.pt")
        assert snapshot is not None
        assert snapshot.step == 2

    @pytest.mark.usefixtures("slices")
    @pytest.mark.parametrize(
        ("trainer", "params"),
        [("faulty", {"at": 4, "how": "raise"}), ("endless", {}), ("scripted", {"losses": "1 2 3 4"})],
    )
    def test_every_checkpoint_is_the_state_at_its_epoch(
        self, tmp_path: Path, trainer: str, params: dict[str, str]
    ) -> None:
        """Also where the trainer went on afterwards, to fail or to train what nobody asked for."""
        train(Worker(setup(tmp_path, trainer)), start(params=params))
        assert checkpoint_files(tmp_path)
        for name in checkpoint_files(tmp_path):
            snapshot = store_of(tmp_path).read(name)
            assert snapshot is not None
            assert snapshot.objects == {"weight": {"value": float(snapshot.step)}}
            assert name in ("best.pt", f"epoch-{snapshot.step:06d}.pt")

    @pytest.mark.usefixtures("one_slice")
    def test_stepwise_no_epoch_begins_before_the_last_is_judged(self, tmp_path: Path) -> None:
        toy = Worker(setup(tmp_path, "scripted", one_epoch_slices=True, ahead=True))
        steps = [
            reported.reports[-1].step for reported in (toy.start(start(params={"losses": "6 5 7 4"})), toy.advance())
        ]
        assert steps == [1, 2]
        toy.release(over=True)
        best = store_of(tmp_path).read("best.pt")
        assert best is not None
        assert best.step == 2

    @pytest.mark.usefixtures("one_slice")
    def test_what_a_verdict_dropped_leaves_no_trace(self, tmp_path: Path) -> None:
        """It got the order to pause at epoch 2 when it had trained six; then it is trained to 4, and on to 5."""
        toy, epoch_log = Worker(setup(tmp_path, "scripted")), tmp_path / "epoch_log"
        params = {"losses": "6 5 7 7 1 2 9 9 9", "epoch_log": str(epoch_log)}
        train_and_release(toy, start(params=params, until=2, epochs=9))
        train_and_release(toy, start(params=params, after=2, until=6, epochs=9))
        epoch_log.unlink()
        train_and_release(toy, start(params=params, after=2, until=4, epochs=9))
        assert checkpoint_files(tmp_path) == ["best.pt", "epoch-000002.pt", "epoch-000004.pt"]
        assert best_of(tmp_path) == 2, "the best of epoch 5 was never reported"
        train_and_release(toy, start(params=params, after=4, until=5, epochs=9))
        assert best_of(tmp_path) == 5
        assert [line.split()[1] for line in epoch_log.read_text().splitlines()] == ["3", "4", "5"], (
            "nothing is trained twice"
        )

    @pytest.mark.usefixtures("one_slice")
    @pytest.mark.parametrize("over", [False, True])
    @pytest.mark.parametrize(
        ("losses", "epoch", "best"),
        [
            ("6 5 7 4 3 9", 3, 2),
            ("6 5 7 4 3 9", 4, 4),
            ("6 5 7 4 3 9", 6, 5),
            ("6 5 7 4 3 2", 5, 5),
            ("nan 5 7", 1, None),
        ],
    )
    def test_the_best_is_one_that_counts(
        self, tmp_path: Path, losses: str, epoch: int, best: int | None, over: bool
    ) -> None:
        """All epochs are trained in one slice, and a verdict drops what came after one of them."""
        toy = Worker(setup(tmp_path, "scripted"))
        train(toy, start(params={"losses": losses}))
        toy.release(over, epoch)
        assert best_of(tmp_path) == best
        assert not [*store_of(tmp_path).folder.glob("best.pt.before*")] or not over

    @pytest.mark.usefixtures("one_epoch_a_slice")
    @pytest.mark.parametrize("lost", [False, True])
    def test_the_best_of_earlier_slices_comes_back(self, tmp_path: Path, lost: bool) -> None:
        """Where a worker is lost before it gets the verdict, the next one applies it."""
        toy = Worker(setup(tmp_path, "scripted"))
        params = {"losses": "6 5 7 4 9 9"}
        train(toy, start(params=params, until=4))
        assert best_of(tmp_path) == 4
        if lost:
            store_of(tmp_path).remove_after(3)
        else:
            toy.release(over=True, epoch=3)
        assert best_of(tmp_path) == 2

    def test_a_state_that_cannot_be_saved_is_trained_without_checkpoints(self, tmp_path: Path) -> None:
        reported = train(Worker(setup(tmp_path, "unsavable")), start())
        assert reported.failure is None
        assert "schedule" in reported.unsaved
        assert checkpoint_files(tmp_path) == []

    @pytest.mark.parametrize(("trainer", "saves"), [("noop", False), ("scripted", True)])
    def test_a_trainer_that_tracks_nothing_is_known(self, tmp_path: Path, trainer: str, saves: bool) -> None:
        reported = train(Worker(setup(tmp_path, trainer)), start(params={"losses": "3 2 1"} if saves else {}))
        assert (reported.unsaved == "") == saves

    def test_the_first_checkpoint_is_read_back_once(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        read: list[int] = []
        monkeypatch.setattr(state, "check_can_be_read", lambda content: read.append(len(content)))
        train(Worker(setup(tmp_path, "scripted", one_epoch_slices=True)), start(params={"losses": "3 2 1 4"}))
        assert len(read) == 1

    def test_a_checkpoint_that_cannot_be_read_back_is_known(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise RuntimeError("weights only: no")

        monkeypatch.setattr(state, "unpack", refuse)
        reported = train(Worker(setup(tmp_path, "scripted")), start(params={"losses": "3 2 1 4"}))
        assert "weights only: no" in reported.unsaved
        assert checkpoint_files(tmp_path) == []

    def test_what_is_trained_again_is_counted(self, tmp_path: Path) -> None:
        toy = Worker(setup(tmp_path, "noop"))
        train_and_release(toy, start(until=2))
        toy = Worker(setup(tmp_path, "noop"))
        again = toy.start(start(after=2))
        reports = list(again.reports)
        retrained = again.retrained
        while not again.ended:
            again = toy.advance()
            reports += again.reports
            retrained += again.retrained
        assert retrained == 2
        assert reports[0].step == 3
