"""A recorded study as pandas DataFrames. pandas is imported when the first one is created."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from hpsearch.core.decisions import Decision
from hpsearch.core.metric_names import is_measured
from hpsearch.core.trial import Objective, Trial, Value
from hpsearch.records.export import trial_document

if TYPE_CHECKING:
    import pandas as pd

BEFORE, AFTER = (
    ("number", "state", "cause"),
    ("value", "best_epoch", "epochs", "round", "seconds", "reason", "superseded"),
)
"""Columns before and after the columns of the parameters."""


def trials_frame(trials: Sequence[Trial], objective: Objective) -> "pd.DataFrame":
    """One row for each trial. A parameter with the name of another column becomes `params.NAME`.

    Missing values: inactive conditional parameters, and the value of a trial without one.
    """
    import pandas as pd

    documents = [trial_document(trial, objective) | {"epochs": trial.epoch} for trial in trials]
    columns = {name: _column([one[name] for one in documents]) for name in BEFORE}
    for name in dict.fromkeys(name for trial in trials for name in trial.params):
        column = f"params.{name}" if name in (*BEFORE, *AFTER) else name
        columns[column] = _column([trial.params.get(name) for trial in trials])
    columns |= {name: _column([one[name] for one in documents]) for name in AFTER}
    columns["value"] = pd.Series([one["value"] for one in documents], dtype="float64")
    return pd.DataFrame(columns)


def _column(values: Sequence[Value]) -> "pd.Series[Any]":
    """A column in which ints stay ints and bools stay bools if some values are missing."""
    import pandas as pd

    kinds = {type(value) for value in values if value is not None}
    missing = {frozenset({int}): "Int64", frozenset({bool}): "boolean"}.get(frozenset(kinds))
    mixed = len(kinds) > 1 and bool in kinds
    return pd.Series(values, dtype="object" if mixed or not kinds else missing if None in values else None)


def curves_frame(trials: Iterable[Trial], measured: bool = False) -> "pd.DataFrame":
    """One row for every metric of every report: trial, epoch, metric, value. measured: also hpsearch's measurements."""
    import pandas as pd

    rows = [
        (trial.number, report.step, metric, value)
        for trial in trials
        for report in trial.curve
        for metric, value in report.metrics.items()
        if measured or not is_measured(metric)
    ]
    frame = pd.DataFrame(rows, columns=["trial", "epoch", "metric", "value"])
    return frame.astype({"trial": "int64", "epoch": "int64", "value": "float64"})


def decisions_frame(decisions: Iterable[Decision]) -> "pd.DataFrame":
    """One row for each decision, in order: at (UTC), kind, trial and epoch (missing for decisions about the whole
    study), reason."""
    import pandas as pd

    rows = [(one.at, one.kind, one.number, one.step, one.reason) for one in decisions]
    frame = pd.DataFrame(rows, columns=["at", "kind", "trial", "epoch", "reason"])
    frame["at"] = pd.to_datetime(frame["at"].astype("int64"), unit="ms", utc=True)
    return frame.astype({"trial": "Int64", "epoch": "Int64"})
