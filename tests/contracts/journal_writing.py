"""The contract of journals: opening, creating a study once, and reading what was written."""

import json
import math
import subprocess
import sys
from dataclasses import dataclass, replace
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import PoolProxiedConnection

from hpsearch.core.decisions import Decision
from hpsearch.core.errors import JournalError, NotFound
from hpsearch.core.trial import Cause, Report, State, Trial
from hpsearch.journal import Batch, Journal
from tests.contracts.journal_helpers import (
    ODD,
    LeasedStudy,
    exact_repr,
    lease_study,
    make_batch,
    make_trial,
)


class OpeningContract:
    def test_a_journal_persists(self, url: str) -> None:
        with Journal.open(url) as journal:
            study = journal.create("digits", {}, {}, at=0)
        with Journal.open(url, create=False) as journal:
            assert journal.studies() == [study]

    def test_a_reader_creates_no_journal(self, url: str) -> None:
        for _ in range(2):
            with pytest.raises(NotFound, match="the first run of a study creates it"):
                Journal.open(url, create=False)

    def test_values_are_plain_json(self, journal: Journal, leased: LeasedStudy) -> None:
        leased.writer.write(make_batch(make_trial(0, 0.25)))
        with journal._database.read() as connection:
            row = connection.execute(sa.text("SELECT params, value, best_epoch FROM hpsearch_trials")).one()
        assert (json.loads(row.params), row.value, row.best_epoch) == ({"lr": 0.1}, 0.25, 1)


class StudiesContract:
    def test_a_study_is_found_as_it_was_created(self, journal: Journal) -> None:
        spec = {"space": {"lr": {"low": 1e-5, "log": True}}, "name": ODD, "n": 3, "none": None}
        made = journal.create("digits", spec, {"seed": 0}, at=1_700_000_000_123, forked_from="older")
        found = journal.find("digits")
        assert found == made
        assert (made.name, made.spec, made.identity, made.forked_from) == ("digits", spec, {"seed": 0}, "older")
        assert (made.created_at, made.state, len(made.uid)) == (1_700_000_000_123, "NEW", 32)

    def test_no_study_is_none(self, journal: Journal) -> None:
        assert journal.find("digits") is None
        assert journal.studies() == []

    def test_studies_are_listed_in_the_order_of_their_creation(self, journal: Journal) -> None:
        made = [journal.create(name, {}, {}, at=0) for name in ("b", "a", "c")]
        assert journal.studies() == made

    def test_a_name_is_created_once(self, journal: Journal) -> None:
        first = journal.create("digits", {"trials": 1}, {}, at=1)
        assert journal.create("digits", {"trials": 2}, {}, at=2) == first
        assert journal.studies() == [first]

    @pytest.mark.parametrize("name", [ODD, "x" * 300, "half a pair \udcff", "nul \0 byte", "", " "])
    def test_any_name_is_allowed(self, journal: Journal, name: str) -> None:
        made = journal.create(name, {}, {}, at=0)
        assert journal.find(name) == made
        assert journal.create(name, {}, {}, at=0) == made

    def test_a_changed_spec_is_recorded(self, journal: Journal, leased: LeasedStudy) -> None:
        journal.update_spec(leased.lease, {"trials": 100})
        assert journal.studies()[0].spec == {"trials": 100}

    def test_a_study_without_reports_is_deleted(self, journal: Journal, leased: LeasedStudy) -> None:
        journal.create("other", {}, {}, at=0)
        leased.writer.write(Batch([make_trial(0)], (), [Decision("propose", "drawn", 0)]))
        journal.set_cursor(leased.study.id, "mlflow", 1)
        journal.delete_study(leased.lease)
        assert [study.name for study in journal.studies()] == ["other"]
        journal.release(leased.lease)
        assert journal.trials(journal.create("study", {}, {}, at=1).id) == []

    def test_a_study_with_reports_is_not_deleted(self, journal: Journal, leased: LeasedStudy) -> None:
        leased.writer.write(make_batch(make_trial(0, 0.5)))
        with pytest.raises(ValueError, match=r"(?i)foreign key"):
            journal.delete_study(leased.lease)
        assert len(journal.trials(leased.study.id)) == 1

    def test_processes_that_start_at_once_make_one_journal_one_study_and_one_leader(self, url: str) -> None:
        code = (
            "import sys; from hpsearch.journal import Journal, Owner; from hpsearch.core.errors import StudyBusy\n"
            "journal = Journal.open(sys.argv[1]); study = journal.create('raced', {}, {}, at=0)\n"
            "try: print(study.uid, journal.acquire(study.id, Owner.current(), ttl=600).token, flush=True)\n"
            "except StudyBusy: print(study.uid, 'busy', flush=True)\n"
            "sys.stdin.read()"
        )
        pipe = subprocess.PIPE
        racers = [
            subprocess.Popen([sys.executable, "-c", code, url], stdin=pipe, stdout=pipe, text=True) for _ in range(6)
        ]
        outcomes = [racer.stdout.readline().split() for racer in racers if racer.stdout]
        for racer in racers:
            racer.communicate()
        assert len({uid for uid, _ in outcomes}) == 1
        assert sorted(outcome for _, outcome in outcomes) == ["1", *["busy"] * 5]


class WritingContract:
    def test_a_trial_comes_back_in_every_field(self, journal: Journal, leased: LeasedStudy) -> None:
        params = {"lr": 0.1 + 0.2, "tiny": 5e-324, "n": 3, "flag": True, "zero": -0.0, "name": ODD, "whole": 1.0}
        curve = (
            Report(1, {"loss": 1 / 3, ODD: 1e308}, at=1_700_000_000_123),
            Report(2, {"nan": math.nan, "up": math.inf, "down": -math.inf, "loss": -0.0}, at=1_700_000_000_124),
        )
        trial = Trial(
            number=0, params=params, seed=2**31 - 1, until=30, state=State.FAILED, round=3, curve=curve, reason=ODD,
            origin=ODD * 2, attempts=2, ended=7, ended_before=5, busy=0.1 + 0.7, error=ODD * 1000,
            proposed_at=1_700_000_000_000, ended_at=1_700_000_000_999,
        )  # fmt: skip
        leased.writer.write(Batch([trial], [(0, report) for report in curve]))
        assert exact_repr(journal.trial(leased.study.id, 0)) == exact_repr(trial)
        assert exact_repr(journal.trials(leased.study.id)) == exact_repr([trial])

    @pytest.mark.parametrize("state", State)
    def test_every_state_comes_back(self, journal: Journal, leased: LeasedStudy, state: State) -> None:
        leased.writer.write(Batch([make_trial(0, state=state)]))
        assert journal.trial(leased.study.id, 0).state is state

    def test_characters_that_a_database_cannot_store_are_escaped(self, journal: Journal, leased: LeasedStudy) -> None:
        leased.writer.write(Batch([make_trial(0, error="nul \0 and half a pair \ud800 ü")]))
        assert journal.trial(leased.study.id, 0).error == "nul \\x00 and half a pair \\ud800 ü"

    def test_trials_come_by_number_each_with_its_own_curve(self, journal: Journal, leased: LeasedStudy) -> None:
        trials = [make_trial(number, float(number)) for number in (2, 0, 1)]
        leased.writer.write(make_batch(*trials))
        assert journal.trials(leased.study.id) == sorted(trials, key=lambda trial: trial.number)

    def test_the_newest_state_of_a_trial_counts_and_its_curve_grows(
        self, journal: Journal, leased: LeasedStudy
    ) -> None:
        leased.writer.write(make_batch(make_trial(0, 3.0)))
        last = make_trial(0, 3.0, 2.0, state=State.COMPLETE, reason="done", busy=2.5)
        leased.writer.write(make_batch(last))
        assert journal.trials(leased.study.id) == [last]

    def test_no_such_trial(self, journal: Journal, leased: LeasedStudy) -> None:
        with pytest.raises(NotFound, match="no trial 7"):
            journal.trial(leased.study.id, 7)

    def test_decisions_come_in_order_for_all_or_for_one_trial(self, journal: Journal, leased: LeasedStudy) -> None:
        taken = [Decision(f"kind {i}", ODD, number, i or None, 1_700_000_000_000 + i) for i, number in enumerate("010")]
        taken = [replace(one, number=int(one.number or 0)) for one in taken]
        study_wide = Decision("window", "the best lie low")
        leased.writer.write(Batch(decisions=taken[:2]))
        leased.writer.write(Batch(decisions=[taken[2], study_wide]))
        assert journal.decisions(leased.study.id) == [*taken, study_wide]
        assert journal.decisions(leased.study.id, 0) == [taken[0], taken[2]]

    def test_the_same_report_twice_is_refused_with_all_of_its_batch(
        self, journal: Journal, leased: LeasedStudy
    ) -> None:
        first = make_trial(0, 3.0)
        leased.writer.write(make_batch(first))
        again = Batch(
            [replace(first, busy=9.0), make_trial(1)], [(0, first.curve[0])], [Decision("go on", "")], "RUNNING"
        )
        with pytest.raises(ValueError, match="journal"):
            leased.writer.write(again)
        assert journal.trials(leased.study.id) == [first]
        assert journal.decisions(leased.study.id) == []
        assert journal.studies()[0].state == "NEW"
        assert journal.changes(leased.study.id, 0).revision == 1

    def test_a_report_of_an_unknown_trial_is_refused(self, journal: Journal, leased: LeasedStudy) -> None:
        with pytest.raises(ValueError, match="journal"):
            leased.writer.write(Batch(reports=[(5, Report(1, {"loss": 1.0}))]))

    def test_the_writer_can_be_used_after_a_refusal(self, journal: Journal, leased: LeasedStudy) -> None:
        with pytest.raises(ValueError, match="journal"):
            leased.writer.write(Batch(reports=[(5, Report(1, {"loss": 1.0}))]))
        leased.writer.write(Batch([make_trial(0)]))
        assert journal.trials(leased.study.id) == [make_trial(0)]

    def test_an_empty_batch_writes_nothing(self, journal: Journal, leased: LeasedStudy) -> None:
        leased.writer.write(Batch())
        assert journal.changes(leased.study.id, 0).revision == 0

    def test_studies_are_independent(self, journal: Journal, leased: LeasedStudy) -> None:
        other = lease_study(journal, "other")
        leased.writer.write(replace(make_batch(make_trial(0, 1.0)), decisions=[Decision("propose", "here", 0)]))
        other.writer.write(replace(make_batch(make_trial(0, 2.0)), study_state="DONE"))
        other.writer.close()
        assert journal.trials(leased.study.id) == [make_trial(0, 1.0)]
        assert journal.trials(other.study.id) == [make_trial(0, 2.0)]
        assert journal.decisions(other.study.id) == []
        assert [study.state for study in journal.studies()] == ["NEW", "DONE"]

    def test_the_cause_of_a_study_is_kept_until_it_runs_again(self, journal: Journal, leased: LeasedStudy) -> None:
        found = []
        for batch in (
            Batch(study_state="STOPPED", study_cause=Cause.LIMIT, study_cause_numbers={"gpu_hours": 0.1, "epochs": 3}),
            Batch(study_state="RUNNING"),
            Batch(study_state="COMPLETE", study_cause=Cause.DONE),
        ):
            leased.writer.write(batch)
            (study,) = journal.studies()
            found.append((study.state, study.cause, dict(study.cause_numbers)))
        assert found == [
            ("STOPPED", Cause.LIMIT, {"gpu_hours": 0.1, "epochs": 3}),
            ("RUNNING", None, {}),
            ("COMPLETE", Cause.DONE, {}),
        ]

    def test_a_batch_with_a_lost_reply_is_written_once(
        self, journal: Journal, leased: LeasedStudy, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        batch = replace(make_batch(make_trial(0, 1.0)), decisions=[Decision("propose", "", 0)])
        self.break_commit(monkeypatch, journal, after=True)
        with pytest.raises(JournalError):
            leased.writer.write(batch)
        monkeypatch.undo()
        leased.writer.write(batch)
        leased.writer.write(make_batch(make_trial(0, 1.0, 0.5)))
        assert journal.trials(leased.study.id) == [make_trial(0, 1.0, 0.5)]
        assert len(journal.decisions(leased.study.id)) == 1

    def test_a_batch_that_did_not_arrive_is_written_by_the_next_try(
        self, journal: Journal, leased: LeasedStudy, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.break_commit(monkeypatch, journal, after=False)
        for _ in range(2):
            with pytest.raises(JournalError):
                leased.writer.write(make_batch(make_trial(0, 1.0)))
        assert journal.trials(leased.study.id) == []
        monkeypatch.undo()
        leased.writer.write(make_batch(make_trial(0, 1.0)))
        assert journal.trials(leased.study.id) == [make_trial(0, 1.0)]

    def break_commit(self, monkeypatch: pytest.MonkeyPatch, journal: Journal, *, after: bool) -> None:
        """The connection is lost during a commit: before the database has received it, or afterwards."""
        engine = journal._database.engine
        connect, error = engine.raw_connection, engine.dialect.loaded_dbapi.OperationalError
        monkeypatch.setattr(engine, "raw_connection", lambda: Lossy(connect(), error, after))


@dataclass
class Lossy:
    """A connection that is lost just before a commit, or just after it."""

    connection: PoolProxiedConnection
    error: type[Exception]
    after: bool

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)

    def commit(self) -> None:
        if self.after:
            self.connection.commit()
        raise self.error("server closed the connection unexpectedly")
