"""Opens a study, new or recorded, and records its end; in between, the caller runs the loop."""

import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace
from signal import Signals
from typing import TypeVar

from hpsearch.core.clock import now_ms
from hpsearch.core.decisions import EXTENDED, Decision, New, Over, Resume
from hpsearch.core.errors import InfrastructureError, OwnMethodError, TrainerError
from hpsearch.core.folders import ensure_home
from hpsearch.core.history import BestTrial, History
from hpsearch.core.messages import Unread
from hpsearch.core.trial import Cause
from hpsearch.orchestrator import build
from hpsearch.orchestrator.changes import fork
from hpsearch.orchestrator.changes.changed_file import AGAIN, BeforeRounds
from hpsearch.orchestrator.changes.code_changes import known_data, note_on_fork
from hpsearch.orchestrator.changes.extension import ExtendRequest
from hpsearch.orchestrator.changes.retries import Retries, retries
from hpsearch.orchestrator.evidence import earlier_evidence, learned_studies
from hpsearch.orchestrator.held_study import HeldStudy, record_new, reopen
from hpsearch.orchestrator.kept_checkpoints import KeptCheckpoints
from hpsearch.orchestrator.loop import Loop
from hpsearch.orchestrator.observers import Notes, Observer, RoundsRecord, Tracking, has_results
from hpsearch.orchestrator.own import own_methods
from hpsearch.orchestrator.recorder import JournalRecorder
from hpsearch.orchestrator.rules import End, ReachedLimit, Totals, study_limit_reached
from hpsearch.orchestrator.run_result import RunResult
from hpsearch.orchestrator.trainer_findings import EqualCurves
from hpsearch.preflight.runner import PreflightRecord
from hpsearch.provenance import environment
from hpsearch.records.preflight_record import keep
from hpsearch.records.trainer_code import TrainerCode
from hpsearch.samplers.base import Sampler
from hpsearch.study.definition import Study
from hpsearch.study.file.search_sections import CoarseToFine, Recipe
from hpsearch.study.plan import may_resume
from hpsearch.tracking.base import Sync
from hpsearch.tracking.connection import ConnectionCheck
from hpsearch.workers.pools.base import Pool
from hpsearch.workers.unsent_reports import take_unsent, unsent_file

FLUSH = 20.0
"""Seconds to send events to MLflow at the end of a run."""

SomePool = TypeVar("SomePool", bound=Pool)


class Search:
    """Call `open`, run the loop until it is over, then call `close`, or `abort` after an exception.

    origin: the name of the study that this one is forked from. retry_failed, accept_changes, longer: see `run_study`.
    shared: see `reopen`. unused: parameters that the source of the trainer uses nowhere. `stack` closes all that is
    opened, the lease last.
    """

    def __init__(
        self,
        study: Study,
        origin: str | None,
        observer: Observer,
        notes: Notes,
        stack: ExitStack,
        *,
        retry_failed: bool = False,
        accept_changes: bool = False,
        longer: ExtendRequest | None = None,
        shared: bool = False,
    ):
        ensure_home(study.home)
        self.study, self._origin, self._retry_failed = study, origin, retry_failed
        self._accept_changes, self._longer, self._shared = accept_changes, longer, shared
        self._observer, self._notes, self._stack = observer, notes, stack
        self._pool_closed = ExitStack()
        self._tracking = Tracking(notes.add)
        self._began = time.monotonic()
        self._loop: Loop | None = None
        self._again = Retries()
        self._data: Mapping[str, str] = {}
        self.unused: Mapping[str, Unread] = {}

    def open(
        self,
        make: Callable[[Study, str], SomePool],
        complete: Callable[[Study, SomePool, PreflightRecord], PreflightRecord],
    ) -> Loop | None:
        """The loop of the study, which is now RUNNING; None if nothing is left to do.

        make: creates the pool, for the study and its uid. complete: runs the measurements before the first trial.
        Bad input is found before anything is written: the pool checks the trainer before the study is recorded.
        """
        own_methods.check(self.study)
        held = reopen(
            self.study,
            self._origin,
            self._stack,
            self._notes.add,
            shared=self._shared,
            accept_changes=self._accept_changes,
            longer=self._longer,
        )
        preflight, history = PreflightRecord(), None
        if held is not None:
            self.study, history = held.study, held.history()
            preflight = PreflightRecord(held.journal.documents(held.record.id))
            reached = study_limit_reached(build.rules(self.study), history, held.journal.spent(held.record.id))
            sampler = build.sampler(preflight.narrowed(self.study))
            self.history, self.sampler = history, sampler
            segments = held.journal.segments(held.record.id)
            self._data = known_data(segments, history, self._notes.add)
            again = retries(self.study, history, segments, self._retry_failed)
            is_over = not again.trials and self.is_over()
            if reached is not None or is_over:
                self._begin(held, history, sampler)
                self._end = self._recorded_end(None if is_over else reached)
                return None
            self._try_again(held, history, again)
        learned = learned_studies.unread(self.study, held, self._origin)
        uid = held.record.uid if held else uuid.uuid4().hex
        code = TrainerCode.of(self.study)  # before the trainer is imported, because it may change sys.path
        pool = self._pool(make, uid)
        if not history:
            preflight = complete(self.study, pool, preflight)
        if held is None:
            held = record_new(self.study, code, self._origin, uid, self._stack, shared=self._shared)
            fork.take_over(self.study, held.journal, held.record, held.lease, self._notes.add)
            if self._origin and (note := note_on_fork(self.study, held.journal, self._origin)):
                self._notes.add(note)
        learned_studies.record(learned, held.journal, held.lease)
        evidence = held.evidence()
        if history is None or learned:
            history = held.history(evidence)
            notes = [one.note(self.study.search) for one in learned]
            for note in [*earlier_evidence.notes(evidence, self.study), *notes]:
                self._notes.add(note)
            self._observer.retried(held.journal.count(held.record.id, EXTENDED))
        earlier_evidence.record(evidence, self.study, held.journal, held.record, held.lease)
        self._begin(held, history, build.sampler(preflight.narrowed(self.study)))
        self._loop = self._made_loop(pool, preflight)
        self._notes.show_all()
        return self._loop

    def _try_again(self, held: HeldStudy, history: History, again: Retries) -> None:
        """Put the trials to try again into the history. They are recorded with the start of the loop."""
        self._again = again
        before = BeforeRounds.recorded(self.study, held.journal.documents(held.record.id))
        superseded = sum(trial.superseded and trial.ended > 0 for trial in list(history)[before.trials :])
        recorded = sum(held.journal.count(held.record.id, kind) for kind in AGAIN)
        for trial in again.trials:
            history.put(trial)
        if isinstance(self.study.search, CoarseToFine | Recipe):
            self._observer.retried(recorded + len(again.trials) + superseded + before.ends)
        else:  # each trial counts once, also if an earlier method paused and continued it
            ended = [trial for trial in history if trial.ended and not (trial.state.is_active or trial.superseded)]
            self._observer.retried(max(0, history.ended - len(ended)))
        if again.trials:
            self._notes.add(again.note)

    def is_over(self) -> bool:
        """Whether no trial is running or waiting and the sampler proposes none, so that no worker is needed."""
        most = self.study.limits.trials
        if any(trial.state.is_active for trial in self.history):
            return False
        if most is not None and self.history.counted >= most:
            return True
        return not isinstance(self.sampler.ask(self.history.of_search), New | Resume)

    def _pool(self, make: Callable[[Study, str], SomePool], uid: str) -> SomePool:
        """Creating the pool takes seconds; the MLflow server is checked meanwhile. BadInput if it refuses requests."""
        mlflow = ConnectionCheck(self.study.tracking_uri)
        pool = make(self.study, uid)
        self._stack.enter_context(self._pool_closed)
        self._pool_closed.callback(pool.close)
        if warning := mlflow.result():
            self._tracking.note(f"{warning}; training continues, and MLflow is updated later")
        return pool

    def _begin(self, held: HeldStudy, history: History, sampler: Sampler) -> None:
        self.held, self.history, self.sampler = held, history, sampler
        self._own_logging = build.own_logging(self.study, held.record)
        self._tracking.tracker = build.tracker(self.study, held.record, self._own_logging)
        code = environment.code(self.study.trainer.use, self.study.folder, self.study.provenance.diff)
        self._recorder = JournalRecorder(held, code, self._notes.add, data=self._data)
        self._notes.unit = self.study.objective.unit
        self._notes.resumes = may_resume(self.study) or any(trial.state.is_active and trial.curve for trial in history)
        self._rounds = RoundsRecord(held, sampler, history, self._observer.show_line)
        uid = held.record.uid
        self._kept = KeptCheckpoints(self.study.checkpoints, sampler, history, held.folder, uid, self._notes.add)
        self._stack.callback(self._kept.close)
        self._end, self._totals = End(), Totals()

    def _made_loop(self, pool: Pool, preflight: PreflightRecord) -> Loop:
        if problem := build.prepare_own_logging(self.study, self.held.record, self._own_logging):
            self._notes.add(
                f"note: {problem}; MLflow runs of the trainer itself are kept in the scratch folder of each trial"
            )
        rules = replace(build.rules(self.study), unused=self.unused)
        pruner, early_stopping = build.pruner(self.study), build.early_stopping(self.study)
        self._recorder.state("RUNNING")
        self._recorder.write(self._again.trials, (), self._again.decisions)
        if preflight.decisions:  # written before the documents: without a document, the next run measures again
            self._recorder.write((), (), preflight.decisions)
            self.held.put_documents(preflight.documents)
            keep(self.held.folder, preflight.documents)
        equal = EqualCurves(self.history, self._notes.add)
        return Loop(
            rules,
            self.sampler,
            pruner,
            early_stopping,
            pool,
            self._recorder,
            self.history,
            spent=self._recorder.spent_before,
            unsent=lambda number, after: take_unsent(unsent_file(self.held.folder, number), after),
            observers=(self._observer, self._rounds, self._notes, self._tracking, self._kept, equal),
        )

    # Its end ────────────────────────────────────────────────────────────────────────────────────

    def leave_open(self) -> None:
        """In place of `close`: leave the study RUNNING for other programs, and send nothing to MLflow."""
        self._recorder.close()

    def close(self, signal: Signals | None = None) -> RunResult:
        """Record the end, close the pool, and write everything to the journal, then to MLflow.

        signal: that stopped the run, or None. After a signal, unwritten data are left to the next run.
        JournalUnavailable: see `JournalRecorder.close`.
        """
        if self._loop is not None:
            end, self._totals = self._loop.end, self._loop.totals
            if end.is_limit and "target" not in end.numbers and self.is_over():  # the last trial used it up
                end = self._over()
            self._end = end.of(self.history)
            self._rounds.end(self._end.over)
            self._recorder.state(self._end.state, self._end.cause, self._end.numbers)
        self._pool_closed.close()
        self._recorder.close(at_once=signal is not None)
        self._kept.finish()
        self._tracking.follow(self.history)
        return self._result(self._tracking.close(FLUSH), signal)

    def abort(self, problem: BaseException, signal: Signals | None = None) -> RunResult:
        """End the run after an exception. If the trainer, sampler or pruner cannot be used and there are no results,
        the study is deleted, as for bad input."""
        assert self._loop is not None
        self._end, self._totals = self._loop.end, self._loop.totals
        self._pool_closed.close()
        with suppress(InfrastructureError):
            if isinstance(problem, TrainerError | OwnMethodError) and not has_results(self.history):
                self.held.delete()
            else:
                trainer = isinstance(problem, TrainerError)
                self._recorder.state("STOPPED", Cause.TRAINER_RAISED if trainer else Cause.INTERRUPTED)
        with suppress(InfrastructureError):
            self._recorder.close(at_once=True)
        self._kept.close()
        return self._result(self._tracking.close(0.0), signal)

    def _recorded_end(self, reached: ReachedLimit | None) -> End:
        """The end of a study that has nothing left to train: its earlier end, or the limit that it has reached. It is
        recorded unless it is recorded already."""
        end = self._over()
        if reached is not None:
            end = End(reached.reason, end.over, Cause.LIMIT, reached.numbers)
        end = end.of(self.history)
        self._recorder.state(end.state, end.cause, end.numbers)
        return end

    def _over(self) -> End:
        """The end of the search by its sampler. The decision is recorded unless it is recorded already."""
        last = self.sampler.ask(self.history.of_search)
        if isinstance(last, Over):
            decided = self.held.has_ended(last)
            if not decided:
                self._recorder.write((), (), [Decision("over", last.reason, at=now_ms())])
            if not decided or self.held.record.state not in ("COMPLETE", "FAILED"):
                self._rounds.end(last.reason)
            return End("", last.reason, last.cause, last.numbers)
        if self.history.counted == self.study.limits.trials:
            return End("", "", Cause.LIMIT, {"trials": self.history.counted})
        return End()

    def _result(self, sync: Sync, signal: Signals | None) -> RunResult:
        self._notes.show_all()
        seconds = time.monotonic() - self._began
        return RunResult(
            study=self.study,
            is_fork=self._origin is not None,
            history=self.history,
            counts=Counter(trial.state for trial in self.history),
            best=BestTrial.of(self.history),
            totals=self._totals,
            end=self._end,
            sync=sync,
            seconds=seconds,
            spent=self._recorder.spent_before + seconds,
            signal=signal,
            trained_nothing=self._loop is None,
        )
