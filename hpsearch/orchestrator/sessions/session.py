"""Ask and tell: a study whose trials are trained by the caller's own loop."""

import logging
import operator
import sys
from collections.abc import Mapping
from dataclasses import replace
from threading import Condition, Event, Thread, local
from types import TracebackType
from typing import Any, SupportsIndex, TextIO

from hpsearch.core.errors import BadInput, Infeasible, TrainerError
from hpsearch.core.format import line, printable
from hpsearch.core.history import BestTrial
from hpsearch.core.messages import Failure
from hpsearch.core.replicates import SINGLE_TRAINING
from hpsearch.core.trial import Objective, Report, State, Trial
from hpsearch.orchestrator import build
from hpsearch.orchestrator.observers import Notes, Observer
from hpsearch.orchestrator.sessions.exclusive_loop import ExclusiveLoop
from hpsearch.orchestrator.sessions.shared_loop import SharedLoop
from hpsearch.orchestrator.signals import DeferredSignals
from hpsearch.preflight.runner import PreflightRecord
from hpsearch.provenance import environment
from hpsearch.study.definition import Study
from hpsearch.study.space import Float
from hpsearch.trainer.failures import failure_of, headline, short_traceback
from hpsearch.trainer.open_trial import checked_report, is_step
from hpsearch.workers.pools.ask_and_tell import AskAndTell, AskedTrial

BEAT = 0.5
"""Seconds between two checks of time limits and stop requests."""

SOON = 0.02
"""The same, in seconds, while a caller waits for the proposal of a slow sampler."""


class Session:
    """A context manager for your own training loop, or for one in each of several threads.

        with hpsearch.Session(study) as session:
            while trial := session.ask():
                for epoch in trial.epochs:
                    ...
                    if not session.report(trial, epoch, {"val_loss": loss}):
                        break
                session.finish(trial)

    The study continues where it was stopped, with the journal, MLflow, pruning and limits of `hpsearch run`.
    progress: write a line to stderr for each ended trial.
    shared: several programs may search the study together, each in its own Session; default: if its journal is on
    PostgreSQL.

    If an exception leaves the context, running trials wait for the next Session.
    The first Ctrl-C or SIGTERM requests the end, as `hpsearch stop` does: the next `report` of each trial returns
    False, and `ask` returns None. The signal has its usual effect when the context has ended. A second signal raises
    KeyboardInterrupt at once.
    """

    def __init__(self, study: Study, *, progress: bool = False, shared: bool | None = None):
        self._study = study
        self._shown = _Shown(study.objective, sys.stderr if progress else None)
        self._notes = Notes(self._shown.show_line if progress else logging.getLogger("hpsearch").warning)
        self._signals = DeferredSignals(self._stop)
        self._is_shared = not study.journal_url.startswith("sqlite") if shared is None else shared
        self._turns = (SharedLoop if self._is_shared else ExclusiveLoop)(study, self._shown, self._notes)
        self._broken: BaseException | None = None
        self._is_open = False
        self._changed = Condition()
        self._asked = local()
        self._closing = Event()
        self._beating = Thread(target=self._beat, name="session", daemon=True)

    def __enter__(self) -> "Session":
        """Raises BadInput, StudyBusy, StudyChanged, InfrastructureError, as `hpsearch run`."""
        if self._is_open or self._closing.is_set():
            raise BadInput("a Session can be entered once: create another one to continue")
        if self._study.replicates != SINGLE_TRAINING:
            raise BadInput("a Session does not train repeats or folds: leave out trainer.repeats and .validation")
        build.import_anew(self._study)
        self._turns.open(_pool, _unmeasured)
        self._is_open = True
        if self._turns.pool is not None:
            self._signals.__enter__()
            self._beating.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Raises an exception of a background thread that was not raised yet: LeaseLost, JournalError, …"""
        self._closing.set()
        try:
            if self._turns.pool is not None:
                self._beating.join()
            with self._changed:
                self._is_open = False
                try:
                    self._turns.close(problem or self._broken, self._signals.first)
                finally:
                    self._update_released()
        finally:
            self._signals.__exit__(kind, problem, traceback)
        if problem is None and self._broken is not None:
            raise self._broken

    # What a training loop calls ─────────────────────────────────────────────────────────────────

    def ask(self) -> AskedTrial | None:
        """Wait for the next trial and return it; None if the search is over or a stop was requested.

        BadInput: the last trial of this thread has not ended.
        """
        with self._changed:
            self._check_is_open()
            if (pool := self._turns.pool) is None:
                return None
            last: AskedTrial | None = getattr(self._asked, "trial", None)
            if last is not None and pool.is_running(last):
                raise BadInput(
                    f"trial {last.number} has not ended: call session.finish(trial) or session.fail(trial, error) "
                    "before the next session.ask(); to train several trials at once, ask from several threads"
                )
            ask = pool.ask()
            try:
                while not self._turns.is_stopped and self._turn() and ask.trial is None:
                    self._changed.wait(SOON if self._turns.is_slow else BEAT)
            finally:
                pool.cancel(ask)
            self._asked.trial = ask.trial
            return ask.trial

    def report(self, trial: AskedTrial, epoch: SupportsIndex, metrics: Mapping[str, Any]) -> bool:
        """Record an epoch. True: continue training. False: stop; `trial.state` and `reason(trial)` have the cause.

        epoch: larger than the last reported epoch.
        metrics: name -> value. The study's metric need not be in every report.
        TrainerError: the epoch is not larger than the last one, or a value is not a number; the report is not recorded.
        BadInput: an earlier call returned False, or ended the trial.
        """
        with self._changed:
            pool = self._pool_of(trial)
            if pool.is_running(trial):
                pool.report(trial, self._checked(trial, epoch, metrics))
                self._turn()
            elif trial.end_was_returned:
                raise BadInput(f"trial {trial.number} takes no more reports: {self.reason(trial)}")
            trial.end_was_returned = not pool.is_running(trial)
            return pool.is_running(trial)

    def finish(self, trial: AskedTrial) -> None:
        """End the trial as COMPLETE, also before its last epoch. No effect on a trial that has ended already.

        TrainerError: it has reported nothing. BadInput: it was finished or failed before.
        """
        with self._changed:
            pool = self._pool_to_end(trial)
            if pool.is_running(trial):
                if trial.epoch == 0:
                    raise TrainerError(
                        f"trial {trial.number} cannot be finished without a report: report an epoch, or call "
                        "session.fail(trial, error) or session.infeasible(trial, reason)"
                    )
                pool.finish(trial)
                self._turn()
            trial.is_finished = trial.end_was_returned = True

    def fail(self, trial: AskedTrial, error: BaseException | str) -> None:
        """End the trial as FAILED, which counts in limits.max_failures; as INFEASIBLE if the error is `Infeasible`.
        No effect on a trial that has ended already.

        After an out-of-memory error, `ask` returns the trial once more, while no other trial is running.
        BadInput: it was finished or failed before. DiskError: the error is a full disk.
        """
        with self._changed:
            pool = self._pool_to_end(trial)
            if pool.is_running(trial):
                pool.fail(trial, _failure(error))
                self._turn()
            trial.is_finished = trial.end_was_returned = True

    def infeasible(self, trial: AskedTrial, reason: str) -> None:
        """End the trial as INFEASIBLE: its parameters cannot be trained. This is not counted as a failure."""
        self.fail(trial, Infeasible(reason))

    def reason(self, trial: AskedTrial) -> str:
        """Why the trial has ended or was paused, such as "PRUNED: …", "PAUSED: …"; "" while it is running."""
        return f"{trial.state}: {trial.reason}" if trial.reason else ""

    @property
    def best(self) -> BestTrial | None:
        """The best trial so far; None while no trial has a value."""
        with self._changed:
            return BestTrial.of(self._turns.history)

    # Under the lock ─────────────────────────────────────────────────────────────────────────────

    def _turn(self) -> bool:
        """Let the loop process the events so far. False: the search is over. Raises exceptions of the loop."""
        if self._broken is not None:
            raise self._broken
        try:
            with self._signals.held_back():
                more = self._turns.turn()
        except BaseException as problem:
            self._broken = problem
            raise
        finally:
            self._update_released()
            self._changed.notify_all()
        return more

    def _update_released(self) -> None:
        for trial in self._turns.pool.released if self._turns.pool is not None else ():
            own = self._shown.ended_trials.pop(trial.number, None) or self._turns.history[trial.number]
            # RUNNING: in the same turn the trial was given to another caller
            trial.state = State.WAITING if own.state is State.RUNNING else own.state
            trial.reason = own.reason
        if self._turns.pool is not None:
            self._turns.pool.released.clear()

    def _check_is_open(self) -> None:
        if not self._is_open:
            raise BadInput("the session is not open: use it inside `with hpsearch.Session(study) as session:`")

    def _pool_of(self, trial: AskedTrial) -> AskAndTell:
        self._check_is_open()
        if self._turns.pool is None or not self._turns.pool.owns(trial):
            raise BadInput(f"trial {trial.number} was not asked of this session")
        return self._turns.pool

    def _pool_to_end(self, trial: AskedTrial) -> AskAndTell:
        pool = self._pool_of(trial)
        if trial.is_finished:
            raise BadInput(f"trial {trial.number} was finished or failed before: {self.reason(trial)}")
        return pool

    def _checked(self, trial: AskedTrial, epoch: SupportsIndex, metrics: Mapping[str, Any]) -> Report:
        if not is_step(epoch) or operator.index(epoch) <= trial.epoch:
            raise TrainerError(
                f"trial {trial.number}: epoch {epoch!r:.80} was reported, but the next epoch is {trial.epoch + 1}: "
                "train the epochs of trial.epochs, and report each once"
            )
        return checked_report(Report(operator.index(epoch), metrics), trial.epoch)

    # In the background ───────────────────────────────────────────────────────────────────────────────

    def _beat(self) -> None:
        """Runs on a thread: applies time limits and stop requests while the caller trains."""
        while not self._closing.wait(BEAT):
            with self._changed:
                try:
                    if self._broken is None:
                        self._turns.beat()
                except BaseException as problem:  # raised by the next call of the session
                    self._broken = problem
                finally:
                    self._update_released()
                    self._changed.notify_all()

    def _stop(self, reason: str) -> None:
        """Called in a signal handler."""
        self._turns.stop(reason)
        self._notes.add("stopping: running trials end with their next report; Ctrl-C again to stop at once")


class _Shown(Observer):
    """stream: gets a line for each ended trial; None: nothing is shown. ended_trials: ended or paused trials, by
    number."""

    def __init__(self, objective: Objective, stream: TextIO | None):
        self._objective, self._stream = objective, stream
        self.ended_trials: dict[int, Trial] = {}

    def ended(self, trial: Trial) -> None:
        self.ended_trials[trial.number] = trial
        self.show_line(f"[{trial.ended}] {line(trial, self._objective)}")

    def show_line(self, text: str) -> None:
        if self._stream is not None:
            self._stream.write(f"{printable(text)}\n")
            self._stream.flush()


def _pool(study: Study, uid: str) -> AskAndTell:
    work = build.work_folder(study, uid)
    return AskAndTell(work, study.trainer.options, environment.of_caller, study.resources.workers)


def _unmeasured(study: Study, pool: AskAndTell, record: PreflightRecord) -> PreflightRecord:  # noqa: ARG001
    """There is no trainer to measure. BadInput: the space depends on it."""
    auto = [one.name for one in study.space.parameters if isinstance(one, Float) and one.auto]
    if auto:
        raise BadInput(
            f"space.{auto[0]}: auto = true needs a trainer that hpsearch can run, but a Session has none: "
            "give low and high without auto"
        )
    if study.preflight is None and study.range_test is None:
        return record
    return record.with_decision("preflight", "skipped: the trials are trained by the caller's own code")


def _failure(error: BaseException | str) -> Failure:
    if isinstance(error, str):
        return Failure("error", error.strip().partition("\n")[0] or "no reason was given", error)
    failure = (
        failure_of(error) if isinstance(error, Exception) else Failure("error", headline(error), short_traceback(error))
    )
    return replace(failure, kind="error") if failure.kind == "contract" else failure
