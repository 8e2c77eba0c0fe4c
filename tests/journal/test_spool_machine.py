"""What is kept on disk while the database is unreachable, beside a model: written once, or refused with a note."""

import time
from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine
from sqlalchemy.pool import PoolProxiedConnection

from hpsearch.core.errors import JournalUnavailable, LeaseLost
from hpsearch.core.format import many
from hpsearch.journal import Batch, Spool, SpoolingWriter, recover
from hpsearch.journal.schema import leases
from tests.contracts.journal_helpers import DEAD_PID, LOSS, exact_repr
from tests.journal.journal_harness import TTL, HookedConnection, JournalHarness, Plan, batch_of, harness, plans
from tests.journal.model import Holder, Machine, Model
from tests.journal.test_store_machine import EVERYTHING, LONG, SHORT


@dataclass
class Line:
    """From one process to the database. left: commits that come through before it is cut, None: it is not.

    deaf: the answer to the last of them is lost.
    """

    harness: JournalHarness
    left: int | None = None
    deaf: bool = False

    def __post_init__(self) -> None:
        self.journal = self.harness.journals[1]
        engine = self.journal._database.engine
        self._connect = engine.pool.connect
        self._error = engine.dialect.loaded_dbapi.OperationalError("server closed the connection unexpectedly")
        self._error.sqlite_errorname = "SQLITE_BUSY"

    def connect(self) -> Any:
        if self.left == 0:
            raise self._error
        return HookedConnection(self._connect(), self.commit)

    def commit(self, connection: PoolProxiedConnection) -> None:
        if self.left == 0:
            raise self._error
        connection.commit()
        self.left = None if self.left is None else self.left - 1
        if self.left == 0 and self.deaf:
            raise self._error


class SpoolMachine(RuleBasedStateMachine):
    """`home` is a run whose line to the database is cut now and then; others are elsewhere and have a line always.

    view: the study as home knows it. kept: what its spool holds; arrived: how many of these the database has.
    passed: somebody else has written since the first of them.
    """

    def __init__(self, harness: JournalHarness, line: Line, folder: Path):
        super().__init__()
        self.harness, self.line, self.model, self.view = harness, line, Model(), Model()
        line.left = None
        harness.studies += 1
        self.study = harness.journals[0].create(f"study {harness.studies}", {}, {}, at=0)
        self.path = folder / str(harness.studies) / "spool.jsonl"
        self.home: SpoolingWriter | None = None
        self.token = self.turn = self.arrived = 0
        self.kept: list[Batch] = []
        self.passed = False
        self.notes: list[str] = []
        self.refused: dict[Path, str] = {}

    def is_there(self) -> bool:
        return self.home is not None and self.line.left is None

    def is_cut_off(self) -> bool:
        return self.home is not None and self.line.left == 0

    def has_ended(self) -> bool:
        return self.home is None

    def is_followed(self) -> bool:
        return self.token != self.model.token

    # Home ───────────────────────────────────────────────────────────────────────────────────────

    @initialize(plan=plans)
    def begin(self, plan: Plan) -> None:
        self.go_on("well")
        self.write(plan)

    @precondition(is_there)
    @rule(plan=plans)
    def write(self, plan: Plan) -> None:
        batch = self.batch(plan, self.view)
        assert self.home is not None
        if self.is_followed():
            with pytest.raises(LeaseLost):
                self.home.write(batch)
            self.end()
            return
        self.home.write(batch)
        self.view.write(batch)
        self._arrives(batch)

    @precondition(is_there)
    @rule(several=st.lists(plans, min_size=1, max_size=3), arrives=st.booleans())
    def lose_the_database(self, several: list[Plan], arrives: bool) -> None:
        """As a batch is written; that one may have come through."""
        if self.is_followed():
            return
        self._cut(1 if arrives else 0)
        for plan in several:
            self.keep(plan)
        if arrives:
            self._arrives(self.kept[0])
            self.arrived = 1

    @precondition(is_cut_off)
    @rule(plan=plans)
    def keep(self, plan: Plan) -> None:
        """Also where somebody else has the study by now, of which home cannot know."""
        batch = self.batch(plan, self.view)
        assert self.home is not None
        self.home.write(batch)
        self.view.write(batch)
        self.kept.append(batch)

    @precondition(is_cut_off)
    @rule(commits=st.integers(1, 4), deaf=st.booleans())
    def have_it_back_for_a_moment(self, commits: int, deaf: bool) -> None:
        """For so many transactions. The last of all is a sign of life; where its answer comes, home has caught up."""
        if self.is_followed():
            return
        lost, wanted = self.kept[self.arrived :], len(self.kept) - self.arrived + 1
        self._cut(commits, deaf)
        until(lambda: self.line.left == 0 or self._caught_up())
        for batch in lost[:commits]:
            self._arrives(batch)
        self.arrived += len(lost[:commits])
        if commits > wanted or (commits == wanted and not deaf):
            self._join()
            self._has_nothing_kept()
        self.line.left = None if self._caught_up() else 0

    @precondition(is_cut_off)
    @rule()
    def have_it_back(self) -> None:
        self.line.left = None
        self._join()
        if self.is_followed():
            assert self.home is not None
            with pytest.raises(LeaseLost):
                self.home.renew()
            self.end()
            return
        for batch in self.kept[self.arrived :]:
            self._arrives(batch)
        self._has_nothing_kept()

    @precondition(is_cut_off)
    @rule(torn=st.integers(0, 40))
    def be_killed(self, torn: int) -> None:
        """Perhaps as it was writing a line, of which nothing can have been acted on."""
        self.end()
        if torn and self.kept:
            with self.path.open("ab") as file:
                file.write(self.path.read_bytes()[:torn])

    def end(self) -> None:
        assert self.home is not None
        self.home._closing.set()
        self._join()
        self.home._spool.close()
        self.home._writer.close()
        self.home, self.line.left = None, None
        if self.model.holder is not None and not self.is_followed():
            self.model.holder.alive = False
            self.harness.execute(leases.update().where(leases.c.study_id == self.study.id).values(pid=DEAD_PID))

    # The next run ───────────────────────────────────────────────────────────────────────────────

    @precondition(has_ended)
    @rule(how=st.sampled_from(["well", "well", "cut off", "unheard"]))
    def go_on(self, how: str) -> None:
        """With what the one before has left; the database may go away once more as that is brought over."""
        owner = self.harness.other_owner(0)
        lease = self.line.journal.acquire(self.study.id, owner, TTL)
        assert lease.token == self.model.take(
            Holder(owner.uid, owner.pid, Machine(owner.boot, owner.space), TTL), self.harness.clocks
        )
        self.token, spool = lease.token, Spool(self.path)
        if how == "well" or not self.brings():
            self._check_note(recover(self.line.journal, lease, LOSS, spool))
            writer = self.line.journal.writer(lease, LOSS)
            self.home = SpoolingWriter(writer, spool, lease.token, 60.0, self.notes.append)
            self.view = deepcopy(self.model)
            return
        self._cut(1 if how == "unheard" else 0)
        with pytest.raises(JournalUnavailable):
            recover(self.line.journal, lease, LOSS, spool)
        if how == "unheard":
            self._merge()
            self.passed = True
        self.line.left = None
        assert self.model.holder is not None
        self.model.holder.alive = False
        self.harness.execute(leases.update().where(leases.c.study_id == self.study.id).values(pid=DEAD_PID))

    def brings(self) -> bool:
        """Something is to be written."""
        return not self.passed and self.arrived < len(self.kept)

    def _check_note(self, note: str) -> None:
        recorded = {(number, report.at) for (number, _), (_, report) in self.model.points.items()}
        reports = joined(self.kept).reports
        missing = [number for number, report in reports if (number, report.at) not in recorded]
        if self.kept and not self.passed:
            left = len(self.kept) - self.arrived
            expected = f"written to the journal: {many(left, 'update')} of an earlier run" if left else ""
            assert note.startswith(expected)
            assert bool(note) == bool(left)
            self._merge()
        elif missing:
            assert note.startswith(f"not written to the journal: {many(len(missing), 'report')} of an earlier run, ")
            self.refused[Path(note.rpartition("; now in ")[2])] = exact_repr(reports)
        else:
            assert note == ""
        self._has_nothing_kept()

    def _merge(self) -> None:
        """In one transaction."""
        if self.arrived < len(self.kept):
            self._arrives(joined(self.kept[self.arrived :]))
        self.arrived = len(self.kept)

    # Elsewhere ──────────────────────────────────────────────────────────────────────────────────

    @precondition(lambda self: not self.is_there() and not self.is_followed())
    @rule(plan=plans, writes=st.booleans())
    def be_followed(self, plan: Plan, writes: bool) -> None:
        """When home has been silent for long."""
        journal, owner = self.harness.journals[0], self.harness.other_owner(2)
        self.harness.clocks.wall += TTL
        self.harness.set_clock()
        lease = journal.acquire(self.study.id, owner, TTL)
        self.model.take(Holder(owner.uid, owner.pid, Machine(owner.boot, owner.space), TTL), self.harness.clocks)
        if writes:
            writer, batch = journal.writer(lease, LOSS), self.batch(plan, self.model)
            writer.write(batch)
            writer.close()
            self._arrives(batch)
            self.passed = bool(self.kept)
        journal.release(lease)
        self.model.holder = None

    # What holds after every step ────────────────────────────────────────────────────────────────

    @invariant()
    def agrees(self) -> None:
        journal = self.harness.journals[0]
        assert exact_repr(journal.changes(self.study.id, 0, EVERYTHING)) == exact_repr(
            self.model.changes(0, EVERYTHING)
        )
        assert exact_repr(journal.trials(self.study.id)) == exact_repr(self.model.trials())
        assert exact_repr(journal.summary(self.study.id)) == exact_repr(self.model.summary())

    @invariant()
    def keeps_the_rest(self) -> None:
        kept = Spool(self.path).read()
        assert len(kept) == len(self.kept)
        assert exact_repr(joined(one.batch for one in kept).reports) == exact_repr(joined(self.kept).reports)
        assert self.path.exists() is bool(self.kept)
        for aside, reports in self.refused.items():
            assert exact_repr(joined(one.batch for one in Spool(aside).read()).reports) == reports

    def teardown(self) -> None:
        """Nothing that was reported as kept is lost without a note."""
        if self.home is not None:
            self.end()
        self.go_on("well")
        self.agrees()
        self.end()

    # Besides ────────────────────────────────────────────────────────────────────────────────────

    def batch(self, plan: Plan, view: Model) -> Batch:
        self.turn += 1
        return batch_of(plan, {trial.number: trial for trial in view.trials()}, self.turn)

    def _arrives(self, batch: Batch) -> None:
        self.model.write(batch)

    def _has_nothing_kept(self) -> None:
        self.kept, self.arrived, self.passed = [], 0, False

    def _cut(self, left: int, deaf: bool = True) -> None:
        self.line.left, self.line.deaf = left, deaf

    def _caught_up(self) -> bool:
        return self.home is not None and self.home._outage is None

    def _join(self) -> None:
        assert self.home is not None
        if self.home._thread is not None:
            self.home._thread.join(20)
            assert not self.home._thread.is_alive()


def joined(batches: Iterable[Batch]) -> Batch:
    """All of them, one after the other."""
    trials, reports, decisions = [], [], []
    for batch in batches:
        trials += batch.trials
        reports += batch.reports
        decisions += batch.decisions
    return Batch(trials, reports, decisions)


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.0005)


def check(url: str, folder: Path, how: settings) -> None:
    with harness(url) as made, pytest.MonkeyPatch.context() as patch:
        line = Line(made)
        patch.setattr(line.journal._database.engine.pool, "connect", line.connect)
        patch.setattr("hpsearch.journal.spooling_writer.RETRY_INTERVAL", 0.005)
        run_machine(lambda: SpoolMachine(made, line, folder), settings=how)


def test_sqlite(tmp_path: Path) -> None:
    check(f"sqlite:///{tmp_path}/journal.db", tmp_path, SHORT)


@pytest.mark.slow
def test_postgresql(postgres_url: str, tmp_path: Path) -> None:
    check(postgres_url, tmp_path, settings(SHORT, max_examples=6))


@pytest.mark.chaos
@pytest.mark.timeout(3600)
def test_sqlite_for_long(tmp_path: Path) -> None:
    check(f"sqlite:///{tmp_path}/journal.db", tmp_path, LONG)


@pytest.mark.chaos
@pytest.mark.timeout(3600)
def test_postgresql_for_long(postgres_url: str, tmp_path: Path) -> None:
    check(postgres_url, tmp_path, LONG)
