"""The environment of a trainer that itself logs to MLflow, Weights & Biases or TensorBoard.

MLflow: each run that the trainer starts is in the study's experiment and has tags with its trial (`MLFLOW_RUN_CONTEXT`,
which MLflow adds to all runs of a process). The tracker writes the trial's own run later, from another process, and
makes these runs its children. If the study's store cannot be used, the trainer's runs are in a store in the trial's
scratch folder, so that no trial makes one in the working directory. Metrics and parameters that a server does not
take are kept in a file, which the tracker sends later; starting a run and logging an artifact need the server.
"""

import functools
import importlib.util
import inspect
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpsearch.core.errors import BadInput
from hpsearch.core.folders import make_private
from hpsearch.study.file.address_secrets import resolved

FILE = "own-logging.json"
"""A file in the study's folder: the experiment that trainers log to themselves, and its store."""

PARENT, CHILD = "hpsearch.parent", "hpsearch.child"
"""Tags of such a run: "study uid/trial number", and what the tracker has done with the run."""

NEW, ADOPTED, ENDED = "new", "adopted", "ended"
"""Values of CHILD: not yet seen by the tracker, a child of its trial's run, and its trial has ended."""

WRITERS = ("torch.utils.tensorboard.writer", "tensorboardX.writer")
"""Modules with a `SummaryWriter`: its default folder is runs/ in the working directory."""

LIGHTNING_LOGGERS = ("lightning.pytorch.loggers.mlflow", "pytorch_lightning.loggers.mlflow")
"""Modules with an `MLFlowLogger`, which reads MLFLOW_TRACKING_URI when it is imported, before the trial's process
exists, and never reads MLFLOW_EXPERIMENT_ID."""

SERVER_DEFAULTS = {
    # A call to a server that does not answer takes seconds, not minutes.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    # log_metric and log_params return at once, and raise nothing if the server is unreachable.
    "MLFLOW_ENABLE_ASYNC_LOGGING": "true",
}
"""Environment variables for a store that is a server, if the user has not set them."""


FLUSH_SECONDS = 10.0
"""Seconds that the end of a trial waits for MLflow to send queued values, so that an unreachable server does not delay
the next trial for long."""

ASYNC_THREAD = "MLflowAsyncLoggingLoop"
"""The name of MLflow's thread that sends what is logged asynchronously."""

SERVER_ERROR = 500
"""HTTP status: the server or a proxy failed. MLflow also raises it if there is no server. With a lower status, a later
attempt would fail too."""


def write_experiment(work: Path, uri: str, experiment: str) -> None:
    """Let the trials that start from now on log to this experiment; "": to none. uri: as `OwnLogging.store`."""
    new = work / f"{FILE}.new"
    with suppress(OSError):  # with a full disk, such trials log to their scratch folders
        if not experiment:
            (work / FILE).unlink(missing_ok=True)
            return
        make_private(work)
        new.write_text(json.dumps({"store": uri, "experiment": experiment}))
        new.replace(work / FILE)


@dataclass(frozen=True)
class OwnLogging:
    """store: the address of MLflow; ${env:NAME} in it is looked up where the trial is trained. work: the study's
    folder."""

    store: str
    work: Path
    study_uid: str

    def environment(self, number: int, scratch: Path) -> dict[str, str | None]:
        """Variables of the trial's process; None: not set. scratch: the trial's folder."""
        found: dict[str, str | None] = {"MLFLOW_RUN_ID": None, "MLFLOW_EXPERIMENT_NAME": None}
        name = f"trial-{number:04d} (trainer)"  # MLflow's random names are the same in all trials of one seed
        tags = {PARENT: f"{self.study_uid}/{number}", CHILD: NEW, "mlflow.runName": name}
        found["MLFLOW_RUN_CONTEXT"] = json.dumps(tags)
        uri, experiment = self._experiment() or (f"sqlite:///{scratch.absolute()}/mlflow.db", None)
        found |= {"MLFLOW_TRACKING_URI": uri, "MLFLOW_EXPERIMENT_ID": experiment}
        if uri.startswith(("http://", "https://")):
            found |= {name: value for name, value in SERVER_DEFAULTS.items() if name not in os.environ}
        if ("wandb" in sys.modules or _has_wandb()) and "WANDB_DIR" not in os.environ:
            found["WANDB_DIR"] = str(scratch)
            with suppress(OSError):
                make_private(scratch)  # W&B takes a folder that is there
        if "WANDB_MODE" not in os.environ:
            found["WANDB_MODE"] = "offline"
        return found

    def _experiment(self) -> tuple[str, str] | None:
        """The address and the experiment; None if there is none yet or it cannot be used here."""
        with suppress(OSError, ValueError, KeyError, BadInput):
            document: Mapping[str, Any] = json.loads((self.work / FILE).read_text())
            if document["store"] == self.store and document["experiment"]:
                return resolved(self.store, os.environ), str(document["experiment"])
        return None


class LoggingEnvironment:
    """The environment of a trial's own logging while the trial is trained: these variables, a folder for TensorBoard,
    and its own active MLflow run.

    keep: for a trial with its own process: nothing is restored, and MLflow ends the active run when the process ends.
    held: with `keep`, the file for values that cannot be sent to a server (see `hold_unsent`); None: they are not
    kept.
    """

    def __init__(self, environment: Mapping[str, str | None], scratch: Path, *, keep: bool, held: Path | None = None):
        self._environment, self._folder, self._keep = environment, str(scratch / "tensorboard"), keep
        self._runs: list[Any] = []
        self._held = held

    @contextmanager
    def entered(self) -> Iterator[None]:
        before = {name: os.environ.get(name) for name in self._environment}
        _set(self._environment)
        for name in LIGHTNING_LOGGERS:
            _adapt(getattr(sys.modules.get(name), "MLFlowLogger", None))
        _keep_experiment_in_its_store(self._environment)
        defaults = [(init, init.__defaults__) for init in _writers()]
        for init, values in defaults:
            init.__defaults__ = (self._folder, *values[1:])
        if self._keep:
            if self._held is not None:
                hold_unsent(self._held)
            yield
            return
        others = _swap_active_runs(self._runs)
        try:
            yield
        finally:
            self._runs = _swap_active_runs(others)
            for init, values in defaults:
                init.__defaults__ = values
            _set(before)

    def end(self) -> None:
        """Send the values that MLflow has queued, and end the MLflow runs that the trainer has left active. Call it
        inside `entered`, after the trainer is closed."""
        if not _done_within(FLUSH_SECONDS, _flush_mlflow):
            with suppress(Exception):  # the trainer may have closed it
                sys.stdout.write(
                    f"[hpsearch] MLflow had not sent all values {FLUSH_SECONDS:g} s after the trial's end\n"
                )
        mlflow = sys.modules.get("mlflow")
        if mlflow is not None and not self._keep:
            with suppress(Exception):  # the server is unreachable: the tracker ends them
                while mlflow.active_run() is not None:
                    mlflow.end_run()


@functools.cache
def _has_wandb() -> bool:
    return importlib.util.find_spec("wandb") is not None


def _flush_mlflow() -> None:
    """Send the queues of `autolog` and of asynchronous logging. MLflow does this at the normal end of a process; a
    trial's process ends without it (see `trial_process.exit_process`)."""
    if (autolog := sys.modules.get("mlflow.utils.autologging_utils.metrics_queue")) is not None:
        autolog.flush_metrics_queue()
    fluent = sys.modules.get("mlflow.tracking.fluent")
    if fluent is not None and any(thread.name == ASYNC_THREAD for thread in threading.enumerate()):
        fluent.flush_async_logging()


def _done_within(seconds: float, action: Callable[[], None]) -> bool:
    """Whether the action has returned by then; if not, it continues on its own thread."""
    if "mlflow" not in sys.modules:
        return True

    def act() -> None:
        with suppress(Exception):  # MLflow has written the error to the log
            action()

    thread = threading.Thread(target=act, name="hpsearch-flush", daemon=True)
    thread.start()
    thread.join(seconds)
    return not thread.is_alive()


def _adapt(logger: Any) -> None:
    """Let a Lightning `MLFlowLogger` without an address or an experiment use the address and experiment of the
    environment, if they are set. Lightning 2 uses `_experiment_id`, if it is set, instead of the experiment's name."""
    if logger is None or hasattr(logger.__init__, "__wrapped__"):
        return
    original = logger.__init__
    signature = inspect.signature(original)

    @functools.wraps(original)
    def init(self: Any, *args: Any, **named: Any) -> None:
        given = signature.bind(self, *args, **named).arguments
        address, experiment = os.environ.get("MLFLOW_TRACKING_URI"), os.environ.get("MLFLOW_EXPERIMENT_ID")
        if "tracking_uri" not in given and address is not None:
            named["tracking_uri"] = address
        original(self, *args, **named)
        if experiment is not None and not given.keys() & {"tracking_uri", "experiment_name", "run_id"}:
            self._experiment_id = experiment

    logger.__init__ = init


def _keep_experiment_in_its_store(environment: Mapping[str, str | None]) -> None:
    """Let MLflow use the study's experiment only in the study's store. In another one, which the trainer sets with
    `mlflow.set_tracking_uri`, the number of the experiment is unknown or that of another experiment."""
    fluent = sys.modules.get("mlflow.tracking.fluent")
    original = getattr(fluent, "_get_experiment_id_from_env", None)
    if original is None:
        return
    original = getattr(original, "__wrapped__", original)
    store, experiment = environment.get("MLFLOW_TRACKING_URI"), environment.get("MLFLOW_EXPERIMENT_ID")

    @functools.wraps(original)
    def from_environment() -> Any:
        is_ours = experiment is not None and os.environ.get("MLFLOW_EXPERIMENT_ID") == experiment
        return None if is_ours and sys.modules["mlflow"].get_tracking_uri() != store else original()

    setattr(fluent, "_get_experiment_id_from_env", from_environment)  # noqa: B010  # of a module without types


def _swap_active_runs(runs: list[Any]) -> list[Any]:
    """Replace MLflow's active runs in this thread; returns the previous ones."""
    stack = getattr(sys.modules.get("mlflow.tracking.fluent"), "_active_run_stack", None)
    if stack is None:
        return []
    before: list[Any] = stack.get()
    stack.set(runs)
    return before


def _set(environment: Mapping[str, str | None]) -> None:
    for name, value in environment.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _writers() -> Iterator[Any]:
    """`SummaryWriter.__init__` of each imported module of WRITERS; its first default is the folder."""
    for name in WRITERS:
        init = getattr(getattr(sys.modules.get(name), "SummaryWriter", None), "__init__", None)
        if getattr(init, "__defaults__", None):
            yield init


# What MLflow did not take ────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class HeldBatch:
    """One call of `log_batch`. metrics: name, value, timestamp, step; params, tags: name and value."""

    run: str
    metrics: Sequence[tuple[str, float, int, int]]
    params: Sequence[tuple[str, str]]
    tags: Sequence[tuple[str, str]]


def held_folder(work: Path) -> Path:
    """The folder of the files with values that a server did not take, one for each trial. work: the study's folder."""
    return work / "held"


def hold_unsent(file: Path) -> None:
    """From now on, write to the file what this process cannot send to an MLflow server; MLflow still raises its error.
    No effect if MLflow is not imported."""
    store = getattr(sys.modules.get("mlflow.store.tracking.rest_store"), "RestStore", None)
    original = getattr(store, "log_batch", None)
    if original is None or hasattr(original, "__wrapped__"):
        return

    @functools.wraps(original)
    def log_batch(self: Any, run_id: str, metrics: Any, params: Any, tags: Any) -> Any:
        try:
            return original(self, run_id, metrics, params, tags)
        except Exception as problem:
            status: Callable[[], int] = getattr(problem, "get_http_status_code", lambda: SERVER_ERROR)
            if status() >= SERVER_ERROR:
                _hold(file, run_id, metrics, params, tags)
            raise

    setattr(store, "log_batch", log_batch)  # noqa: B010  # of a class that is not imported here


def _hold(file: Path, run: str, metrics: Any, params: Any, tags: Any) -> None:
    pairs = [[[one.key, str(one.value)] for one in given] for given in (params, tags)]
    points = [[one.key, one.value, one.timestamp, one.step] for one in metrics]
    with suppress(OSError, ValueError, TypeError):
        make_private(file.parent)
        with file.open("a") as written:
            written.write(json.dumps([run, points, *pairs]) + "\n")


def held_files(work: Path) -> list[Path]:
    """The files with values to send. A process may still write to its file, so each file is renamed; the process then
    writes to a new one."""
    for path in held_folder(work).glob("*.jsonl"):
        sending = path.with_suffix(".sending")
        if not sending.exists():  # else that one is sent first
            path.rename(sending)
    return sorted(held_folder(work).glob("*.sending"))


def held_batches(path: Path) -> Iterator[HeldBatch]:
    for line in path.read_text().splitlines():
        with suppress(ValueError, TypeError):  # the process was killed while it wrote the last line
            run, metrics, params, tags = json.loads(line)
            yield HeldBatch(run, *([tuple(one) for one in given] for given in (metrics, params, tags)))
