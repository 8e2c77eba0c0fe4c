"""Trainers that raise, run out of memory or break the contract, and other failures."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from hpsearch.core.decisions import Proposal, Resume, Verdict
from hpsearch.core.errors import TrainerError
from hpsearch.core.history import History
from hpsearch.core.messages import Event, Reported, Start
from hpsearch.core.trial import Cause, Trial
from hpsearch.orchestrator.loop import Loop
from tests.support.studies import (
    COMPLETE,
    FAILED,
    INFEASIBLE,
    WAITING,
    ListSampler,
    Search,
    SlowPool,
    UnreliablePool,
)

pytest_plugins = ["tests.support.fixtures"]
pytestmark = pytest.mark.usefixtures("one_epoch_a_slice")


class TestOutOfMemory:
    def fates(self, *numbers: int) -> ListSampler:
        return ListSampler([{"at": 2 if number in numbers else 0, "how": "memory"} for number in range(3)])

    def test_retried_once_alone_then_failed(self, tmp_path: Path) -> None:
        study = Search(tmp_path, self.fates(1), "faulty", workers=3)
        pool = study.pool = UnreliablePool(study.pool, lambda _order, _before: "")
        history = study.run().history
        assert [trial.state for trial in history] == [COMPLETE, FAILED, COMPLETE]
        assert history[1].reason.startswith("out of memory even alone (MemoryError): try a smaller batch_size")
        assert study.recorder.reasons("wait") == ["out of memory (MemoryError): tried once more, alone"]
        assert (history[1].cause, history[1].exception) == (Cause.OUT_OF_MEMORY, "MemoryError")
        assert [(number, cause) for number, cause, _ in study.recorder.waits] == [(1, Cause.OUT_OF_MEMORY)]
        again = [place for place, order in enumerate(pool.executed) if isinstance(order, Start)][-1]
        assert pool.executed[again] == Start(1, {"at": 2, "how": "memory"}, 7, 5, 5, after=1)
        assert {order.number for order in pool.executed[again:]} == {1}, "nothing runs beside it"

    def test_a_worker_that_ray_ended_for_its_memory(self, tmp_path: Path) -> None:
        study = Search(tmp_path, ListSampler([{}, {}]), workers=2)
        study.pool = UnreliablePool(
            study.pool, lambda order, before: "memory" if (order.number, before) == (0, 1) else ""
        )
        history = study.run().history
        assert [(trial.state, trial.attempts) for trial in history] == [(COMPLETE, 1), (COMPLETE, 1)]
        assert [(number, cause) for number, cause, _ in study.recorder.waits] == [(0, Cause.OUT_OF_MEMORY)]

    def test_those_that_wait_for_it_start_when_it_has_ended(self, tmp_path: Path) -> None:
        sampler = ListSampler([{"at": 0 if number else 1, "how": "memory"} for number in range(5)])
        history = Search(tmp_path, sampler, "faulty", workers=2).run().history
        assert [trial.state for trial in history] == [FAILED] + [COMPLETE] * 4

    def test_two_that_run_out_are_alone_one_after_the_other(self, tmp_path: Path) -> None:
        study = Search(tmp_path, self.fates(0, 2), "faulty", workers=3)
        assert [trial.state for trial in study.run().history] == [FAILED, COMPLETE, FAILED]

    def test_another_process_lets_it_run_alone_too(self, tmp_path: Path) -> None:
        study = Search(tmp_path, self.fates(1), "faulty", workers=3)
        study.run(lambda loop: loop.stop("now") if study.recorder.waits else None)
        waits = study.recorder.trials[1]
        assert (waits.state, waits.cause) == (WAITING, Cause.OUT_OF_MEMORY)
        pool = UnreliablePool(study.reopened().pool, lambda _order, _before: "")
        study.pool = pool
        history = study.run().history
        assert [trial.state for trial in history] == [COMPLETE, FAILED, COMPLETE]
        place = next(place for place, order in enumerate(pool.executed) if order.number == 1)
        assert {order.number for order in pool.executed[place : place + 1]} == {1}


FAILS, FINE, INFEASIBLE_AT_1 = {"at": 2, "how": "raise"}, {"at": 0}, {"at": 1, "how": "infeasible"}


class TestInfeasible:
    @pytest.mark.parametrize(("at", "epochs"), [(1, 0), (3, 2), (6, 5)])
    def test_it_is_no_failure_and_its_curve_stays(self, tmp_path: Path, at: int, epochs: int) -> None:
        study = Search(tmp_path, ListSampler([{"at": at, "how": "infeasible"}, FINE]), "faulty", max_failures=1)
        loop = study.run()
        bad, good = loop.history
        assert (bad.state, bad.cause, bad.cause_numbers) == (INFEASIBLE, Cause.INFEASIBLE, {"epoch": epochs})
        assert (bad.reason, bad.error, bad.epoch) == ("b > a", "", epochs)
        assert good.state is COMPLETE
        assert loop.totals.failures == 0
        assert loop.history.best() == good

    def test_an_infeasible_trial_is_never_the_best(self, tmp_path: Path) -> None:
        """Its first epoch has the lowest loss of all."""
        loop = Search(tmp_path, ListSampler([{"at": 3, "how": "infeasible"}]), "faulty").run()
        assert loop.history.best() is None
        end = loop.end.of(loop.history)
        assert (end.state, end.all_failed, end.cause) == ("FAILED", True, Cause.INFEASIBLE)
        assert end.numbers == {"failed": 0, "infeasible": 1}

    def test_a_study_of_failed_and_infeasible_trials_ends_with_the_cause_of_the_failure(self, tmp_path: Path) -> None:
        loop = Search(tmp_path, ListSampler([INFEASIBLE_AT_1, FAILS, INFEASIBLE_AT_1]), "faulty").run()
        end = loop.end.of(loop.history)
        assert (end.state, end.cause, end.numbers) == (
            "FAILED",
            Cause.TRAINER_RAISED,
            {"failed": 1, "infeasible": 2},
        )

    def test_an_infeasible_trial_is_replaced_within_the_trial_limit(self, tmp_path: Path) -> None:
        fates = [INFEASIBLE_AT_1, FINE] * 5
        study = Search(tmp_path, ListSampler(fates), "faulty", study_trials=4)
        history = study.recorder.history(study.setup.trainer.objective)
        history.uncounted = 2
        study.recorder.history = lambda _objective: history  # type: ignore[method-assign]
        loop = study.run()
        assert (len(loop.history), loop.history.counted) == (6, 4)
        assert (loop.end.cause, loop.end.numbers) == (Cause.LIMIT, {"trials": 4})


class TestFailures:
    def test_so_many_end_the_run(self, tmp_path: Path) -> None:
        study = Search(tmp_path, ListSampler([{"at": 2, "how": "raise"}] * 9), "faulty", max_failures=3)
        loop = study.run()
        assert [trial.state for trial in loop.history] == [FAILED] * 3
        assert loop.end.is_max_failures
        assert (loop.end.cause, loop.end.numbers) == (Cause.LIMIT, {"failed": 3})

    def test_failures_between_good_trials_do_not_end_it(self, tmp_path: Path) -> None:
        fates = [FAILS, FINE] * 9
        loop = Search(tmp_path, ListSampler(fates), "faulty", max_failures=3).run()
        assert [trial.state for trial in loop.history] == [FAILED, COMPLETE] * 9
        assert not loop.end.stopped

    def test_a_larger_share_ends_it_once_enough_have_ended(self, tmp_path: Path) -> None:
        fates = [FAILS, FAILS, FINE] * 9
        loop = Search(tmp_path, ListSampler(fates), "faulty", max_failures=3).run()
        assert len(loop.history) == 20
        assert loop.end.is_max_failures
        assert (loop.end.cause, loop.end.numbers) == (Cause.LIMIT, {"failed": 14, "ended": 20, "share": 0.5})

    def test_a_larger_share_may_be_allowed(self, tmp_path: Path) -> None:
        fates = [FAILS, FAILS, FINE] * 9
        loop = Search(tmp_path, ListSampler(fates), "faulty", max_failures=3, max_failure_share=0.8).run()
        assert len(loop.history) == 27

    def test_those_of_an_earlier_run_are_not_counted(self, tmp_path: Path) -> None:
        study = Search(tmp_path, ListSampler([FAILS] * 9), "faulty", max_failures=3)
        study.run()
        assert [len(study.reopened().run().history) for _ in range(2)] == [6, 9]

    def test_infeasible_ones_neither_count_nor_interrupt_a_row(self, tmp_path: Path) -> None:
        fates = [FAILS, INFEASIBLE_AT_1, FAILS, *[INFEASIBLE_AT_1] * 30, FAILS, FINE]
        loop = Search(tmp_path, ListSampler(fates), "faulty", max_failures=3).run()
        assert len(loop.history) == len(fates) - 1
        assert loop.end.numbers == {"failed": 3}

    def test_those_that_run_beside_wait_for_another_run(self, tmp_path: Path) -> None:
        sampler = ListSampler([{"at": 1, "how": "raise"}] + [{"at": 0, "how": ""}] * 3)
        loop = Search(tmp_path, sampler, "faulty", workers=2, max_failures=1).run()
        assert [trial.state for trial in loop.history] == [FAILED, WAITING]

    @pytest.mark.parametrize(
        ("how", "words"),
        [
            ("falling step", "step 0 after step 1"),
            ("tuple", "not a Report"),
        ],
    )
    def test_a_trainer_that_breaks_the_contract_ends_it_at_once(self, tmp_path: Path, how: str, words: str) -> None:
        study = Search(tmp_path, ListSampler([{"how": how}] * 4), "wrong", workers=2)
        with pytest.raises(TrainerError) as caught:
            study.run()
        assert str(caught.value).startswith("trial 0: ")
        assert words in str(caught.value)
        assert {trial.state for trial in study.recorder.trials.values()} == {WAITING}
        assert study.recorder.trials[0].cause is Cause.TRAINER_RAISED
        assert len(study.recorder.trials) == 2

    def test_after_a_result_one_that_breaks_it_fails_alone(self, tmp_path: Path) -> None:
        """Its parameters are the reason, and the study would end at the same trial in every run."""
        fates = [{"how": "fine"}, {"how": "falling step"}, {"how": "tuple"}, {"how": "fine"}]
        loop = Search(tmp_path, ListSampler(fates, until=2), "wrong").run()
        assert [trial.state for trial in loop.history] == [COMPLETE, FAILED, FAILED, COMPLETE]
        assert [trial.cause for trial in loop.history][1:3] == [Cause.TRAINER_RAISED] * 2
        assert [trial.epoch for trial in loop.history] == [1, 1, 1, 1]

    def test_a_pruner_that_raises_leaves_nothing_running(self, tmp_path: Path) -> None:
        class Broken:
            def judge(self, trial: Trial, history: History) -> Verdict:
                raise ZeroDivisionError

        study = Search(tmp_path, ListSampler([{}, {}]), workers=2)
        study.pruner = Broken()
        with pytest.raises(ZeroDivisionError):
            study.run()
        assert [(trial.state, trial.epoch) for trial in study.recorder.trials.values()] == [(WAITING, 1), (WAITING, 0)]
        assert study.recorder.trials[0].reason == "the run ended: ZeroDivisionError"
        assert study.recorder.trials[0].cause is Cause.INTERRUPTED

    def test_a_sampler_that_resumes_a_trial_that_is_not_paused_is_an_internal_error(self, tmp_path: Path) -> None:
        class Wrong(ListSampler):
            def ask(self, history: History) -> Proposal | None:
                return super().ask(history) or Resume(0, 5, "again")

        with pytest.raises(AssertionError, match="continued trial 0, which is COMPLETE"):
            Search(tmp_path, Wrong([{}])).run()

    def test_events_of_an_ended_trial_are_ignored(self, tmp_path: Path) -> None:
        class Echo(SlowPool):
            """Sends every event twice, the second time with the next events."""

            sent: Sequence[Event] = ()

            def events(self, timeout: float) -> Sequence[Event]:
                before, self.sent = self.sent, super().events(timeout)
                return [*(event for event in before if isinstance(event, Reported) and event.failure), *self.sent]

        study = Search(tmp_path, ListSampler([{"at": 2, "how": "raise"}, {"at": 0}]), "faulty")
        study.pool = Echo(study.pool, 1.0)
        loop = study.run()
        assert [trial.state for trial in loop.history] == [FAILED, COMPLETE]
        assert loop.totals.failures == 1

    def test_an_interrupt_leaves_nothing_running(self, tmp_path: Path) -> None:
        def interrupt(loop: Loop) -> None:
            if loop.history.epochs == 3:
                raise KeyboardInterrupt

        study = Search(tmp_path, ListSampler([{}] * 3), workers=2)
        with pytest.raises(KeyboardInterrupt):
            study.run(interrupt)
        assert {trial.state for trial in study.recorder.trials.values()} == {WAITING}
        assert [trial.state for trial in study.reopened().run().history] == [COMPLETE] * 3
