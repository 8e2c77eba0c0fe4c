"""Limits of time and number that end a study or a trial."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hpsearch.core.messages import Advance, Event, Kill, Queued, Start
from hpsearch.core.trial import Cause, Report, State
from hpsearch.orchestrator.loop import Loop
from tests.support.studies import (
    COMPLETE,
    FAILED,
    PRUNED,
    WAITING,
    ListSampler,
    RoundsSampler,
    Search,
    SlowPool,
    UnreliablePool,
)

pytest_plugins = ["tests.support.fixtures"]
pytestmark = pytest.mark.usefixtures("one_epoch_a_slice")


class TestLimits:
    def test_trials(self, tmp_path: Path) -> None:
        loop = Search(tmp_path, ListSampler([{}] * 9), workers=2, study_trials=3).run()
        assert (loop.end.cause, loop.end.numbers) == (Cause.LIMIT, {"trials": 3})
        assert [trial.state for trial in loop.history] == [COMPLETE] * 3

    def test_trials_count_over_all_runs_and_a_larger_number_goes_on(self, tmp_path: Path) -> None:
        study = Search(tmp_path, ListSampler([{}] * 9), study_trials=2)
        study.run()
        assert len(study.reopened().run().history) == 2
        study.rules = replace(study.rules, study_trials=4)
        history = study.reopened().run().history
        assert [trial.ended for trial in history] == [1, 2, 3, 4]

    def test_epochs(self, tmp_path: Path) -> None:
        loop = Search(tmp_path, ListSampler([{}] * 9), study_epochs=7).run()
        assert (loop.end.cause, loop.end.numbers) == (Cause.LIMIT, {"epochs": 7})
        assert loop.history[0].state is COMPLETE
        assert loop.history.epochs <= 7 + 1

    def test_seconds_of_the_study(self, tmp_path: Path) -> None:
        study = Search(tmp_path, ListSampler([{}] * 9), study_seconds=105.0)

        loop = study.run(lambda _: setattr(study.clock, "now", study.clock.now + 10))
        assert (loop.end.cause, loop.end.numbers) == (Cause.LIMIT, {"seconds": 105.0})
        assert [trial.state for trial in loop.history] == [COMPLETE, COMPLETE, WAITING]

    def test_gpu_hours_are_busy_time_times_the_share_of_a_gpu(self, tmp_path: Path) -> None:
        study = Search(tmp_path, ListSampler([{}] * 9), gpus=0.5, study_gpu_hours=2.0)
        study.pool = SlowPool(study.pool, 3600.0)
        loop = study.run()
        assert (loop.end.cause, loop.end.numbers) == (Cause.LIMIT, {"gpu_hours": 2.0})
        assert loop.history.busy >= 4 * 3600
        assert loop.history.epochs == 5

    def test_without_limits_the_study_runs_to_its_end(self, tmp_path: Path) -> None:
        study = Search(tmp_path, ListSampler([{}] * 3))
        study.pool = SlowPool(study.pool, 1e9)
        assert [trial.state for trial in study.run().history] == [COMPLETE] * 3


class TestTime:
    def hanging(self, folder: Path, *numbers: int, times: int = 99, workers: int = 1, **rules: Any) -> Search:
        """The first `times` workers that are to train epoch 3 of these trials hang."""
        study = Search(folder, ListSampler([{}] * 3), workers=workers, **rules)
        hung = Counter[int]()

        def fate(order: Start | Advance, before: int) -> str:
            epoch = study.recorder.trials[order.number].epoch
            if order.number not in numbers or epoch != 2 or hung[order.number] >= times:
                return ""
            hung[order.number] += 1
            return "hang"

        study.pool = UnreliablePool(study.pool, fate, study.clock)
        return study

    @pytest.mark.parametrize("workers", [1, 2])
    def test_a_trial_that_takes_too_long_is_pruned(self, tmp_path: Path, workers: int) -> None:
        study = self.hanging(tmp_path, 0, workers=workers, trial_seconds=60.0)
        history = study.run().history
        assert [trial.state for trial in history] == [PRUNED, COMPLETE, COMPLETE]
        assert (history[0].reason, history[0].epoch) == ("timeout: over limits.trial = 60 s", 2)
        assert (history[0].cause, history[0].cause_numbers) == (Cause.TIMEOUT, {"seconds": 60.0})
        assert 60 <= study.clock.now - 1000 < 65

    def test_time_in_earlier_rounds_counts(self, tmp_path: Path) -> None:
        study = Search(tmp_path, RoundsSampler([{}], first=2, then=5), trial_seconds=35.0)
        study.pool = SlowPool(study.pool, 10.0)
        trial = study.run().history[0]
        assert (trial.state, trial.epoch) == (PRUNED, 4)

    @pytest.mark.parametrize("workers", [1, 2])
    def test_a_stalled_trial_gets_another_worker(self, tmp_path: Path, workers: int) -> None:
        study = self.hanging(tmp_path, 0, times=1, workers=workers, stall_seconds=30.0)
        trial = study.run().history[0]
        assert (trial.state, trial.attempts) == (COMPLETE, 2)
        reason = "stalled: no report for limits.stall = 30 s; tried again after epoch 2"
        assert study.recorder.reasons("wait") == [reason]
        assert study.recorder.waits == [(0, Cause.STALLED, {"seconds": 30.0, "epoch": 2, "workers": 1})]
        assert [order for order in study.pool.executed if isinstance(order, Kill)] == [Kill(0)]  # type: ignore[attr-defined]

    def test_a_trial_that_always_stalls_fails(self, tmp_path: Path) -> None:
        study = self.hanging(tmp_path, 0, stall_seconds=30.0, retries=1)
        history = study.run().history
        assert [trial.state for trial in history] == [FAILED, COMPLETE, COMPLETE]
        assert (history[0].cause, history[0].cause_numbers) == (
            Cause.STALLED,
            {"seconds": 30.0, "epoch": 2, "workers": 2},
        )

    @pytest.mark.parametrize("seconds", [75.0, 86_400.0, -3600.0])
    def test_time_in_which_the_driver_did_not_run_is_no_stall(self, tmp_path: Path, seconds: float) -> None:
        """A suspended driver (laptop lid, SIGSTOP), or a clock that was set back."""
        study = self.hanging(tmp_path, 0, times=1, workers=2, stall_seconds=20.0)
        jumps = iter([seconds])

        def suspend(loop: Loop) -> None:
            if 0 in loop.running and study.clock.now - loop.running[0] > 10:
                study.clock.now += next(jumps, 0.0)

        trial = study.run(suspend).history[0]
        assert (trial.state, trial.attempts) == (COMPLETE, 2)
        assert [numbers for _, _, numbers in study.recorder.waits] == [{"seconds": 20.0, "epoch": 2, "workers": 1}]
        assert 19 <= study.clock.now - 1000 - seconds < 27, "it stalls later, by the time that the driver ran"

    @pytest.mark.parametrize(("seconds", "stall"), [(75.0, 20.0), (4.0, 3.0)])
    def test_a_trial_that_trains_while_the_driver_is_suspended_goes_on(
        self, tmp_path: Path, seconds: float, stall: float
    ) -> None:
        study = Search(tmp_path, ListSampler([{}]), epochs=8, stall_seconds=stall, retries=0)
        ordered = iter(range(99))
        study.pool = UnreliablePool(study.pool, lambda _order, _before: "", study.clock)
        events = study.pool.events

        def late(timeout: float) -> Sequence[Event]:
            if next(ordered) % 2:
                return events(timeout)
            study.clock.now += seconds
            return []

        study.pool.events = late  # type: ignore[method-assign]
        assert study.run().history[0].state is COMPLETE

    @pytest.mark.parametrize(
        ("limits", "before_its_end"),
        [({"trial_seconds": 40.0}, PRUNED), ({"stall_seconds": 40.0}, COMPLETE), ({}, WAITING)],
    )
    @pytest.mark.parametrize("last", [4, 5])
    def test_one_that_hangs_keeps_the_reports_that_its_worker_has_not_sent(
        self, tmp_path: Path, limits: dict[str, float], before_its_end: State, last: int
    ) -> None:
        """They are those of an unfinished slice, and the last one, since the trainer runs to its end first. A stalled
        trial is tried again after them. Without limits, the study is stopped."""
        study = self.hanging(tmp_path, 0, workers=2, **limits)
        unsent = [Report(step, {"val_loss": 1.0 / step}) for step in range(3, last + 1)]

        def stop(loop: Loop) -> None:
            if not limits and loop.history.epochs > 3:
                loop.stop("stopped by SIGTERM", 20.0)

        loop = study.run(stop, unsent=lambda number, after: unsent if (number, after) == (0, 2) else [])
        trial = loop.history[0]
        assert trial.state is (COMPLETE if last == 5 else before_its_end)
        assert [report.step for report in trial.curve[:last]] == list(range(1, last + 1))
        assert (trial.exception != "") == (last == 5)
        assert Kill(0) in study.pool.executed  # type: ignore[attr-defined]

    @pytest.mark.parametrize("limit", ["trial_seconds", "stall_seconds"])
    def test_the_end_of_the_previous_trial_of_a_worker_is_not_its_time(self, tmp_path: Path, limit: str) -> None:
        """As when its `finally` takes long: the next trial was given to the worker and has not begun."""
        study = Search(tmp_path, ListSampler([{}] * 2), retries=0, **{limit: 20.0})
        events, waits = study.pool.events, iter(range(30))

        def queued(timeout: float) -> Sequence[Event]:
            if 1 in study.recorder.trials and next(waits, None) is not None:
                study.clock.now += 3.0
                return [Queued(1)]
            return events(timeout)

        study.pool.events = queued  # type: ignore[method-assign]
        assert [trial.state for trial in study.run().history] == [COMPLETE] * 2
        assert study.clock.now - 1000 >= 90

    def test_one_that_reports_does_not_stall(self, tmp_path: Path) -> None:
        study = Search(tmp_path, ListSampler([{}]), epochs=50, stall_seconds=30.0, trial_seconds=None)
        study.run(lambda _: setattr(study.clock, "now", study.clock.now + 29))
        assert study.recorder.trials[0].state is COMPLETE

    def test_at_a_stop_the_running_epoch_has_its_grace(self, tmp_path: Path) -> None:
        study = self.hanging(tmp_path, 0, workers=2)
        loop = study.run(lambda loop: loop.stop("stopped by SIGTERM", 20.0) if loop.history.epochs > 3 else None)
        assert [(trial.state, trial.epoch >= 2) for trial in loop.history] == [(WAITING, True)] * 2
        assert loop.history[0].reason == "stopped by SIGTERM; its epoch did not end in time"
        assert [trial.cause for trial in loop.history] == [Cause.INTERRUPTED] * 2
        assert 20 <= study.clock.now - 1000 < 25

    def test_of_two_stops_the_first_reason_and_the_shorter_grace_hold(self, tmp_path: Path) -> None:
        study = self.hanging(tmp_path, 0)
        stops = iter([("first", math.inf), ("second", 5.0), ("third", 50.0)])

        def stop(loop: Loop) -> None:
            if loop.history.epochs == 2 and (named := next(stops, None)):
                loop.stop(*named)

        loop = study.run(stop)
        assert loop.end.stopped == "first"
        assert study.clock.now - 1000 < 10
