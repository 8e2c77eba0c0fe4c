"""The journal of all studies: proposals, reports and decisions are written here before the loop acts on them."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hpsearch import __version__
from hpsearch.core.decisions import Decision
from hpsearch.core.errors import InfrastructureError, NotFound
from hpsearch.core.format import json_text
from hpsearch.core.time_left import Cost
from hpsearch.core.trial import Objective, Report, State, Trial
from hpsearch.journal import callers, schema
from hpsearch.journal import lease as fencing
from hpsearch.journal.callers import Callers
from hpsearch.journal.database import Database
from hpsearch.journal.lease import Heartbeat, Lease, Owner
from hpsearch.journal.migrate import ensure_schema
from hpsearch.journal.records import (
    TRIAL,
    Changes,
    Environment,
    StudyRecord,
    Summary,
    TrainingSegment,
    drops_failed,
    report_of,
    storable,
    study_of,
    trial_of,
)
from hpsearch.journal.schema import (
    cursors,
    decisions,
    documents,
    environments,
    leases,
    reports,
    segments,
    studies,
    trials,
)
from hpsearch.journal.writer import Writer

LEASE_SECONDS = 15.0
"""The time to live of a lease: after this many seconds without a renewal, another process may take over the study."""


class Journal:
    """Any thread or process may read at any time. A write to a study needs its lease.

    Every method raises JournalError if the database is unreachable, full, damaged or read-only.
    """

    def __init__(self, database: Database):
        self._database = database

    @classmethod
    def open(cls, url: str, *, create: bool = True) -> "Journal":
        """Open `sqlite:///FILE` or `postgresql://…`; create: create a journal that does not exist.

        NotFound: it does not exist (create=False). BadInput: another kind of database, or another schema version.
        """
        database = Database(url, create=create)
        try:
            ensure_schema(database, create=create)
        except BaseException:
            database.close()
            raise
        return cls(database)

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Journal({self._database.where!r})"

    # Studies ────────────────────────────────────────────────────────────────────────────────────

    def studies(self) -> list[StudyRecord]:
        """The oldest first."""
        with self._database.read() as connection:
            return all_studies(connection)

    def find(self, name: str) -> StudyRecord | None:
        with self._database.read() as connection:
            return next(iter(all_studies(connection, name)), None)

    def create(
        self,
        name: str,
        spec: Mapping[str, Any],
        identity: Mapping[str, Any],
        at: int,
        forked_from: str | None = None,
        uid: str | None = None,
    ) -> StudyRecord:
        """The study of that name: a new one, or the existing one, whose other values may differ."""
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
            (study,) = all_studies(connection, name)
            lease = {"study_id": study.id, "token": 0, "revision": 0, "spent": 0.0}
            connection.execute(self._database.insert(leases).values(lease).on_conflict_do_nothing())
        return study

    def update_spec(self, lease: Lease, spec: Mapping[str, Any], identity: Mapping[str, Any] | None = None) -> None:
        """Record a changed study file, such as a larger budget. identity: if it has changed too. LeaseLost."""
        changed = {"spec": spec} if identity is None else {"spec": spec, "identity": identity}
        values = {name: json.dumps(dict(own)) for name, own in changed.items()} | {"hpsearch_version": __version__}
        with self._database.write() as connection:
            fencing.renew(connection, self._database.clock, lease)
            connection.execute(studies.update().where(studies.c.id == lease.study_id).values(values))

    def delete_study(self, lease: Lease) -> None:
        """Delete a study that has no reports. LeaseLost; ValueError for one with reports."""
        with self._database.write() as connection:
            fencing.renew(connection, self._database.clock, lease)
            for table in (decisions, segments, environments, trials, cursors, documents, schema.callers, leases):
                connection.execute(table.delete().where(table.c.study_id == lease.study_id))
            connection.execute(studies.delete().where(studies.c.id == lease.study_id))

    # Before the first trial ─────────────────────────────────────────────────────────────────────

    def put_document(self, lease: Lease, kind: str, document: Mapping[str, Any], at: int) -> None:
        """Record a document. It replaces an earlier one of the same kind. LeaseLost."""
        row = {"document": json_text(document), "at": at}
        put = self._database.insert(documents).values(study_id=lease.study_id, kind=kind, **row)
        with self._database.write() as connection:
            fencing.renew(connection, self._database.clock, lease)
            connection.execute(put.on_conflict_do_update(index_elements=["study_id", "kind"], set_=row))

    def documents(self, study_id: int) -> dict[str, Any]:
        """Documents by kind."""
        query = sa.select(documents.c.kind, documents.c.document).where(documents.c.study_id == study_id)
        with self._database.read() as connection:
            return {row.kind: json.loads(row.document) for row in connection.execute(query.order_by(documents.c.kind))}

    # Trials and decisions ────────────────────────────────────────────────────────────────────────────

    def trials(self, study_id: int) -> list[Trial]:
        """The study's trials with their curves, by number."""
        with self._database.read() as connection:
            return whole_trials(connection, study_id)

    def trial(self, study_id: int, number: int) -> Trial:
        """One trial with its curve. NotFound."""
        with self._database.read() as connection:
            for trial in whole_trials(connection, study_id, number):
                return trial
        raise NotFound(f"the study has no trial {number}")

    def summary(self, study_id: int) -> Summary:
        """The progress of a study. It reads no curves, so it is fast for large studies."""
        own = trials.c.study_id == study_id
        unmet = sa.case((trials.c.value.is_not(None) & trials.c.loss.is_(None), 1), else_=0)
        sums = (trials.c.epoch + trials.c.retrained, trials.c.busy, unmet)
        totals = (sa.func.count(), *map(sa.func.sum, sums))
        fit = own & trials.c.loss.is_not(None) & (trials.c.superseded == 0)
        with self._database.read() as connection:
            counts = connection.execute(sa.select(trials.c.state, *totals).where(own).group_by(trials.c.state)).all()
            if drops_failed(connection.scalar(sa.select(studies.c.spec).where(studies.c.id == study_id))):
                fit &= trials.c.state != State.FAILED.value
            ranked = sa.select(*_BEST).where(fit).order_by(trials.c.loss, trials.c.number)
            best = connection.execute(ranked.limit(1)).one_or_none()
        return Summary.of(counts, best)

    def costs(self, study_id: int) -> list[Cost]:
        """The cost of each trial so far. It reads no curves."""
        c = trials.c
        query = sa.select(c.until + c.retrained, c.epoch + c.retrained, c.busy, c.state)
        with self._database.read() as connection:
            rows = connection.execute(query.where(c.study_id == study_id)).all()
        return [Cost.at(State(state), until, epoch, busy) for until, epoch, busy, state in rows]

    def decisions(self, study_id: int, number: int | None = None) -> list[Decision]:
        """The decisions about a study, or about one of its trials, in order."""
        with self._database.read() as connection:
            return _decisions(connection, _of(decisions, study_id, number))

    def count(self, study_id: int, kind: str) -> int:
        """The number of decisions of a kind, such as "retry", a retry of a failed trial."""
        query = sa.select(sa.func.count()).where(decisions.c.study_id == study_id, decisions.c.kind == kind)
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())

    def segments(self, study_id: int, number: int | None = None) -> list[TrainingSegment]:
        """The training segments of a study, or of one of its trials, ordered by trial and epoch."""
        query = sa.select(environments.c.digest, environments.c.document).where(environments.c.study_id == study_id)
        columns = (segments.c.number, segments.c.after, segments.c.environment, segments.c.data)
        own = sa.select(*columns).where(_of(segments, study_id, number))
        with self._database.read() as connection:
            found = {digest: Environment(json.loads(document)) for digest, document in connection.execute(query)}
            rows = connection.execute(own.order_by(segments.c.number, segments.c.after)).all()
        return [TrainingSegment(trial, after, found[digest], json.loads(data)) for trial, after, digest, data in rows]

    # Changes since a revision ────────────────────────────────────────────────────────────────────────────────

    def changes(self, study_id: int, since: int, limit_reports: int = 5000) -> Changes:
        """What was written after revision `since`: complete batches, up to about `limit_reports` reports.

        Call it again with the revision of the result, until that no longer changes.
        """
        with self._database.read() as connection:
            return changes(connection, study_id, since, limit_reports)

    def cursor(self, study_id: int, target: str) -> int:
        """The revision up to which a tracker has sent the study to its target (`cursor_name`); 0 at first."""
        own = (cursors.c.study_id == study_id) & (cursors.c.target == target)
        with self._database.read() as connection:
            return connection.execute(sa.select(cursors.c.revision).where(own)).scalar() or 0

    def set_cursor(self, study_id: int, target: str, revision: int) -> None:
        row = self._database.insert(cursors).values(study_id=study_id, target=target, revision=revision)
        put = row.on_conflict_do_update(index_elements=["study_id", "target"], set_={"revision": revision})
        with self._database.write() as connection:
            connection.execute(put)

    # Leases ─────────────────────────────────────────────────────────────────────────────────

    def acquire(self, study_id: int, owner: Owner, ttl: float = LEASE_SECONDS, *, shared: bool = False) -> Lease:
        """Acquire the lease. StudyBusy while its holder may be alive and has renewed it within `ttl` seconds.

        shared: as one of the study's callers, for one operation. Else StudyBusy while the study has callers.
        """
        with self._database.write() as connection:
            # If the clock was set back, a renewal is in the future: it counts as renewed now.
            ahead = leases.update().where(leases.c.study_id == study_id, leases.c.beat_wall > self._database.clock)
            connection.execute(ahead.values(beat_wall=self._database.clock))
        with self._database.write() as connection:
            if shared:
                return callers.acquire(connection, self._database.clock, study_id, owner, ttl)
            lease = fencing.acquire(connection, self._database.clock, study_id, owner, ttl)
            callers.check_no_callers(connection, self._database.clock, study_id, owner)
            return lease

    def holder(self, study_id: int, *, silent: bool = False) -> str | None:
        """The process that runs the study, as text for a message, or None. silent: also a process that is alive and has
        not renewed its lease (`Holding.may_run`)."""
        with self._database.read() as connection:
            asked = (connection, self._database.clock, study_id, Owner.current())
            return callers.named(*asked) or fencing.holder(*asked, silent)

    def renew(self, lease: Lease) -> None:
        """Renew the lease. LeaseLost. It waits briefly for a locked file, since the caller tries again."""
        with self._database.write(patience=2.0) as connection:
            fencing.renew(connection, self._database.clock, lease)

    @contextmanager
    def held(self, record: StudyRecord, *, shared: bool = False) -> Iterator[Lease]:
        """A context in which this process has the lease, with a heartbeat. StudyBusy while another process has it.

        shared: see `acquire`. If the database is unreachable at the end, the lease expires.
        """
        lease = self.acquire(record.id, Owner.current(), shared=shared)
        try:
            with Heartbeat(self.renew, lease):
                yield lease
        finally:
            with suppress(InfrastructureError):
                self.release(lease)

    def release(self, lease: Lease) -> None:
        """End the lease; no effect if it is lost. It waits only briefly for a locked file, since the lease expires
        anyway."""
        with self._database.write(patience=2.0) as connection:
            connection.execute(leases.update().where(fencing.is_ours(lease)).values(holder=None))

    def ask_to_stop(self, study_id: int) -> None:
        """Request that the run that holds the lease stops; it reads this within seconds (`Writer.asked_to_stop`). Later
        runs ignore it."""
        with self._database.write() as connection:
            connection.execute(leases.update().where(leases.c.study_id == study_id).values(stop=leases.c.token))

    # Callers ────────────────────────────────────────────────────────────────────────────────────

    def callers(self, study_id: int, observer: Owner) -> Callers:
        with self._database.read() as connection:
            return callers.of_study(connection, self._database.clock, study_id, observer)

    def renew_caller(self, study_id: int, owner: Owner, ttl: float = LEASE_SECONDS) -> None:
        """Renew a caller of the study, for `ttl` seconds. To become one, a program needs the lease."""
        with self._database.write() as connection:
            callers.renew_caller(self._database, connection, study_id, owner, ttl)

    def leave(self, study_id: int, owner: Owner) -> None:
        """Remove the owner from the study's callers."""
        with self._database.write() as connection:
            callers.leave(connection, study_id, owner)

    def last_write(self, study_id: int) -> tuple[int, int]:
        """The study's revision, and the token of the lease that wrote it (0 before the first write)."""
        query = sa.select(leases.c.revision, leases.c.wrote).where(leases.c.study_id == study_id)
        with self._database.read() as connection:
            row = connection.execute(query).one()
            return row.revision, row.wrote or 0

    def spent(self, study_id: int) -> float:
        """Seconds of wall clock of all runs of the study so far."""
        query = sa.select(leases.c.spent).where(leases.c.study_id == study_id)
        with self._database.read() as connection:
            return float(connection.execute(query).scalar_one())

    def writer(self, lease: Lease, objective: Objective) -> Writer:
        """The writer for this lease; a lease has one. LeaseLost."""
        return Writer(self._database, lease, objective)


# Queries, each within the caller's transaction ──────────────────────────────

Condition = sa.ColumnElement[bool]

_OWN = [trials.c[name] for name in TRIAL]
_BEST = (trials.c.number, trials.c.value, trials.c.best_epoch, trials.c.params, trials.c.state)
_REPORT = (reports.c.number, reports.c.step, reports.c.metrics, reports.c.at)


def all_studies(connection: Connection, name: str | None = None) -> list[StudyRecord]:
    """All studies, the oldest first; only the study `name` if it is given."""
    query = sa.select(studies).order_by(studies.c.id)
    if name is not None:
        query = query.where(studies.c.name == storable(name))
    return [study_of(**row._mapping) for row in connection.execute(query)]


def whole_trials(connection: Connection, study_id: int, number: int | None = None) -> list[Trial]:
    """Trials with their curves, by number; only trial `number` if it is given."""
    query = sa.select(*_REPORT).where(_of(reports, study_id, number)).order_by(reports.c.number, reports.c.step)
    curves = defaultdict[int, list[Report]](list)
    for own, step, metrics, at in connection.execute(query):
        curves[own].append(report_of(step, metrics, at))
    rows = connection.execute(sa.select(*_OWN).where(_of(trials, study_id, number)).order_by(trials.c.number))
    return [trial_of(row, tuple(curves.get(row.number, ()))) for row in rows]


def changes(connection: Connection, study_id: int, since: int, limit_reports: int) -> Changes:
    query = sa.select(studies.c.state, leases.c.revision).join(leases).where(studies.c.id == study_id)
    study = connection.execute(query).one_or_none()
    if study is None:
        raise NotFound(f"the journal has no study with id {study_id}")
    until = _page_end(connection, study_id, since, limit_reports) or study.revision
    new_reports = _within(reports, study_id, since, until)
    touched = sa.union(
        sa.select(trials.c.number).where(_within(trials, study_id, since, until)),
        sa.select(reports.c.number).where(new_reports),
    )
    changed = sa.select(*_OWN).where(trials.c.study_id == study_id, trials.c.number.in_(touched))
    reported = sa.select(*_REPORT).where(new_reports).order_by(reports.c.revision, reports.c.number, reports.c.step)
    return Changes(
        revision=until,
        trials=tuple(trial_of(row) for row in connection.execute(changed.order_by(trials.c.number))),
        reports=tuple((number, report_of(*rest)) for number, *rest in connection.execute(reported)),
        decisions=tuple(_decisions(connection, _within(decisions, study_id, since, until))),
        study_state=study.state,
    )


def _page_end(connection: Connection, study_id: int, since: int, limit_reports: int) -> int | None:
    """The last revision of a page of complete batches, at least one batch; None if all new reports fit."""
    new = sa.select(reports.c.revision).where(reports.c.study_id == study_id, reports.c.revision > since)
    beyond = connection.execute(new.order_by(reports.c.revision).offset(limit_reports).limit(1)).scalar()
    return None if beyond is None else max(beyond - 1, since + 1)


def _decisions(connection: Connection, where: Condition) -> list[Decision]:
    columns = (decisions.c.kind, decisions.c.reason, decisions.c.number, decisions.c.step, decisions.c.at)
    query = sa.select(*columns).where(where).order_by(decisions.c.revision, decisions.c.place)
    return [Decision(*row) for row in connection.execute(query)]


def _of(table: sa.Table, study_id: int, number: int | None) -> Condition:
    study = table.c.study_id == study_id
    return study if number is None else study & (table.c.number == number)


def _within(table: sa.Table, study_id: int, since: int, until: int) -> Condition:
    return sa.and_(table.c.study_id == study_id, table.c.revision > since, table.c.revision <= until)
