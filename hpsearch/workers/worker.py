"""Trains one trial at a time: advances the trainer's generator and writes the checkpoints."""

import atexit
import contextlib
import gc
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from time import perf_counter  # a trainer may replace time.perf_counter
from typing import Any

from hpsearch.core.errors import TrainerError
from hpsearch.core.messages import Failure, Provenance, Reported, Start
from hpsearch.core.metric_names import is_measured
from hpsearch.core.trial import Params, Report
from hpsearch.provenance import environment
from hpsearch.trainer import arguments, state
from hpsearch.trainer.adapters.side_by_side import side_by_side
from hpsearch.trainer.failures import ProgramFailed, failure_of, short_traceback
from hpsearch.trainer.open_trial import Measurement, OpenTrial, Result, TrainerContext
from hpsearch.trainer.training_run import best_device
from hpsearch.workers.checkpoint_writer import CheckpointsUnavailable, CheckpointWriter
from hpsearch.workers.checkpoints import CheckpointStore
from hpsearch.workers.own_logging import LoggingEnvironment, OwnLogging, held_folder
from hpsearch.workers.sent_code import on_this_node
from hpsearch.workers.termination import BY_SIGTERM, SigtermWatch
from hpsearch.workers.trial_log import CappedLog, log_file
from hpsearch.workers.unsent_reports import UnsentReports, unsent_file

SLICE_SECONDS = 0.02
"""Seconds that a worker trains before it reports: at least one epoch, several short ones. Epochs after a verdict to
stop or pause are dropped, so a verdict wastes at most this time or one epoch."""

LATE_FRACTION = 0.02
"""Where the driver took longer to answer than this fraction of an epoch (many workers, a busy driver), the worker
trains one epoch ahead of the verdict."""


HASH_SEED = "0"
"""PYTHONHASHSEED of all training processes on Ray, so that sets of strings have the same order in each."""


@dataclass(frozen=True)
class Setup:
    """The configuration of every worker of a study. It is sent to other machines: plain values only, no passwords.

    trainer: the worker sets its device and threads from `cpus` and `gpus`.
    work: the folder of this study's checkpoints, logs and scratch folders.
    capture: write the trainer's output to a log file; otherwise it goes to the terminal (for debugging).
    shared: several workers are in one process, so each restores its random state before it trains.
    ahead: train one epoch ahead of a late verdict (see LATE_FRACTION), and detect SIGTERM; for a worker in its own
    process.
    one_epoch_slices: start an epoch only after the verdict on the one before, so that the best checkpoint is of an
    epoch that counts.
    weights_only: see `CheckpointWriter`.
    mlflow: the address for trainers that log to MLflow themselves, see `OwnLogging`.
    home_id: content of a file in the home folder, which every worker must read; "": not checked (see `shared_home`).
    sent: the trainer's files as the driver has them (see `sent_code`); {}: not checked.
    isolated: each trial is trained in a process of its own (on Ray). hash_seed: PYTHONHASHSEED of the process that
        trains, on Ray.
    """

    trainer: TrainerContext
    work: Path
    study_uid: str
    cpus: float = 1.0
    gpus: float = 0.0
    capture: bool = True
    shared: bool = False
    ahead: bool = False
    one_epoch_slices: bool = False
    weights_only: bool = False
    isolated: bool = False
    mlflow: str = ""
    home_id: str = ""
    sent: Mapping[str, str] = field(default_factory=dict)
    hash_seed: str = HASH_SEED


class Worker:
    """A long-lived worker. `start`, then `advance` until the trial ends or is stopped, then `release`.

    An ended trial keeps its checkpoints until `release`: its last epochs may not be in the journal yet.
    """

    def __init__(self, setup: Setup):
        self.setup = replace(setup, trainer=on_this_node(setup.trainer, setup.sent), sent={})
        self.context = replace(
            self.setup.trainer, device=best_device() if setup.gpus else "cpu", threads=max(1, int(setup.cpus))
        )
        self.training: _Training | None = None
        self.sigterm = SigtermWatch() if setup.ahead else None
        self.replied_at = 0.0

    @cached_property
    def environment(self) -> dict[str, Any]:
        """What can change a curve besides parameters and seed: versions, device, threads. Read after the trainer's
        import."""
        return environment.of_worker(self.context.sources(), self.context.device, self.context.threads)

    def warm_up(self) -> None:
        """Import the libraries that trials use, so that the first trial neither waits for them nor is seeded without
        them."""
        self.context.import_libraries()

    def check(self, params: Params) -> int:
        """Find the trainer and check that it accepts these parameters, without training. TrainerError.

        Returns the pid of the worker's process.
        """
        trainer = self.context.find()
        try:
            arguments.params_argument(trainer, self.context.params(params))
        except TrainerError:
            raise
        except Exception as problem:  # a dataclass may check its values itself
            raise TrainerError(f"{self.context.name} does not take {params}\n{short_traceback(problem)}") from None
        self._limit_resources()
        gc.freeze()  # imported modules are never garbage: a collection after a trial takes 50 ms less with torch
        atexit.register(gc.unfreeze)  # else extension modules such as triton's print at the exit that they leaked
        return os.getpid()

    def measure(self, measurement: Measurement[Result]) -> Result:
        self._limit_resources()
        with tempfile.TemporaryDirectory(prefix="hpsearch-", ignore_cleanup_errors=True) as folder:
            variables = OwnLogging("", Path(folder), self.setup.study_uid).environment(0, Path(folder))
            with LoggingEnvironment(variables, Path(folder), keep=False).entered():  # its own logging is not kept
                return measurement.measure(self.context)

    def start(self, start: Start) -> Reported:
        self.release()
        try:
            self.training = _Training(self.setup, self.context, start)
            self._limit_resources()
            self.training.environment = self.environment
        except CheckpointsUnavailable as problem:
            return Reported(start.number, failure=Failure("disk", str(problem)))
        except Exception as problem:
            provenance = Provenance(start.after, self.environment, {})
            return Reported(start.number, failure=failure_of(problem), provenance=provenance)
        self.replied_at = perf_counter()
        return self.advance()

    def advance(self) -> Reported:
        """Train the next slice, at most to epoch `Start.until`."""
        assert self.training is not None
        reported = self._unless_terminated(self.training.slice(waited=perf_counter() - self.replied_at))
        self.replied_at = perf_counter()
        if reported.failure:
            is_over = self.training.trial.step >= self.training.start.epochs and reported.failure.kind != "disk"
            self.release(over=is_over)
        return reported

    def _unless_terminated(self, reported: Reported) -> Reported:
        """`reported`, with the failure "terminated" if the trainer failed or ended early after a SIGTERM."""
        assert self.training is not None
        failure, trial = reported.failure, self.training.trial
        failed = failure is not None and failure.kind not in ("oom", "disk")
        ended_early = reported.ended and trial.step < self.training.start.epochs
        if not (failed or ended_early) or self.sigterm is None or not self.sigterm.received:
            return reported
        terminated = Failure("terminated", BY_SIGTERM, failure.traceback if failure else "")
        return replace(reported, ended=False, failure=terminated)

    def release(self, over: bool = False, epoch: int | None = None) -> None:
        """Close the generator, so that its `finally` runs, and free its memory; over, epoch: see Release."""
        if self.training is None:
            return
        self.training.close()
        self.training.checkpoints.finish(over, epoch)
        self.training = None
        if self.context.device == "cuda":
            import torch

            gc.collect()  # reference cycles keep GPU memory that the next trial needs
            torch.cuda.empty_cache()

    def _limit_resources(self) -> None:
        """Set torch's number of threads and, for a fraction of a GPU, its share of the GPU memory."""
        if "torch" not in sys.modules:
            return
        import torch

        torch.set_num_threads(self.context.threads)
        if self.context.device == "cuda" and 0 < self.setup.gpus < 1:
            torch.cuda.set_per_process_memory_fraction(self.setup.gpus)


class _Training:
    """One trial on this worker, from its Start to its release."""

    def __init__(self, setup: Setup, context: TrainerContext, start: Start):
        self.setup, self.context = setup, context
        self.start = start
        self.store = CheckpointStore.of(setup.work, setup.study_uid, start.number)
        self.checkpoints = CheckpointWriter(self.store, context.objective, start.after, setup.weights_only)
        self.log = CappedLog(log_file(setup.work, start.number)) if setup.capture else None
        self.scratch = setup.work / "scratch" / f"{start.number:05d}"
        variables = OwnLogging(setup.mlflow, setup.work, setup.study_uid).environment(start.number, self.scratch)
        held = held_folder(setup.work) / f"{start.number:05d}.jsonl"
        self.own_logging = LoggingEnvironment(variables, self.scratch, keep=setup.isolated, held=held)
        self.unsent = UnsentReports(unsent_file(setup.work, start.number))
        self._trained_again = ""
        with self.own_logging.entered():
            self.trial = self._open("no checkpoint of them")
        self.random = state.random_state() if setup.shared else None
        # In a trial's own process, a KeyboardInterrupt comes from the trainer, not from a terminal.
        self._from_terminal = () if setup.isolated else (KeyboardInterrupt,)
        self.environment: dict[str, Any] = {}
        self.data: dict[str, str] | None = None

    def _open(self, without: str) -> OpenTrial:
        """Open the trial, from its checkpoint if there is one. without: why there may be none, for the warning."""
        start, context, restored = self.start, self.context, self.checkpoints.restored
        trainer = context.find()
        if len(context.replicates) > 1:
            trainer = side_by_side(trainer, context.replicates, context.objective.metric, start.params.keys())
        step = restored.step if restored else 0
        if step < start.after:
            self._trained_again = f"{context.objective.unit}s {step + 1} to {start.after} are trained again: {without}"
        run = context.run(start.seed, start.epochs, self.scratch, restored=restored, number=start.number)
        run.takes_step_0 = context.program is not None and len(context.replicates) == 1
        searched = context.names(start.params) if len(context.replicates) == 1 and context.program is None else ()
        trial = OpenTrial(trainer, context.params(start.params), run, step=step, searched=searched)
        self.checkpoints.tracked = run.tracked
        return trial

    def _next_report(self) -> Report | None:
        try:
            report = self.trial.next_report()
        except state.NotResumable as problem:
            self.trial.close()
            self.checkpoints.restart()
            self.trial = self._open(str(problem))
            report = self.trial.next_report()
        if report is not None and not self.checkpoints.only_best and (why := self.trial.run.why_not_resumable):
            self.checkpoints.only_best, self.checkpoints.unsaved = True, why
        return report

    def slice(self, waited: float) -> Reported:
        """Train for `SLICE_SECONDS`, and at least to one new report, unless the trainer ends before it. A trainer
        without checkpoints may also return no report while it trains journaled epochs again.

        waited: the seconds from the last report to this order.
        """
        new_reports: list[Report] = []
        ended, failure, self.retrained = False, None, 0
        began = perf_counter()
        self.checkpoints.begin_slice()
        self.unsent.begin_slice()
        try:
            with self._log_and_random_state():
                ended = self._train(new_reports, began, waited)
        except self._from_terminal:
            raise
        except BaseException as problem:
            failure = failure_of(problem)
            is_in_log = isinstance(problem, ProgramFailed)  # with the program's output
            if (self.log is not None or self.setup.isolated) and not is_in_log:
                self._write_log(f"{failure.traceback or failure.summary}\n")
        seconds = perf_counter() - began
        if new_reports:
            is_resumable = failure is None and not ended and self.trial.step == new_reports[-1].step
            failure = self.checkpoints.write(is_resumable) or failure
        notes = (*self.store.warnings, *filter(None, [self._trained_again]))
        self.store.warnings, self._trained_again = [], ""
        warnings, self.trial.run.warnings = tuple(self.trial.run.warnings), []
        restarts = self.checkpoints.unsaved or not self.checkpoints.tracked or self.checkpoints.was_removed
        more = (self._provenance(), self.checkpoints.unsaved, self.retrained if restarts else 0)
        unread = self.trial.unread if ended else None
        of_trainer = (warnings, unread, self.trial.run.epochs_were_read)
        return Reported(self.start.number, tuple(new_reports), ended, failure, seconds, notes, *more, *of_trainer)

    def _provenance(self) -> Provenance | None:
        """Sent with the first report, and again after the trainer has called `Run.uses`."""
        used = self.trial.run.data_hashes
        if self.data == used:
            return None
        self.data = dict(used)
        return Provenance(self.start.after, self.environment, self.data)

    def _train(self, new_reports: list[Report], began: float, waited: float) -> bool:
        """Add reports to `new_reports` until the time or epoch `until` is reached. True: the trainer has ended."""
        start = self.start
        most = 0.0 if self.setup.one_epoch_slices else SLICE_SECONDS
        continues = True
        while continues:
            trial, before = self.trial, self.trial.step
            report = self._next_report()
            if report is None:
                return True
            if report.step == 0:  # before training: it is not judged, so there is no verdict to wait for
                new_reports += [report] if start.after == 0 else []
                continue
            self.retrained += max(0, min(report.step, start.after) - (before if self.trial is trial else 0))
            if report.step > start.after:
                new_reports.append(report)
            trained = perf_counter() - began
            one_ahead = self.setup.ahead and len(new_reports) == 1 and most > 0 and waited > LATE_FRACTION * trained
            continues = not new_reports or (report.step < start.until and (trained < most or one_ahead))
            if not new_reports and not self.checkpoints.tracked:
                continues = trained < most  # a slice without new reports shows that the trial has not stalled
            if self.setup.isolated and report.step > start.after and (continues or report.step >= start.epochs):
                self.unsent.add(report)
            self.checkpoints.observe(report, continues or report.step >= start.epochs)
            if report.step >= start.epochs:
                self.checkpoints.observe_last()
        return self.trial.step >= start.epochs and self._ends(new_reports)

    def _ends(self, new_reports: list[Report]) -> bool:
        """Let the trainer end after its last epoch. False if it reports more epochs instead, which are dropped.

        A report there that only has metrics which the last epoch lacks, such as of a final evaluation, belongs to that
        epoch.
        """
        while (late := self.trial.next_report()) is not None:
            further = {name: value for name, value in late.metrics.items() if not is_measured(name)}
            if not new_reports or not further or not new_reports[-1].metrics.keys().isdisjoint(further):
                return False
            new_reports[-1] = replace(new_reports[-1], metrics={**new_reports[-1].metrics, **further})
            if self.setup.isolated:
                self.unsent.add(new_reports[-1])
            self.checkpoints.observe(new_reports[-1], continues=False)
        return True

    @contextlib.contextmanager
    def _log_and_random_state(self) -> Iterator[None]:
        """Inside it, output goes to the trial's log; where workers share a process, its random state is set."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.own_logging.entered())
            if self.log is not None:
                stack.enter_context(contextlib.redirect_stdout(self.log))
                stack.enter_context(contextlib.redirect_stderr(self.log))
            if self.random is not None:
                state.set_random_state(self.random)
            yield
            if self.random is not None:
                self.random = state.random_state()

    def close(self) -> None:
        try:
            with self._log_and_random_state():
                try:
                    self.trial.close()
                finally:
                    self.own_logging.end()
        except self._from_terminal:
            raise
        except BaseException as problem:
            self._write_log(f"closing the trainer failed\n{short_traceback(problem)}\n")
        self.unsent.close()
        if self.log is not None:
            self.log.close()

    def _write_log(self, text: str) -> None:
        with contextlib.suppress(Exception):  # the trainer may have closed or replaced stderr
            (self.log or sys.stderr).write(text)
