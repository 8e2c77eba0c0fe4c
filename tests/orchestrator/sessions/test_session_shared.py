"""Several programs search one study together: on PostgreSQL, and on SQLite on one machine."""

import json
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from hpsearch import Session, StudyBusy
from hpsearch.core.trial import Cause, State, Trial
from hpsearch.journal import Journal
from hpsearch.orchestrator.observers import Observer
from hpsearch.orchestrator.run import run_study
from hpsearch.orchestrator.sessions import shared_loop
from hpsearch.records.stop_request import ask_to_stop
from tests.orchestrator.sessions.test_session import METHODS
from tests.support.open_files import open_journals
from tests.support.session_folder import SessionFolder, asked, comparable
from tests.support.session_trainer import drive

ROOT = Path(__file__).parents[3]
RANDOM = {"method": "random", "trials": 16}
ROUNDS = {"method": "coarse-to-fine", "rounds": [{"trials": 6, "epochs": 2}, {"trials": 4, "epochs": 4}]}


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def url(request: pytest.FixtureRequest, session_folder: SessionFolder) -> str:
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    return session_folder.study().journal_url


class Programs:
    """Starts programs that search the study of a file together, and ends them."""

    def __init__(self, session_folder: SessionFolder, url: str, search: dict[str, Any], **sections: Any):
        self.session_folder, self.url = session_folder, url
        self.sections = {"journal": {"url": url}, **sections}
        self._file = session_folder.folder / "study.json"
        self._file.write_text(json.dumps(session_folder.sections(search, **self.sections)))
        self._started: list[subprocess.Popen[str]] = []

    def start(self, *options: str) -> subprocess.Popen[str]:
        command = [
            sys.executable,
            "-m",
            "tests.support.ask_and_tell_process",
            str(self._file),
            str(self.session_folder.folder),
            *options,
        ]
        program = subprocess.Popen(
            [*command, "--shared"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self._started.append(program)
        return program

    def trained(self, program: subprocess.Popen[str]) -> list[int]:
        """The trials that a program had, when it has come to its end."""
        out, err = program.communicate(timeout=250)
        assert program.returncode == 0, err
        return [int(number) for number in json.loads(out)]

    def trials(self) -> list[Trial]:
        with Journal.open(self.url) as journal:
            record = journal.find("own")
            return journal.trials(record.id) if record else []

    def state(self) -> tuple[str, Cause | None]:
        with Journal.open(self.url) as journal:
            record = journal.find("own")
            assert record is not None
            return record.state, record.cause

    def until(self, enough: Any) -> None:
        deadline = time.monotonic() + 60
        while not enough():
            assert time.monotonic() < deadline, self.trials()
            time.sleep(0.05)

    def close(self) -> None:
        for program in self._started:
            if program.poll() is None:
                program.kill()
                program.communicate()


@pytest.fixture
def programs(session_folder: SessionFolder, url: str) -> Any:
    made = Programs(session_folder, url, RANDOM)
    yield made
    made.close()


def test_no_trial_is_trained_twice(programs: Programs) -> None:
    one, other = programs.start("--pace", "0.02"), programs.start("--pace", "0.02")
    first, second = programs.trained(one), programs.trained(other)
    assert first
    assert second, "both had some"
    assert sorted(first + second) == list(range(16))
    trials = programs.trials()
    assert [trial.number for trial in trials] == list(range(16))
    assert {trial.attempts for trial in trials} == {1}
    assert all([report.step for report in trial.curve] == [*range(1, trial.epoch + 1)] for trial in trials)
    assert programs.state() == ("COMPLETE", Cause.DONE)


def test_the_trial_of_one_that_was_killed_is_given_to_another(programs: Programs) -> None:
    killed = programs.start("--pace", "0.02", "--reports", "8")
    other = programs.start("--pace", "0.02")
    killed.communicate(timeout=250)
    assert killed.returncode == -signal.SIGKILL
    programs.trained(other)
    trials = programs.trials()
    assert len(trials) == 16
    assert {trial.state for trial in trials} <= {State.COMPLETE, State.PRUNED}
    assert [trial.attempts for trial in trials if trial.attempts > 1] in ([2], []), "[]: it had just ended one"
    assert all([report.step for report in trial.curve] == [*range(1, trial.epoch + 1)] for trial in trials)
    assert programs.state() == ("COMPLETE", Cause.DONE)


def test_a_trial_that_was_left_goes_on_after_its_last_report(
    session_folder: SessionFolder, url: str, programs: Programs
) -> None:
    killed = programs.start("--reports", "3")
    killed.communicate(timeout=250)
    assert (programs.trials()[0].state, programs.trials()[0].epoch) == (State.RUNNING, 3)
    with Session(session_folder.study(RANDOM, journal={"url": url}), shared=True) as session:
        trial = asked(session)
        assert (trial.number, trial.epochs) == (0, range(4, 7))
        session.finish(trial)
    assert (programs.trials()[0].attempts, programs.trials()[0].epoch) == (2, 3)


@pytest.mark.parametrize("method", METHODS)
def test_one_program_has_the_trials_that_it_would_have_alone(session_folder: SessionFolder, method: str) -> None:
    more: dict[str, Any] = {"prune": {"method": "median", "startup_trials": 2}}
    with Session(session_folder.study(METHODS[method], "alone", **more)) as session:
        drive(session)
    with Session(session_folder.study(METHODS[method], **more), shared=True) as session:
        drive(session)
    assert [comparable(trial) for trial in session_folder.trials()] == [
        comparable(trial) for trial in session_folder.trials("alone")
    ]
    assert session_folder.decided("own") == session_folder.decided("alone")
    assert session_folder.state() == session_folder.state("alone")


def test_one_waits_for_the_end_of_the_round_of_another(session_folder: SessionFolder, url: str) -> None:
    study = session_folder.study(
        {"method": "coarse-to-fine", "rounds": [{"trials": 2, "epochs": 1}, {"trials": 1, "epochs": 2}]},
        journal={"url": url},
    )
    with Session(study, shared=True) as one, Session(study, shared=True) as other:
        first, second = asked(one), asked(other)
        assert {first.number, second.number} == {0, 1}
        assert not one.report(first, 1, {"val_loss": 1.0})
        got: list[Any] = []
        waiting = threading.Thread(target=lambda: got.append(one.ask()))
        waiting.start()
        waiting.join(0.5)
        assert waiting.is_alive()
        assert not other.report(second, 1, {"val_loss": 2.0})
        waiting.join(20)
        assert (got[0].number, got[0].epochs) == (first.number, range(2, 7))
        one.finish(got[0])


def test_the_study_is_seen_to_run_and_is_held(session_folder: SessionFolder, url: str) -> None:
    study = session_folder.study(RANDOM, journal={"url": url})
    trainer, resources = {"use": "tests.support.session_trainer:train", "epochs": 6}, {"address": "none"}
    with Session(study, shared=True) as session, Journal.open(url) as journal:
        asked(session)
        record = journal.find("own")
        assert record is not None
        assert journal.holder(record.id) is not None
        with pytest.raises(StudyBusy):
            Session(study, shared=False).__enter__()
    with Journal.open(url) as journal:
        assert journal.holder(record.id) is None
    run_study(
        session_folder.study(RANDOM, "run", trainer=trainer, resources=resources, journal={"url": url}), Observer()
    )


def test_a_request_to_stop_reaches_all(session_folder: SessionFolder, url: str, programs: Programs) -> None:
    running = [programs.start("--pace", "0.3") for _ in range(2)]
    programs.until(lambda: sum(trial.state is State.RUNNING and trial.epoch > 0 for trial in programs.trials()) == 2)
    with Journal.open(url) as journal:
        record = journal.find("own")
        assert record is not None
        assert ask_to_stop(journal, record).asked is not None
    for program in running:
        programs.trained(program)
    states = [trial.state for trial in programs.trials()]
    assert State.RUNNING not in states
    assert states.count(State.WAITING) == 2
    assert programs.state() == ("STOPPED", Cause.INTERRUPTED)
    with Session(session_folder.study(RANDOM, journal={"url": url}), shared=True) as session:
        drive(session)
    assert programs.state() == ("COMPLETE", Cause.DONE)


def test_a_program_with_an_expired_lease_has_lost_its_trial(
    session_folder: SessionFolder, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = session_folder.study(RANDOM, journal={"url": url})
    with Session(study, shared=True) as one:
        trial = asked(one)
        with Journal.open(url) as journal:
            record = journal.find("own")
            assert record is not None
            with one._changed:  # a beat that is under way would renew it again
                monkeypatch.setattr(one._turns, "beat", lambda: None)
            journal.renew_caller(record.id, one._turns._owner, ttl=0.0)  # as if it had shown none for so long
        with Session(study, shared=True) as other:
            again = asked(other)
            assert again.number == trial.number
            assert not one.report(trial, 1, {"val_loss": 1.0})
            assert trial.state is State.WAITING
            assert other.report(again, 1, {"val_loss": 2.0})
            other.finish(again)


def test_a_report_waits_for_an_unreachable_database(
    session_folder: SessionFolder, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it is away before the report is written, or after."""
    from hpsearch.core.errors import JournalUnavailable
    from hpsearch.journal.writer import Writer

    monkeypatch.setattr(shared_loop, "RETRY_INTERVAL", 0.01)
    whole, failing = Writer.write, ["before", "after"]

    def write(self: Writer, batch: Any) -> None:
        how = failing.pop(0) if batch.reports and failing else ""
        if how == "before":
            raise JournalUnavailable("away")
        whole(self, batch)
        if how == "after":
            raise JournalUnavailable("away")

    monkeypatch.setattr(Writer, "write", write)
    with Session(session_folder.study(RANDOM, journal={"url": url}), shared=True) as session:
        trial = asked(session)
        assert session.report(trial, 1, {"val_loss": 1.0})
        assert session.report(trial, 2, {"val_loss": 0.5})
        session.finish(trial)
    assert failing == []
    with Journal.open(url) as journal:
        record = journal.find("own")
        assert record is not None
        assert [report.step for report in journal.trial(record.id, 0).curve] == [1, 2]


def test_the_default_is_shared_on_postgres_alone(session_folder: SessionFolder, postgres_url: str) -> None:
    assert Session(session_folder.study(journal={"url": postgres_url}))._is_shared
    assert not Session(session_folder.study())._is_shared


def test_one_that_cannot_begin_leaves_nothing_open(
    session_folder: SessionFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shared_loop, "Proposals", interrupted)
        session = Session(session_folder.study(), shared=True)
        with pytest.raises(KeyboardInterrupt):
            session.__enter__()
    assert open_journals() == []


def test_a_limit_of_epochs_is_one_of_all_programs_together(session_folder: SessionFolder, url: str) -> None:
    programs = Programs(session_folder, url, RANDOM, limits={"epochs": 15})
    try:
        for program in [programs.start("--pace", "0.05") for _ in range(2)]:
            programs.trained(program)
    finally:
        programs.close()
    assert sum(trial.epoch for trial in programs.trials()) in (15, 16), "one more for the other program"
    assert programs.state() == ("STOPPED", Cause.LIMIT)


@pytest.mark.chaos
def test_programs_that_are_killed_at_any_moment(session_folder: SessionFolder, postgres_url: str) -> None:
    rounds = [{"trials": 40, "epochs": 2}, {"trials": 16, "epochs": 4}, {"trials": 8, "epochs": 6}]
    programs = Programs(
        session_folder, postgres_url, {"method": "coarse-to-fine", "rounds": rounds}, limits={"retries": 50}
    )
    chosen = random.Random(7)
    try:
        running = [programs.start("--pace", "0.05") for _ in range(3)]
        for _ in range(10):
            known = sum(trial.epoch for trial in programs.trials())
            programs.until(lambda: sum(trial.epoch for trial in programs.trials()) >= known + 3)  # noqa: B023
            time.sleep(chosen.uniform(0.0, 0.2))
            victim = running.pop(chosen.randrange(len(running)))
            victim.kill()
            victim.communicate()
            running.append(programs.start("--pace", "0.05"))
        for program in running:
            programs.trained(program)
    finally:
        programs.close()
    trials = programs.trials()
    assert [trial.number for trial in trials] == list(range(len(trials)))
    assert all([report.step for report in trial.curve] == [*range(1, trial.epoch + 1)] for trial in trials)
    assert {trial.state for trial in trials} <= {State.COMPLETE, State.PAUSED, State.PRUNED}
    assert sorted(trial.ended for trial in trials) == sorted({trial.ended for trial in trials})
    assert programs.state() == ("COMPLETE", Cause.DONE)
