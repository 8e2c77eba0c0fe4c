"""The journal beside a model of it, while drivers come, die, lose their lease, and write what is refused or lost."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy.pool import PoolProxiedConnection

from hpsearch.core.errors import JournalError, LeaseLost, NotFound, StudyBusy
from hpsearch.core.trial import Report, State
from hpsearch.journal import Batch, Owner
from hpsearch.journal.schema import leases, reports, trials
from tests.contracts.journal_helpers import DEAD_PID, LOSS, exact_repr
from tests.journal.journal_harness import MOVES, TTL, JournalHarness, Plan, Run, batch_of, harness, plans
from tests.journal.model import Holder, Machine, Model, Refused

EVERYTHING = 10**6
places = st.integers(0, 2)
states = st.sampled_from([None, None, "RUNNING", "COMPLETE"])


class JournalMachine(RuleBasedStateMachine):
    def __init__(self, harness: JournalHarness):
        super().__init__()
        self.harness, self.model, self.clocks = harness, Model(), harness.clocks
        harness.studies += 1
        self.study = harness.journals[0].create(f"study {harness.studies}", {}, {}, at=0)
        self.runs: list[Run] = []
        self.turn, self.refused = 0, -1
        self.followed: dict[tuple[int, int], Report] = {}
        self.finished: dict[int, str] = {}
        self.spent = 0.0

    @property
    def leader(self) -> Run:
        return next(run for run in self.runs if run.lease.token == self.model.token)

    @property
    def zombies(self) -> list[Run]:
        return [run for run in self.runs if run.lease.token != self.model.token]

    def leads(self) -> bool:
        """Somebody may write, and has nothing to try again."""
        return self.is_led() and self.leader.unsure is None

    def is_led(self) -> bool:
        return any(run.lease.token == self.model.token for run in self.runs)

    def is_unsure(self) -> bool:
        return self.is_led() and self.leader.unsure is not None

    def is_haunted(self) -> bool:
        return bool(self.zombies)

    # Who runs the study ─────────────────────────────────────────────────────────────────────────

    @initialize(place=places, plan=plans)
    def begin(self, place: int, plan: Plan) -> None:
        self.take(place)
        self.write(plan, None)

    @precondition(lambda self: self.turn != self.refused)
    @rule(place=places)
    def take(self, place: int) -> None:
        self._take(self.harness.other_owner(place))

    def _take(self, owner: Owner) -> None:
        journal, holder = self.harness.journals[self.turn % 2], self.model.holder
        token = self.model.take(Holder(owner.uid, owner.pid, Machine(owner.boot, owner.space), TTL), self.clocks)
        if token is not None:
            self.runs.append(Run(owner, journal, journal.acquire(self.study.id, owner, TTL)))
            assert self.leader.writer.revision == self.model.revision
            return
        assert holder is not None
        self.refused = self.turn
        with pytest.raises(StudyBusy, match=f"process {holder.pid} on {owner.host}"):
            journal.acquire(self.study.id, owner, TTL)

    @precondition(is_led)
    @rule(how=st.sampled_from(["release", "kill", "silence", "again"]), place=places)
    def change_hands(self, how: str, place: int) -> None:
        match how:
            case "again":
                self._take(self.leader.owner)
            case "release":
                self._release(self.leader)
            case "kill":
                self._kill(self.leader)
            case _:
                self.pass_time(TTL, 0.0)
        self.take(place)

    @precondition(is_haunted)
    @rule(which=st.integers(0, 9), killed=st.booleans())
    def leave_a_zombie_process(self, which: int, killed: bool) -> None:
        """Nothing that it does as it ends concerns who follows it."""
        zombie = self.zombies[which % len(self.zombies)]
        self._kill(zombie) if killed else self._release(zombie)

    def _release(self, run: Run) -> None:
        run.journal.release(run.lease)
        if run.lease.token == self.model.token:
            self.model.holder = None
        self._drop(run)

    def _kill(self, run: Run) -> None:
        """Its connection goes with it. What others can see of it is that its pid is nobody's."""
        if self.model.holder is not None and run.lease.token == self.model.token:
            self.model.holder.pid, self.model.holder.alive = DEAD_PID, False
            self.harness.execute(leases.update().where(leases.c.study_id == self.study.id).values(pid=DEAD_PID))
        self._drop(run)

    def _drop(self, run: Run) -> None:
        run.writer.close()
        self.runs.remove(run)

    @precondition(is_led)
    @rule(by_writer=st.booleans())
    def renew(self, by_writer: bool) -> None:
        self.leader.writer.renew(after=0.0) if by_writer else self.leader.journal.renew(self.leader.lease)
        self._beat()
        if by_writer:
            assert self.leader.writer.asked_to_stop is (self.model.stop == self.model.token)

    @precondition(lambda self: self.model.stop != self.model.token)
    @rule()
    def ask_to_stop(self) -> None:
        self.harness.journals[0].ask_to_stop(self.study.id)
        self.model.stop = self.model.token

    @rule(
        seconds=st.sampled_from([0.5, 4.5, 7.0, TTL, 60.0]), jump=st.sampled_from([0.0, 0.0, -7200.0, -10.0, 86_400.0])
    )
    def pass_time(self, seconds: float, jump: float) -> None:
        """Somebody may set the wall clock meanwhile."""
        self.clocks.boot += seconds
        self.clocks.wall += seconds + jump
        self.harness.set_clock()

    def _beat(self) -> None:
        if self.model.holder is not None:
            self.model.holder.beat(self.clocks)

    # Writing ────────────────────────────────────────────────────────────────────────────────────

    def batch(self, plan: Plan, state: str | None = None) -> Batch:
        self.turn += 1
        return replace(batch_of(plan, {one.number: one for one in self.model.trials()}, self.turn), study_state=state)

    @precondition(leads)
    @rule(plan=plans, state=states)
    def write(self, plan: Plan, state: str | None) -> None:
        """Nothing of it is seen before its commit."""
        before, batch = exact_repr(self.model.changes(0, EVERYTHING)), self.batch(plan, state)

        def commit(connection: PoolProxiedConnection) -> None:
            assert exact_repr(self.harness.journals[1].changes(self.study.id, 0, EVERYTHING)) == before
            connection.commit()

        with self.leader.hooked(commit) as writer:
            writer.write(batch)
        self._written(batch)

    @precondition(leads)
    @rule(plan=plans, arrives=st.booleans())
    def write_and_hear_nothing(self, plan: Plan, arrives: bool) -> None:
        """The connection is lost during the commit: before the database has received it, or after."""
        batch, leader = self.batch(plan), self.leader
        error = leader.journal._database.engine.dialect.loaded_dbapi.OperationalError

        def commit(connection: PoolProxiedConnection) -> None:
            if arrives:
                connection.commit()
            raise error("server closed the connection unexpectedly")

        with leader.hooked(commit) as writer, pytest.raises(JournalError, match="server closed"):
            writer.write(batch)
        leader.unsure, leader.arrived = batch, arrives
        if arrives:
            self.model.write(batch)
            self._beat()

    @precondition(is_unsure)
    @rule()
    def try_again(self) -> None:
        leader, batch = self.leader, self.leader.unsure
        assert batch is not None
        leader.writer.write(batch)
        leader.unsure = None
        if leader.arrived:
            assert leader.writer.revision == self.model.revision
        else:
            self._written(batch)

    @precondition(leads)
    @rule(plan=plans, where=st.integers(0, 20), unknown=st.booleans())
    def write_what_is_refused(self, plan: Plan, where: int, unknown: bool) -> None:
        """One row of it cannot be: all of it is refused. Without that row it is taken."""
        good, old = self.batch(plan), sorted(self.model.points)
        number, step = (EVERYTHING, 1) if unknown or not old else old[where % len(old)]
        rows = list(good.reports)
        rows.insert(where % (len(rows) + 1), (number, Report(step, {"loss": 1.0})))
        bad = replace(good, reports=rows, study_state="BROKEN")
        with pytest.raises(Refused):
            self.model.write(bad)
        with pytest.raises(ValueError, match="journal"):
            self.leader.writer.write(bad)
        self.leader.writer.write(good)
        self._written(good)

    def _written(self, batch: Batch) -> None:
        self.model.write(batch)
        self._beat()
        assert self.leader.writer.revision == self.model.revision
        assert self.leader.writer.asked_to_stop is (self.model.stop == self.model.token)

    @precondition(is_haunted)
    @rule(which=st.integers(0, 9), plan=plans)
    def write_as_a_zombie(self, which: int, plan: Plan) -> None:
        """Who has lost the study would repeat what it is unsure of, or change finished trials."""
        zombie = self.zombies[which % len(self.zombies)]
        changed = [replace(trial, state=State.FAILED, error="a zombie's") for trial in self.model.trials()]
        batch = self.batch(plan, "BROKEN")
        for attempt in (zombie.unsure or batch, replace(batch, trials=[*changed, *batch.trials]), batch):
            with pytest.raises(LeaseLost):
                zombie.writer.write(attempt)
        with pytest.raises(LeaseLost):
            zombie.writer.renew(after=0.0)
        with pytest.raises(LeaseLost):
            zombie.journal.renew(zombie.lease)
        with pytest.raises(LeaseLost):
            zombie.journal.writer(zombie.lease, LOSS)

    # Reading ────────────────────────────────────────────────────────────────────────────────────

    @rule(limit=st.integers(1, 5), pages=st.integers(1, 4), crashes=st.booleans())
    def follow(self, limit: int, pages: int, crashes: bool) -> None:
        """As a tracker does. One that ended before it could note how far it was sees the same once more."""
        journal, own = self.harness.journals[self.turn % 2], self.study.id
        since = journal.cursor(own, "mlflow")
        for _ in range(pages):
            new = journal.changes(own, since, limit)
            assert exact_repr(new) == exact_repr(self.model.changes(since, limit))
            self.followed |= {(number, report.step): report for number, report in new.reports}
            since = new.revision
        if not crashes:
            journal.set_cursor(own, "mlflow", since)
            assert self.harness.journals[1 - self.turn % 2].cursor(own, "mlflow") == since
        self._look_at(limit)

    def _look_at(self, number: int) -> None:
        journal, trial = self.harness.journals[0], {one.number: one for one in self.model.trials()}.get(number)
        assert exact_repr(journal.decisions(self.study.id, number)) == exact_repr(self.model.decisions(number))
        if trial is not None:
            assert exact_repr(journal.trial(self.study.id, number)) == exact_repr(trial)
            return
        with pytest.raises(NotFound):
            journal.trial(self.study.id, number)

    # What holds after every step ────────────────────────────────────────────────────────────────

    @invariant()
    def agrees(self) -> None:
        own, model = self.study.id, self.model
        first, second = self.harness.journals[self.turn % 2], self.harness.journals[1 - self.turn % 2]
        assert exact_repr(first.changes(own, 0, EVERYTHING)) == exact_repr(model.changes(0, EVERYTHING))
        assert exact_repr(second.trials(own)) == exact_repr(model.trials())
        assert exact_repr(second.summary(own)) == exact_repr(model.summary())
        assert exact_repr(second.decisions(own)) == exact_repr(model.decisions())

    @invariant()
    def has_one_holder(self) -> None:
        (row,) = self.harness.rows(leases, self.study.id)
        held = self.model.holder
        assert (row.token, row.revision, row.stop) == (self.model.token, self.model.revision, self.model.stop)
        assert (row.holder, row.pid) == (held.uid, held.pid) if held else row.holder is None
        if held is not None:
            assert (row.beat_wall, row.beat_boot) == (held.wall, held.boot)
        here = Owner.current()
        busy = held is not None and held.blocks(here.uid, Machine(here.boot, here.space), self.clocks)
        assert (self.harness.journals[1].holder(self.study.id) is not None) is busy
        assert row.spent >= self.spent
        self.spent = row.spent

    @invariant()
    def keeps_what_is_finished(self) -> None:
        """Every column of it, those that trials are not read from included."""
        curves: dict[int, list[sa.Row[Any]]] = {}
        for report in self.harness.rows(reports, self.study.id):
            curves.setdefault(report.number, []).append(report)
        rows = {row.number: row for row in self.harness.rows(trials, self.study.id)}
        for number, before in self.finished.items():
            assert exact_repr((rows[number], curves.get(number))) == before
        for number, row in rows.items():
            if State(row.state) not in MOVES:
                self.finished.setdefault(number, exact_repr((row, curves.get(number))))

    def teardown(self) -> None:
        """A tracker that goes on from its cursor comes to have every report, however often it crashed."""
        for _ in range(self.model.revision):
            self.follow(limit=2, pages=1, crashes=False)
        whole = {place: report for place, (_, report) in self.model.points.items()}
        assert exact_repr(sorted(self.followed.items())) == exact_repr(sorted(whole.items()))
        for run in list(self.runs):
            self._drop(run)


SHORT = settings(
    max_examples=10,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
"""The first of what `make chaos` tries, for every run of the tests."""

LONG = settings(SHORT, max_examples=500, phases=[Phase.generate, Phase.shrink])


def check(url: str, how: settings) -> None:
    with harness(url) as made:
        run_state_machine_as_test(lambda: JournalMachine(made), settings=how)


def test_sqlite(tmp_path: Path) -> None:
    check(f"sqlite:///{tmp_path}/journal.db", SHORT)


@pytest.mark.slow
def test_postgresql(postgres_url: str) -> None:
    check(postgres_url, settings(SHORT, max_examples=6))


@pytest.mark.chaos
@pytest.mark.timeout(3600)
def test_sqlite_for_long(tmp_path: Path) -> None:
    check(f"sqlite:///{tmp_path}/journal.db", LONG)


@pytest.mark.chaos
@pytest.mark.timeout(3600)
def test_postgresql_for_long(postgres_url: str) -> None:
    check(postgres_url, LONG)
