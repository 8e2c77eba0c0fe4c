"""A ray.tune.Trainable, class or function, as a trainer: unchanged, and with its own checkpoints.

An epoch is an iteration of Tune: one `step()` of a class, one `tune.report(…)` of a function. Ray need not run.
As in Tune, the working directory is a folder of the trial, unless RAY_CHDIR_TO_TRIAL_DIR=0 is set. A difference from
Tune: a resumed class gets its random states back.
A checkpoint is the files that the Trainable has written. The Trainable loads them itself, so unlike a generator's
checkpoint, they may run code.
"""

import inspect
import logging
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir, contextmanager, nullcontext, suppress
from numbers import Real
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ray import tune
from ray.air._internal.mlflow import _MLflowLoggerUtil
from ray.train._internal import session as tune_session
from ray.train._internal.session import _TrainingResult
from ray.train._internal.storage import StorageContext
from ray.train.constants import RAY_CHDIR_TO_TRIAL_DIR
from ray.tune import Checkpoint, Trainable
from ray.tune.result import (
    AUTO_RESULT_KEYS,
    DEBUG_METRICS,
    DEFAULT_METRIC,
    DONE,
    RESULT_DUPLICATE,
    SHOULD_CHECKPOINT,
    TRIAL_INFO,
)
from ray.tune.trainable import wrap_function

from hpsearch.core.errors import TrainerError
from hpsearch.core.trial import Params, Report
from hpsearch.provenance.sources import code_holder
from hpsearch.trainer import state
from hpsearch.trainer.adapters.functions import has_early_return
from hpsearch.trainer.checkpoint_files import read_files, temporary_folder, write_files
from hpsearch.trainer.training_run import Run

BOOKKEEPING = frozenset({*AUTO_RESULT_KEYS, *DEBUG_METRICS, DONE, SHOULD_CHECKPOINT})
"""Keys that Tune adds to a result."""

for kind in (StorageContext, Trainable):
    logging.getLogger(kind.__module__).setLevel(logging.WARNING)  # each logs every single checkpoint

COUNTERS = ("training_iteration", "time_total_s", "timesteps_total", "episodes_total")
"""Counters of a class that are restored beside its checkpoint."""

GRACE = 10.0
"""Seconds for a function to end after `tune.report` has raised SystemExit in it."""

EXPERIMENT_ID = "MLFLOW_EXPERIMENT_ID"

Results = Mapping[str, Any]


def as_trainer(trainable: Any) -> Callable[[Params, Run], Iterator[Report]]:
    """trainable: a subclass of Trainable, or a function of one argument, the configuration."""
    training_class: type[_ClassTraining | _FunctionTraining] = (
        _ClassTraining if inspect.isclass(trainable) else _FunctionTraining
    )

    def train(params: Params, run: Run) -> Iterator[Report]:
        for left in run.scratch_dir.glob("tune-*"):  # left by a worker that was killed
            shutil.rmtree(left, ignore_errors=True)
        with (
            temporary_folder(run.scratch_dir, "tune-") as folder,
            _closed(training_class(trainable, params, run, folder)) as training,
        ):
            training.track(run)
            run.send_reports_to(_report_to_tune)
            for epoch in run.epochs():
                results = training.results_of(epoch)
                if results is None:
                    return
                metrics = numbers(results)
                if DEFAULT_METRIC in metrics:  # a number that a function has returned
                    metrics[run.metric] = metrics.pop(DEFAULT_METRIC)
                yield Report(epoch, metrics)
                if results.get(DONE):
                    return

    return train


_set_up_mlflow = _MLflowLoggerUtil.setup_mlflow


def _set_up_mlflow_of_the_study(
    self: Any, *, experiment_id: Any = None, experiment_name: Any = None, **others: Any
) -> None:
    """Without an experiment, `ray.air.integrations.mlflow.setup_mlflow` would use the trial's id and name for one. Here
    it uses the study's experiment (MLFLOW_EXPERIMENT_ID), or the store's default experiment if that is not set."""
    context = tune.get_context()
    named = experiment_name if experiment_name != context.get_trial_name() else None
    given = experiment_id if experiment_id != context.get_trial_id() else None
    own = os.environ.pop(EXPERIMENT_ID, None)
    try:
        _set_up_mlflow(self, experiment_id=given or (None if named else own or "0"), experiment_name=named, **others)
    finally:
        if own is not None:
            os.environ[EXPERIMENT_ID] = own


setattr(_MLflowLoggerUtil, "setup_mlflow", _set_up_mlflow_of_the_study)  # noqa: B010  # mypy refuses the assignment


def _report_to_tune(report: Report) -> None:
    """`hpsearch.report` in a Tune function. Tune counts the iterations, so the step is ignored."""
    tune.report(dict(report.metrics))


def numbers(results: Results) -> dict[str, Any]:
    """The trainable's numeric metrics; those of a nested dictionary are named "outer/inner", as in Tune."""
    return {name: value for name, value in _flat(results) if name.partition("/")[0] not in BOOKKEEPING}


def _flat(results: Results, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in results.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}/")
        elif not isinstance(value, bool) and (isinstance(value, Real) or getattr(value, "ndim", None) == 0):
            yield f"{prefix}{name}", value


class _ClassTraining:
    def __init__(self, kind: type[Trainable], params: Params, run: Run, folder: Path):
        self._has_checkpoints = kind.save_checkpoint is not Trainable.save_checkpoint
        self._folder, self._directory = folder, working_directory(run)
        with inside(self._directory):
            self._trainable: Any = _set_up(kind, params, folder)  # Ray's type hints are incomplete

    def track(self, run: Run) -> None:
        """Register its state with the run, which restores it. A class without `save_checkpoint` is trained again from
        epoch 1, like a trainer that tracks nothing."""
        if self._has_checkpoints:
            run.track(trainable=self)

    def results_of(self, epoch: int) -> Results:  # noqa: ARG002
        with inside(self._directory):
            results: Results = self._trainable.train()
        return results

    def close(self) -> None:
        with inside(self._directory):
            self._trainable.stop()

    def state_dict(self) -> dict[str, Any]:
        """TrainerError if the class cannot save; OSError from the disk."""
        with temporary_folder(self._folder, "tune-") as folder, inside(self._directory):
            try:
                saved = self._trainable.save(str(folder))
            except OSError:
                raise
            except Exception as problem:
                name = type(self._trainable).__name__
                raise TrainerError(f"{name}.save_checkpoint: {type(problem).__name__}: {problem}") from problem
            content = read_files(Path(saved.checkpoint.path))
            shutil.rmtree(saved.checkpoint.path)
        counters = {name: saved.metrics.get(name) for name in COUNTERS}
        return {
            "files": content,
            "counters": {n: count for n, count in counters.items() if type(count) in (int, float)},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        with temporary_folder(self._folder, "tune-") as folder, inside(self._directory):
            write_files(state["files"], folder)
            self._trainable.restore(_TrainingResult(Checkpoint.from_directory(folder), state["counters"]))


class _FunctionTraining:
    """It runs in one of Ray's threads, and waits inside `tune.report` while its report is judged.

    It may report a checkpoint in some epochs only. It is then resumed from the last one, with the random state of that
    epoch; reports of epochs that were reported before are dropped.
    """

    def __init__(self, function: Callable[[Any], Any], params: Params, run: Run, folder: Path):
        self._name = getattr(function, "__name__", "the function")
        self._returns_early = has_early_return(code_holder(function))
        self._seed, self._folder, self._directory = run.seed, folder, working_directory(run)
        self._epoch = self._kept_epoch = 0
        self._kept: Path | None = None
        self._random: Mapping[str, Any] | None = None
        self._session: Any = None
        with self._in_session():
            self._trainable: Any = _set_up(wrap_function(_with_threads(function, run.threads)), params, folder)

    def track(self, run: Run) -> None:
        run.track(checkpoint=self)

    def results_of(self, epoch: int) -> Results | None:
        """Train to the end of an epoch. None if the function has returned."""
        if self._epoch < epoch - 1:
            state.set_random_state(self._random) if self._random else state.seed_everything(self._seed)
        results: Results | None = {}
        while self._epoch < epoch and results is not None:
            results = self._next()
        return results

    def _next(self) -> Results | None:
        with self._in_session():
            results: Results = self._trainable.train()
        if RESULT_DUPLICATE in results and self._epoch == 0 and not self._returns_early:
            raise TrainerError(
                f"`{self._name}` returned and reported nothing: a trainer is a generator, "
                "`def train(params, run): … yield Report(epoch, {…})`, or calls tune.report({…}) in every epoch"
            )
        if RESULT_DUPLICATE in results:
            return None
        self._epoch += 1
        if results.get(SHOULD_CHECKPOINT):
            before, self._kept = self._kept, Path(self._trainable.save().checkpoint.path)
            self._kept_epoch, self._random = self._epoch, state.random_state()
            if before is not None:  # `tune.get_checkpoint` returns only the newest
                shutil.rmtree(before)
        return results

    def close(self) -> None:
        """Runs its `finally` and raises its exception. TrainerError if the function does not end."""
        session = self._session
        with self._in_session():
            session.finish(timeout=GRACE)
            self._trainable.stop()
            still_runs = session.training_thread.is_alive()
        if still_runs:
            raise TrainerError(
                f"`{self._name}` still runs {GRACE:g} s after SystemExit was raised in it: does it catch SystemExit?"
            )

    @contextmanager
    def _in_session(self) -> Iterator[None]:
        """Set Ray's session and the working directory, of which a process has only one, for each call: trials may take
        turns in a process. The function runs during these calls only."""
        tune_session._session = self._session
        try:
            with inside(self._directory):
                yield
        finally:
            self._session, tune_session._session = tune_session._session, None

    def state_dict(self) -> dict[str, Any]:
        content = read_files(self._kept) if self._kept is not None else {}
        return {"files": content, "epoch": self._kept_epoch, "random": self._random}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._epoch = self._kept_epoch = state["epoch"]
        self._random = state["random"]
        if self._epoch:
            self._kept = self._folder / "restored"
            write_files(state["files"], self._kept)
            with self._in_session():
                self._trainable.restore(_TrainingResult(Checkpoint.from_directory(self._kept), {}))


def _with_threads(function: Callable[[Any], Any], threads: int) -> Callable[[Any], Any]:
    """Set torch's number of threads in the function's thread: each Python thread has its own setting."""

    def train(config: Any) -> Any:
        if "torch" in sys.modules:
            sys.modules["torch"].set_num_threads(threads)
        return function(config)

    return train


def working_directory(run: Run) -> Path | None:
    """A folder of the trial, kept for a later training segment; None: the directory is not changed."""
    if os.environ.get(RAY_CHDIR_TO_TRIAL_DIR) == "0":
        return None
    folder = run.scratch_dir.absolute() / "working"
    folder.mkdir(exist_ok=True)
    return folder


@contextmanager
def inside(directory: Path | None) -> Iterator[None]:
    """A context with this working directory. The previous one is in TUNE_ORIG_WORKING_DIR, as in Tune."""
    if directory is None:
        yield
        return
    os.environ.setdefault("TUNE_ORIG_WORKING_DIR", str(Path.cwd()))
    with chdir(directory):
        yield


@contextmanager
def _closed(training: _ClassTraining | _FunctionTraining) -> Iterator[_ClassTraining | _FunctionTraining]:
    """Closes the training at the end. An exception of the training has precedence over one of `close`."""
    broken = False
    try:
        yield training
    except Exception:
        broken = True
        raise
    finally:
        with suppress(Exception) if broken else nullcontext():
            training.close()


# Its folders and files ───────────────────────────────────────────────────────────────────────────


class _Storage(StorageContext):
    """Checkpoints and other files in folders of this training; Ray need not run."""

    def _get_session_path(self) -> str:
        return str(Path(self.storage_fs_path).with_name("tune"))


def _set_up(kind: type[Trainable], params: Params, folder: Path) -> Trainable:
    """Create the Trainable, named after its trial. Ray itself does not change the working directory."""
    name = folder.parent.name
    named = SimpleNamespace(trial_name=name, trial_id=name, trial_resources=None)
    storage = _Storage(folder, "checkpoints", trial_dir_name=name)
    before = os.environ.get(RAY_CHDIR_TO_TRIAL_DIR)
    os.environ[RAY_CHDIR_TO_TRIAL_DIR] = "0"
    try:
        return kind(config={**params, TRIAL_INFO: named}, storage=storage)
    finally:
        del os.environ[RAY_CHDIR_TO_TRIAL_DIR]
        if before is not None:
            os.environ[RAY_CHDIR_TO_TRIAL_DIR] = before
