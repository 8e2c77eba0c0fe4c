"""The journal's questions to the database, each within a transaction that somebody else has opened."""

import json
from collections import defaultdict
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hpsearch.core.decisions import Decision
from hpsearch.core.errors import NotFound
from hpsearch.core.trial import Report, State, Trial
from hpsearch.journal.records import Best, Changes, Environment, StudyRecord, Summary, TrainingSegment
from hpsearch.journal.rows import TRIAL, cause_of, report_of, storable, trial_of
from hpsearch.journal.schema import decisions, environments, leases, reports, segments, studies, trials

Condition = sa.ColumnElement[bool]

_OWN = [trials.c[name] for name in TRIAL]
_REPORT = (reports.c.number, reports.c.step, reports.c.metrics, reports.c.at)


def all_studies(connection: Connection, name: str | None = None) -> list[StudyRecord]:
    """The oldest first; only the one of that name, where one is given."""
    query = sa.select(studies).order_by(studies.c.id)
    if name is not None:
        query = query.where(studies.c.name == storable(name))
    return [_study(**row._mapping) for row in connection.execute(query)]


def whole_trials(connection: Connection, study_id: int, number: int | None = None) -> list[Trial]:
    """With their curves, by number; only that one, where one is given."""
    query = sa.select(*_REPORT).where(_of(reports, study_id, number)).order_by(reports.c.number, reports.c.step)
    curves = defaultdict[int, list[Report]](list)
    for own, step, metrics, at in connection.execute(query):
        curves[own].append(report_of(step, metrics, at))
    rows = connection.execute(sa.select(*_OWN).where(_of(trials, study_id, number)).order_by(trials.c.number))
    return [trial_of(row, tuple(curves.get(row.number, ()))) for row in rows]


def summary(connection: Connection, study_id: int) -> Summary:
    own = trials.c.study_id == study_id
    totals = (sa.func.count(), sa.func.sum(trials.c.epoch), sa.func.sum(trials.c.busy))
    counts = connection.execute(sa.select(trials.c.state, *totals).where(own).group_by(trials.c.state)).all()
    fit = own & trials.c.loss.is_not(None) & (trials.c.state != State.FAILED.value)
    ranked = sa.select(trials.c.number, trials.c.value, trials.c.best_epoch).where(fit)
    best = connection.execute(ranked.order_by(trials.c.loss, trials.c.number).limit(1)).one_or_none()
    return Summary(
        trials=dict.fromkeys(State, 0) | {State(state): count for state, count, _, _ in counts},
        epochs=sum(int(epochs) for _, _, epochs, _ in counts),
        busy=sum(float(busy) for _, _, _, busy in counts),
        best=Best(*best) if best else None,
    )


def decisions_of(connection: Connection, study_id: int, number: int | None = None) -> list[Decision]:
    """In the order they were taken; only those about that trial, where one is given."""
    return _decisions(connection, _of(decisions, study_id, number))


def segments_of(connection: Connection, study_id: int, number: int | None = None) -> list[TrainingSegment]:
    """By trial and epoch; only those of that trial, where one is given."""
    query = sa.select(environments.c.digest, environments.c.document).where(environments.c.study_id == study_id)
    found = {digest: Environment(json.loads(document)) for digest, document in connection.execute(query)}
    columns = (segments.c.number, segments.c.after, segments.c.environment, segments.c.data)
    own = sa.select(*columns).where(_of(segments, study_id, number))
    rows = connection.execute(own.order_by(segments.c.number, segments.c.after))
    return [TrainingSegment(trial, after, found[digest], json.loads(data)) for trial, after, digest, data in rows]


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
    """The last revision of a page that holds whole batches only, at least one; None where all that is new fits."""
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


def _study(spec: str, identity: str, cause: str | None, cause_numbers: str, **rest: Any) -> StudyRecord:
    ended = {"cause": cause_of(cause), "cause_numbers": json.loads(cause_numbers)}
    return StudyRecord(spec=json.loads(spec), identity=json.loads(identity), **ended, **rest)
