import math
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from hpsearch import worker
from hpsearch.errors import JournalError, TrainerError
from hpsearch.history import History
from hpsearch.loop import OUT_OF_MEMORY, Loop
from hpsearch.seeds import trial_seed
from hpsearch.trial import (
    Advance,
    Continue,
    Decision,
    Finish,
    GoOn,
    Kill,
    New,
    Order,
    Pause,
    Proposal,
    Release,
    Start,
    State,
    Stop,
    Trial,
    Verdict,
)
from tests.support.ledger import ListLedger
from tests.support.studies import At, Listed, Rounds, Search, Unreliable

RUNNING, WAITING, PAUSED = State.RUNNING, State.WAITING, State.PAUSED
COMPLETE, PRUNED, FAILED = State.COMPLETE, State.PRUNED, State.FAILED


@pytest.fixture(autouse=True)
def one_epoch_a_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that every test knows in which turn what is reported; `TestSlices` shows that it does not matter."""
    monkeypatch.setattr(worker, "SLICE", 0.0)


def scripts(*losses: str) -> Listed:
    return Listed([{"losses": each} for each in losses])


def diary(folder: Path) -> list[str]:
    return (folder / "diary").read_text().splitlines()


class TestStates:
    """Every arrow of `State`."""

    def test_complete_when_all_epochs_are_trained(self, tmp_path: Path) -> None:
        study = Search(tmp_path, Listed([{}]))
        loop = study.go()
        trial = loop.history[0]
        assert study.ledger.changes(0) == [RUNNING, COMPLETE]
        assert (trial.reason, trial.epoch, trial.attempts, trial.settled) == ("trained all 5 epochs", 5, 1, 1)
        assert (trial.seed, trial.origin) == (trial_seed(7, 0), "number 0 of the list")
        assert loop.ending == ""
        assert [decision.kind for decision in study.ledger.decisions] == ["propose", "complete"]

    def test_complete_when_the_trainer_ends(self, tmp_path: Path) -> None:
        study = Search(tmp_path, scripts("3 2 1"), "scripted")
        trial = study.go().history[0]
        assert (trial.state, trial.epoch) == (COMPLETE, 3)
        assert trial.reason == "its trainer ended at epoch 3 of 5"

    def test_complete_when_it_is_stopped_early_on_its_own_curve(self, tmp_path: Path) -> None:
        study = Search(tmp_path, Listed([{}]))
        study.early_stopping = At({(0, 3): Finish("no better for 2 epochs")})
        trial = study.go().history[0]
        assert (trial.state, trial.epoch, trial.reason) == (COMPLETE, 3, "no better for 2 epochs")

    def test_pruned_when_it_loses_against_the_others(self, tmp_path: Path) -> None:
        study = Search(tmp_path, Listed([{}, {}]))
        study.pruner = At({(1, 2): Stop("worse than the median")})
        history = study.go().history
        assert [trial.state for trial in history] == [COMPLETE, PRUNED]
        assert (history[1].epoch, history[1].reason) == (2, "worse than the median")

    def test_early_stopping_speaks_before_the_pruner(self, tmp_path: Path) -> None:
        study = Search(tmp_path, Listed([{}]))
        study.early_stopping = At({(0, 3): Finish("patience")})
        study.pruner = At({(0, 3): Stop("rung")})
        assert study.go().history[0].state is COMPLETE

    def test_the_last_epoch_is_never_pruned(self, tmp_path: Path) -> None:
        study = Search(tmp_path, Listed([{}]))
        study.pruner = At({(0, 5): Stop("rung")})
        assert study.go().history[0].state is COMPLETE

    def test_paused_where_its_round_ends_and_continued_from_its_checkpoint(self, tmp_path: Path) -> None:
        params = [{"x": x, "diary": str(tmp_path / "diary")} for x in (5.0, 0.0, 9.0)]
        study = Search(tmp_path, Rounds(params, first=2, then=5))
        history = study.go().history
        assert [trial.state for trial in history] == [PAUSED, COMPLETE, PAUSED]
        assert [trial.epoch for trial in history] == [2, 5, 2]
        assert study.ledger.changes(1) == [RUNNING, PAUSED, RUNNING, COMPLETE]
        assert [trial.settled for trial in history] == [1, 4, 3]
        assert history[1].round == 2
        assert history[0].reason == "trained to epoch 2, as far as round 1 goes"
        assert study.ledger.reasons("continue") == ["among the best"]
        seeds = [trial_seed(7, number) for number in (0, 1, 2, 1)]
        epochs = [(1, 2), (1, 2), (1, 2), (3, 4, 5)]
        trained = [f"{seed} {epoch}" for seed, part in zip(seeds, epochs, strict=True) for epoch in part]
        assert diary(tmp_path) == trained, "nothing is trained twice"

    def test_continued_trials_have_the_curve_of_an_unbroken_one(self, tmp_path: Path) -> None:
        rounds = Search(tmp_path / "rounds", Rounds([{"x": 0.5}], first=2, then=5)).go()
        unbroken = Search(tmp_path / "unbroken", Listed([{"x": 0.5}])).go()
        assert rounds.history[0].curve == unbroken.history[0].curve

    def test_paused_by_a_pruner(self, tmp_path: Path) -> None:
        study = Search(tmp_path, Rounds([{}], first=3, then=5))
        study.pruner = At({(0, 2): Pause("waits at rung 2")})
        trial = study.go().history[0]
        assert [decision.kind for decision in study.ledger.decisions] == ["propose", "paused", "continue", "complete"]
        assert study.ledger.reasons("paused") == ["waits at rung 2"]
        assert trial.epoch == 5

    def test_a_paused_trial_keeps_its_checkpoint_and_a_settled_one_its_best(self, tmp_path: Path) -> None:
        Search(tmp_path, Rounds([{"x": 9.0}, {"x": 0.0}], first=2, then=5)).go()
        kept = {
            folder.name: {path.name for path in folder.glob("*.pt")} for folder in (tmp_path / "checkpoints").iterdir()
        }
        assert "epoch-000002.pt" in kept["00000"]
        assert kept["00001"] == {"best.pt"}

    def test_a_round_that_goes_beyond_the_epochs_ends_with_them(self, tmp_path: Path) -> None:
        assert Search(tmp_path, Listed([{}], until=99)).go().history[0].until == 5

    @pytest.mark.parametrize("loss", ["nan", "inf", "-inf"])
    def test_pruned_where_it_diverges_and_never_the_best(self, tmp_path: Path, loss: str) -> None:
        study = Search(tmp_path, scripts(f"0.1 {loss} 0.1", "3 2 1 1 1"), "scripted")
        history = study.go().history
        assert (history[0].state, history[0].reason) == (PRUNED, f"diverged: val_loss is {loss} at epoch 2")
        assert (history[0].diverged, history[0].epoch, len(history[0].curve)) == (True, 2, 2)
        assert history.best() is history[1]

    def test_failed_where_the_trainer_raises(self, tmp_path: Path) -> None:
        study = Search(tmp_path, Listed([{"at": 3, "how": "raise"}, {"at": 0, "how": ""}]), "faulty")
        history = study.go().history
        assert [trial.state for trial in history] == [FAILED, COMPLETE]
        assert history[0].reason == "ValueError: no such optimizer"
        assert history[0].error.startswith("Traceback")
        assert "go_wrong" in history[0].error
        assert history[0].epoch == 2
        assert study.ledger.changes(0) == [RUNNING, FAILED]

    def test_waiting_where_the_worker_is_lost_then_running_again(self, tmp_path: Path) -> None:
        params = [{"diary": str(tmp_path / "diary")}]
        study = Search(tmp_path, Listed(params))
        study.pool = Unreliable(study.pool, lambda _, before: "its worker vanished" if before == 2 else "")
        trial = study.go().history[0]
        assert (trial.state, trial.attempts, trial.epoch) == (COMPLETE, 2, 5)
        assert study.ledger.reasons("wait") == ["its worker vanished; goes on from epoch 2"]
        assert [line.split()[1] for line in diary(tmp_path)] == ["1", "2", "3", "4", "5"]

    @pytest.mark.parametrize("retries", [0, 1, 2])
    def test_failed_where_it_has_cost_one_worker_too_many(self, tmp_path: Path, retries: int) -> None:
        study = Search(tmp_path, Listed([{}, {}]), retries=retries)
        pool = study.pool = Unreliable(study.pool, lambda order, _: "gone" if order.number == 0 else "")
        history = study.go().history
        assert [trial.state for trial in history] == [FAILED, COMPLETE]
        assert history[0].reason == f"gone; {retries + 1} workers lost (limits.retries)"
        assert history[0].attempts == retries + 1
        assert sum(isinstance(order, Start) and order.number == 0 for order in pool.did) == retries + 1

    def test_waiting_where_the_search_is_stopped(self, tmp_path: Path) -> None:
        study = Search(tmp_path, Listed([{}, {}]))
        loop = study.go(watch=lambda loop, _: loop.stop("stopped by SIGINT") if loop.history.epochs == 2 else None)
        assert [(trial.state, trial.epoch) for trial in loop.history] == [(WAITING, 3)]
        assert loop.history[0].reason == loop.ending == "stopped by SIGINT"

    def test_a_notice_of_the_worker_is_a_decision(self, tmp_path: Path) -> None:
        study = Search(tmp_path, Rounds([{}], first=2, then=5), "untracked")
        study.go()
        assert study.ledger.reasons("note") == ["epochs 1 to 2 are trained again: no checkpoint of them"]

    def test_why_a_trial_may_go_on_is_recorded_where_something_was_weighed(self, tmp_path: Path) -> None:
        study = Search(tmp_path, Listed([{}]))
        study.pruner = At({(0, 2): GoOn("among the best third"), (0, 3): GoOn()})
        study.go()
        assert [d for d in study.ledger.decisions if d.kind == "go on"] == [
            Decision("go on", "among the best third", 0, 2, 5000)
        ]

    def test_times_are_the_drivers(self, tmp_path: Path) -> None:
        study = Search(tmp_path, Listed([{}]))
        seconds = count(100)
        trial = study.go(wall=lambda: float(next(seconds))).history[0]
        times = [trial.proposed_at, *(report.at for report in trial.curve), trial.ended_at]
        assert times[0] >= 100_000
        assert times == sorted(set(times))


class TestSlices:
    """A stream of reports is judged the same however it was grouped."""

    def run(self, folder: Path, monkeypatch: pytest.MonkeyPatch, seconds: float) -> ListLedger:
        monkeypatch.setattr(worker, "SLICE", seconds)
        losses = ["5 4 3 2 1 1 1 1", "3 inf 1", "4 3 2", "3 3 3 3 3 3 3 3", "2 1 1 1 1 1 1 1", "9 9"]
        study = Search(folder, Rounds([{"losses": each} for each in losses], 6, 8, best=2), "scripted", epochs=8)
        study.pruner = At({(3, 2): Stop("rung"), (4, 1): GoOn("good"), (4, 3): Pause("waits")})
        study.early_stopping = At({(0, 5): Finish("patience")})
        study.go()
        return study.ledger

    def test_makes_no_difference(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        one_by_one, quick, whole = (
            self.run(tmp_path / str(seconds), monkeypatch, seconds) for seconds in (0.0, 0.02, 1e9)
        )
        assert timeless(one_by_one) == timeless(quick) == timeless(whole)
        assert [trial.state for trial in one_by_one.trials.values()] == [
            COMPLETE, PRUNED, COMPLETE, PRUNED, COMPLETE, COMPLETE
        ]  # fmt: skip
        assert one_by_one.trials[4].round == 2

    def test_what_failed_after_a_verdict_did_not_happen(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(worker, "SLICE", 1e9)
        study = Search(tmp_path, Listed([{"at": 4, "how": "raise"}]), "faulty")
        study.pruner = At({(0, 2): Stop("rung")})
        trial = study.go().history[0]
        assert (trial.state, trial.epoch, trial.error) == (PRUNED, 2, "")


def timeless(ledger: ListLedger) -> Any:
    """What a study came to, but for how long it took and where it was interrupted."""
    trials = [replace(trial, busy=0.0) for trial in ledger.trials.values()]
    curves = [ledger.curve(trial.number) for trial in trials]
    return trials, curves, [decision for decision in ledger.decisions if decision.kind not in ("wait", "note")]


class TestOutOfMemory:
    def fates(self, *numbers: int) -> Listed:
        return Listed([{"at": 2 if number in numbers else 0, "how": "memory"} for number in range(3)])

    def test_once_more_alone_then_never_again(self, tmp_path: Path) -> None:
        study = Search(tmp_path, self.fates(1), "faulty", workers=3)
        pool = study.pool = Unreliable(study.pool, lambda _order, _before: "")
        history = study.go().history
        assert [trial.state for trial in history] == [COMPLETE, FAILED, COMPLETE]
        assert history[1].reason.startswith(f"{OUT_OF_MEMORY} even alone (MemoryError): try a smaller batch_size")
        assert study.ledger.reasons("wait") == [f"{OUT_OF_MEMORY} (MemoryError): once more, alone"]
        again = [place for place, order in enumerate(pool.did) if isinstance(order, Start)][-1]
        assert pool.did[again] == Start(1, {"at": 2, "how": "memory"}, trial_seed(7, 1), 5, 5, after=1)
        assert {order.number for order in pool.did[again:]} == {1}, "nothing runs beside it"

    def test_a_worker_that_ray_ended_for_its_memory(self, tmp_path: Path) -> None:
        study = Search(tmp_path, Listed([{}, {}]), workers=2)
        ended = f"{OUT_OF_MEMORY}: Ray ended its worker"
        study.pool = Unreliable(study.pool, lambda order, before: ended if (order.number, before) == (0, 1) else "")
        history = study.go().history
        assert [(trial.state, trial.attempts) for trial in history] == [(COMPLETE, 1), (COMPLETE, 1)]
        assert study.ledger.reasons("wait") == [f"{OUT_OF_MEMORY} ({ended}): once more, alone"]

    def test_those_that_wait_for_it_start_when_it_has_ended(self, tmp_path: Path) -> None:
        sampler = Listed([{"at": 0 if number else 1, "how": "memory"} for number in range(5)])
        history = Search(tmp_path, sampler, "faulty", workers=2).go().history
        assert [trial.state for trial in history] == [FAILED] + [COMPLETE] * 4

    def test_two_that_run_out_are_alone_one_after_the_other(self, tmp_path: Path) -> None:
        study = Search(tmp_path, self.fates(0, 2), "faulty", workers=3)
        assert [trial.state for trial in study.go().history] == [FAILED, COMPLETE, FAILED]

    def test_another_process_lets_it_run_alone_too(self, tmp_path: Path) -> None:
        study = Search(tmp_path, self.fates(1), "faulty", workers=3)
        study.go(watch=lambda loop, _: loop.stop("now") if study.ledger.reasons("wait") else None)
        waits = study.ledger.trials[1]
        assert (waits.state, waits.reason.startswith(OUT_OF_MEMORY)) == (WAITING, True)
        pool = Unreliable(study.again().pool, lambda _order, _before: "")
        study.pool = pool
        history = study.go().history
        assert [trial.state for trial in history] == [COMPLETE, FAILED, COMPLETE]
        place = next(place for place, order in enumerate(pool.did) if order.number == 1)
        assert {order.number for order in pool.did[place : place + 1]} == {1}


class TestFailures:
    def test_so_many_end_the_run(self, tmp_path: Path) -> None:
        study = Search(tmp_path, Listed([{"at": 2, "how": "raise"}] * 9), "faulty", max_failures=3)
        loop = study.go()
        assert [trial.state for trial in loop.history] == [FAILED] * 3
        assert loop.ending == "3 trials failed (limits.max_failures)"

    def test_those_that_run_beside_wait_for_another_run(self, tmp_path: Path) -> None:
        sampler = Listed([{"at": 1, "how": "raise"}] + [{"at": 0, "how": ""}] * 3)
        loop = Search(tmp_path, sampler, "faulty", workers=2, max_failures=1).go()
        assert [trial.state for trial in loop.history] == [FAILED, WAITING]

    @pytest.mark.parametrize(
        ("how", "words"),
        [
            ("metric", 'study.metric = "val_loss" is not among what the trainer reports: accuracy, loss'),
            ("skipped step", "step 3 after step 1"),
            ("tuple", "not a Report"),
        ],
    )
    def test_a_trainer_that_keeps_no_contract_ends_it_at_once(self, tmp_path: Path, how: str, words: str) -> None:
        study = Search(tmp_path, Listed([{"how": how}] * 4), "wrong", workers=2)
        with pytest.raises(TrainerError) as caught:
            study.go()
        assert str(caught.value).startswith("trial 0: ")
        assert words in str(caught.value)
        assert {trial.state for trial in study.ledger.trials.values()} == {WAITING}
        assert words in study.ledger.trials[0].reason
        assert len(study.ledger.trials) == 2

    def test_a_pruner_that_raises_leaves_nothing_running(self, tmp_path: Path) -> None:
        class Broken:
            def judge(self, trial: Trial, history: History) -> Verdict:
                raise ZeroDivisionError

        study = Search(tmp_path, Listed([{}, {}]), workers=2)
        study.pruner = Broken()
        with pytest.raises(ZeroDivisionError):
            study.go()
        assert [(trial.state, trial.epoch) for trial in study.ledger.trials.values()] == [(WAITING, 1), (WAITING, 0)]
        assert study.ledger.trials[0].reason == "the run ended: ZeroDivisionError"

    def test_a_sampler_that_continues_what_is_not_paused_is_our_own_mistake(self, tmp_path: Path) -> None:
        class Wrong(Listed):
            def ask(self, history: History) -> Proposal | None:
                return super().ask(history) or Continue(0, 5, "again")

        with pytest.raises(AssertionError, match="continued trial 0, which is COMPLETE"):
            Search(tmp_path, Wrong([{}])).go()

    def test_an_interrupt_leaves_nothing_running(self, tmp_path: Path) -> None:
        def interrupt(loop: Loop, _: object) -> None:
            if loop.history.epochs == 3:
                raise KeyboardInterrupt

        study = Search(tmp_path, Listed([{}] * 3), workers=2)
        with pytest.raises(KeyboardInterrupt):
            study.go(watch=interrupt)
        assert {trial.state for trial in study.ledger.trials.values()} == {WAITING}
        assert [trial.state for trial in study.again().go().history] == [COMPLETE] * 3


class TestLimits:
    def test_trials(self, tmp_path: Path) -> None:
        loop = Search(tmp_path, Listed([{}] * 9), workers=2, study_trials=3).go()
        assert [trial.state for trial in loop.history] == [COMPLETE] * 3

    def test_trials_count_over_all_runs_and_a_larger_number_goes_on(self, tmp_path: Path) -> None:
        study = Search(tmp_path, Listed([{}] * 9), study_trials=2)
        study.go()
        assert len(study.again().go().history) == 2
        study.rules = replace(study.rules, study_trials=4)
        history = study.again().go().history
        assert [trial.settled for trial in history] == [1, 2, 3, 4]

    def test_epochs(self, tmp_path: Path) -> None:
        loop = Search(tmp_path, Listed([{}] * 9), study_epochs=7).go()
        assert loop.ending == "limits.epochs = 7 is used up"
        assert loop.history[0].state is COMPLETE
        assert loop.history.epochs <= 7 + 1

    def test_seconds_of_the_study(self, tmp_path: Path) -> None:
        study = Search(tmp_path, Listed([{}] * 9), study_seconds=100.0)

        def watch(loop: Loop, _: object) -> None:
            study.clock.now += 10.0

        loop = study.go(watch=watch)
        assert loop.ending == "limits.study = 100 s is used up"
        assert [trial.state for trial in loop.history] == [COMPLETE, COMPLETE, WAITING]

    def test_gpu_hours_are_busy_time_times_the_share_of_a_gpu(self, tmp_path: Path) -> None:
        study = Search(tmp_path, Listed([{}] * 9), gpus=0.5, study_gpu_hours=2.0)
        study.pool = Slowly(study.pool, 3600.0)
        loop = study.go()
        assert loop.ending == "limits.gpu_hours = 2 is used up"
        assert loop.history.busy >= 4 * 3600
        assert loop.history.epochs == 5

    def test_what_is_not_limited_goes_on(self, tmp_path: Path) -> None:
        study = Search(tmp_path, Listed([{}] * 3))
        study.pool = Slowly(study.pool, 1e9)
        assert [trial.state for trial in study.go().history] == [COMPLETE] * 3


class Slowly:
    """A pool in which every report took so many seconds."""

    def __init__(self, inside: Any, seconds: float):
        self.inside, self.seconds = inside, seconds
        self.do, self.close = inside.do, inside.close

    @property
    def room(self) -> int:
        return int(self.inside.room)

    def events(self, timeout: float) -> Sequence[Any]:
        return [replace(event, seconds=self.seconds) for event in self.inside.events(timeout)]


class TestTime:
    def hanging(self, folder: Path, *numbers: int, times: int = 99, workers: int = 1, **rules: Any) -> Search:
        """The first `times` workers that are to train epoch 3 of these trials hang."""
        study = Search(folder, Listed([{}] * 3), workers=workers, **rules)
        hung = Counter[int]()

        def fate(order: Start | Advance, before: int) -> str:
            epoch = study.ledger.trials[order.number].epoch
            if order.number not in numbers or epoch != 2 or hung[order.number] >= times:
                return ""
            hung[order.number] += 1
            return "hang"

        study.pool = Unreliable(study.pool, fate, study.clock)
        return study

    @pytest.mark.parametrize("workers", [1, 2])
    def test_a_trial_that_takes_too_long_is_pruned(self, tmp_path: Path, workers: int) -> None:
        study = self.hanging(tmp_path, 0, workers=workers, trial_seconds=60.0)
        history = study.go().history
        assert [trial.state for trial in history] == [PRUNED, COMPLETE, COMPLETE]
        assert (history[0].reason, history[0].epoch) == ("timeout: over limits.trial = 60 s", 2)
        assert 60 <= study.clock.now - 1000 < 65

    def test_time_in_earlier_rounds_counts(self, tmp_path: Path) -> None:
        study = Search(tmp_path, Rounds([{}], first=2, then=5), trial_seconds=35.0)
        study.pool = Slowly(study.pool, 10.0)
        trial = study.go().history[0]
        assert (trial.state, trial.epoch) == (PRUNED, 4)

    @pytest.mark.parametrize("workers", [1, 2])
    def test_a_stalled_trial_gets_another_worker(self, tmp_path: Path, workers: int) -> None:
        study = self.hanging(tmp_path, 0, times=1, workers=workers, stall_seconds=30.0)
        trial = study.go().history[0]
        assert (trial.state, trial.attempts) == (COMPLETE, 2)
        reason = "stalled: no report for limits.stall = 30 s; goes on from epoch 2"
        assert study.ledger.reasons("wait") == [reason]
        assert [order for order in study.pool.did if isinstance(order, Kill)] == [Kill(0)]  # type: ignore[attr-defined]

    def test_one_that_stalls_always_fails(self, tmp_path: Path) -> None:
        study = self.hanging(tmp_path, 0, stall_seconds=30.0, retries=1)
        history = study.go().history
        assert [trial.state for trial in history] == [FAILED, COMPLETE, COMPLETE]
        assert history[0].reason == "stalled: no report for limits.stall = 30 s; 2 workers lost (limits.retries)"

    def test_one_that_reports_does_not_stall(self, tmp_path: Path) -> None:
        study = Search(tmp_path, Listed([{}]), epochs=50, stall_seconds=30.0, trial_seconds=None)
        study.go(watch=lambda _loop, _trials: setattr(study.clock, "now", study.clock.now + 29))
        assert study.ledger.trials[0].state is COMPLETE

    def test_at_a_stop_the_running_epoch_has_its_grace(self, tmp_path: Path) -> None:
        study = self.hanging(tmp_path, 0, workers=2)
        loop = study.go(
            watch=lambda loop, _: loop.stop("stopped by SIGTERM", 20.0) if loop.history.epochs > 3 else None
        )
        assert [(trial.state, trial.epoch >= 2) for trial in loop.history] == [(WAITING, True)] * 2
        assert loop.history[0].reason == "stopped by SIGTERM; its epoch took too long to wait for"
        assert loop.history[1].reason == "stopped by SIGTERM"
        assert 20 <= study.clock.now - 1000 < 25

    def test_of_two_stops_the_first_reason_and_the_shorter_grace_hold(self, tmp_path: Path) -> None:
        study = self.hanging(tmp_path, 0)
        stops = iter([("first", math.inf), ("second", 5.0), ("third", 50.0)])

        def stop(loop: Loop, _: object) -> None:
            if loop.history.epochs == 2 and (named := next(stops, None)):
                loop.stop(*named)

        loop = study.go(watch=stop)
        assert loop.ending == "first"
        assert study.clock.now - 1000 < 10


class TestOnceMore:
    """What was stopped, interrupted or killed goes on to the very result of an unbroken run."""

    @dataclass
    class Greedy:
        """Its proposals follow from all that has settled: a difference anywhere shows in what comes after."""

        trials: int
        slow: bool

        def ask(self, history: History) -> Proposal | None:
            if len(history) >= self.trials:
                return None
            seen = sum(history.loss(trial) for trial in history if trial.settled and math.isfinite(history.loss(trial)))
            return New({"x": seen, "drift": 0.1 * history.settled}, 4, f"after {history.settled} with {seen}")

    def study(self, folder: Path, sampler: str) -> Search:
        samplers = {
            "rounds": Rounds([{"x": 0.3 * n} for n in range(4)], 2, 5, best=2),
            "prompt": self.Greedy(4, slow=False),
            "slow": self.Greedy(4, slow=True),
        }
        folder.mkdir(exist_ok=True)
        study = Search(folder, samplers[sampler])
        study.pruner = At({(1, 1): Stop("rung"), (2, 1): GoOn("good")})
        study.early_stopping = At({(0, 4): Finish("patience")})
        return study

    @pytest.mark.parametrize("sampler", ["rounds", "prompt", "slow"])
    def test_stopped_after_any_turn(self, tmp_path: Path, sampler: str) -> None:
        unbroken = self.study(tmp_path / "unbroken", sampler)
        unbroken.go()
        for stop_at in range(unbroken.ledger.writes):
            turns = count()
            study = self.study(tmp_path / str(stop_at), sampler)
            study.go(watch=lambda loop, _, turns=turns, at=stop_at: loop.stop("now") if next(turns) == at else None)
            assert RUNNING not in {trial.state for trial in study.ledger.trials.values()}
            study.again().go()
            assert timeless(study.ledger) == timeless(unbroken.ledger)

    @pytest.mark.parametrize("sampler", ["rounds", "prompt", "slow"])
    def test_killed_before_any_write(self, tmp_path: Path, sampler: str) -> None:
        unbroken = self.study(tmp_path / "unbroken", sampler)
        unbroken.go()
        for killed_at in range(unbroken.ledger.writes):
            study = self.study(tmp_path / str(killed_at), sampler)
            study.ledger.fails = range(killed_at, 999)
            with pytest.raises(JournalError):
                study.go()
            study.again().go()
            assert timeless(study.ledger) == timeless(unbroken.ledger)

    def test_and_trains_at_most_an_epoch_twice(self, tmp_path: Path) -> None:
        study = self.study(tmp_path, "rounds")
        study.sampler = Rounds([{"x": 0.3 * n, "diary": str(tmp_path / "diary")} for n in range(4)], 2, 5, best=2)
        for killed_at in count(1):
            study.ledger.fails = range(killed_at, 999)
            try:
                study.go()
                break
            except JournalError:
                study.again()
        trained = Counter(diary(tmp_path))
        assert max(trained.values()) == 2, "a report that the ledger did not take is trained again, and nothing else"

    def test_extended_by_more_trials(self, tmp_path: Path) -> None:
        unbroken = Search(tmp_path / "unbroken", self.Greedy(4, slow=False))
        unbroken.go()
        study = Search(tmp_path / "extended", self.Greedy(2, slow=False))
        study.go()
        study.sampler = self.Greedy(4, slow=False)
        study.again().go()
        assert timeless(study.ledger) == timeless(unbroken.ledger)


class TestLedgerFirst:
    """Everything is written before it is acted on."""

    class Recording:
        def __init__(self, inside: Any, seen: list[Any]):
            self.inside, self.seen = inside, seen
            self.events, self.close = inside.events, inside.close

        @property
        def room(self) -> int:
            return int(self.inside.room)

        def do(self, order: Order) -> None:
            self.seen.append(order)
            self.inside.do(order)

    def test_a_start_and_an_advance_follow_what_they_rest_on(self, tmp_path: Path) -> None:
        study = Search(tmp_path, Rounds([{"x": 9.0}, {"x": 0.0}], first=2, then=5), workers=2)

        class Watching(self.Recording):  # type: ignore[name-defined, misc]
            def do(self, order: Order) -> None:
                written = study.ledger.trials[order.number]
                match order:
                    case Start(after=after):
                        assert (written.state, written.epoch) == (RUNNING, after)
                    case Advance():
                        assert written.state is RUNNING
                        assert study.ledger.curve(order.number)[-1].step == written.epoch
                    case Release():
                        assert any(one.number == order.number and one.kind in ENDS for one in study.ledger.decisions)
                super().do(order)

        study.pool = Watching(study.pool, [])
        assert [trial.state for trial in study.go().history] == [PAUSED, COMPLETE]

    @pytest.mark.parametrize("fails", range(10))
    def test_of_what_it_did_not_take_nothing_is_ordered(self, tmp_path: Path, fails: int) -> None:
        """Where it takes it a moment later, the study is left in order."""
        done: list[Order] = []
        study = Search(tmp_path, Listed([{}] * 2), workers=2)
        study.pool = self.Recording(study.pool, done)
        ordered_before: list[int] = []

        class Failing(ListLedger):
            def write(self, *batch: Any) -> None:
                ordered_before.append(len(done))
                super().write(*batch)

        study.ledger = Failing(fails=[fails])
        with pytest.raises(JournalError):
            study.go()
        assert len(done) == ordered_before[fails]
        assert RUNNING not in {trial.state for trial in study.ledger.trials.values()}
        assert [trial.state for trial in study.again().go().history] == [COMPLETE] * 2

    def test_a_turn_without_news_says_that_the_driver_lives(self, tmp_path: Path) -> None:
        study = Search(tmp_path, Listed([{}]), stall_seconds=10.0, retries=0)
        study.pool = Unreliable(study.pool, lambda _order, _before: "hang", study.clock)
        study.go()
        assert 20 <= study.ledger.renewals <= 22, "every half second"


class TestSlowSampler:
    def test_is_asked_while_others_train(self, tmp_path: Path) -> None:
        """Its second answer comes when the first trial has trained three epochs: it waits for that beside the loop."""
        trained = threading.Event()

        class Thinker(Listed):
            def ask(self, history: History) -> Proposal | None:
                assert threading.current_thread() is not threading.main_thread()
                if len(history) == 1:
                    assert trained.wait(60)
                return super().ask(history)

        loop = Search(tmp_path, Thinker([{}] * 3, slow=True)).go(
            watch=lambda loop, _: trained.set() if loop.history.epochs >= 3 else None
        )
        assert [trial.state for trial in loop.history] == [COMPLETE] * 3

    def test_sees_what_had_settled_when_the_trial_before_was_started(self, tmp_path: Path) -> None:
        seen: dict[int, list[tuple[int, ...]]] = {}

        class Noting(Listed):
            def ask(self, history: History) -> Proposal | None:
                settled = tuple(trial.number for trial in history if trial.state is COMPLETE)
                seen.setdefault(len(history), []).append(settled)
                assert all(trial.curve == () for trial in history if trial.number not in settled)
                return super().ask(history)

        study = Search(tmp_path, Noting([{}] * 4, slow=True))
        study.go()
        study.again().go()
        assert {number: set(each) for number, each in seen.items()} == {
            0: {()}, 1: {()}, 2: {(0,)}, 3: {(0, 1)}, 4: {(0, 1, 2)}
        }  # fmt: skip
        assert [len(each) for each in seen.values()] == [1, 1, 1, 1, 2], "asked once, and for the last again at the end"

    @pytest.mark.parametrize("slow", [False, True])
    def test_one_that_raises_ends_the_run_with_nothing_running(self, tmp_path: Path, slow: bool) -> None:
        class Broken(Listed):
            def ask(self, history: History) -> Proposal | None:
                if len(history) == 2:
                    raise ArithmeticError("no positive definite matrix")
                return super().ask(history)

        study = Search(tmp_path, Broken([{}] * 4, slow=slow), workers=3)
        with pytest.raises(ArithmeticError, match="positive definite"):
            study.go()
        assert RUNNING not in {trial.state for trial in study.ledger.trials.values()}


class TestWatch:
    def test_sees_every_change_once_it_is_written(self, tmp_path: Path) -> None:
        study = Search(tmp_path, Listed([{}, {}]))
        seen: list[tuple[int, State, int]] = []

        def watch(loop: Loop, trials: list[Trial]) -> None:
            for trial in trials:
                assert study.ledger.trials[trial.number] is trial
                seen.append((trial.number, trial.state, trial.epoch))

        study.go(watch=watch)
        first = [(0, RUNNING, epoch) for epoch in range(5)] + [(0, COMPLETE, 5)]
        assert seen[:6] == first
        assert seen[-1] == (1, COMPLETE, 5)

    def test_totals_are_those_of_this_run(self, tmp_path: Path) -> None:
        study = Search(tmp_path, Listed([{"at": 2, "how": "raise"}] + [{"at": 0, "how": ""}] * 2), "faulty", workers=2)
        first = study.go().totals
        assert (first.epochs, first.failures, first.workers) == (11, 1, 2)
        assert first.busy > 0
        study.sampler = Listed([{"at": 0, "how": ""}] * 4)
        then = study.again().go().totals
        assert (then.epochs, then.failures, then.workers) == (5, 0, 1)


ALLOWED = {
    (WAITING, RUNNING),
    (RUNNING, WAITING),
    (RUNNING, COMPLETE),
    (RUNNING, PRUNED),
    (RUNNING, FAILED),
    (RUNNING, PAUSED),
    (PAUSED, RUNNING),
}
ENDS = {"wait", "complete", "pruned", "paused", "failed"}

losses = st.lists(st.sampled_from(["0.5", "1", "2", "nan", "inf"]), min_size=1, max_size=5).map(" ".join)
fates = st.sampled_from(["", "", "", "gone", "hang", f"{OUT_OF_MEMORY}: Ray ended its worker"])
verdicts = st.sampled_from([Stop("s"), Pause("p"), Finish("f"), GoOn("g")])
places = st.tuples(st.integers(0, 4), st.integers(1, 4))


@hypothesis(max_examples=60, deadline=None)
@given(
    params=st.lists(losses, min_size=1, max_size=5),
    workers=st.integers(1, 3),
    slow=st.booleans(),
    fate=st.dictionaries(places, fates),
    pruner=st.dictionaries(places, verdicts, max_size=4),
    stop_at=st.integers(0, 30),
    retries=st.integers(0, 2),
)
def test_whatever_happens(
    params: list[str],
    workers: int,
    slow: bool,
    fate: dict[tuple[int, int], str],
    pruner: dict[tuple[int, int], Verdict],
    stop_at: int,
    retries: int,
) -> None:
    """Lost and hung workers, verdicts, divergence and a stop, in any order: what must hold does."""
    with TemporaryDirectory() as folder:
        given_params = [{"losses": each} for each in params]
        sampler = Listed(given_params, slow=True) if slow else Rounds(given_params, 2, 5, best=2)
        study = Search(
            Path(folder), sampler, "scripted", workers=workers, retries=retries, stall_seconds=10.0, max_failures=4
        )
        study.pruner = At(pruner)
        for last in (False, True):
            pool = Unreliable(study.pool, lambda order, before: fate.get((order.number, before), ""), study.clock)
            study.pool = pool
            before = len(study.ledger.decisions)
            turns = count()
            loop = study.go(
                watch=lambda loop, _, turns=turns, last=last: (
                    loop.stop("now") if next(turns) == stop_at and not last else None
                )
            )
            check(study.ledger, pool, study.ledger.decisions[before:], finished=not loop.ending)
            if not last:
                study.again()
        assert len(study.ledger.trials) <= len(params)


def check(ledger: ListLedger, pool: Unreliable, decisions: Sequence[Decision], finished: bool) -> None:
    states = Counter(trial.state for trial in ledger.trials.values())
    assert sum(states.values()) == len(ledger.trials)
    assert states[RUNNING] == 0
    assert not finished or states[WAITING] == 0
    for number in ledger.trials:
        steps = ledger.changes(number)
        # Off a lost worker and on to another in one turn: the ledger sees RUNNING twice and a decision to wait.
        assert set(pairwise(steps)) <= ALLOWED
    starts = Counter(order.number for order in pool.did if isinstance(order, Start))
    ends = Counter(decision.number for decision in decisions if decision.kind in ENDS)
    assert starts == ends, "every start has one end"
    settled = [trial.settled for trial in ledger.trials.values() if trial.settled]
    assert len(set(settled)) == len(settled)
