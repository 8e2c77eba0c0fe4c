"""Ask and tell on a real journal, in this process: how trials and searches end."""

import multiprocessing
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from hpsearch import BadInput, Infeasible, Session, StudyBusy, TrainerError
from hpsearch.core.trial import Cause, State
from hpsearch.journal import Journal
from hpsearch.orchestrator.observers import Observer
from hpsearch.orchestrator.run import run_study
from hpsearch.workers.pools.ask_and_tell import AskedTrial
from tests.support.session_folder import SessionFolder, asked, in_threads, train, until
from tests.support.session_trainer import drive


class TestEnds:
    def test_finish_ends_a_trial_before_its_last_epoch(self, session_folder: SessionFolder) -> None:
        with Session(session_folder.study()) as session:
            trial = asked(session)
            session.report(trial, 1, {"val_loss": 1.0})
            session.finish(trial)
            assert trial.state is State.COMPLETE

    def test_finish_without_a_report_is_an_error_as_in_run(self, session_folder: SessionFolder) -> None:
        with pytest.raises(TrainerError, match="without a report"), Session(session_folder.study()) as session:
            session.finish(asked(session))
        assert session_folder.record() is None, "as a study whose trainer cannot be used"

    def test_a_failed_trial_says_what_was_raised(self, session_folder: SessionFolder) -> None:
        with Session(session_folder.study()) as session:
            session.fail(asked(session), ValueError("no such optimizer\nat all"))
            session.fail(asked(session), "the data are gone\nall of them")
            drive(session)
        first, second = session_folder.trials()[:2]
        assert (first.state, first.cause, second.cause) == (State.FAILED, Cause.TRAINER_RAISED, Cause.TRAINER_RAISED)
        assert first.exception == "ValueError: no such optimizer"
        assert (second.reason, second.error) == ("the data are gone", "the data are gone\nall of them")
        assert session_folder.state() == ("COMPLETE", Cause.DONE)

    def test_one_that_is_infeasible_is_no_failure(self, session_folder: SessionFolder) -> None:
        with Session(session_folder.study(limits={"max_failures": 1})) as session:
            first = asked(session)
            session.report(first, 1, {"val_loss": -9.0})
            session.infeasible(first, "b > a")
            second = asked(session)
            session.fail(second, Infeasible("a > b"))
            drive(session)
        assert {first.state, second.state} == {State.INFEASIBLE}
        trials = session_folder.trials()[:2]
        assert [(one.cause, one.reason, one.epoch) for one in trials] == [
            (Cause.INFEASIBLE, "b > a", 1),
            (Cause.INFEASIBLE, "a > b", 0),
        ]
        assert session_folder.state() == ("COMPLETE", Cause.DONE)

    def test_so_many_failures_end_the_search(self, session_folder: SessionFolder) -> None:
        with Session(session_folder.study(limits={"max_failures": 2})) as session:
            session.fail(asked(session), "one")
            session.fail(asked(session), "two")
            assert session.ask() is None
        assert session_folder.state() == ("STOPPED", Cause.LIMIT)

    def test_one_out_of_memory_is_given_out_once_more(self, session_folder: SessionFolder) -> None:
        with Session(session_folder.study()) as session:
            trial = asked(session)
            session.fail(trial, MemoryError())
            assert trial.state is State.WAITING
            again = asked(session)
            assert again.number == trial.number
            session.fail(again, MemoryError())
            assert (again.state, asked(session).number) == (State.FAILED, 1)

    def test_to_ask_before_the_last_trial_has_ended_is_an_error(self, session_folder: SessionFolder) -> None:
        with Session(session_folder.study()) as session:
            trial = asked(session)
            with pytest.raises(BadInput, match="trial 0 has not ended"):
                session.ask()
            session.report(trial, 1, {"val_loss": 1.0})
            session.finish(trial)
            assert asked(session).number == 1

    def test_what_is_left_running_waits_and_goes_on(self, session_folder: SessionFolder) -> None:
        with Session(session_folder.study()) as session:
            session.report(asked(session), 1, {"val_loss": 1.0})
        assert (session_folder.trials()[0].state, session_folder.state()) == (
            State.WAITING,
            ("STOPPED", Cause.INTERRUPTED),
        )
        with Session(session_folder.study()) as session:
            assert drive(session)[0] == (0, range(2, 7))
        assert session_folder.state() == ("COMPLETE", Cause.DONE)
        with Session(session_folder.study()) as session:
            assert session.ask() is None
            assert session.best is not None
        assert session_folder.state() == ("COMPLETE", Cause.DONE)

    def test_asked_as_often_as_there_are_trials_it_is_complete(self, session_folder: SessionFolder) -> None:
        with Session(session_folder.study()) as session:
            drive(session, trials=4)
        assert session_folder.state() == ("COMPLETE", Cause.DONE)

    def test_an_exception_leaves_the_study_interrupted(self, session_folder: SessionFolder) -> None:
        def search() -> None:
            with Session(session_folder.study()) as session:
                trials.append(asked(session))
                session.report(trials[0], 1, {"val_loss": 1.0})
                raise ZeroDivisionError

        trials: list[AskedTrial] = []
        with pytest.raises(ZeroDivisionError):
            search()
        (trial,) = trials
        assert trial.state is State.WAITING
        assert (session_folder.trials()[0].state, session_folder.trials()[0].epoch) == (State.WAITING, 1)
        assert session_folder.state() == ("STOPPED", Cause.INTERRUPTED)

    def test_a_session_is_used_inside_its_context(self, session_folder: SessionFolder) -> None:
        session = Session(session_folder.study())
        with pytest.raises(BadInput, match="not open"):
            session.ask()
        with session:
            trial = asked(session)
        with pytest.raises(BadInput, match="not open"):
            session.report(trial, 1, {"val_loss": 1.0})
        with pytest.raises(BadInput, match="once"):
            session.__enter__()

    def test_the_study_is_held(self, session_folder: SessionFolder) -> None:
        with Session(session_folder.study()), pytest.raises(StudyBusy):
            Session(session_folder.study()).__enter__()
        with Session(session_folder.study()) as session:
            assert asked(session).number == 0

    @pytest.mark.parametrize("trainer", [{"repeats": 2}, {"validation": {"folds": 2}}])
    def test_repeats_and_folds_are_refused(self, session_folder: SessionFolder, trainer: dict[str, Any]) -> None:
        with pytest.raises(BadInput, match="repeats"):
            Session(session_folder.study(trainer={"epochs": 6, **trainer})).__enter__()

    def test_auto_is_refused(self, session_folder: SessionFolder) -> None:
        with pytest.raises(BadInput, match="auto"):
            Session(session_folder.study(space={"lr": {"auto": True}})).__enter__()
        assert session_folder.record() is None

    def test_run_says_that_it_has_no_trainer(self, session_folder: SessionFolder) -> None:
        with pytest.raises(TrainerError, match="hpsearch:Session"):
            run_study(session_folder.study(resources={"address": "none"}), Observer())


@pytest.fixture
def default_sigterm() -> Iterator[None]:
    """Ray's handler stays in a process after a test has used Ray: it exits with 15."""
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGTERM, before)


class TestLimitsAndStops:
    def test_a_limit_ends_the_search(self, session_folder: SessionFolder) -> None:
        with Session(session_folder.study(limits={"epochs": 8})) as session:
            drive(session)
        assert sum(trial.epoch for trial in session_folder.trials()) == 8
        assert session_folder.state() == ("STOPPED", Cause.LIMIT)

    def test_a_trial_that_takes_too_long_is_taken_away(self, session_folder: SessionFolder) -> None:
        with Session(session_folder.study(limits={"trial": "0.2s"})) as session:
            trial = asked(session)
            until(lambda: trial.state is not State.RUNNING)
            assert not session.report(trial, 1, {"val_loss": 1.0})
            with pytest.raises(BadInput, match="no more reports"):
                session.report(trial, 1, {"val_loss": 1.0})
            assert asked(session).number == 1
        assert (session_folder.trials()[0].cause, session_folder.trials()[0].epoch) == (Cause.TIMEOUT, 0)

    def test_a_stalled_trial_is_given_to_another(self, session_folder: SessionFolder) -> None:
        with Session(session_folder.study(limits={"stall": "0.3s"})) as session:
            trial = asked(session)
            until(lambda: trial.state is not State.RUNNING)
            assert (again := asked(session)).number == trial.number
            assert not session.report(trial, 1, {"val_loss": 1.0})
            assert session.report(again, 1, {"val_loss": 2.0})
        assert session_folder.trials()[0].curve[0].metrics == {"val_loss": 2.0}

    def test_a_request_to_stop(self, session_folder: SessionFolder, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("hpsearch.journal.store.LEASE_SECONDS", 1.0)
        monkeypatch.setattr(Journal.acquire, "__defaults__", (1.0,))
        with Session(session_folder.study()) as session:
            trial = asked(session)
            record = session_folder.record()
            assert record is not None
            with Journal.open(session_folder.study().journal_url) as journal:
                journal.ask_to_stop(record.id)
            epochs = 0
            while session.report(trial, trial.epoch + 1, {"val_loss": 1.0}):
                epochs += 1
                threading.Event().wait(0.1)
                assert epochs < 6
            assert trial.state is State.WAITING
            assert session.ask() is None
        assert session_folder.state() == ("STOPPED", Cause.INTERRUPTED)

    def test_the_first_interrupt_stops_and_takes_effect_at_the_end(self, session_folder: SessionFolder) -> None:
        def search() -> None:
            with Session(session_folder.study()) as session:
                trials.append(asked(session))
                signal.raise_signal(signal.SIGINT)
                assert not session.report(trials[0], 1, {"val_loss": 1.0})
                trials.append(session.ask())

        trials: list[Any] = []
        with pytest.raises(KeyboardInterrupt):
            search()
        trial, then = trials
        assert then is None
        assert (trial.state, session_folder.trials()[0].epoch, session_folder.state()) == (
            State.WAITING,
            1,
            ("STOPPED", Cause.INTERRUPTED),
        )
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler

    @pytest.mark.usefixtures("default_sigterm")
    def test_a_forked_process_ends_by_a_signal(self, session_folder: SessionFolder) -> None:
        """As multiprocessing and the workers of a DataLoader do."""
        with Session(session_folder.study()) as session:
            fork = multiprocessing.get_context("fork")
            begun = fork.Event()
            child = fork.Process(target=lambda: (begun.set(), time.sleep(60)))
            child.start()
            assert begun.wait(20)  # Python loses a signal that comes before a forked process has begun
            for _ in range(20):  # or, rarely, while it begins
                child.terminate()
                child.join(1)
            assert child.exitcode == -signal.SIGTERM
            assert asked(session).number == 0

    def test_the_second_interrupt_comes_at_once(self, session_folder: SessionFolder) -> None:
        def search() -> None:
            with Session(session_folder.study()) as session:
                asked(session)
                signal.raise_signal(signal.SIGINT)
                signal.raise_signal(signal.SIGINT)
                pytest.fail("it came")

        with pytest.raises(KeyboardInterrupt):
            search()
        assert (session_folder.trials()[0].state, session_folder.state()) == (
            State.WAITING,
            ("STOPPED", Cause.INTERRUPTED),
        )


class TestThreads:
    def test_several_threads_have_a_trial_each(self, session_folder: SessionFolder) -> None:
        trained: list[int] = []
        together = threading.Barrier(3)

        def work() -> None:
            first = asked(session)
            together.wait(10)
            train(session, first)
            trained.append(first.number)
            trained.extend(number for number, _ in drive(session))

        with Session(session_folder.study({"method": "random", "trials": 20})) as session:
            in_threads(3, work)
        assert sorted(trained) == list(range(20))
        assert {trial.state for trial in session_folder.trials()} <= {State.COMPLETE, State.PRUNED}
        assert session_folder.state() == ("COMPLETE", Cause.DONE)

    def test_others_wait_at_the_end_of_a_round(self, session_folder: SessionFolder) -> None:
        got: list[AskedTrial | None] = []
        rounds = [{"trials": 2, "epochs": 1}, {"trials": 1, "epochs": 2}]
        with Session(session_folder.study({"method": "coarse-to-fine", "rounds": rounds})) as session:
            last = []
            in_threads(2, lambda: last.append(asked(session)))
            session.report(last[0], 1, {"val_loss": 1.0})
            waiting = threading.Thread(target=lambda: got.append(session.ask()))
            waiting.start()
            waiting.join(0.3)
            assert waiting.is_alive(), "nothing is proposed while the other trains"
            session.report(last[1], 1, {"val_loss": 2.0})
            waiting.join(10)
            assert got[0] is not None
            assert (got[0].number, got[0].epochs) == (last[0].number, range(2, 7))

    def test_no_more_than_resources_allow(self, session_folder: SessionFolder) -> None:
        with Session(session_folder.study(resources={"workers": 1})) as session:
            first = asked(session)
            got: list[AskedTrial | None] = []
            waiting = threading.Thread(target=lambda: got.append(session.ask()))
            waiting.start()
            waiting.join(0.3)
            assert waiting.is_alive()
            train(session, first)
            waiting.join(10)
            assert got[0] is not None

    def test_an_error_in_one_thread_is_raised_at_the_end(
        self, session_folder: SessionFolder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("hpsearch.orchestrator.judging.Judging.verdict", lambda *_: 1 / 0)
        seen: list[BaseException] = []

        def work() -> None:
            try:
                session.report(asked(session), 1, {"val_loss": 1.0})
            except ZeroDivisionError as problem:
                seen.append(problem)

        with pytest.raises(ZeroDivisionError), Session(session_folder.study()) as session:
            in_threads(1, work)
        assert len(seen) == 1
        assert session_folder.state() == ("STOPPED", Cause.INTERRUPTED)


class TestProgress:
    def test_it_is_silent(self, session_folder: SessionFolder, capfd: pytest.CaptureFixture[str]) -> None:
        with Session(session_folder.study()) as session:
            drive(session)
        assert capfd.readouterr() == ("", "")

    def test_or_says_how_each_trial_ended(
        self, session_folder: SessionFolder, capfd: pytest.CaptureFixture[str]
    ) -> None:
        with Session(session_folder.study(), progress=True) as session:
            drive(session)
        out, err = capfd.readouterr()
        assert out == ""
        assert [line.split()[:3] for line in err.splitlines()] == [[f"[{n + 1}]", "trial", str(n)] for n in range(4)]
