"""Writes batches to a study: each in one transaction, once, and only while this process has the lease."""

import json
import time
from collections.abc import Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import PoolProxiedConnection

from hpsearch.core.decisions import Decision
from hpsearch.core.errors import JournalError, JournalUnavailable
from hpsearch.core.trial import Cause, Numbers, Objective, Report, State, Trial
from hpsearch.journal import lease as fencing
from hpsearch.journal import postgres, sqlite
from hpsearch.journal.database import Database
from hpsearch.journal.lease import Lease, boot_clock
from hpsearch.journal.records import Judge, TrainingSegment, decision_row, report_row, segment_rows, trial_row
from hpsearch.journal.schema import decisions, environments, leases, reports, segments, studies, trials

Rows = dict[str, list[dict[str, Any]]]
"""Statement name -> its parameters, in the order of execution."""


@dataclass(frozen=True)
class Batch:
    """Decisions and reports of the loop, written before the loop acts on them.

    reports: (trial number, report); the trial, with the report in its curve, is in `trials`.
    study_state: with study_cause and study_cause_numbers; None: unchanged.
    caller: the uid of the program that trains the RUNNING trials of the batch, if several programs train together.
    segments: of trials in this or an earlier batch; a segment replaces an earlier one from the same epoch.
    """

    trials: Sequence[Trial] = ()
    reports: Sequence[tuple[int, Report]] = ()
    decisions: Sequence[Decision] = ()
    study_state: str | None = None
    segments: Sequence[TrainingSegment] = ()
    study_cause: Cause | None = None
    study_cause_numbers: Numbers = field(default_factory=dict)
    caller: str | None = None

    def __bool__(self) -> bool:
        return bool(self.trials or self.reports or self.decisions or self.study_state or self.segments)


class Writer:
    """Created by `Journal.writer`; for one thread at a time. It has its own connection until it is closed.

    asked_to_stop: whether `hpsearch stop` was called for this run; read with every renewal of the lease.
    patience: seconds to wait for another process's lock on a SQLite file; set it before the first write.

    Writes are on the loop's hot path, so the statements are compiled once and passed to the driver directly.
    """

    def __init__(self, database: Database, lease: Lease, objective: Objective):
        self._database, self._is_file = database, database.path is not None
        self._lease = lease
        self._judge = Judge(objective)
        self._sql = _statements(database)
        self._connection: PoolProxiedConnection | None = None
        self._unconfirmed: Batch | None = None
        self._began = self._beat = time.monotonic()
        self.asked_to_stop = False
        self.patience = sqlite.BUSY_TIMEOUT
        self.revision, self._spent_before = self._recorded()

    @property
    def spent(self) -> float:
        """Seconds of wall clock of all runs of the study, this one included."""
        return self._spent_before + time.monotonic() - self._began

    def write(self, batch: Batch) -> None:
        """Write the batch in one transaction, which also renews the lease. An empty batch writes nothing.

        JournalError: the database is unreachable (JournalUnavailable) or full. The same batch can be written again: it
        is recorded once, also if the first attempt was committed and its reply was lost.
        LeaseLost: another process has taken over the study. ValueError: a report is already recorded, or its trial is
        not.
        """
        if not batch or (self._unconfirmed is not None and self._was_committed(batch)):
            return
        self._unconfirmed = batch
        rows = self._rows(batch, self.revision + 1)
        self._transact({"before": self.revision, "after": self.revision + 1}, rows)
        self._unconfirmed = None
        self.revision += 1

    def renew(self, after: float | None = None) -> None:
        """Renew the lease if the last renewal is `after` seconds old, by default a fifth of its time to live.

        Errors as in `write`.
        """
        if time.monotonic() - self._beat >= (self._lease.ttl / 5 if after is None else after):
            self._transact({}, {})

    def close(self) -> None:
        """Close the connection, which rolls back; the next write opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()

    def _was_committed(self, batch: Batch) -> bool:
        """Whether it is the batch whose reply was lost, and the journal has it."""
        before, (self.revision, _) = self.revision, self._recorded()
        unconfirmed, self._unconfirmed = self._unconfirmed, None
        return self.revision > before and batch == unconfirmed

    def _recorded(self) -> tuple[int, float]:
        """The study's revision, and the seconds spent in its runs. LeaseLost."""
        query = sa.select(leases.c.revision, leases.c.spent, leases.c.stop).where(fencing.is_ours(self._lease))
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
            if row is None:
                raise fencing.lost(connection, self._lease)
            self.asked_to_stop = row.stop == self._lease.token
            return int(row.revision), float(row.spent)

    def _rows(self, batch: Batch, revision: int) -> Rows:
        study = {"study_id": self._lease.study_id, "revision": revision}
        return {
            "trials": [
                {
                    **study,
                    **trial_row(trial),
                    **self._judge.judge(trial),
                    "caller": batch.caller if trial.state is State.RUNNING else None,
                }
                for trial in batch.trials
            ],
            "reports": [{**study, **report_row(number, report)} for number, report in batch.reports],
            "decisions": [{**study, **decision_row(place, one)} for place, one in enumerate(batch.decisions)],
            "state": [self._study_row(batch)] if batch.study_state else [],
            **segment_rows(self._lease.study_id, batch.segments),
        }

    def _study_row(self, batch: Batch) -> dict[str, Any]:
        return {
            "study": self._lease.study_id,
            "new": batch.study_state,
            "why": batch.study_cause and batch.study_cause.value,
            "numbers": json.dumps(dict(batch.study_cause_numbers)),
        }

    def _transact(self, span: Mapping[str, int], rows: Rows) -> None:
        """One transaction, from one revision to the next. With an empty `span` it only renews the lease."""
        try:
            connection = self._connection or self._connect()
            with nullcontext() if self._is_file else postgres.reply_timeout(connection.driver_connection):
                self._execute(connection, span, rows)
        except BaseException:
            self.close()
            with self._database.explaining():
                raise
        self._beat = time.monotonic()

    def _connect(self) -> PoolProxiedConnection:
        connection = self._connection = self._database.engine.raw_connection()
        if self._is_file:
            connection.cursor().execute(f"PRAGMA busy_timeout = {self.patience * 1000:.0f}")
        return connection

    def _execute(self, connection: PoolProxiedConnection, span: Mapping[str, int], rows: Rows) -> None:
        """The token is checked first, which locks the lease's row: no process can take over the study before the
        commit."""
        with closing(connection.cursor()) as cursor:  # with an open cursor SQLite keeps the lock of a closed file
            if self._is_file:
                cursor.execute("BEGIN IMMEDIATE")
            ours = {"study": self._lease.study_id, "ours": self._lease.token}
            alive = {**ours, "boot": boot_clock(), "spent": self.spent}
            cursor.execute(self._sql["fence" if span else "beat"], {**span, **alive})
            if (row := cursor.fetchone()) is None:
                raise self._outdated()
            for name, values in rows.items():
                if len(values) == 1:
                    cursor.execute(self._sql[name], values[0])
                elif values:
                    cursor.executemany(self._sql[name], values)
                    if not self._is_file:
                        postgres.restart_idle_timeout(cursor)
            connection.commit()
        self.asked_to_stop = row[0] == self._lease.token

    def _outdated(self) -> JournalError:
        """JournalUnavailable: an earlier attempt was committed after its timeout, which the next attempt detects.
        Raises LeaseLost."""
        recorded, _ = self._recorded()
        return JournalUnavailable(
            f"journal {self._database.where}: it has revision {recorded}, expected {self.revision}; try again"
        )


def _statements(database: Database) -> Mapping[str, str]:
    insert = database.insert(trials)
    changed = {column.key: insert.excluded[column.key] for column in trials.c if not column.primary_key}
    segment = database.insert(segments)
    anew = {name: segment.excluded[name] for name in ("environment", "data")}
    beat = (
        leases.update()
        .where(leases.c.study_id == sa.bindparam("study"), leases.c.token == sa.bindparam("ours"))
        .values(beat_wall=database.clock, beat_boot=sa.bindparam("boot"), spent=sa.bindparam("spent"))
        .returning(leases.c.stop)
    )
    statements: dict[str, sa.ClauseElement] = {
        "beat": beat,
        "fence": beat.where(leases.c.revision == sa.bindparam("before")).values(
            revision=sa.bindparam("after"), wrote=sa.bindparam("ours")
        ),
        "trials": insert.on_conflict_do_update(index_elements=["study_id", "number"], set_=changed),
        "reports": reports.insert(),
        "decisions": decisions.insert(),
        "environments": database.insert(environments).on_conflict_do_nothing(),
        "segments": segment.on_conflict_do_update(index_elements=["study_id", "number", "after"], set_=anew),
        "state": studies.update()
        .where(studies.c.id == sa.bindparam("study"))
        .values(state=sa.bindparam("new"), cause=sa.bindparam("why"), cause_numbers=sa.bindparam("numbers")),
    }
    return {name: str(statement.compile(dialect=database.engine.dialect)) for name, statement in statements.items()}
