"""One study, from where it stands to its end."""

import shutil
import time
import uuid
from collections import Counter
from contextlib import ExitStack, suppress

from hpsearch.core.clock import now_ms
from hpsearch.core.decisions import Decision, New, Over, Resume
from hpsearch.core.errors import InfrastructureError, TrainerError
from hpsearch.core.history import History
from hpsearch.core.logs import hold
from hpsearch.core.logs import quiet as log_to
from hpsearch.core.trial import Cause
from hpsearch.orchestrator import build
from hpsearch.orchestrator.held_study import HeldStudy, record_new, reopen
from hpsearch.orchestrator.loop import Loop
from hpsearch.orchestrator.observers import Notes, Observer, RoundsRecord, Tracking, has_results
from hpsearch.orchestrator.recorder import JournalRecorder
from hpsearch.orchestrator.rules import End, Reached, Totals, limit_reached
from hpsearch.orchestrator.run_result import BestTrial, RunResult
from hpsearch.orchestrator.signals import Signals
from hpsearch.preflight.runner import PreflightRecord, complete
from hpsearch.provenance import environment
from hpsearch.records.preflight_record import keep
from hpsearch.samplers.base import Sampler
from hpsearch.study.definition import Study
from hpsearch.tracking.base import Sync
from hpsearch.tracking.connection import ConnectionCheck
from hpsearch.workers.pools.base import WorkerPool

FLUSH = 20.0
"""Seconds that MLflow has to catch up at the end of a run."""


def run_study(
    study: Study, observer: Observer, *, origin: str | None = None, skip_preflight: bool = False
) -> RunResult:
    """origin: the name of the study that this one is forked from.

    Stopped where a signal ends it before its first trial; later, and for every other end in good order, the result
    says why.
    """
    hold()
    observer.study_started(study)
    notes = Notes(observer.say)
    signals = Signals(notes.add)
    with signals.listening(), ExitStack() as stack:
        try:
            result = _Run(study, origin, observer, notes, signals, stack).run(skip_preflight)
        except (InfrastructureError, OSError) as problem:
            log = study.home / "hpsearch.log"
            with suppress(OSError):
                log_to(log)
                if log.exists():
                    problem.add_note(f"  log  {log}")
            raise
        observer.study_ended(result)
        return result


class _Run:
    """Between a study that has been read and what the run of it came to; what is opened is closed by `stack`."""

    def __init__(
        self, study: Study, origin: str | None, observer: Observer, notes: Notes, signals: Signals, stack: ExitStack
    ):
        self.study, self.origin, self.observer = study, origin, observer
        self.notes, self.signals, self.stack = notes, signals, stack
        self.pool_closed = ExitStack()
        self.tracking = Tracking(notes.add)
        self.began = time.monotonic()

    def run(self, skip_preflight: bool) -> RunResult:
        """Bad input is found before anything is written: the pool has tried the trainer when the study is recorded."""
        held, preflight, history = reopen(self.study, self.origin, self.stack, self.notes.add), PreflightRecord(), None
        if held is not None:
            self.study, history = held.study, held.history()
            preflight = PreflightRecord(held.journal.documents(held.record.id))
            sampler = build.sampler(preflight.narrowed(self.study))
            reached = limit_reached(build.rules(self.study), history, held.journal.spent(held.record.id))
            if reached is not None or self._is_over(sampler, history):
                return self._nothing_to_do(held, history, sampler, reached)
        uid = held.record.uid if held else uuid.uuid4().hex
        pool = self._pool(uid)
        if not history:
            preflight = complete(self.study, pool, preflight, self.observer.say, skip_preflight=skip_preflight)
        held = held or record_new(self.study, self.origin, uid, self.stack)
        log_to(self.study.home / "hpsearch.log")
        history = held.history() if history is None else history
        return self._search(held, history, build.sampler(preflight.narrowed(self.study)), pool, preflight)

    def _is_over(self, sampler: Sampler, history: History) -> bool:
        """Whether nothing waits and nothing more will be proposed, so that no worker is needed."""
        most = self.study.limits.trials
        if any(trial.state.is_active for trial in history):
            return False
        return (most is not None and len(history) >= most) or not isinstance(sampler.ask(history), New | Resume)

    def _pool(self, uid: str) -> WorkerPool:
        """Takes seconds, so MLflow is asked meanwhile. BadInput where it refuses us."""
        mlflow = ConnectionCheck(self.study.tracking_uri)
        pool, notes = build.pool(self.study, uid)
        self.stack.enter_context(self.pool_closed)
        self.pool_closed.callback(pool.close)
        for note in notes:
            self.notes.add(f"note: {note}")
        if away := mlflow.answer():
            self.tracking.note(f"{away}; training goes on, and MLflow is brought to agree later")
        return pool

    def _search(
        self, held: HeldStudy, history: History, sampler: Sampler, pool: WorkerPool, preflight: PreflightRecord
    ) -> RunResult:
        recorder = self._recorder(held)
        rounds = RoundsRecord(held, sampler, history, self.notes.add)
        loop = Loop(
            build.rules(self.study),
            sampler,
            build.pruner(self.study),
            build.early_stopping(self.study),
            pool,
            recorder,
            history,
            spent=recorder.spent_before,
            observers=(self.observer, rounds, self.notes, self.tracking),
        )
        recorder.state("RUNNING")
        if preflight.decisions:  # before their documents: what is not here after a kill is measured and decided again
            recorder.write((), (), preflight.decisions)
            held.put_documents(preflight.documents)
            keep(held.folder, preflight.documents)
        try:
            with self.signals.stopping(loop):
                loop.run()
        except BaseException as problem:
            self.pool_closed.close()
            self._break_off(held, history, recorder, problem)
            if not (isinstance(problem, KeyboardInterrupt) and self.signals.first):
                raise
            return self._result(history, loop.totals, loop.end, self.tracking.close(0.0))
        rounds.end(loop.end.over)
        recorder.state(loop.end.state, loop.end.cause, loop.end.numbers)
        self.pool_closed.close()
        recorder.close(at_once=self.signals.first is not None)
        return self._result(history, loop.totals, loop.end, self.tracking.close(FLUSH))

    def _recorder(self, held: HeldStudy) -> JournalRecorder:
        self.tracking.tracker = build.tracker(self.study, held.record)
        code = environment.code(self.study.trainer.use, self.study.folder)
        return JournalRecorder(held, code, self.notes.add)

    def _break_off(self, held: HeldStudy, history: History, recorder: JournalRecorder, problem: BaseException) -> None:
        """A study whose trainer cannot be used, and of which nothing came, was bad input: nothing is left of it."""
        with suppress(InfrastructureError):
            if isinstance(problem, TrainerError) and not has_results(history):
                held.journal.forget(held.lease)
                shutil.rmtree(held.folder, ignore_errors=True)
            else:
                trainer = isinstance(problem, TrainerError)
                recorder.state("STOPPED", Cause.TRAINER_RAISED if trainer else Cause.INTERRUPTED)
        with suppress(InfrastructureError):
            recorder.close(at_once=True)

    def _nothing_to_do(self, held: HeldStudy, history: History, sampler: Sampler, reached: Reached | None) -> RunResult:
        recorder = self._recorder(held)
        last, end = sampler.ask(history), End()
        if isinstance(last, Over):
            decided = held.has_ended(last)
            if not decided:
                recorder.write((), (), [Decision("over", last.reason, at=now_ms())])
            if not decided or held.record.state != "COMPLETE":
                RoundsRecord(held, sampler, history, self.notes.add).end(last.reason)
            end = End("", last.reason, last.cause, last.numbers)
        elif len(history) == self.study.limits.trials:
            end = End("", "", Cause.LIMIT, {"trials": len(history)})
        if reached is not None:
            end = End(reached.reason, end.over, Cause.LIMIT, reached.numbers)
        recorder.state(end.state, end.cause, end.numbers)
        recorder.close()
        self.tracking.follow(history)
        return self._result(history, Totals(), end, self.tracking.close(FLUSH))

    def _result(self, history: History, totals: Totals, end: End, sync: Sync) -> RunResult:
        self.notes.say_all()
        return RunResult(
            study=self.study,
            is_fork=self.origin is not None,
            history=history,
            counts=Counter(trial.state for trial in history),
            best=BestTrial.of(history),
            totals=totals,
            end=end,
            sync=sync,
            seconds=time.monotonic() - self.began,
            signal=self.signals.first,
        )
