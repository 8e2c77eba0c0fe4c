"""What the state machine of the journal is built on: a database with clocks that tests set, runs, and batches."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import strategies as st
from sqlalchemy.pool import PoolProxiedConnection

from hpsearch.core.decisions import Decision
from hpsearch.core.trial import Cause, Report, State, Trial
from hpsearch.journal import Batch, Journal, Lease, Owner, Writer, writer
from hpsearch.journal import lease as fencing
from hpsearch.journal.database import Database
from tests.contracts.journal_helpers import LOSS
from tests.journal.model import Clocks, Machine

TTL = 15.0
Commit = Callable[[PoolProxiedConnection], None]


@dataclass
class JournalHarness:
    """A database that two processes have opened. places: this process, one in a container beside it, one elsewhere."""

    journals: tuple[Journal, Journal]
    clocks: Clocks = field(default_factory=Clocks)
    studies: int = 0

    @property
    def database(self) -> Database:
        return self.journals[0]._database

    def other_owner(self, place: int) -> Owner:
        """A new process of that place. Its pid is this one's, so whoever may look finds it alive."""
        here = Owner.current()
        places = [here, replace(here, space="pid:[1]"), replace(here, boot="another")]
        return replace(places[place], uid=uuid.uuid4().hex)

    def set_clock(self) -> None:
        self.execute(sa.text("UPDATE test_clock SET wall = :wall").bindparams(wall=self.clocks.wall))

    def execute(self, statement: sa.Executable) -> None:
        with self.database.write() as connection:
            connection.execute(statement)

    def rows(self, table: sa.Table, study_id: int) -> list[sa.Row[Any]]:
        with self.database.read() as connection:
            return list(connection.execute(sa.select(table).where(table.c.study_id == study_id)))


@contextmanager
def harness(url: str) -> Iterator[JournalHarness]:
    """The clock of the database is a row in it, and that of the machine a number."""
    with Journal.open(url) as first, Journal.open(url) as second, pytest.MonkeyPatch.context() as patch:
        made = JournalHarness((first, second))
        made.execute(sa.text("CREATE TABLE test_clock (wall DOUBLE PRECISION)"))
        made.execute(sa.text("INSERT INTO test_clock VALUES (:wall)").bindparams(wall=made.clocks.wall))
        clock = sa.literal_column("(SELECT wall FROM test_clock)", sa.Double)
        patch.setattr(Database, "clock", property(lambda _: clock))
        for module in (fencing, writer):
            patch.setattr(module, "boot_clock", lambda: made.clocks.boot)
        yield made


@dataclass
class Run:
    """One that has taken the study. unsure: the batch that it must try again; arrived: though it is there."""

    owner: Owner
    journal: Journal
    lease: Lease
    unsure: Batch | None = None
    arrived: bool = False

    def __post_init__(self) -> None:
        self.writer = self.journal.writer(self.lease, LOSS)

    @property
    def machine(self) -> Machine:
        return Machine(self.owner.boot, self.owner.space)

    @contextmanager
    def hooked(self, commit: Commit) -> Iterator[Writer]:
        """Its writer, which commits so."""
        engine = self.journal._database.engine
        connect = engine.raw_connection
        self.writer.close()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(engine, "raw_connection", lambda: HookedConnection(connect(), commit))
            yield self.writer
        self.writer.close()


@dataclass
class HookedConnection:
    """A connection whose commit is what a test makes of it."""

    connection: PoolProxiedConnection
    how: Commit

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)

    def commit(self) -> None:
        self.how(self.connection)


# What the loop might write ───────────────────────────────────────────────────────────────────────

NAN, INF = float("nan"), float("inf")

MOVES: dict[State, tuple[tuple[State, str, Cause | None], ...]] = {
    State.WAITING: ((State.RUNNING, "started", None),),
    State.PAUSED: ((State.RUNNING, "continued", None),),
    State.RUNNING: (
        (State.RUNNING, "", None),
        (State.PAUSED, "as far as its round goes", Cause.DONE),
        (State.COMPLETE, "trained all epochs", Cause.DONE),
        (State.PRUNED, "lost against the others", Cause.PRUNED),
        (State.PRUNED, "its loss is nan", Cause.DIVERGED),
        (State.FAILED, "its trainer raised", Cause.TRAINER_RAISED),
        (State.WAITING, "its worker vanished", Cause.WORKER_LOST),
    ),
}
"""What may become of a trial. The others are finished and never change."""

losses = st.lists(st.sampled_from([0.5, 0.25, 3.0, 1e308, NAN, INF, -INF]), max_size=3)
plans = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 6), losses), min_size=1, max_size=5)
"""One move each: of which trial (beyond the last: a new one), to what, and with which reports."""

Plan = list[tuple[int, int, list[float]]]


def batch_of(plan: Plan, now: dict[int, Trial], turn: int) -> Batch:
    """What the loop might write in this turn: each trial moves once at most."""
    moved = dict[int, Trial]()
    fresh: list[tuple[int, Report]] = []
    log = [Decision("turn", f"number {turn}", at=turn)]
    for which, move, values in plan:
        number = which if which in now else len(now | moved)
        trial = now.get(number) or Trial(number, {"lr": 0.1 * number}, seed=number, until=9, proposed_at=turn)
        if number in moved or trial.state not in MOVES:
            continue
        state, reason, cause = MOVES[trial.state][move % len(MOVES[trial.state])]
        reported = values if trial.state is State.RUNNING else []
        news = [Report(trial.epoch + i, {"loss": value, "other": NAN}, turn) for i, value in enumerate(reported, 1)]
        curve, busy = (*trial.curve, *news), trial.busy + 0.25 * len(news)
        why: dict[str, Any] = {"reason": reason, "cause": cause, "cause_numbers": {"epoch": trial.epoch, "p": 0.1}}
        why["exception"] = "ValueError" if state is State.FAILED else ""
        moved[number] = replace(trial, state=state, busy=busy, curve=curve, **why)
        fresh += [(number, report) for report in news]
        log.append(Decision(state.lower(), reason, number, moved[number].epoch, turn))
    return Batch(list(moved.values()), fresh, log)
