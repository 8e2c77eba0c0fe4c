"""The one that writes to a study: every batch whole or not at all, once, and only while the lease is ours."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import PoolProxiedConnection

from hpsearch.errors import JournalError
from hpsearch.journal import fence
from hpsearch.journal.database import Database
from hpsearch.journal.lease import Lease, boot_clock
from hpsearch.journal.rows import Judge, decision_row, report_row, trial_row
from hpsearch.journal.schema import decisions, leases, reports, studies, trials
from hpsearch.trial import Decision, Objective, Report, Trial

Rows = dict[str, list[dict[str, Any]]]
"""Statement -> what it is executed with, in this order."""


@dataclass(frozen=True)
class Batch:
    """What the loop has decided or heard, to be written before it is acted on.

    reports: (trial number, report); the trial, with the report on its curve, is among `trials`.
    study_state: None leaves it as it is.
    """

    trials: Sequence[Trial] = ()
    reports: Sequence[tuple[int, Report]] = ()
    decisions: Sequence[Decision] = ()
    study_state: str | None = None

    def __bool__(self) -> bool:
        return bool(self.trials or self.reports or self.decisions or self.study_state)


class Writer:
    """Made by `Journal.writer`; for one thread. It keeps a connection of its own until it is closed.

    To write is on the loop's hot path: the statements are compiled once and go to the driver as they are.
    """

    def __init__(self, database: Database, lease: Lease, objective: Objective):
        self._database = database
        self._lease = lease
        self._judge = Judge(objective)
        self._sql = _statements(database)
        self._connection: PoolProxiedConnection | None = None
        self._unsure: Batch | None = None
        self._beat = time.monotonic()
        self._revision = self._recorded()

    def write(self, batch: Batch) -> None:
        """All of it in one transaction, which also shows a sign of life. An empty batch writes nothing.

        JournalError: the database is away, or full. Try the same batch again until it works: it is written once, also
        where the first try had arrived and only the answer was lost.
        LeaseLost: another process has taken the study over. ValueError: something of it is recorded already, or is
        of a trial that is not.
        """
        if not batch or (self._unsure is not None and self._has_arrived(batch)):
            return
        self._unsure = batch
        try:
            with self._database.explaining():
                self._transact(self._rows(batch, self._revision + 1))
        except BaseException:
            self.close()
            raise
        self._unsure = None
        self._revision += 1
        self._beat = time.monotonic()

    def renew(self) -> None:
        """Show a sign of life where the last is a fifth of the lease's time ago. Errors as in `write`."""
        if time.monotonic() - self._beat >= self._lease.ttl / 5:
            with self._database.write() as connection:
                fence.renew(connection, self._database.clock, self._lease)
            self._beat = time.monotonic()

    def close(self) -> None:
        """Give the connection up, and with it what is not committed; the next write opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()

    def _has_arrived(self, batch: Batch) -> bool:
        """Whether it is the one whose answer was lost, and is in the journal."""
        before, self._revision = self._revision, self._recorded()
        unsure, self._unsure = self._unsure, None
        return self._revision > before and batch == unsure

    def _recorded(self) -> int:
        """The revision that the journal is at. LeaseLost."""
        with self._database.read() as connection:
            revision = connection.execute(sa.select(leases.c.revision).where(fence.is_ours(self._lease))).scalar()
            if revision is None:
                raise fence.lost(connection, self._lease)
            return int(revision)

    def _rows(self, batch: Batch, revision: int) -> Rows:
        study = {"study_id": self._lease.study_id, "revision": revision}
        return {
            "trials": [{**study, **trial_row(trial), **self._judge.judge(trial)} for trial in batch.trials],
            "reports": [{**study, **report_row(number, report)} for number, report in batch.reports],
            "decisions": [{**study, **decision_row(place, one)} for place, one in enumerate(batch.decisions)],
            "state": [{"study": self._lease.study_id, "new": batch.study_state}] if batch.study_state else [],
        }

    def _transact(self, rows: Rows) -> None:
        """The fence first: it locks the lease's row, so nobody can take the study over before the commit."""
        if self._connection is None:
            self._connection = self._database.engine.raw_connection()
        cursor = self._connection.cursor()
        if self._database.path is not None:
            cursor.execute("BEGIN IMMEDIATE")
        span = {"before": self._revision, "after": self._revision + 1}
        beat = {"study": self._lease.study_id, "ours": self._lease.token, "boot": boot_clock()}
        cursor.execute(self._sql["fence"], {**span, **beat})
        if cursor.rowcount != 1:
            raise self._outdated()
        for name, values in rows.items():
            if values:
                cursor.executemany(self._sql[name], values)
        self._connection.commit()

    def _outdated(self) -> JournalError:
        """LeaseLost, or else an earlier try that was given up has arrived after all: the next try will see it."""
        recorded = self._recorded()
        return JournalError(
            f"journal {self._database.where}: at revision {recorded} and not {self._revision}; try again"
        )


def _statements(database: Database) -> Mapping[str, str]:
    insert = database.insert(trials)
    changed = {column.name: insert.excluded[column.name] for column in trials.c if not column.primary_key}
    statements: dict[str, sa.ClauseElement] = {
        "fence": leases.update()
        .where(leases.c.study_id == sa.bindparam("study"), leases.c.token == sa.bindparam("ours"))
        .where(leases.c.revision == sa.bindparam("before"))
        .values(revision=sa.bindparam("after"), beat_wall=database.clock, beat_boot=sa.bindparam("boot")),
        "trials": insert.on_conflict_do_update(index_elements=["study_id", "number"], set_=changed),
        "reports": reports.insert(),
        "decisions": decisions.insert(),
        "state": studies.update().where(studies.c.id == sa.bindparam("study")).values(state=sa.bindparam("new")),
    }
    return {name: str(statement.compile(dialect=database.engine.dialect)) for name, statement in statements.items()}
