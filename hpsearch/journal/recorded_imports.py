"""Imported results in the journal: each import into a study, with its trials, which are not trials of the study."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from hpsearch.core.format import json_text
from hpsearch.core.trial import Cause, Report, State, Trial
from hpsearch.journal.records import recordable, storable
from hpsearch.journal.schema import imported_trials, imports
from hpsearch.journal.store import Journal


@dataclass(frozen=True)
class Import:
    """study: its name; it need not be recorded yet. source: as the user named it. kind: "table", "optuna", "mlflow" or
    "ray". at: ms since 1970. document: the import's other options. trials: with the parameters of the source, and with
    their place in it as `origin`."""

    study: str
    source: str
    kind: str
    at: int
    document: Mapping[str, Any] = field(default_factory=dict)
    trials: Sequence[Trial] = ()


def add(journal: Journal, one: Import) -> None:
    """Record an import in one transaction."""
    row = {
        "study": storable(one.study),
        "source": recordable(one.source),
        "kind": one.kind,
        "at": one.at,
        "document": json_text(one.document),
    }
    with journal._database.write() as connection:
        number = connection.execute(imports.insert().values(row).returning(imports.c.id)).scalar_one()
        if rows := [{"import_id": number, "place": place, **_row(trial)} for place, trial in enumerate(one.trials)]:
            connection.execute(imported_trials.insert(), rows)


def of_study(journal: Journal, study: str) -> list[Import]:
    """The imports into a study, the oldest first."""
    own = sa.select(imports).where(imports.c.study == storable(study)).order_by(imports.c.id)
    with journal._database.read() as connection:
        found = connection.execute(own).all()
        rows = {one.id: connection.execute(_trials_of(one.id)).all() for one in found}
    return [
        Import(one.study, one.source, one.kind, one.at, json.loads(one.document), [*map(_trial, rows[one.id])])
        for one in found
    ]


def _trials_of(number: int) -> sa.Select[Any]:
    return sa.select(imported_trials).where(imported_trials.c.import_id == number).order_by(imported_trials.c.place)


def _row(trial: Trial) -> dict[str, Any]:
    """A diverged trial has a curve that ends with NaN or an infinity, as Python's json writes it."""
    curve = [[report.step, dict(report.metrics)] for report in trial.curve]
    params = json.dumps(dict(trial.params), default=str)
    return {"label": storable(trial.origin), "params": params, "curve": json.dumps(curve), "state": trial.state.value}


def _trial(row: Any) -> Trial:
    curve = tuple(Report(step, metrics) for step, metrics in json.loads(row.curve))
    return ended(row.place, json.loads(row.params), State(row.state), curve, row.label)


def ended(number: int, params: Mapping[str, Any], state: State, curve: tuple[Report, ...], label: str) -> Trial:
    """An imported trial. curve: with at least one report; state: COMPLETE or PRUNED."""
    finite = all(value == value and abs(value) != float("inf") for value in curve[-1].metrics.values())
    cause = Cause.DIVERGED if not finite else Cause.PRUNED if state is State.PRUNED else Cause.DONE
    until = curve[-1].step
    return Trial(number, params, 0, until, state, curve=curve, origin=label, cause=cause)
