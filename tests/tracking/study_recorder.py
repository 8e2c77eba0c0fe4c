"""Writes a study to a real journal, as the loop does, and reads back what MLflow has of it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Run, ViewType

from hpsearch.core.decisions import Decision
from hpsearch.core.trial import Cause, Objective, Report, State, Trial
from hpsearch.journal import Batch, Journal, Owner, StudyRecord, TrainingSegment

ACCURACY = Objective("val_accuracy", "maximize")
START = 1_700_000_000_000
"""The first time in the journal, in milliseconds since 1970; every write advances it by a second."""


class StudyRecorder:
    """Writes one study. url: of its journal."""

    def __init__(self, folder: Path, name: str = "digits", objective: Objective = ACCURACY, **spec: Any):
        self.url = f"sqlite:///{folder / 'journal.db'}"
        self.objective = objective
        self.now = START
        self.trials: list[Trial] = []
        self._journal = Journal.open(self.url)
        search = {"method": "random", "trials": 40}
        whole = {"study": {"name": name, "metric": objective.metric, "seed": 7}, "search": search, **spec}
        identity = {"space": {"lr": {"low": 1e-5, "high": 1.0, "log": True}, "act": ["relu", "tanh"]}}
        self.study: StudyRecord = self._journal.create(name, whole, identity, self.now)
        self._lease = self._journal.acquire(self.study.id, Owner.current())
        self._writer = self._journal.writer(self._lease, objective)
        self.write(state="RUNNING")

    def open(self) -> Journal:
        return Journal.open(self.url)

    def close(self) -> None:
        self._writer.close()
        self._journal.close()

    def write(
        self,
        trial: Trial | None = None,
        report: Report | None = None,
        decision: tuple[str, str] | None = None,
        state: str | None = None,
        segments: Sequence[TrainingSegment] = (),
    ) -> None:
        self.now += 1000
        number = trial.number if trial else None
        self._writer.write(
            Batch(
                trials=[trial] if trial else [],
                reports=[(trial.number, report)] if trial and report else [],
                decisions=[Decision(*decision, number, at=self.now)] if decision else [],
                study_state=state,
                segments=segments,
            )
        )
        if trial:
            self.trials[trial.number :] = [trial, *self.trials[trial.number + 1 :]]

    def extend(self, **search: Any) -> None:
        """Record the study file with another budget."""
        self._journal.update_spec(self._lease, {**self.study.spec, "search": {**self.study.spec["search"], **search}})
        self.study = self._journal.studies()[0]

    def propose(self, state: State = State.RUNNING, **params: Any) -> int:
        number = len(self.trials)
        trial = Trial(number, params or {"lr": 0.1, "act": "relu"}, seed=100 + number, until=30, state=state)
        self.write(replace(trial, origin="drawn at random", proposed_at=self.now), decision=("propose", "at random"))
        return number

    def report(self, number: int, metrics: Mapping[str, float] | float) -> None:
        """Report the trial's next epoch; a float is its val_accuracy."""
        trial = self.trials[number]
        values = metrics if isinstance(metrics, Mapping) else {"val_accuracy": metrics, "val_loss": 1 - metrics}
        report = Report(trial.epoch + 1, values, at=self.now)
        self.write(replace(trial, curve=(*trial.curve, report)), report)

    def set_state(
        self, number: int, state: State, reason: str = "", error: str = "", cause: Cause | None = None
    ) -> None:
        order = len(self.trials) if not state.is_active else 0
        ended = self.now if not state.is_active else 0
        why: dict[str, Any] = {"reason": reason, "error": error, "cause": cause}
        trial = replace(self.trials[number], state=state, ended=order, ended_at=ended, **why)
        self.write(trial, decision=(state.value.lower(), reason))

    def train(self, *accuracies: float, state: State = State.COMPLETE, reason: str = "last epoch") -> int:
        """Propose a trial, report its epochs, and set its state."""
        number = self.propose()
        for accuracy in accuracies:
            self.report(number, accuracy)
        self.set_state(number, state, reason)
        return number


class MlflowStudy:
    """One study in MLflow."""

    def __init__(self, uri: str, study: StudyRecord):
        self.client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        self.study = study

    @property
    def experiment(self) -> str:
        ours = f"tags.`hpsearch.study` = '{self.study.uid}'"
        (found,) = self.client.search_experiments(ViewType.ALL, filter_string=ours)
        return str(found.experiment_id)

    def runs(self, view: int = ViewType.ACTIVE_ONLY) -> list[Run]:
        return list(self.client.search_runs([self.experiment], "", view, 1000))

    def parent(self) -> Run:
        (run,) = (run for run in self.runs() if run.data.tags.get("hpsearch.uid") == self.study.uid)
        return run

    def trial(self, number: int) -> Run:
        uid = f"{self.study.uid}/{number}"
        (run,) = (run for run in self.runs() if run.data.tags.get("hpsearch.uid") == uid)
        return run

    def points(self, run: Run) -> list[tuple[str, int, float, int]]:
        """(metric, epoch, value, milliseconds since 1970), every one that is stored."""
        keys = sorted(run.data.metrics)
        history = (metric for key in keys for metric in self.client.get_metric_history(run.info.run_id, key))
        return sorted((metric.key, metric.step, metric.value, metric.timestamp) for metric in history)

    def text(self, run: Run, name: str, folder: Path) -> str:
        return Path(self.client.download_artifacts(run.info.run_id, name, str(folder))).read_text("utf-8")

    def everything(self) -> list[tuple[Any, ...]]:
        """The content of all runs, sorted, without run ids."""
        return sorted(
            (
                run.data.tags["hpsearch.uid"],
                (run.info.run_name, run.info.status, run.info.start_time, run.info.end_time),
                sorted((k, v) for k, v in run.data.tags.items() if k != "mlflow.parentRunId"),
                sorted(run.data.params.items()),
                self.points(run),
            )
            for run in self.runs()
        )
