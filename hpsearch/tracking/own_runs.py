"""The experiment for what trainers log to MLflow themselves: ready before the first trial, and known to the trials."""

from dataclasses import dataclass
from pathlib import Path

from hpsearch.tracking.connection import check_server
from hpsearch.tracking.location import explain
from hpsearch.tracking.mlflow_logging import configure
from hpsearch.workers.own_logging import write_experiment

LOGGERS = frozenset({"mlflow", "lightning", "pytorch_lightning", "transformers"})
"""Packages of a trainer that may start runs of MLflow."""


@dataclass(frozen=True)
class OwnLoggingStore:
    """store: the address as trials have it, see `OwnLogging`. work: the study's folder. is_used: the trainer imports
    one of LOGGERS."""

    store: str
    work: Path | None = None
    is_used: bool = False

    def opened(self, experiment: str) -> None:
        """Trials that start from now on log to it; "": to none."""
        if self.work is not None:
            write_experiment(self.work, self.store, experiment)

    def prepare(self, uri: str, study: str, uid: str) -> str:
        """Create the store and the experiment, where the trainer uses them: trials that create them together would
        fail. Returns why that is not possible, or "". Takes seconds for a new SQLite file."""
        self.opened("")
        if not self.is_used:
            return ""
        problem = check_server(uri)
        if not problem:
            configure()
            from hpsearch.tracking.mlflow_runs import MlflowRuns

            try:
                self.opened(MlflowRuns(uri, uid).prepare_experiment(study))
            except Exception as error:  # whatever it is, it costs the trials their own logging only
                problem = explain(error, uri, study)
        return problem
