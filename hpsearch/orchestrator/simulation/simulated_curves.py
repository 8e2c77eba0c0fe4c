"""The curves for `hpsearch simulate`: from a file, a Python function, or a recorded study."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpsearch.core.errors import BadInput, NotFound
from hpsearch.core.trial import Params
from hpsearch.records.find import opened
from hpsearch.study.definition import Study
from hpsearch.trainer.contract import import_object
from hpsearch.workers.pools.simulated import curve_table
from hpsearch.workers.pools.simulated.curve_table import CurveTable
from hpsearch.workers.pools.simulated.played_curves import Curves, FunctionCurves


@dataclass(frozen=True)
class CurveSource:
    """name: of the file, function or study. table: None for a function."""

    name: str
    curves: Curves
    table: CurveTable | None = None

    @property
    def rows(self) -> Sequence[Params] | None:
        """The parameter sets that have curves; None if all have."""
        return None if self.table is None else self.table.rows

    def fitted(self, study: Study) -> Study:
        """The study, with trials that are not longer than the longest curve."""
        if self.table is None or self.table.longest >= study.trainer.epochs:
            return study
        shorter = study.trainer.model_copy(update={"epochs": self.table.longest})
        return study.model_copy(update={"trainer": shorter})

    def document(self) -> dict[str, Any]:
        if self.table is None:
            return {"curves": self.name}
        table = self.table
        return {
            "curves": self.name,
            "trials": len(table.rows),
            "outside_space": table.outside,
            "equal_parameters": table.equal,
            "stopped_early": table.shorter,
            "longest": table.longest,
            "timed": table.timed,
        }


def from_file(study: Study, name: str, encoding: str | None = None) -> CurveSource:
    """name: of a CSV or Parquet file, or "module:function" with the function (params, epoch) -> metric or metrics.
    encoding: of a CSV file. NotFound, BadInput."""
    path = Path(name)
    if path.is_file():
        return _of_table(name, curve_table.read(path, study.space, study.objective, encoding))
    if ":" not in name:
        raise NotFound(f'there is no file {path}; give a CSV or Parquet file, or a function as "module:function"')
    function = import_object("--curves", name, study.folder, BadInput)
    if not callable(function):
        raise BadInput(f"--curves {name} is not a function (params, epoch) -> {study.objective.metric}")
    return CurveSource(name, FunctionCurves(function, study.objective.metric))


def from_study(study: Study, name: str, journal: str | None = None) -> CurveSource:
    """name, journal: of a recorded study, see `opened`. NotFound, BadInput."""
    with opened(name, journal) as (database, recorded):
        trials = database.trials(recorded.record.id)
    return _of_table(name, curve_table.from_trials(trials, study.space, study.objective))


def _of_table(name: str, table: CurveTable) -> CurveSource:
    return CurveSource(name, table, table)
