"""Invariants that must hold after every fault (FAULTS, below the promises).

    check(url, "toy", budget=6)          the journal: complete, no duplicates, no trial RUNNING without a live lease
    FinishedResults(url, "toy").check_unchanged()    finished trials and reports never change
    retrained(epoch_log)                    the number of epochs that were trained again
    check_mirrored(url, "toy", mlflow)   MLflow, after `hpsearch sync`, equals the journal point for point
    check_secret(canary, *folders)       no file contains the secret

They raise AssertionError. They read the rows with SQL, and not with the code that is tested.
"""

import base64
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hpsearch.core.errors import JournalError, NotFound
from hpsearch.core.trial import Objective
from hpsearch.journal import Journal
from hpsearch.journal.database import Database
from hpsearch.journal.lease import Owner

FINISHED = ("COMPLETE", "PRUNED", "FAILED")
"""Final states."""

Row = tuple[Any, ...]


@contextmanager
def reading(url: str) -> Iterator[Connection]:
    """A connection with one snapshot of the journal's database."""
    database = Database(url, create=False)
    try:
        with database.read() as connection:
            yield connection
    finally:
        database.close()


def check(url: str, study: str = "toy", *, budget: int | None = None, stopped_cleanly: bool = True) -> None:
    """Check the journal.

    budget: the most trials. stopped_cleanly: the last run was not killed, so no trial is RUNNING;
    else a RUNNING trial needs a live holder, or `status` counts it as waiting.
    """
    with reading(url) as connection:
        _check_database(connection)
        own = connection.execute(sa.text("SELECT id, state FROM hpsearch_studies WHERE name = :name"), {"name": study})
        (row,) = own.all()
        _check_trials(connection, row.id, budget)
        _check_curves(connection, row.id)
        _check_batches(connection, row.id)
    _check_values(url, study)
    _check_running(url, study, stopped_cleanly)


def _check_database(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        assert connection.exec_driver_sql("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall() == []
    orphans = {
        "trials": "hpsearch_trials t LEFT JOIN hpsearch_studies s ON s.id = t.study_id WHERE s.id IS NULL",
        "reports": "hpsearch_reports r LEFT JOIN hpsearch_trials t ON t.study_id = r.study_id AND t.number = r.number "
        "WHERE t.number IS NULL",
        "decisions": "hpsearch_decisions d LEFT JOIN hpsearch_studies s ON s.id = d.study_id WHERE s.id IS NULL",
        "decisions' trials": "hpsearch_decisions d LEFT JOIN hpsearch_trials t ON t.study_id = d.study_id AND "
        "t.number = d.number WHERE d.number IS NOT NULL AND t.number IS NULL",
        "leases": "hpsearch_studies s LEFT JOIN hpsearch_leases l ON l.study_id = s.id WHERE l.study_id IS NULL",
    }
    for what, query in orphans.items():
        assert connection.execute(sa.text(f"SELECT count(*) FROM {query}")).scalar() == 0, f"{what} without an owner"


def _rows(connection: Connection, table: str, study_id: int, order: str) -> list[sa.Row[Any]]:
    query = f"SELECT * FROM hpsearch_{table} WHERE study_id = :id ORDER BY {order}"
    return list(connection.execute(sa.text(query), {"id": study_id}).all())


def _check_trials(connection: Connection, study_id: int, budget: int | None) -> None:
    trials = _rows(connection, "trials", study_id, "number")
    assert [trial.number for trial in trials] == list(range(len(trials))), "a trial is missing or double"
    assert budget is None or len(trials) <= budget, f"{len(trials)} trials, and {budget} were asked for"
    places = Counter(trial.settled for trial in trials if trial.settled)
    assert all(count == 1 for count in places.values()), f"ended at the same place: {places}"
    decisions = Counter((one.number, one.kind) for one in _rows(connection, "decisions", study_id, "revision, place"))
    for trial in trials:
        assert decisions[trial.number, "propose"] == 1, f"trial {trial.number} was not proposed once"
        if trial.state in FINISHED:
            assert decisions[trial.number, trial.state.lower()] == 1, f"trial {trial.number}: not {trial.state} once"
            assert trial.reason, f"trial {trial.number} has no reason"
            assert trial.ended_at >= 0
            assert trial.settled > 0


def _check_curves(connection: Connection, study_id: int) -> None:
    steps: dict[int, list[int]] = {}
    for report in _rows(connection, "reports", study_id, "number, step"):
        steps.setdefault(report.number, []).append(report.step)
        assert isinstance(json.loads(report.metrics), dict)
    for trial in _rows(connection, "trials", study_id, "number"):
        own = steps.get(trial.number, [])
        assert own == list(range(1, trial.epoch + 1)), f"trial {trial.number}, epoch {trial.epoch}, has steps {own}"


def _check_batches(connection: Connection, study_id: int) -> None:
    """Every batch is complete, and none has a revision beyond the study's."""
    (lease,) = _rows(connection, "leases", study_id, "study_id")
    decisions = _rows(connection, "decisions", study_id, "revision, place")
    places: dict[int, list[int]] = {}
    for decision in decisions:
        places.setdefault(decision.revision, []).append(decision.place)
    for revision, own in places.items():
        assert own == list(range(len(own))), f"of the batch {revision} the decisions {own} are there"
    for table, order in (("trials", "number"), ("reports", "number, step"), ("decisions", "revision, place")):
        newest = max((row.revision for row in _rows(connection, table, study_id, order)), default=0)
        assert newest <= lease.revision, f"{table} of revision {newest}, and the study is at {lease.revision}"


def _check_values(url: str, study: str) -> None:
    """Values that are stored with a trial are those of its curve."""
    with Journal.open(url, create=False) as journal:
        record = journal.find(study)
        assert record is not None
        about = record.spec["study"]
        objective = Objective(about["metric"], about["goal"], about.get("at", "best"))
        trials = journal.trials(record.id)
    with reading(url) as connection:
        kept = {row.number: row for row in _rows(connection, "trials", record.id, "number")}
    for trial in trials:
        value, row = objective.value(trial), kept[trial.number]
        assert row.value == value, f"trial {trial.number}: value {row.value}, its curve says {value}"


def _check_running(url: str, study: str, stopped_cleanly: bool) -> None:
    """No trial is RUNNING without a live lease."""
    with Journal.open(url, create=False) as journal:
        record = journal.find(study)
        assert record is not None
        trials = journal.trials(record.id)
        running = [trial.number for trial in trials if trial.state == "RUNNING"]
        holder = journal.holder(record.id)
    if stopped_cleanly:
        assert holder is None, f"held by {holder}"
        assert not running, f"trials {running} are RUNNING, and nobody runs them"
        if record.state == "FAILED":
            assert {trial.state for trial in trials} <= {"FAILED", "INFEASIBLE"}
        else:
            assert record.state in ("COMPLETE", "STOPPED"), record.state
    elif running and holder is not None:
        with reading(url) as connection:
            (lease,) = _rows(connection, "leases", record.id, "study_id")
        owner = Owner(lease.pid, lease.host, lease.boot, lease.space, lease.started, lease.holder)
        assert not owner.has_ended(Owner.current()), f"trials {running} run, and {holder} is dead"


class FinishedResults:
    """Checks that recorded rows never change.

    A recorded report or decision stays the same byte for byte; so does the whole row of a trial that is
    COMPLETE, PRUNED or FAILED, and no report or decision is added to it. No trial is removed.
    """

    def __init__(self, url: str, study: str = "toy"):
        self.url, self.study = url, study
        self.rows: dict[tuple[str, Row], str] = {}
        self.finished: dict[int, dict[str, str]] = {}
        self.numbers: set[int] = set()
        self.token = 0

    def check_unchanged(self) -> None:
        """Compare with all earlier rows, then add new ones. A journal that does not exist yet is accepted."""
        try:
            with reading(self.url) as connection:
                self._look(connection)
        except (NotFound, JournalError):
            if self.rows:
                raise

    def _look(self, connection: Connection) -> None:
        inspector = sa.inspect(connection)
        if not inspector.has_table("hpsearch_studies") or not inspector.has_table("hpsearch_leases"):
            assert not self.rows, "the tables are gone"
            return
        found = connection.execute(sa.text("SELECT id FROM hpsearch_studies WHERE name = :name"), {"name": self.study})
        study_id = found.scalar()
        if study_id is None:
            assert not self.rows, "the study is gone"
            return
        reports = _rows(connection, "reports", study_id, "number, step")
        decisions = _rows(connection, "decisions", study_id, "revision, place")
        rows = {("report", (one.number, one.step)): repr(tuple(one)) for one in reports}
        rows |= {("decision", (one.revision, one.place)): repr(tuple(one)) for one in decisions}
        for key, before in self.rows.items():
            assert rows.get(key) == before, f"{key} was {before}, is {rows.get(key)}"
        self.rows = rows
        self._look_at_trials(_rows(connection, "trials", study_id, "number"), reports, decisions)
        (lease,) = _rows(connection, "leases", study_id, "study_id")
        assert lease.token >= self.token, "the lease's token went back"
        self.token = lease.token

    def _look_at_trials(self, trials: list[Any], reports: list[Any], decisions: list[Any]) -> None:
        numbers = {trial.number for trial in trials}
        assert numbers >= self.numbers, f"trials {self.numbers - numbers} are gone"
        self.numbers = numbers
        now = {}
        for trial in trials:
            if trial.state in FINISHED:
                own = [tuple(one) for one in (*reports, *decisions) if one.number == trial.number]
                columns = {name: repr(value) for name, value in trial._mapping.items()}
                now[trial.number] = {**columns, "reports and decisions": repr(own)}
        for number, before in self.finished.items():  # a migration may add columns to it
            is_now = {name: now.get(number, {}).get(name) for name in before}
            assert is_now == before, f"finished trial {number} was {before}, is {is_now}"
        self.finished = now


def retrained(epoch_log: Path) -> int:
    """The number of epochs that were trained again. epoch_log: has a line "seed epoch" for every trained epoch."""
    lines = epoch_log.read_text().splitlines() if epoch_log.exists() else []
    return len(lines) - len(set(lines))


def check_mirrored(url: str, study: str, mlflow: str) -> None:
    """One experiment, one parent run, one run a trial, and in them every finite value of the journal once, no more."""
    from hpsearch.tracking.mlflow_logging import configure

    configure()
    from tests.tracking.study_recorder import MlflowStudy

    with Journal.open(url, create=False) as journal:
        record = journal.find(study)
        assert record is not None
        trials = journal.trials(record.id)
    shown = MlflowStudy(mlflow, record)
    uids = Counter(run.data.tags["hpsearch.uid"] for run in shown.runs())
    assert uids == Counter([record.uid, *(f"{record.uid}/{trial.number}" for trial in trials)]), uids
    assert shown.parent().data.tags["hpsearch.state"] == record.state
    for trial in trials:
        run = shown.trial(trial.number)
        assert run.data.tags["hpsearch.state"] == str(trial.state)
        wanted = sorted(
            (name, report.step, float(value), report.at)
            for report in trial.curve
            for name, value in report.metrics.items()
            if abs(value) < float("inf")
        )
        best = (f"best_{record.spec['study']['metric']}", "best_epoch")
        points = [point for point in shown.points(run) if point[0] not in best]
        assert points == wanted, f"trial {trial.number}: {len(points)} points in MLflow, {len(wanted)} in the journal"


def check_secret(canary: str, *folders: Path) -> None:
    """No file in the folders has it: in clear, percent-encoded, or in base64."""
    forms = {canary.encode(), quote(canary, safe="").encode(), base64.b64encode(canary.encode()).rstrip(b"=")}
    for folder in folders:
        for path in folder.rglob("*") if folder.is_dir() else [folder]:
            if path.is_file():
                content = path.read_bytes()
                assert not any(form in content for form in forms), f"the secret stands in {path}"
