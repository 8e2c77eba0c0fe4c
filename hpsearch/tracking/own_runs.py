"""Prepares the experiment for trainers that log to MLflow themselves, before the first trial."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hpsearch.tracking.connection import check_server
from hpsearch.tracking.location import explain
from hpsearch.tracking.mlflow_logging import configure
from hpsearch.workers.own_logging import write_experiment

LOGGERS = frozenset({"mlflow", "lightning", "pytorch_lightning", "transformers"})
"""Packages that start MLflow runs in a trainer."""

_SQLITE = re.compile(
    r"""(?:set_tracking_uri\(|(?:tracking|mlflow)\w*["'\]]*\s*[=,])\s*["']sqlite:///([^"'{}?]+)["']""", re.IGNORECASE
)
"""A SQLite store in source code: `mlflow.set_tracking_uri("sqlite:///mlflow.db")`."""


@dataclass(frozen=True)
class OwnLoggingStore:
    """store: the address for the trials, see `OwnLogging`. work: the study's folder. is_used: the trainer imports one
    of LOGGERS. others: SQLite files that the trainer's source names as its store."""

    store: str
    work: Path | None = None
    is_used: bool = False
    others: tuple[Path, ...] = ()

    def opened(self, experiment: str) -> None:
        """Let trials that start from now on log to this experiment; "": to none."""
        if self.work is not None:
            write_experiment(self.work, self.store, experiment)

    def prepare(self, uri: str, study: str, uid: str) -> str:
        """Create the store and the experiment if the trainer uses them: parallel trials that create them would fail.
        Returns why that is not possible, or "". Takes seconds for a new SQLite file."""
        self.opened("")
        if not self.is_used:
            return ""
        problem = check_server(uri)
        if not problem:
            configure()
            from hpsearch.tracking.mlflow_runs import MlflowRuns, create_database

            try:
                self.opened(MlflowRuns(uri, uid).prepare_experiment(study))
                for path in self.others:
                    create_database(path)
            except Exception as error:  # any error: only the trainers' own logging is affected
                problem = explain(error, uri)
        return problem


def stores_in(files: Iterable[Path], folder: Path) -> tuple[Path, ...]:
    """The SQLite files that source code names as its MLflow store. folder: where the trials run."""
    texts = (path.read_text(errors="replace") for path in files if path.suffix == ".py" and path.is_file())
    return tuple(dict.fromkeys(folder / found for text in texts for found in _SQLITE.findall(text)))
