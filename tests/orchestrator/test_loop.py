"""Every arrow of `State`, and that it does not matter how reports are grouped."""

import re
from itertools import count
from pathlib import Path

import pytest

from hpsearch.core.decisions import Continue, Decision, Finish, Pause, Stop
from hpsearch.core.messages import Start
from hpsearch.core.trial import Cause
from hpsearch.workers import worker
from tests.support.list_recorder import ListRecorder
from tests.support.studies import (
    COMPLETE,
    FAILED,
    PAUSED,
    PRUNED,
    RUNNING,
    WAITING,
    ListSampler,
    RoundsSampler,
    ScriptedPruner,
    Search,
    UnreliablePool,
)
from tests.support.workers import store_of

pytest_plugins = ["tests.support.fixtures"]
pytestmark = pytest.mark.usefixtures("one_epoch_a_slice")


def scripts(*losses: str) -> ListSampler:
    return ListSampler([{"losses": each} for each in losses])


def epoch_log(folder: Path) -> list[str]:
    return (folder / "epoch_log").read_text().splitlines()


class TestStates:
    """Every arrow of `State`."""

    def test_complete_when_all_epochs_are_trained(self, tmp_path: Path) -> None:
        study = Search(tmp_path, ListSampler([{}]))
        loop = study.run()
        trial = loop.history[0]
        assert study.recorder.changes(0) == [RUNNING, COMPLETE]
        assert (trial.reason, trial.epoch, trial.attempts, trial.ended) == ("trained all 5 epochs", 5, 1, 1)
        assert (trial.cause, trial.cause_numbers) == (Cause.DONE, {"epoch": 5})
        assert (trial.seed, trial.origin) == (7, "listed 0")
        assert (loop.end.stopped, loop.end.cause) == ("", Cause.DONE)
        assert [decision.kind for decision in study.recorder.decisions] == ["propose", "complete"]

    def test_complete_when_the_trainer_ends(self, tmp_path: Path) -> None:
        study = Search(tmp_path, scripts("3 2 1"), "scripted")
        trial = study.run().history[0]
        assert (trial.state, trial.epoch) == (COMPLETE, 3)
        assert trial.reason == "its trainer ended at epoch 3 of 5"
        assert (trial.cause, trial.cause_numbers) == (Cause.DONE, {"epoch": 3, "of": 5})

    def test_complete_when_it_is_stopped_early_on_its_own_curve(self, tmp_path: Path) -> None:
        study = Search(tmp_path, ListSampler([{}]))
        verdict = Finish("no better for 2 epochs", Cause.PATIENCE, {"epochs": 2})
        study.early_stopping = ScriptedPruner({(0, 3): verdict})
        trial = study.run().history[0]
        assert (trial.state, trial.epoch) == (COMPLETE, 3)
        assert (trial.reason, trial.cause, trial.cause_numbers) == (verdict.reason, verdict.cause, verdict.numbers)

    def test_its_best_checkpoint_is_of_an_epoch_that_counts(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The worker had gone on to epoch 5, which is better, when the verdict came."""
        monkeypatch.setattr(worker, "SLICE_SECONDS", 60.0)
        study = Search(tmp_path, scripts("3 2 4 4 1"), "scripted")
        study.early_stopping = ScriptedPruner({(0, 4): Finish("no better for 2 epochs")})
        assert study.run().history[0].epoch == 4
        best = store_of(tmp_path).read("best.pt")
        assert best is not None
        assert best.step == 2

    def test_pruned_when_it_loses_against_the_others(self, tmp_path: Path) -> None:
        study = Search(tmp_path, ListSampler([{}, {}]))
        verdict = Stop("worse than the median", numbers={"rank": 3})
        study.pruner = ScriptedPruner({(1, 2): verdict})
        history = study.run().history
        assert [trial.state for trial in history] == [COMPLETE, PRUNED]
        assert (history[1].epoch, history[1].reason) == (2, verdict.reason)
        assert (history[1].cause, history[1].cause_numbers) == (Cause.PRUNED, {"rank": 3})
        assert {path.name for path in (tmp_path / "checkpoints" / "00001").glob("*.pt")} == {"best.pt"}

    def test_early_stopping_is_judged_before_the_pruner(self, tmp_path: Path) -> None:
        study = Search(tmp_path, ListSampler([{}]))
        study.early_stopping = ScriptedPruner({(0, 3): Finish("patience")})
        study.pruner = ScriptedPruner({(0, 3): Stop("rung")})
        assert study.run().history[0].state is COMPLETE

    def test_the_last_epoch_is_never_pruned(self, tmp_path: Path) -> None:
        study = Search(tmp_path, ListSampler([{}]))
        study.pruner = ScriptedPruner({(0, 5): Stop("rung")})
        assert study.run().history[0].state is COMPLETE

    def test_paused_where_its_round_ends_and_continued_from_its_checkpoint(self, tmp_path: Path) -> None:
        params = [{"x": x, "epoch_log": str(tmp_path / "epoch_log")} for x in (5.0, 0.0, 9.0)]
        study = Search(tmp_path, RoundsSampler(params, first=2, then=5))
        history = study.run().history
        assert [trial.state for trial in history] == [PAUSED, COMPLETE, PAUSED]
        assert [trial.epoch for trial in history] == [2, 5, 2]
        assert study.recorder.changes(1) == [RUNNING, PAUSED, RUNNING, COMPLETE]
        assert [trial.ended for trial in history] == [1, 4, 3]
        assert history[1].round == 2
        assert history[0].reason == "trained to epoch 2, as far as planned"
        assert (history[0].cause, history[0].cause_numbers) == (Cause.DONE, {"epoch": 2, "round": 1})
        assert study.recorder.reasons("continue") == ["the best"]
        epochs = [(1, 2), (1, 2), (1, 2), (3, 4, 5)]
        trained = [f"7 {epoch}" for part in epochs for epoch in part]
        assert epoch_log(tmp_path) == trained, "nothing is trained twice"

    def test_continued_trials_have_the_curve_of_an_unbroken_one(self, tmp_path: Path) -> None:
        rounds = Search(tmp_path / "rounds", RoundsSampler([{"x": 0.5}], first=2, then=5)).run()
        unbroken = Search(tmp_path / "unbroken", ListSampler([{"x": 0.5}])).run()
        assert rounds.history[0].curve == unbroken.history[0].curve

    def test_paused_by_a_pruner(self, tmp_path: Path) -> None:
        study = Search(tmp_path, RoundsSampler([{}], first=3, then=5))
        study.pruner = ScriptedPruner({(0, 2): Pause("rung 2")})
        trial = study.run().history[0]
        assert [decision.kind for decision in study.recorder.decisions] == ["propose", "paused", "continue", "complete"]
        assert study.recorder.reasons("paused") == ["rung 2"]
        assert trial.epoch == 5

    def test_which_checkpoints_are_kept(self, tmp_path: Path) -> None:
        """Of a paused trial those to resume from; of one that has trained all epochs the best, and the last for a
        longer training."""
        search = Search(tmp_path, RoundsSampler([{"x": 9.0}, {"x": 0.0}], first=2, then=5)).run()
        best = search.history.objective.judged(search.history[1])
        kept = {
            folder.name: {path.name for path in folder.glob("*.pt")} for folder in (tmp_path / "checkpoints").iterdir()
        }
        assert "epoch-000002.pt" in kept["00000"]
        assert best is not None
        assert kept["00001"] == ({"best.pt"} if best.step == 5 else {"best.pt", "epoch-000005.pt"})

    def test_a_round_that_goes_beyond_the_epochs_ends_with_them(self, tmp_path: Path) -> None:
        assert Search(tmp_path, ListSampler([{}], until=99)).run().history[0].until == 5

    @pytest.mark.parametrize("loss", ["nan", "inf", "-inf"])
    def test_pruned_where_it_diverges_and_never_the_best(self, tmp_path: Path, loss: str) -> None:
        study = Search(tmp_path, scripts(f"0.1 {loss} 0.1", "3 2 1 1 1"), "scripted")
        history = study.run().history
        assert (history[0].state, history[0].reason) == (PRUNED, f"diverged: val_loss is {loss} at epoch 2")
        assert (history[0].cause, history[0].cause_numbers) == (Cause.DIVERGED, {"epoch": 2})
        assert (history[0].diverged, history[0].epoch, len(history[0].curve)) == (True, 2, 2)
        assert history.best() is history[1]

    def test_failed_where_the_trainer_raises(self, tmp_path: Path) -> None:
        study = Search(tmp_path, ListSampler([{"at": 3, "how": "raise"}, {"at": 0, "how": ""}]), "faulty")
        history = study.run().history
        assert [trial.state for trial in history] == [FAILED, COMPLETE]
        assert history[0].reason == "ValueError: no such optimizer"
        assert (history[0].cause, history[0].cause_numbers) == (Cause.TRAINER_RAISED, {"epoch": 2})
        assert history[0].exception == "ValueError: no such optimizer"
        assert history[0].error.startswith("Traceback")
        assert "go_wrong" in history[0].error
        assert history[0].epoch == 2
        assert study.recorder.changes(0) == [RUNNING, FAILED]

    def test_waiting_where_the_worker_is_lost_then_running_again(self, tmp_path: Path) -> None:
        params = [{"epoch_log": str(tmp_path / "epoch_log")}]
        study = Search(tmp_path, ListSampler(params))
        study.pool = UnreliablePool(study.pool, lambda _, before: "its worker vanished" if before == 2 else "")
        trial = study.run().history[0]
        assert (trial.state, trial.attempts, trial.epoch) == (COMPLETE, 2, 5)
        assert study.recorder.reasons("wait") == ["its worker vanished; tried again after epoch 2"]
        assert study.recorder.waits == [(0, Cause.WORKER_LOST, {"epoch": 2, "workers": 1})]
        assert [line.split()[1] for line in epoch_log(tmp_path)] == ["1", "2", "3", "4", "5"]

    @pytest.mark.parametrize("retries", [0, 1, 2])
    def test_failed_where_more_workers_were_lost_than_retries(self, tmp_path: Path, retries: int) -> None:
        study = Search(tmp_path, ListSampler([{}, {}]), retries=retries)
        pool = study.pool = UnreliablePool(study.pool, lambda order, _: "gone" if order.number == 0 else "")
        history = study.run().history
        assert [trial.state for trial in history] == [FAILED, COMPLETE]
        assert history[0].reason == f"gone; limits.retries = {retries} is used up"
        assert (history[0].cause, history[0].cause_numbers) == (
            Cause.WORKER_LOST,
            {"epoch": 0, "workers": retries + 1},
        )
        assert history[0].attempts == retries + 1
        assert sum(isinstance(order, Start) and order.number == 0 for order in pool.executed) == retries + 1

    def test_waiting_where_the_search_is_stopped(self, tmp_path: Path) -> None:
        study = Search(tmp_path, ListSampler([{}, {}]))
        loop = study.run(lambda loop: loop.stop("a signal") if loop.history.epochs == 2 else None)
        assert [(trial.state, trial.epoch) for trial in loop.history] == [(WAITING, 3)]
        assert loop.history[0].reason == loop.end.stopped == "a signal"
        assert loop.history[0].cause is loop.end.cause is Cause.INTERRUPTED

    def test_a_note_of_the_worker_is_a_decision(self, tmp_path: Path) -> None:
        study = Search(tmp_path, RoundsSampler([{}], first=2, then=5), "untracked")
        study.run()
        (note,) = study.recorder.reasons("note")
        assert re.findall(r"\d+", note) == ["1", "2"], "the epochs that are trained again"

    def test_the_reason_to_continue_is_recorded_where_trials_were_compared(self, tmp_path: Path) -> None:
        study = Search(tmp_path, ListSampler([{}]))
        study.pruner = ScriptedPruner({(0, 2): Continue("best third"), (0, 3): Continue()})
        study.run()
        assert [d for d in study.recorder.decisions if d.kind == "go on"] == [
            Decision("go on", "best third", 0, 2, 5000)
        ]

    def test_times_are_the_drivers(self, tmp_path: Path) -> None:
        study = Search(tmp_path, ListSampler([{}]))
        seconds = count(100)
        trial = study.run(wall=lambda: next(seconds)).history[0]
        times = [trial.proposed_at, *(report.at for report in trial.curve), trial.ended_at]
        assert times[0] >= 100_000
        assert times == sorted(set(times))


class TestSlices:
    """A stream of reports is judged the same however it was grouped."""

    def run(self, folder: Path, monkeypatch: pytest.MonkeyPatch, seconds: float) -> ListRecorder:
        monkeypatch.setattr(worker, "SLICE_SECONDS", seconds)
        losses = ["5 4 3 2 1 1 1 1", "3 inf 1", "4 3 2", "3 3 3 3 3 3 3 3", "2 1 1 1 1 1 1 1", "9 9"]
        study = Search(folder, RoundsSampler([{"losses": each} for each in losses], 6, 8, best=2), "scripted", epochs=8)
        study.pruner = ScriptedPruner({(3, 2): Stop("rung"), (4, 1): Continue("good"), (4, 3): Pause("waits")})
        study.early_stopping = ScriptedPruner({(0, 5): Finish("patience")})
        study.run()
        return study.recorder

    def test_makes_no_difference(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        one_by_one, quick, whole = (
            self.run(tmp_path / str(seconds), monkeypatch, seconds) for seconds in (0.0, 0.02, 1e9)
        )
        assert one_by_one.result() == quick.result() == whole.result()
        assert [trial.state for trial in one_by_one.trials.values()] == [
            COMPLETE, PRUNED, COMPLETE, PRUNED, COMPLETE, COMPLETE
        ]  # fmt: skip
        assert one_by_one.trials[4].round == 2

    def test_a_failure_after_a_verdict_is_ignored(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(worker, "SLICE_SECONDS", 1e9)
        study = Search(tmp_path, ListSampler([{"at": 4, "how": "raise"}]), "faulty")
        study.pruner = ScriptedPruner({(0, 2): Stop("rung")})
        trial = study.run().history[0]
        assert (trial.state, trial.epoch, trial.error) == (PRUNED, 2, "")
