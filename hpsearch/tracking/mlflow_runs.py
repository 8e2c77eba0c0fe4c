"""The runs of one study in one MLflow store. Only this file imports mlflow: import it on a thread, after `configure()`.

It uses an MlflowClient and run ids and sets nothing global, so a trainer may use MLflow itself.
"""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Experiment, Metric, Param, Run, RunTag, ViewType
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.runs_artifact_repo import RunsArtifactRepository
from mlflow.utils.validation import _validate_model_alias_name, _validate_model_alias_name_reserved

from hpsearch.core.folders import FILE_MODE, make_private, umask
from hpsearch.tracking.known_runs import ChildRun, KnownRun
from hpsearch.tracking.location import artifact_folder
from hpsearch.tracking.run_payloads import DIGEST, Point, RunPayload, clean, text_tags
from hpsearch.workers.own_logging import ADOPTED, CHILD, ENDED, PARENT, HeldBatch

MAX_IN_BATCH = 1000
MAX_PARAMS_IN_BATCH = 100
MAX_RESULTS = 1000

_REFUSALS = ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST", "INVALID_STATE")
_ENDED = ("FINISHED", "FAILED", "KILLED")

MODEL_TRAINING = "custom_model_development"
"""The kind of experiment for which MLflow's pages show runs and curves first, instead of traces and prompts."""


class PayloadRefused(Exception):
    """MLflow refuses this payload; sending it again would fail too."""


class Deleted(Exception):
    """The study's experiment or its own run was deleted in MLflow."""


class MlflowRuns:
    """Finds, creates and updates the runs of one study.

    The first use of a new SQLite file takes seconds. Every method raises MlflowException when MLflow does not answer.
    """

    def __init__(self, uri: str, study_uid: str):
        self.study_uid = study_uid
        self._artifacts = artifact_folder(uri)
        if uri.startswith("sqlite:///"):
            create_database(Path(uri.removeprefix("sqlite:///").partition("?")[0]))
        self._client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        self._experiment = ""

    # The experiment ─────────────────────────────────────────────────────────────────────────────

    def open_experiment(self, name: str, restore: bool) -> None:
        """Find the study's experiment by our tag, else by its name, else create it.

        If the name belongs to another study, it gets a suffix. restore: undelete it; else Deleted is raised.
        """
        experiment = self._find_by_tag() or self._find_or_create(name)
        if experiment.lifecycle_stage != "active":
            if not restore:
                raise Deleted(f"experiment {experiment.name!r} was deleted in MLflow")
            self._client.restore_experiment(experiment.experiment_id)
        self._experiment = experiment.experiment_id

    def prepare_experiment(self, name: str) -> str:
        """The id of the study's experiment, which is created if there is none. It does not get our tag yet, so that the
        next study of the same name can use it if this study is deleted."""
        experiment = self._find_by_tag() or self._find_or_create(name, claim=False)
        if experiment.lifecycle_stage != "active":
            raise Deleted(f"experiment {experiment.name!r} was deleted in MLflow")
        return str(experiment.experiment_id)

    @property
    def experiment(self) -> str:
        """The id of the experiment that was opened."""
        return self._experiment

    def _find_by_tag(self) -> Experiment | None:
        wanted = f"tags.`hpsearch.study` = '{self.study_uid}'"
        found = self._client.search_experiments(ViewType.ALL, max_results=10, filter_string=wanted)
        return min(found, key=lambda experiment: int(experiment.experiment_id), default=None)

    def _find_or_create(self, name: str, claim: bool = True) -> Experiment:
        for candidate in (name[:480], f"{name[:480]} {self.study_uid[:8]}"):
            found = self._client.get_experiment_by_name(candidate) or self._create_experiment(candidate, claim)
            owner = found.tags.get("hpsearch.study")
            if owner == self.study_uid:
                return found
            if owner is None and found.lifecycle_stage == "active":  # prepared by the user
                if claim:
                    self._client.set_experiment_tag(found.experiment_id, "hpsearch.study", self.study_uid)
                return found
        raise PayloadRefused(f"the experiments {name!r} and {name} {self.study_uid[:8]} belong to other studies")

    def _create_experiment(self, name: str, claim: bool) -> Experiment:
        location = None
        if self._artifacts is not None:
            with suppress(OSError):  # MLflow reports it
                make_private(self._artifacts)
            location = (self._artifacts / self.study_uid).absolute().as_uri()
        try:
            tags = {"mlflow.experimentKind": MODEL_TRAINING, **({"hpsearch.study": self.study_uid} if claim else {})}
            made = self._client.create_experiment(name, location, tags)
        except MlflowException as error:
            # Another process was faster, or the last attempt was committed and its reply was lost.
            if error.error_code == "RESOURCE_ALREADY_EXISTS" and (found := self._client.get_experiment_by_name(name)):
                return found
            raise
        return self._client.get_experiment(made)

    # Looking up ─────────────────────────────────────────────────────────────────────────────────

    def find(self, uid: str) -> KnownRun | None:
        """The run with this uid. Of duplicates (a create_run whose reply was lost), all but the fullest are deleted."""
        return self._without_duplicates(self._search(f"tags.`hpsearch.uid` = '{uid}'"))

    def find_active(self, study: str, uid: str) -> KnownRun | None:
        """The run with this uid in the experiment of a study; None if it does not exist or was deleted."""
        try:
            self.open_experiment(study, restore=False)
        except Deleted:
            return None
        run = self.find(uid)
        return None if run is None or run.deleted else run

    def find_all(self) -> dict[str, KnownRun]:
        """Every run of the study by uid, in as few calls as possible; duplicates are deleted as in `find`."""
        runs = sorted(self._search(f"tags.`hpsearch.study` = '{self.study_uid}'"), key=lambda run: run.uid)
        found = {uid: self._without_duplicates(group) for uid, group in groupby(runs, key=lambda run: run.uid)}
        return {uid: run for uid, run in found.items() if run is not None}

    def _search(self, wanted: str) -> Iterator[KnownRun]:
        token = None
        while True:
            page = self._client.search_runs([self._experiment], wanted, ViewType.ALL, MAX_RESULTS, page_token=token)
            yield from map(_known_run, page)
            token = page.token
            if not token:
                return

    def children(self, *, everywhere: bool) -> list[ChildRun]:
        """Runs that trainers of the study have started themselves, and whose trials may not have ended yet.

        everywhere: search all experiments, for trainers that log to their own experiment.
        """
        wanted = f"tags.`{PARENT}` LIKE '{self.study_uid}/%' AND tags.`{CHILD}` != '{ENDED}'"
        places = [self._experiment]
        if everywhere:
            places = [one.experiment_id for one in self._client.search_experiments(max_results=MAX_RESULTS)]
        found = self._client.search_runs(places, wanted, max_results=MAX_RESULTS)
        return [ChildRun(run.info.run_id, run.info.status, run.data.tags) for run in found]

    def update_child(self, child: ChildRun, parent: str, status: str | None) -> None:
        """Make it a child of the trial's run, unless it is nested in another run. status: the status of an ended trial,
        for a run that the end of the trial has interrupted."""
        tags = {CHILD: ADOPTED if status is None else ENDED}
        if "mlflow.parentRunId" not in child.tags:
            tags["mlflow.parentRunId"] = parent
        self._client.log_batch(child.id, tags=[RunTag(name, value) for name, value in tags.items()])
        if status is not None and child.status != status and child.status in ("RUNNING", "FAILED"):
            self._client.set_terminated(child.id, status)

    def send_held(self, batch: HeldBatch) -> None:
        """Send the values that a trainer could not send to its own run. MLflow ignores points that it already has.
        Values that it refuses, such as those of a deleted run, are dropped."""
        metrics = [Metric(*point) for point in batch.metrics]
        params, tags = [Param(*pair) for pair in batch.params], [RunTag(*pair) for pair in batch.tags]
        try:
            self._client.log_batch(batch.run, metrics=metrics, params=params, tags=tags)
        except MlflowException as error:
            if error.error_code not in _REFUSALS:
                raise

    def _without_duplicates(self, candidates: Iterable[KnownRun]) -> KnownRun | None:
        ranked = sorted(candidates, key=lambda run: (run.deleted, -run.epoch, -len(run.tags), run.id))
        for duplicate in ranked[1:]:
            if not duplicate.deleted:
                self._client.delete_run(duplicate.id)
        return ranked[0] if ranked else None

    def restore(self, run: KnownRun) -> KnownRun:
        """Undelete a run."""
        self._client.restore_run(run.id)
        return replace(run, deleted=False)

    # Writing ────────────────────────────────────────────────────────────────────────────────────

    def write(self, run: KnownRun | None, payload: RunPayload) -> KnownRun:
        """Update a run to the payload, create it if `run` is None, and return its new state.

        Raises PayloadRefused. It may be interrupted anywhere, because of its order: points, tags, status. Its texts are
        sent with `attach`.
        """
        try:
            run = run or self._create(payload)
            tags, params = run.differing_tags(payload), run.missing_params(payload)
            self._log(run.id, payload.points, params, tags)
            if run.status_differs(payload):
                self._set_status(run.id, payload.status, payload.end)
        except MlflowException as error:
            if error.error_code in _REFUSALS:
                raise PayloadRefused(error.message) from error
            raise
        tags, params = {**run.tags, **tags}, {**run.params, **params}
        return replace(run, status=payload.status, end=payload.end or run.end, tags=tags, params=params)

    def attach(self, run: KnownRun, name: str, text: str) -> KnownRun:
        """Add an artifact to a run, or replace one with another text; returns the run's new state."""
        tags = text_tags({name: text})
        if tags.items() <= run.tags.items():
            return run
        self._client.log_text(run.id, clean(text), name)
        self._log(run.id, (), {}, tags)
        return replace(run, tags={**run.tags, **tags})

    # The model registry ─────────────────────────────────────────────────────────────────────────

    def registered(self, name: str, run_id: str, digest: str) -> str | None:
        """The version of a registered model that has this digest; None: there is none."""
        found = self._client.search_model_versions(f"run_id = '{run_id}'", max_results=MAX_RESULTS)
        same = [int(one.version) for one in found if one.name == name and one.tags.get(DIGEST) == digest]
        return str(min(same)) if same else None

    def upload(self, run_id: str, folder: Path, name: str) -> str:
        """Send the files of a folder as the run's artifacts below `name`, and return their address."""
        self._client.log_artifacts(run_id, str(folder), name)
        uri = f"runs:/{run_id}/{name}"
        return str(RunsArtifactRepository.get_underlying_uri(uri, self._client.tracking_uri))

    def register(self, name: str, source: str, run_id: str, tags: Mapping[str, str], description: str) -> str:
        """Add a version to a registered model, which is created if there is none. Returns the version."""
        try:
            self._client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            if " by a prompt." in error.message:
                raise PayloadRefused(error.message) from error
        made = self._client.create_model_version(name, source, run_id, dict(tags), description=description)
        return str(made.version)

    def set_alias(self, name: str, alias: str, version: str) -> None:
        self._client.set_registered_model_alias(name, alias, version)

    def _create(self, payload: RunPayload) -> KnownRun:
        tags = {name: payload.tags[name] for name in _IDENTITY if name in payload.tags}
        return _known_run(self._client.create_run(self._experiment, payload.start, {**tags, **_SOURCE}, payload.name))

    def _log(self, run_id: str, points: Sequence[Point], params: Mapping[str, str], tags: Mapping[str, str]) -> None:
        metrics = [Metric(point.key, point.value, point.at, point.step) for point in points]
        run_params = [Param(name, value) for name, value in params.items()]
        run_tags = [RunTag(name, value) for name, value in tags.items()]
        count = len(metrics) + len(run_params) + len(run_tags)
        if count <= MAX_IN_BATCH and len(run_params) <= MAX_PARAMS_IN_BATCH:
            self._client.log_batch(run_id, metrics, run_params, run_tags)
            return
        self._client.log_batch(run_id, metrics, run_params)
        self._client.log_batch(run_id, tags=run_tags)

    def _set_status(self, run_id: str, status: str, end: int | None) -> None:
        if status in _ENDED:
            self._client.set_terminated(run_id, status, end)
        else:
            self._client.update_run(run_id, status)


_OURS = ("hpsearch.", "mlflow.parentRunId", "mlflow.source.git.commit")
_IDENTITY = ("hpsearch.uid", "hpsearch.study", "mlflow.parentRunId")
_SOURCE = {"mlflow.source.name": "hpsearch", "mlflow.source.type": "LOCAL"}


def _known_run(run: Run) -> KnownRun:
    tags = run.data.tags
    return KnownRun(
        run.info.run_id,
        tags.get("hpsearch.uid", ""),
        run.info.status,
        run.info.end_time,
        {name: value for name, value in tags.items() if name.startswith(_OURS)},
        run.data.params,
        deleted=run.info.lifecycle_stage != "active",
    )


def create_database(path: Path) -> None:
    """Create a SQLite store in a temporary folder and link it to `path`. Its write-ahead log halves the write time.

    MLflow runs its migrations for seconds on a new file. If the process is killed meanwhile, or another process does
    the same, MLflow cannot open the file again.
    """
    if path.exists():
        return
    make_private(path.parent)
    beside = path.with_name(f".{path.name}-{os.getpid()}")
    with tempfile.TemporaryDirectory(prefix="hpsearch-") as folder:
        new = Path(folder) / "mlflow.db"
        MlflowClient(tracking_uri=f"sqlite:///{new}", registry_uri=f"sqlite:///{new}")
        beside.touch(FILE_MODE & ~umask())
        shutil.copyfile(new, beside)
    with closing(sqlite3.connect(beside)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    try:
        path.hardlink_to(beside)
    except FileExistsError:
        pass  # another process was faster
    except OSError:  # a file system without links
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def check_model_names(name: str, alias: str | None) -> None:
    """PayloadRefused, with the reason, for a name of a registered model or of an alias that MLflow refuses. MLflow 3.10
    accepts any name of a model, and then cannot find it in an address."""
    if not name or {"/", ":"} & set(name):
        raise PayloadRefused(f"a model's name must not be empty, or contain / or :, got {name!r}")
    if alias is None:
        return
    try:
        _validate_model_alias_name(alias)  # type: ignore[no-untyped-call]
        _validate_model_alias_name_reserved(alias)  # type: ignore[no-untyped-call]
    except MlflowException as error:
        raise PayloadRefused(error.message) from error


# Runs of any experiment ──────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class FoundRun:
    """A run of any program. points: of the first metric that was asked for, step and value, in the order of time;
    further: of the others. state: the trial's, for a run of hpsearch; else ""."""

    id: str
    status: str
    state: str
    params: Mapping[str, str]
    metrics: Sequence[str]
    points: Sequence[tuple[int, float]]
    further: Mapping[str, Sequence[tuple[int, float]]] = field(default_factory=dict)


def experiment_names(uri: str) -> list[str]:
    return [one.name for one in MlflowClient(tracking_uri=uri, registry_uri=uri).search_experiments()]


def runs_of(uri: str, experiment: str, metrics: Sequence[str], most: int) -> list[FoundRun] | None:
    """The active runs of an experiment, the oldest first, up to one more than `most`; None: no such experiment. The run
    that stands for a whole study of hpsearch is left out."""
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    found = client.get_experiment_by_name(experiment)
    if found is None:
        return None
    runs, token = list[Run](), None
    while len(runs) <= most and (token or not runs):
        page = client.search_runs(
            [found.experiment_id], max_results=MAX_RESULTS, order_by=["attributes.start_time ASC"], page_token=token
        )
        runs, token = [*runs, *(run for run in page if not _is_of_study(run))], page.token
        if not token:
            break
    return [_found_run(client, run, metrics) for run in runs[: most + 1]]


def _is_of_study(run: Run) -> bool:
    tags = run.data.tags
    return "hpsearch.study" in tags and tags["hpsearch.study"] == tags.get("hpsearch.uid")


def _found_run(client: MlflowClient, run: Run, metrics: Sequence[str]) -> FoundRun:
    points, *others = (_points(client, run, one) for one in metrics)
    state, further = run.data.tags.get("hpsearch.state", ""), dict(zip(metrics[1:], others, strict=True))
    return FoundRun(run.info.run_id, run.info.status, state, run.data.params, list(run.data.metrics), points, further)


def _points(client: MlflowClient, run: Run, metric: str) -> list[tuple[int, float]]:
    history = client.get_metric_history(run.info.run_id, metric) if metric in run.data.metrics else []
    return [(int(one.step), float(one.value)) for one in sorted(history, key=lambda one: (one.timestamp, one.step))]
