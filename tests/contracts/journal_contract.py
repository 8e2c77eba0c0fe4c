"""What holds for a journal, whatever database it is in. A subclass gives `url`: that of an empty database."""

import json
import math
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import PoolProxiedConnection

from hpsearch.errors import JournalError, LeaseLost, NotFound, StudyBusy
from hpsearch.journal import Batch, Changes, Journal, Lease, Owner, StudyRecord, Writer
from hpsearch.journal.database import Database
from hpsearch.journal.schema import leases
from hpsearch.trial import Decision, Objective, Report, State, Trial

NOBODY = 2**22 + 1
"""A pid greater than any that Linux gives out."""

LOSS = Objective("loss", "minimize")
ODD = "Zürich 🦜 % ../ 'quoted' \"twice\" \\ \n\t{}"


@dataclass
class Lead:
    """A study that is being run."""

    study: StudyRecord
    lease: Lease
    writer: Writer


@pytest.fixture
def journal(url: str) -> Iterator[Journal]:
    with Journal.open(url) as opened:
        yield opened


@pytest.fixture
def lead(journal: Journal) -> Iterator[Lead]:
    lead = take(journal, "study")
    yield lead
    lead.writer.close()


def take(journal: Journal, name: str, objective: Objective = LOSS) -> Lead:
    study = journal.create(name, {}, {}, at=0)
    lease = journal.acquire(study.id, Owner.current())
    return Lead(study, lease, journal.writer(lease, objective))


def a_trial(number: int, *losses: float, **fields: object) -> Trial:
    curve = tuple(Report(step, {"loss": loss}) for step, loss in enumerate(losses, start=1))
    plain = Trial(number, {"lr": 0.1}, seed=number, until=9, state=State.RUNNING, curve=curve)
    return replace(plain, **fields)  # type: ignore[arg-type]


def a_batch(*trials: Trial) -> Batch:
    """These trials and the last report of each."""
    return Batch(trials, [(trial.number, trial.curve[-1]) for trial in trials if trial.curve])


def somebody(**fields: object) -> Owner:
    """Another process of this machine, alive unless told otherwise."""
    return replace(Owner.current(), **fields)  # type: ignore[arg-type]


def far_away() -> Owner:
    return somebody(host="elsewhere", boot="another-boot", pid=NOBODY)


def set_lease(url: str, **columns: object) -> None:
    """Change what is written about the holder, as if it had been so."""
    database = Database(url, create=False)
    with database.write() as connection:
        connection.execute(leases.update().values(**columns))
    database.close()


def in_full(value: object) -> str:
    """Tells apart what == does not (0.0 and -0.0, 1 and True), and finds NaN equal to itself."""
    return repr(value)


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
    def test_any_name_will_do(self, journal: Journal, name: str) -> None:
        made = journal.create(name, {}, {}, at=0)
        assert journal.find(name) == made
        assert journal.create(name, {}, {}, at=0) == made

    def test_a_changed_spec_is_recorded(self, journal: Journal, lead: Lead) -> None:
        journal.respec(lead.lease, {"trials": 100})
        assert journal.studies()[0].spec == {"trials": 100}

    def test_processes_that_start_at_once_make_one_journal_one_study_and_one_leader(self, url: str) -> None:
        code = (
            "import sys; from hpsearch.journal import Journal, Owner; from hpsearch.errors import StudyBusy\n"
            "journal = Journal.open(sys.argv[1]); study = journal.create('raced', {}, {}, at=0)\n"
            "try: print(study.uid, journal.acquire(study.id, Owner.current()).token, flush=True)\n"
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
    def test_a_trial_comes_back_in_every_field(self, journal: Journal, lead: Lead) -> None:
        params = {"lr": 0.1 + 0.2, "tiny": 5e-324, "n": 3, "flag": True, "zero": -0.0, "name": ODD, "whole": 1.0}
        curve = (
            Report(1, {"loss": 1 / 3, ODD: 1e308}, at=1_700_000_000_123),
            Report(2, {"nan": math.nan, "up": math.inf, "down": -math.inf, "loss": -0.0}, at=1_700_000_000_124),
        )
        trial = Trial(
            number=0, params=params, seed=2**31 - 1, until=30, state=State.FAILED, round=3, curve=curve, reason=ODD,
            origin=ODD * 2, attempts=2, settled=7, settled_before=5, busy=0.1 + 0.7, error=ODD * 1000,
            proposed_at=1_700_000_000_000, ended_at=1_700_000_000_999,
        )  # fmt: skip
        lead.writer.write(Batch([trial], [(0, report) for report in curve]))
        assert in_full(journal.trial(lead.study.id, 0)) == in_full(trial)
        assert in_full(journal.trials(lead.study.id)) == in_full([trial])

    @pytest.mark.parametrize("state", State)
    def test_every_state_comes_back(self, journal: Journal, lead: Lead, state: State) -> None:
        lead.writer.write(Batch([a_trial(0, state=state)]))
        assert journal.trial(lead.study.id, 0).state is state

    def test_what_a_database_cannot_hold_is_escaped(self, journal: Journal, lead: Lead) -> None:
        lead.writer.write(Batch([a_trial(0, error="nul \0 and half a pair \ud800 ü")]))
        assert journal.trial(lead.study.id, 0).error == "nul \\x00 and half a pair \\ud800 ü"

    def test_trials_come_by_number_each_with_its_own_curve(self, journal: Journal, lead: Lead) -> None:
        trials = [a_trial(number, float(number)) for number in (2, 0, 1)]
        lead.writer.write(a_batch(*trials))
        assert journal.trials(lead.study.id) == sorted(trials, key=lambda trial: trial.number)

    def test_the_newest_state_of_a_trial_counts_and_its_curve_grows(self, journal: Journal, lead: Lead) -> None:
        lead.writer.write(a_batch(a_trial(0, 3.0)))
        last = a_trial(0, 3.0, 2.0, state=State.COMPLETE, reason="done", busy=2.5)
        lead.writer.write(a_batch(last))
        assert journal.trials(lead.study.id) == [last]

    def test_no_such_trial(self, journal: Journal, lead: Lead) -> None:
        with pytest.raises(NotFound, match="no trial 7"):
            journal.trial(lead.study.id, 7)

    def test_decisions_come_in_order_for_all_or_for_one_trial(self, journal: Journal, lead: Lead) -> None:
        taken = [Decision(f"kind {i}", ODD, number, i or None, 1_700_000_000_000 + i) for i, number in enumerate("010")]
        taken = [replace(one, number=int(one.number or 0)) for one in taken]
        study_wide = Decision("window", "the best lie low")
        lead.writer.write(Batch(decisions=taken[:2]))
        lead.writer.write(Batch(decisions=[taken[2], study_wide]))
        assert journal.decisions(lead.study.id) == [*taken, study_wide]
        assert journal.decisions(lead.study.id, 0) == [taken[0], taken[2]]

    def test_the_same_report_twice_is_refused_with_all_of_its_batch(self, journal: Journal, lead: Lead) -> None:
        first = a_trial(0, 3.0)
        lead.writer.write(a_batch(first))
        again = Batch([replace(first, busy=9.0), a_trial(1)], [(0, first.curve[0])], [Decision("go on", "")], "RUNNING")
        with pytest.raises(ValueError, match="journal"):
            lead.writer.write(again)
        assert journal.trials(lead.study.id) == [first]
        assert journal.decisions(lead.study.id) == []
        assert journal.studies()[0].state == "NEW"
        assert journal.changes(lead.study.id, 0).revision == 1

    def test_a_report_of_an_unknown_trial_is_refused(self, journal: Journal, lead: Lead) -> None:
        with pytest.raises(ValueError, match="journal"):
            lead.writer.write(Batch(reports=[(5, Report(1, {"loss": 1.0}))]))

    def test_the_writer_goes_on_after_a_refusal(self, journal: Journal, lead: Lead) -> None:
        with pytest.raises(ValueError, match="journal"):
            lead.writer.write(Batch(reports=[(5, Report(1, {"loss": 1.0}))]))
        lead.writer.write(Batch([a_trial(0)]))
        assert journal.trials(lead.study.id) == [a_trial(0)]

    def test_nothing_to_write_writes_nothing(self, journal: Journal, lead: Lead) -> None:
        lead.writer.write(Batch())
        assert journal.changes(lead.study.id, 0).revision == 0

    def test_a_study_keeps_to_itself(self, journal: Journal, lead: Lead) -> None:
        other = take(journal, "other")
        lead.writer.write(replace(a_batch(a_trial(0, 1.0)), decisions=[Decision("propose", "here", 0)]))
        other.writer.write(replace(a_batch(a_trial(0, 2.0)), study_state="DONE"))
        other.writer.close()
        assert journal.trials(lead.study.id) == [a_trial(0, 1.0)]
        assert journal.trials(other.study.id) == [a_trial(0, 2.0)]
        assert journal.decisions(other.study.id) == []
        assert [study.state for study in journal.studies()] == ["NEW", "DONE"]

    def test_a_batch_whose_answer_was_lost_is_written_once(
        self, journal: Journal, lead: Lead, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        batch = replace(a_batch(a_trial(0, 1.0)), decisions=[Decision("propose", "", 0)])
        self.break_commit(monkeypatch, journal, after=True)
        with pytest.raises(JournalError):
            lead.writer.write(batch)
        monkeypatch.undo()
        lead.writer.write(batch)
        lead.writer.write(a_batch(a_trial(0, 1.0, 0.5)))
        assert journal.trials(lead.study.id) == [a_trial(0, 1.0, 0.5)]
        assert len(journal.decisions(lead.study.id)) == 1

    def test_a_batch_that_did_not_arrive_is_written_by_the_next_try(
        self, journal: Journal, lead: Lead, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.break_commit(monkeypatch, journal, after=False)
        for _ in range(2):
            with pytest.raises(JournalError):
                lead.writer.write(a_batch(a_trial(0, 1.0)))
        assert journal.trials(lead.study.id) == []
        monkeypatch.undo()
        lead.writer.write(a_batch(a_trial(0, 1.0)))
        assert journal.trials(lead.study.id) == [a_trial(0, 1.0)]

    def break_commit(self, monkeypatch: pytest.MonkeyPatch, journal: Journal, *, after: bool) -> None:
        """The connection goes away as a writer commits: before the database has heard of it, or after."""
        engine = journal._database.engine
        connect, error = engine.raw_connection, engine.dialect.loaded_dbapi.OperationalError
        monkeypatch.setattr(engine, "raw_connection", lambda: Lossy(connect(), error, after))


@dataclass
class Lossy:
    """A connection that is gone when it is to commit, or right after."""

    connection: PoolProxiedConnection
    error: type[Exception]
    after: bool

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)

    def commit(self) -> None:
        if self.after:
            self.connection.commit()
        raise self.error("server closed the connection unexpectedly")


class SummaryContract:
    def test_of_an_empty_study(self, journal: Journal, lead: Lead) -> None:
        summary = journal.summary(lead.study.id)
        assert summary.trials == dict.fromkeys(State, 0)
        assert (summary.epochs, summary.busy, summary.best) == (0, 0.0, None)

    def test_counts_states_epochs_and_seconds(self, journal: Journal, lead: Lead) -> None:
        trials = [a_trial(0, 3.0, busy=0.5), a_trial(1, 2.0, busy=0.25), a_trial(2, state=State.WAITING)]
        lead.writer.write(a_batch(*trials))
        lead.writer.write(a_batch(a_trial(1, 2.0, 1.0, busy=0.75, state=State.COMPLETE)))
        summary = journal.summary(lead.study.id)
        assert summary.trials[State.COMPLETE] == summary.trials[State.RUNNING] == summary.trials[State.WAITING] == 1
        assert (summary.epochs, summary.busy) == (3, 1.25)

    @pytest.mark.parametrize(
        ("objective", "best"),
        [
            (Objective("loss", "minimize"), (1, 1.0, 2)),
            (Objective("loss", "maximize"), (0, 5.0, 2)),
            (Objective("loss", "minimize", at="last"), (1, 2.0, 3)),
            (Objective("loss", "maximize", at="last"), (0, 3.0, 3)),
            (Objective("other", "minimize"), None),
        ],
    )
    def test_the_best_is_what_the_objective_says(
        self, journal: Journal, objective: Objective, best: tuple[int, float, int] | None
    ) -> None:
        lead = take(journal, "study", objective)
        trials = [a_trial(0, 4.0, 5.0, 3.0), a_trial(1, 3.0, 1.0, 2.0), a_trial(2, math.nan, math.inf, 9.0)]
        worst = [replace(trials[2], state=State.PRUNED, reason="diverged: loss is nan")]
        for epoch in (1, 2, 3):
            lead.writer.write(a_batch(*(replace(one, curve=one.curve[:epoch]) for one in (*trials[:2], *worst))))
        lead.writer.close()
        found = journal.summary(lead.study.id).best
        assert best == (None if found is None else (found.number, found.value, found.epoch))

    def test_the_best_neither_failed_nor_diverged_and_is_the_first_of_equals(
        self, journal: Journal, lead: Lead
    ) -> None:
        lead.writer.write(a_batch(
            a_trial(0, 0.1, state=State.FAILED),
            a_trial(1, -math.inf, state=State.PRUNED, reason="diverged"),
            a_trial(2, 0.2, state=State.PRUNED, reason="diverged: its loss is nan at epoch 2"),
            a_trial(3, 0.5),
            a_trial(4, 0.5, state=State.COMPLETE),
        ))  # fmt: skip
        best = journal.summary(lead.study.id).best
        assert best is not None
        assert (best.number, best.value, best.epoch) == (3, 0.5, 1)

    def test_the_best_epoch_survives_writes_without_reports_and_a_new_writer(
        self, journal: Journal, lead: Lead
    ) -> None:
        first, second = a_trial(0, 1.0), a_trial(0, 1.0, 3.0)
        lead.writer.write(a_batch(first))
        lead.writer.write(a_batch(second))
        lead.writer.write(Batch([replace(second, state=State.PAUSED)]))
        assert in_full(journal.summary(lead.study.id).best) == "Best(number=0, value=1.0, epoch=1)"
        again = journal.writer(lead.lease, LOSS)
        again.write(Batch([replace(second, state=State.RUNNING)]))
        again.close()
        summary = journal.summary(lead.study.id)
        assert in_full(summary.best) == "Best(number=0, value=1.0, epoch=1)"
        assert summary.epochs == 2

    def test_ten_thousand_trials(self, journal: Journal, lead: Lead) -> None:
        for thousand in range(10):
            numbers = range(1000 * thousand, 1000 * (thousand + 1))
            lead.writer.write(a_batch(*(a_trial(n, 1.0 + n, state=State.COMPLETE, busy=1.0) for n in numbers)))
        summary = journal.summary(lead.study.id)
        assert summary.trials[State.COMPLETE] == summary.epochs == summary.busy == 10_000
        assert in_full(summary.best) == "Best(number=0, value=1.0, epoch=1)"


class ChangesContract:
    def test_everything_is_new_at_first_and_nothing_after(self, journal: Journal, lead: Lead) -> None:
        trial, decision = a_trial(0, 1.0), Decision("propose", "a draw", 0, 0, 5)
        lead.writer.write(replace(a_batch(trial), decisions=[decision], study_state="RUNNING"))
        new = journal.changes(lead.study.id, 0)
        assert new == Changes(1, (replace(trial, curve=()),), ((0, trial.curve[0]),), (decision,), "RUNNING")
        assert journal.changes(lead.study.id, 1) == Changes(1, (), (), (), "RUNNING")

    def test_only_what_is_new_comes(self, journal: Journal, lead: Lead) -> None:
        lead.writer.write(a_batch(a_trial(0, 1.0), a_trial(1, 1.0)))
        lead.writer.write(a_batch(a_trial(1, 1.0, 0.5)))
        new = journal.changes(lead.study.id, 1)
        assert [trial.number for trial in new.trials] == [1]
        assert new.reports == ((1, Report(2, {"loss": 0.5})),)

    @pytest.mark.parametrize("limit", [1, 2, 3, 5, 100])
    def test_pages_add_up_to_everything_once(self, journal: Journal, lead: Lead, limit: int) -> None:
        self.write_history(lead)
        pages = list(self.pages(journal, lead, limit))
        whole = journal.changes(lead.study.id, 0)
        assert [page.revision for page in pages] == sorted({page.revision for page in pages})
        assert pages[-1].revision == whole.revision == 7
        assert sorted(sum((page.reports for page in pages), ()), key=str) == sorted(whole.reports, key=str)
        assert sum((page.decisions for page in pages), ()) == whole.decisions

    @pytest.mark.parametrize("limit", [1, 2, 3, 5])
    def test_a_page_keeps_to_its_limit_unless_one_batch_is_larger(
        self, journal: Journal, lead: Lead, limit: int
    ) -> None:
        self.write_history(lead)
        assert all(len(page.reports) <= max(limit, 3) for page in self.pages(journal, lead, limit))

    def test_a_trial_comes_with_its_first_report_and_with_its_last(self, journal: Journal, lead: Lead) -> None:
        self.write_history(lead)
        pages = list(self.pages(journal, lead, 1))
        for page in pages:
            assert {number for number, _ in page.reports} <= {trial.number for trial in page.trials}
        last = [trial for page in pages for trial in page.trials if trial.number == 0][-1]
        assert last.state is State.COMPLETE

    def test_a_cursor_belongs_to_one_target_of_one_study(self, journal: Journal, lead: Lead) -> None:
        other = journal.create("other", {}, {}, at=0)
        assert journal.cursor(lead.study.id, "here") == 0
        for revision in (3, 8, 5):
            journal.set_cursor(lead.study.id, "here", revision)
            assert journal.cursor(lead.study.id, "here") == revision
        assert journal.cursor(lead.study.id, "there") == journal.cursor(other.id, "here") == 0

    def test_no_such_study(self, journal: Journal) -> None:
        with pytest.raises(NotFound, match="no study"):
            journal.changes(99, 0)

    def test_readers_see_whole_batches_while_another_thread_writes(self, journal: Journal, lead: Lead) -> None:
        broken: list[str] = []
        done = threading.Event()

        def read() -> None:
            while not done.is_set():
                new = journal.changes(lead.study.id, 0)
                if not len(new.decisions) == len(new.reports) / 2 == new.revision:
                    broken.append(f"{new.revision}: {len(new.decisions)} decisions, {len(new.reports)} reports")

        reader = threading.Thread(target=read)
        reader.start()
        losses: list[float] = []
        for step in range(100):
            losses.append(float(step))
            batch = a_batch(a_trial(0, *losses), a_trial(1, *losses))
            lead.writer.write(replace(batch, decisions=[Decision("go on", "", 0, step)]))
        done.set()
        reader.join()
        assert broken == []

    def test_a_reader_does_not_wait_for_a_writer(self, journal: Journal, lead: Lead) -> None:
        with journal._database.write() as connection:
            connection.execute(leases.update().values(pid=1))
            assert journal.summary(lead.study.id).epochs == 0
            assert journal.changes(lead.study.id, 0).revision == 0

    def write_history(self, lead: Lead) -> None:
        """Seven batches with 0 to 3 reports each; trial 0 ends in the last one."""
        zero, one, two = a_trial(0, 1.0, 2.0, 3.0), a_trial(1, 4.0, 5.0), a_trial(2, 6.0)
        lead.writer.write(Batch([a_trial(0)], decisions=[Decision("propose", "", 0)]))
        lead.writer.write(a_batch(replace(zero, curve=zero.curve[:1])))
        lead.writer.write(a_batch(replace(zero, curve=zero.curve[:2]), replace(one, curve=one.curve[:1]), two))
        lead.writer.write(Batch([replace(one, curve=one.curve[:1])], decisions=[Decision("go on", "", 1)]))
        lead.writer.write(a_batch(one))
        lead.writer.write(a_batch(zero))
        lead.writer.write(Batch([replace(zero, state=State.COMPLETE)], decisions=[Decision("complete", "", 0)]))

    def pages(self, journal: Journal, lead: Lead, limit: int) -> Iterator[Changes]:
        since, page = -1, journal.changes(lead.study.id, 0, limit)
        while page.revision != since:
            yield page
            since = page.revision
            page = journal.changes(lead.study.id, since, limit)


class LeaseContract:
    def test_a_living_holder_keeps_others_out_and_is_named(self, journal: Journal, lead: Lead) -> None:
        with pytest.raises(StudyBusy) as busy:
            journal.acquire(lead.study.id, somebody())
        message = str(busy.value)
        assert f"process {os.getpid()} on {Owner.current().host}" in message
        for part in ('"study"', "0 s ago", "--fork NEW_NAME", "in 15 s"):
            assert part in message

    def test_one_that_provably_died_is_followed_at_once(self, journal: Journal) -> None:
        study = journal.create("study", {}, {}, at=0)
        dead = journal.acquire(study.id, somebody(pid=NOBODY))
        assert journal.acquire(study.id, somebody()).token == dead.token + 1

    def test_a_pid_that_was_given_out_again_is_another_process(self, journal: Journal) -> None:
        study = journal.create("study", {}, {}, at=0)
        journal.acquire(study.id, somebody(started="1"))
        journal.acquire(study.id, somebody())

    def test_a_holder_elsewhere_is_followed_only_when_it_has_been_silent_for_long(
        self, journal: Journal, url: str
    ) -> None:
        study = journal.create("study", {}, {}, at=0)
        journal.acquire(study.id, far_away())
        with pytest.raises(StudyBusy, match="on elsewhere"):
            journal.acquire(study.id, somebody())
        set_lease(url, beat_wall=leases.c.beat_wall - 16)
        journal.acquire(study.id, somebody())

    def test_a_jump_of_the_wall_clock_ends_no_lease_of_this_machine(
        self, journal: Journal, lead: Lead, url: str
    ) -> None:
        set_lease(url, beat_wall=leases.c.beat_wall - 86_400)
        with pytest.raises(StudyBusy):
            journal.acquire(lead.study.id, somebody())
        set_lease(url, beat_boot=leases.c.beat_boot - 16)
        journal.acquire(lead.study.id, somebody())

    def test_a_holder_of_another_pid_namespace_is_not_known_to_be_dead(self, journal: Journal) -> None:
        study = journal.create("study", {}, {}, at=0)
        journal.acquire(study.id, somebody(pid=NOBODY, space="pid:[1]"))
        with pytest.raises(StudyBusy):
            journal.acquire(study.id, somebody())

    def test_the_time_allowed_is_the_holders_own(self, journal: Journal) -> None:
        study = journal.create("study", {}, {}, at=0)
        journal.acquire(study.id, far_away(), ttl=0.0)
        journal.acquire(study.id, somebody())

    def test_what_is_released_is_free(self, journal: Journal, lead: Lead) -> None:
        journal.release(lead.lease)
        assert journal.acquire(lead.study.id, somebody()).token == lead.lease.token + 1

    def test_a_holder_may_take_it_again(self, journal: Journal) -> None:
        study = journal.create("study", {}, {}, at=0)
        owner = Owner.current()
        first = journal.acquire(study.id, owner)
        second = journal.acquire(study.id, owner)
        with pytest.raises(LeaseLost):
            journal.renew(first)
        journal.renew(second)

    def test_no_such_study_to_take(self, journal: Journal) -> None:
        with pytest.raises(NotFound, match="no study"):
            journal.acquire(99, Owner.current())

    def test_who_lost_the_study_writes_nothing_more(self, journal: Journal, lead: Lead, url: str) -> None:
        lead.writer.write(a_batch(a_trial(0, 1.0)))
        set_lease(url, beat_boot=0.0, beat_wall=0.0)
        heir = journal.acquire(lead.study.id, somebody(host="heir"))
        late = Batch([a_trial(0, 1.0, 2.0)], [(0, Report(2, {"loss": 2.0}))], [Decision("go on", "")], "DONE")
        for _ in range(2):
            with pytest.raises(LeaseLost, match=f"process {os.getpid()} on heir .token {heir.token}"):
                lead.writer.write(late)
        for attempt in (
            journal.renew,
            lambda lease: journal.respec(lease, {}),
            lambda lease: journal.writer(lease, LOSS),
        ):
            with pytest.raises(LeaseLost):
                attempt(lead.lease)
        assert journal.trials(lead.study.id) == [a_trial(0, 1.0)]
        assert journal.decisions(lead.study.id) == []
        assert journal.studies()[0].state == "NEW"
        journal.renew(heir)

    def test_a_release_that_comes_too_late_leaves_the_heir_alone(self, journal: Journal, lead: Lead, url: str) -> None:
        set_lease(url, beat_boot=0.0, beat_wall=0.0)
        journal.acquire(lead.study.id, somebody())
        journal.release(lead.lease)
        with pytest.raises(StudyBusy):
            journal.acquire(lead.study.id, somebody())

    def test_an_expired_lease_that_nobody_took_is_still_good(self, journal: Journal, lead: Lead, url: str) -> None:
        set_lease(url, beat_boot=0.0, beat_wall=0.0)
        lead.writer.write(Batch([a_trial(0)]))
        assert journal.trials(lead.study.id) == [a_trial(0)]

    @pytest.mark.parametrize("how", ["write", "renew"])
    def test_a_sign_of_life_extends_the_lease(self, journal: Journal, lead: Lead, url: str, how: str) -> None:
        set_lease(url, beat_boot=0.0, beat_wall=0.0)
        if how == "write":
            lead.writer.write(Batch(decisions=[Decision("go on", "")]))
        else:
            journal.renew(lead.lease)
        with pytest.raises(StudyBusy, match="0 s ago"):
            journal.acquire(lead.study.id, somebody())

    def test_who_holds_a_study_is_told(self, journal: Journal, lead: Lead, url: str) -> None:
        other = journal.create("other", {}, {}, at=0)
        assert journal.holder(lead.study.id) == f"process {os.getpid()} on {Owner.current().host}"
        assert journal.holder(other.id) is None
        journal.acquire(other.id, somebody(pid=NOBODY))
        assert journal.holder(other.id) is None
        set_lease(url, beat_boot=0.0)
        assert journal.holder(lead.study.id) is None

    def test_a_writer_renews_when_it_is_time(self, journal: Journal, url: str) -> None:
        study = journal.create("study", {}, {}, at=0)
        for ttl, renewed in ((0.0, True), (1000.0, False)):
            writer = journal.writer(journal.acquire(study.id, Owner.current(), ttl), LOSS)
            set_lease(url, beat_boot=0.0, holder=Owner.current().uid)
            writer.renew()
            with journal._database.read() as connection:
                assert (connection.execute(sa.select(leases.c.beat_boot)).scalar_one() > 0) is renewed
            writer.close()
            set_lease(url, holder=None)


class OpeningContract:
    def test_a_journal_is_there_when_it_is_opened_again(self, url: str) -> None:
        with Journal.open(url) as journal:
            study = journal.create("digits", {}, {}, at=0)
        with Journal.open(url, create=False) as journal:
            assert journal.studies() == [study]

    def test_a_reader_makes_nothing_where_nothing_is(self, url: str) -> None:
        for _ in range(2):
            with pytest.raises(NotFound, match="`hpsearch run` makes one"):
                Journal.open(url, create=False)

    def test_values_are_plain_json_for_whoever_looks_into_it(self, journal: Journal, lead: Lead) -> None:
        lead.writer.write(a_batch(a_trial(0, 0.25)))
        with journal._database.read() as connection:
            row = connection.execute(sa.text("SELECT params, value, best_epoch FROM hpsearch_trials")).one()
        assert (json.loads(row.params), row.value, row.best_epoch) == ({"lr": 0.1}, 0.25, 1)


class JournalContract(
    OpeningContract, StudiesContract, WritingContract, SummaryContract, ChangesContract, LeaseContract
):
    """All of it: a subclass in a test module needs a fixture `url` and an import of `journal` and `lead`."""
