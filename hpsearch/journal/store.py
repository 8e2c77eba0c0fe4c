"""The truth about every study: what is proposed, reported or decided is written here before it is acted on."""

import json
from collections.abc import Mapping
from types import TracebackType
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from hpsearch import __version__
from hpsearch.core.decisions import Decision
from hpsearch.core.errors import NotFound
from hpsearch.core.format import json_text
from hpsearch.core.trial import Objective, Trial
from hpsearch.journal import fence, queries
from hpsearch.journal.database import Database
from hpsearch.journal.lease import Lease, Owner
from hpsearch.journal.migrate import make_ready
from hpsearch.journal.records import Changes, LastWrite, StudyRecord, Summary, TrainingSegment
from hpsearch.journal.rows import storable
from hpsearch.journal.schema import cursors, decisions, documents, environments, leases, segments, studies, trials
from hpsearch.journal.writer import Writer

LEASE_SECONDS = 15.0
"""After so long a silence a study may be taken over from a process that cannot be seen to be dead."""


class Journal:
    """Anybody may read, from any thread or process, at any time. To write to a study takes its lease.

    Every method raises JournalError where the database is away, full, damaged or may not be written.
    """

    def __init__(self, database: Database):
        self._database = database

    @classmethod
    def open(cls, url: str, *, create: bool = True) -> "Journal":
        """Open `sqlite:///FILE` or `postgresql://…`, and with `create` make what is not there.

        NotFound: there is none (create=False). BadInput: no such kind of database, or one of another version.
        """
        database = Database(url, create=create)
        try:
            make_ready(database, create=create)
        except BaseException:
            database.close()
            raise
        return cls(database)

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> "Journal":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Journal({self._database.where!r})"

    # Studies ────────────────────────────────────────────────────────────────────────────────────

    def studies(self) -> list[StudyRecord]:
        """The oldest first."""
        with self._database.read() as connection:
            return queries.all_studies(connection)

    def find(self, name: str) -> StudyRecord | None:
        with self._database.read() as connection:
            return next(iter(queries.all_studies(connection, name)), None)

    def create(
        self,
        name: str,
        spec: Mapping[str, Any],
        identity: Mapping[str, Any],
        at: int,
        forked_from: str | None = None,
        uid: str | None = None,
    ) -> StudyRecord:
        """The study of that name: a new one, or the one that is there, which may differ in all the rest."""
        row = {
            "uid": uid or uuid4().hex,
            "name": storable(name),
            "spec": json.dumps(dict(spec)),
            "identity": json.dumps(dict(identity)),
            "state": "NEW",
            "forked_from": forked_from,
            "created_at": at,
            "hpsearch_version": __version__,
        }
        with self._database.write() as connection:
            connection.execute(self._database.insert(studies).values(row).on_conflict_do_nothing())
            (study,) = queries.all_studies(connection, name)
            lease = {"study_id": study.id, "token": 0, "revision": 0, "spent": 0.0}
            connection.execute(self._database.insert(leases).values(lease).on_conflict_do_nothing())
        return study

    def respec(self, lease: Lease, spec: Mapping[str, Any]) -> None:
        """Record a changed study file, such as a larger budget. LeaseLost."""
        with self._database.write() as connection:
            fence.renew(connection, self._database.clock, lease)
            changed = studies.update().where(studies.c.id == lease.study_id)
            connection.execute(changed.values(spec=json.dumps(dict(spec)), hpsearch_version=__version__))

    def forget(self, lease: Lease) -> None:
        """Erase a study in which nothing was reported yet. LeaseLost; ValueError for one with reports."""
        with self._database.write() as connection:
            fence.renew(connection, self._database.clock, lease)
            for table in (decisions, segments, environments, trials, cursors, documents, leases):
                connection.execute(table.delete().where(table.c.study_id == lease.study_id))
            connection.execute(studies.delete().where(studies.c.id == lease.study_id))

    # Before the first trial ─────────────────────────────────────────────────────────────────────

    def put_document(self, lease: Lease, kind: str, document: Mapping[str, Any], at: int) -> None:
        """Record what was measured; in place of what was measured of that kind before. LeaseLost."""
        row = {"document": json_text(document), "at": at}
        put = self._database.insert(documents).values(study_id=lease.study_id, kind=kind, **row)
        with self._database.write() as connection:
            fence.renew(connection, self._database.clock, lease)
            connection.execute(put.on_conflict_do_update(index_elements=["study_id", "kind"], set_=row))

    def documents(self, study_id: int) -> dict[str, Any]:
        """What was measured, by its kind."""
        query = sa.select(documents.c.kind, documents.c.document).where(documents.c.study_id == study_id)
        with self._database.read() as connection:
            return {row.kind: json.loads(row.document) for row in connection.execute(query.order_by(documents.c.kind))}

    # What is in them ────────────────────────────────────────────────────────────────────────────

    def trials(self, study_id: int) -> list[Trial]:
        """With their curves, by number."""
        with self._database.read() as connection:
            return queries.whole_trials(connection, study_id)

    def trial(self, study_id: int, number: int) -> Trial:
        """With its curve. NotFound."""
        with self._database.read() as connection:
            for trial in queries.whole_trials(connection, study_id, number):
                return trial
        raise NotFound(f"the study has no trial {number}")

    def summary(self, study_id: int) -> Summary:
        """Without a look at any curve, so quick for a study of any size."""
        with self._database.read() as connection:
            return queries.summary(connection, study_id)

    def decisions(self, study_id: int, number: int | None = None) -> list[Decision]:
        """Those about a study, or about one of its trials, in the order they were taken."""
        with self._database.read() as connection:
            return queries.decisions_of(connection, study_id, number)

    def segments(self, study_id: int, number: int | None = None) -> list[TrainingSegment]:
        """Where the trials of a study, or one of them, were trained and on what, by trial and epoch."""
        with self._database.read() as connection:
            return queries.segments_of(connection, study_id, number)

    # What is new ────────────────────────────────────────────────────────────────────────────────

    def changes(self, study_id: int, since: int, limit_reports: int = 5000) -> Changes:
        """What was written after revision `since`: whole batches, up to about `limit_reports` reports.

        To catch up, go on from the revision that comes back until it is the one that was given.
        """
        with self._database.read() as connection:
            return queries.changes(connection, study_id, since, limit_reports)

    def cursor(self, study_id: int, target: str) -> int:
        """The revision that a tracker has reached at its target, such as a server's address; 0 at first."""
        own = (cursors.c.study_id == study_id) & (cursors.c.target == target)
        with self._database.read() as connection:
            return connection.execute(sa.select(cursors.c.revision).where(own)).scalar() or 0

    def set_cursor(self, study_id: int, target: str, revision: int) -> None:
        row = self._database.insert(cursors).values(study_id=study_id, target=target, revision=revision)
        put = row.on_conflict_do_update(index_elements=["study_id", "target"], set_={"revision": revision})
        with self._database.write() as connection:
            connection.execute(put)

    # Who writes ─────────────────────────────────────────────────────────────────────────────────

    def acquire(self, study_id: int, owner: Owner, ttl: float = LEASE_SECONDS) -> Lease:
        """The right to write. StudyBusy while somebody else has it who is not known to be dead, or silent for `ttl`."""
        with self._database.write() as connection:
            fence.settle(connection, self._database.clock, study_id)
        with self._database.write() as connection:
            return fence.acquire(connection, self._database.clock, study_id, owner, ttl)

    def holder(self, study_id: int) -> str | None:
        """Who runs the study, for a person to read; None where nobody does who may still live."""
        with self._database.read() as connection:
            return fence.holder(connection, self._database.clock, study_id, Owner.current())

    def renew(self, lease: Lease) -> None:
        """Show a sign of life. LeaseLost. Does not wait long for a file that is locked: it can be tried again."""
        with self._database.write(patience=2.0) as connection:
            fence.renew(connection, self._database.clock, lease)

    def release(self, lease: Lease) -> None:
        """Let the next one in at once; without effect where the lease is lost. Does not wait long: it would expire."""
        with self._database.write(patience=2.0) as connection:
            fence.release(connection, lease)

    def ask_to_stop(self, study_id: int) -> None:
        """Leave a note for the run that holds the study, which finds it within seconds (`Writer.asked_to_stop`)."""
        with self._database.write() as connection:
            fence.ask_to_stop(connection, study_id)

    def last_write(self, study_id: int) -> LastWrite:
        query = sa.select(leases.c.revision, leases.c.wrote).where(leases.c.study_id == study_id)
        with self._database.read() as connection:
            row = connection.execute(query).one()
            return LastWrite(row.revision, row.wrote or 0)

    def spent(self, study_id: int) -> float:
        """Seconds of wall clock that all runs of the study have taken so far."""
        query = sa.select(leases.c.spent).where(leases.c.study_id == study_id)
        with self._database.read() as connection:
            return float(connection.execute(query).scalar_one())

    def writer(self, lease: Lease, objective: Objective) -> Writer:
        """The lease's one writer. LeaseLost."""
        return Writer(self._database, lease, objective)
