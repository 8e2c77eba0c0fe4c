"""Puts the checkpoint of a trial into MLflow's model registry."""

import hashlib
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpsearch.core.errors import BadInput, HpsearchError, InfrastructureError, NotFound
from hpsearch.core.format import json_text, params_line, score
from hpsearch.core.trial import Trial
from hpsearch.journal import Journal, StudyRecord
from hpsearch.records.find import JournalStudy
from hpsearch.tracking.connection import check_server
from hpsearch.tracking.location import explain, without_credentials
from hpsearch.tracking.mlflow_logging import configure
from hpsearch.tracking.mlflow_tracker import sync
from hpsearch.tracking.run_payloads import DIGEST, clean, mlflow_tags, trial_uid
from hpsearch.workers.checkpoints import BEST, CheckpointStore

if TYPE_CHECKING:
    from hpsearch.tracking.mlflow_runs import MlflowRuns

AGAIN = "nothing was registered; run the same command again"
ABOUT = "trial.json"
"""The file beside the checkpoint with the study, the trial and its parameters."""


@dataclass(frozen=True)
class Model:
    """A trial's checkpoint. content: of the file. about: the trial, as a document. params: its parameters, as text.
    result: its value, as text. why: this trial, as text."""

    study: StudyRecord
    trial: Trial
    content: bytes
    about: dict[str, Any]
    params: str
    result: str
    why: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def folder(self) -> str:
        """The name of its folder among the artifacts of the run: another checkpoint of the trial has another one."""
        return f"model-{self.digest[:8]}"

    def description(self, run_id: str) -> str:
        """Markdown, which MLflow shows with the version."""
        code = "\n".join(["import mlflow, torch", "", *loading(f"runs:/{run_id}/{self.folder}")])
        about = f"Trial {self.trial.number} of study {self.study.name}: {self.result} ({self.why})."
        return clean(
            f"{about}\n\n{self.params}\n\nThe state of the objects given to `run.track` "
            f"({', '.join(self.about['objects'])}):\n\n```python\n{code}\n```\n"
        )

    @property
    def tags(self) -> dict[str, str]:
        """The tags of its version in the registry."""
        about = {f"hpsearch.{name}": str(self.about[name]) for name in ("study", "trial", "epoch", "metric", "value")}
        params = json_text(self.about["params"])
        named = {**about, "hpsearch.uid": trial_uid(self.study.uid, self.trial.number), "hpsearch.params": params}
        return mlflow_tags({**named, DIGEST: self.digest})


@dataclass(frozen=True)
class Registered:
    """A version of a registered model. uri: MLflow's address, without passwords. is_new: whether this call has made it.
    run_id: of the trial's run in MLflow. alias: that was set, or None."""

    name: str
    version: str
    is_new: bool
    run_id: str
    alias: str | None
    uri: str

    @property
    def model_uri(self) -> str:
        return f"models:/{self.name}/{self.version}"

    @property
    def load(self) -> list[str]:
        """Lines of Python that load it."""
        return [f"mlflow.set_tracking_uri({self.uri!r})", *loading(self.model_uri)]

    def document(self) -> dict[str, Any]:
        return {**asdict(self), "model_uri": self.model_uri, "load": self.load}


def loading(uri: str) -> list[str]:
    """Lines of Python that load a checkpoint from MLflow."""
    return [
        f"folder = mlflow.artifacts.download_artifacts({uri!r})",
        f'state = torch.load(f"{{folder}}/{BEST}", weights_only=True)["objects"]',
    ]


def model_of(study: JournalStudy, trial: Trial, work: Path | None, why: str) -> Model:
    """The model of a trial that has a value. why: see `Model`. work: the study's folder; None: not on this machine.
    NotFound without a checkpoint, with what to do."""
    record, objective = study.record, study.objective
    judged, value = objective.judged(trial), objective.value(trial)
    assert judged is not None, "the trial has a value"
    which = f'trial {trial.number} of study "{record.name}" has no model to register'
    if work is None:
        raise NotFound(
            f"{which}: its checkpoint is not on this machine. Run the command where the study was trained, or name the "
            "home folder with HPSEARCH_HOME"
        )
    store = CheckpointStore.of(work, record.uid, trial.number)
    if (found := store.content_at(judged.step)) is None:
        raise NotFound(f"{which}: {'; '.join(store.warnings)}. {_advice(store)}")
    content, snapshot = found
    about = {
        "study": record.name,
        "trial": trial.number,
        "epoch": judged.step,
        "metric": objective.metric,
        "value": value,
        "goal": objective.goal,
        "seed": trial.seed,
        "params": dict(trial.params),
        "objects": sorted(snapshot.objects),
        "why": why,
    }
    params = params_line(study.space.shown(trial.params))
    return Model(record, trial, content, about, params, score(trial, objective), why)


def _advice(store: CheckpointStore) -> str:
    if store.removal is not None:
        return (
            'Name a trial whose checkpoint was kept with --trial N, or set [checkpoints] keep = "all" before the next '
            "study"
        )
    return (
        "The trainer must pass its model to run.track(model=model) before it reports, see docs/trainers.md. A script "
        "or a command saves its model itself: register its file with MLflow"
    )


def promote(journal: Journal, study: JournalStudy, model: Model, uri: str, name: str, alias: str | None) -> Registered:
    """Register the model as a new version of `name`; the version that it has if it was registered before. A call that
    was interrupted leaves files without a version, which the next call completes.

    BadInput for a name that MLflow refuses; InfrastructureError if MLflow or its artifact store cannot be used.
    """
    if problem := check_server(uri):
        raise InfrastructureError(f"{problem}; {AGAIN}")
    configure()
    from hpsearch.tracking.mlflow_runs import MlflowRuns, PayloadRefused, check_model_names

    try:
        check_model_names(name, alias)
        runs = MlflowRuns(uri, study.record.uid)
        run_id = _run_of(journal, study, runs, model.trial, uri)
        version = runs.registered(name, run_id, model.digest)
        is_new = version is None
        if version is None:
            source = _uploaded(runs, run_id, model)
            version = runs.register(name, source, run_id, model.tags, model.description(run_id))
        if alias is not None:
            runs.set_alias(name, alias, version)
    except HpsearchError:
        raise
    except PayloadRefused as problem:
        raise BadInput(f"MLflow refuses this name: {without_credentials(str(problem))}") from None
    except Exception as problem:  # of any kind: a missing package, a folder that is not writable
        raise InfrastructureError(explain(problem, uri, AGAIN)) from None
    return Registered(name, version, is_new, run_id, alias, without_credentials(uri))


def _run_of(journal: Journal, study: JournalStudy, runs: "MlflowRuns", trial: Trial, uri: str) -> str:
    """The id of the trial's run. If MLflow does not have it, the study is sent first."""
    uid = trial_uid(study.record.uid, trial.number)
    if (run := runs.find_active(study.record.name, uid)) is None:
        done = sync(study.record, study.objective, journal, uri)
        run = runs.find_active(study.record.name, uid)
        if run is None:
            raise InfrastructureError(f"{done.problem or 'MLflow has no run of the trial'}; {AGAIN}")
    return run.id


def _uploaded(runs: "MlflowRuns", run_id: str, model: Model) -> str:
    """Send the checkpoint and ABOUT to the trial's run, and return the address of their folder in the artifact
    store."""
    with tempfile.TemporaryDirectory(prefix="hpsearch-") as folder:
        (Path(folder) / BEST).write_bytes(model.content)
        (Path(folder) / ABOUT).write_text(json_text(model.about, indent=2), encoding="utf-8")
        return runs.upload(run_id, Path(folder), model.folder)
