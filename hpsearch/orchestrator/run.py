"""`hpsearch run`: one study, from where it stands to its end."""

import shutil
import signal
import sys
import time
import uuid
from argparse import Namespace
from collections.abc import Iterator
from contextlib import ExitStack, nullcontext, redirect_stdout, suppress
from dataclasses import dataclass
from typing import TextIO

from hpsearch.cli.answer import Answer
from hpsearch.core.decisions import Decision, New, Over, Resume
from hpsearch.core.errors import (
    BadInput,
    InfrastructureError,
    JournalAway,
    NotFound,
    Stopped,
    StudyBusy,
    StudyChanged,
    TrainerError,
)
from hpsearch.core.history import History
from hpsearch.core.logs import hold
from hpsearch.core.logs import quiet as to_file
from hpsearch.core.trial import Trial
from hpsearch.journal import Heartbeat, Journal, Lease, Owner, Spool, StudyRecord, recover
from hpsearch.orchestrator import build
from hpsearch.orchestrator.journal_recorder import JournalLedger, Recording
from hpsearch.orchestrator.loop import Loop
from hpsearch.orchestrator.outcome import Outcome
from hpsearch.orchestrator.rules import Totals, limit_reached
from hpsearch.orchestrator.signals import Signals
from hpsearch.preflight.runner import Tried, try_out
from hpsearch.progress.terminal import Screen
from hpsearch.provenance import environment
from hpsearch.records.preflight_record import keep
from hpsearch.samplers.base import Sampler
from hpsearch.samplers.recipe import history_of_rounds
from hpsearch.study.definition import Study, differences, load
from hpsearch.study.plan import certain_proposals, changed_rounds
from hpsearch.tracking.base import Sync, Tracker
from hpsearch.tracking.connection import Preflight
from hpsearch.workers.pools.base import Measurer, Pool, WorkerPool

FLUSH = 20.0
"""Seconds that MLflow has to catch up at the end of a run."""

DRAIN = 30.0
"""Seconds that running trials have to end their epoch where the run ends for want of a journal, or was asked to."""


def run(args: Namespace) -> Iterator[Answer]:
    study = load(args.file, args.overrides)
    origin = study.study.name if args.fork else None
    if args.fork:
        study = study.renamed(args.fork)
    lines = sys.stdout if args.jsonl else None
    outcome = search(study, origin, quiet=args.quiet, lines=lines, skip_preflight=args.skip_preflight)
    yield Answer(outcome.data(), outcome.text, outcome.exit_code)


def search(
    study: Study,
    origin: str | None = None,
    *,
    quiet: bool = False,
    lines: TextIO | None = None,
    skip_preflight: bool = False,
) -> Outcome:
    """Run a study to its end, from where it stands. origin: the study that it is forked from. lines: see `Screen`."""
    log = study.home / "hpsearch.log"
    hold()
    here = study.resources.address == "none"
    with ExitStack() as stack:
        screen = Screen(study.study.name, certain_proposals(study), quiet=quiet, live=not here, lines=lines)
        stack.enter_context(screen)
        if here and not (sys.stdout and sys.stdout.isatty()):
            stack.enter_context(redirect_stdout(sys.stderr))  # what the trainer prints is no data of ours
        this = _Run(study, origin, screen, stack, skip_preflight=skip_preflight)
        try:
            return this.run()
        except (KeyboardInterrupt, SystemExit) as stop:  # `ray.init` puts a handler for SIGTERM that raises SystemExit
            asked = this.signals.first or (signal.SIGTERM if isinstance(stop, SystemExit) else signal.SIGINT)
            raise Stopped(asked, f"stopped by {asked.name}: run the same command again to go on") from None
        except (InfrastructureError, OSError) as problem:
            with suppress(OSError):
                to_file(log)
                if log.exists():
                    problem.add_note(f"  log  {log}")
            raise


@dataclass(frozen=True)
class _Held:
    """A recorded study, ours to write."""

    journal: Journal
    record: StudyRecord
    lease: Lease


class _Run:
    """Everything between a study that has been read and its outcome; what is opened is closed by `stack`."""

    def __init__(
        self, study: Study, origin: str | None, screen: Screen, stack: ExitStack, *, skip_preflight: bool = False
    ):
        self.study, self.origin, self.screen, self.stack = study, origin, screen, stack
        self.skip_preflight = skip_preflight
        self.pool_closed = ExitStack()
        self.news: list[str] = []
        self.told_of_mlflow = False
        self.signals = Signals(self.news)
        self.began = time.monotonic()

    def run(self) -> Outcome:
        """Bad input is found before anything is written: the pool has tried the trainer when the study is recorded."""
        self.signals.listen(self.stack)
        held = self._recorded()
        tried = Tried(held.journal.documents(held.record.id)) if held else Tried()
        sampler = build.sampler(tried.searched(self.study))
        history = self._history(held) if held else None
        if held is not None and history is not None:
            reached = limit_reached(build.rules(self.study), history, held.journal.spent(held.record.id))
            if reached is not None or self._is_over(sampler, history):
                return self._nothing_to_do(held, history, sampler, reached.reason if reached else "")
        uid = held.record.uid if held else uuid.uuid4().hex
        pool = self._pool(held, uid)
        tried = self._tried(held, history, pool, tried)
        held = held or self._record(uid)
        to_file(self.study.home / "hpsearch.log")
        history = self._history(held) if history is None else history
        return self._search(held, history, build.sampler(tried.searched(self.study)), pool, tried)

    def _pool(self, held: _Held | None, uid: str) -> WorkerPool:
        """Takes seconds, so meanwhile the lease is kept and MLflow is asked. BadInput where MLflow refuses us."""
        mlflow = Preflight(self.study.tracking_uri)
        with Heartbeat(held.journal, held.lease) if held else nullcontext():
            pool, notes = build.pool(self.study, uid)
        self.stack.enter_context(self.pool_closed)
        self.pool_closed.callback(pool.close)
        self.news += [f"note: {note}" for note in notes]
        if away := mlflow.answer():
            self._tell_of_mlflow(f"{away}; training goes on, and MLflow is brought to agree later")
        return pool

    def _tried(self, held: _Held | None, history: History | None, pool: Measurer, before: Tried) -> Tried:
        """What is to be known before the first trial, measured where it is not known yet."""
        if history is not None and len(history) > 0:
            return before
        with Heartbeat(held.journal, held.lease) if held else nullcontext():
            return try_out(self.study, pool, before, self.screen.say, skip_preflight=self.skip_preflight)

    def _keep(self, held: _Held, tried: Tried) -> None:
        """After its decisions: what is not here after a kill is measured again, and decided again."""
        for kind, document in tried.documents.items():
            held.journal.put_document(held.lease, kind, document, at=int(time.time() * 1000))
        keep(build.work_folder(self.study, held.record.uid), tried.documents)

    def _search(self, held: _Held, history: History, sampler: Sampler, pool: Pool, tried: Tried) -> Outcome:
        ledger, tracking = self._ledger(held), _Tracking(self.study, held.record)
        recording = Recording(pool, ledger, environment.code(self.study.trainer.use, self.study.folder))

        def watch(loop: Loop, trials: list[Trial]) -> None:
            self.screen.watch(loop, trials)
            if loop.notes:
                self.news += map(history_of_rounds.indented, loop.notes)
                loop.notes.clear()
                self._tell_rounds(held, sampler, history)
            self._tell()
            tracking.watch(history)
            if tracking.problem:
                self._tell_of_mlflow(tracking.problem)
            if reason := ledger.overdue or ("`hpsearch stop` was called" if ledger.asked_to_stop else ""):
                loop.stop(reason, DRAIN)

        rules, spent = build.rules(self.study), ledger.spent_before
        pruners = build.pruner(self.study), build.early_stopping(self.study)
        loop = Loop(rules, sampler, *pruners, recording, ledger, history, spent=spent, watch=watch)
        ledger.state("RUNNING")
        if tried.decisions:
            ledger.write((), (), tried.decisions)
            self._keep(held, tried)
        try:
            with self.signals.stopping(loop), Heartbeat(held.journal, held.lease):  # an epoch here may take long
                loop.run()
        except BaseException as problem:
            self.pool_closed.close()
            self._break_off(held, history, ledger, problem)
            if not (isinstance(problem, KeyboardInterrupt) and self.signals.first):
                raise
            return self._outcome(history, loop.totals, loop.ending, tracking.close(0.0))
        self._tell_rounds(held, sampler, history, loop.over)
        ledger.state("STOPPED" if loop.ending else "COMPLETE")
        self.pool_closed.close()
        ledger.close(at_once=self.signals.first is not None)
        return self._outcome(history, loop.totals, loop.ending, tracking.close(FLUSH), loop.over)

    def _tell_rounds(self, held: _Held, sampler: Sampler, history: History, over: str | None = None) -> None:
        """Where the database is away they are told when the next one begins. over: it has ended, for this reason or "":
        then they are drawn too, which takes a second, and nobody waits for that any more."""
        told = history_of_rounds.document(sampler, history, over or "")
        if told is None:
            return
        with suppress(JournalAway):
            held.journal.put_document(held.lease, history_of_rounds.KIND, told, at=int(time.time() * 1000))
        if over is not None:
            keep(build.work_folder(self.study, held.record.uid), {history_of_rounds.KIND: told})

    def _ledger(self, held: _Held) -> JournalLedger:
        return JournalLedger(held.journal, held.lease, self.study, self._spool(held.record.uid), self.news.append)

    def _spool(self, uid: str) -> Spool:
        return Spool(build.work_folder(self.study, uid) / "spool.jsonl")

    def _is_over(self, sampler: Sampler, history: History) -> bool:
        """Whether nothing waits and nothing more will be proposed, so that no worker is needed."""
        most = self.study.limits.trials
        if any(trial.state.is_active for trial in history):
            return False
        return (most is not None and len(history) >= most) or not isinstance(sampler.ask(history), New | Resume)

    def _nothing_to_do(self, held: _Held, history: History, sampler: Sampler, ending: str) -> Outcome:
        tracking, ledger = _Tracking(self.study, held.record), self._ledger(held)
        last = sampler.ask(history)
        over = last.reason if isinstance(last, Over) else ""
        if (
            over and held.journal.documents(held.record.id).get(history_of_rounds.KIND, {}).get("over") != over
        ):  # ended before it said so
            if not any(one.reason == over for one in held.journal.decisions(held.record.id)):
                ledger.write((), (), [Decision("over", over, at=int(time.time() * 1000))])
            self._tell_rounds(held, sampler, history, over)
        ledger.state("STOPPED" if ending else "COMPLETE")
        ledger.close()
        tracking.watch(history)
        return self._outcome(history, Totals(), ending, tracking.close(FLUSH), over)

    def _break_off(self, held: _Held, history: History, ledger: JournalLedger, problem: BaseException) -> None:
        """A study whose trainer cannot be used, and of which nothing came, was bad input: nothing is left of it."""
        with suppress(InfrastructureError):
            if isinstance(problem, TrainerError) and not _came_to_something(history):
                held.journal.forget(held.lease)
                shutil.rmtree(build.work_folder(self.study, held.record.uid), ignore_errors=True)
            else:
                ledger.state("STOPPED")
        with suppress(InfrastructureError):
            ledger.close(at_once=True)

    def _tell_of_mlflow(self, problem: str) -> None:
        """Once, however often it comes and goes; what is left to do is said at the end."""
        if not self.told_of_mlflow:
            self.news.append(f"note: {problem}")
        self.told_of_mlflow = True

    def _tell(self) -> None:
        while self.news:
            self.screen.say(self.news.pop(0))

    def _outcome(self, history: History, totals: Totals, ending: str, sync: Sync, over: str = "") -> Outcome:
        self._tell()
        seconds, forked = time.monotonic() - self.began, self.origin is not None
        return Outcome(self.study, forked, history, totals, ending, sync, seconds, self.signals.first, over)

    # The record ─────────────────────────────────────────────────────────────────────────────────

    def _recorded(self) -> _Held | None:
        """The study as it was left, ours to write; None where this is its first run."""
        try:
            journal = self._open(create=False)
        except NotFound:
            if self.origin:
                raise NotFound(f'no study "{self.origin}" is recorded that --fork could start from') from None
            return None
        record = journal.find(self.study.study.name)
        self._check_fork(journal, record)
        if record is None:
            return None
        changed = differences(dict(record.identity), self.study.identity()) + changed_rounds(record.spec, self.study)
        if changed:
            raise StudyChanged(
                f'study "{record.name}" is recorded with other content:\n  ' + "\n  ".join(changed) + "\n"
                "put it back to go on, or run with --fork NEW_NAME to start a new study that learns from this one"
            )
        held = self._held(journal, record)
        if told := recover(journal, held.lease, self.study.objective, self._spool(record.uid)):
            self.news.append(told)
        self.study = self.study.extending(record.spec)
        journal.respec(held.lease, self.study.spec())
        return held

    def _check_fork(self, journal: Journal, record: StudyRecord | None) -> None:
        if self.origin is None:
            return
        if self.origin == self.study.study.name:
            raise BadInput(f'--fork must name a new study, got "{self.origin}", the name in the file')
        if record is not None and record.forked_from != self.origin:
            raise BadInput(f'study "{record.name}" is there already and is no fork of "{self.origin}": name another')
        if journal.find(self.origin) is None:
            raise NotFound(f'no study "{self.origin}" is recorded that --fork could start from')

    def _record(self, uid: str) -> _Held:
        journal = self._open()
        record = journal.create(
            self.study.study.name,
            self.study.spec(),
            self.study.identity(),
            at=int(time.time() * 1000),
            forked_from=self.origin,
            uid=uid,
        )
        if record.uid != uid:
            raise StudyBusy(f'study "{record.name}" has just been started by another process')
        return self._held(journal, record)

    def _open(self, create: bool = True) -> Journal:
        journal = Journal.open(self.study.journal_url, create=create)
        self.stack.callback(journal.close)
        return journal

    def _held(self, journal: Journal, record: StudyRecord) -> _Held:
        lease = journal.acquire(record.id, Owner.current())
        self.stack.callback(_release, journal, lease)
        return _Held(journal, record, lease)

    def _history(self, held: _Held) -> History:
        """All trials so far, and as evidence the settled ones of the study that this one was forked from."""
        journal, record = held.journal, held.record
        origin = journal.find(record.forked_from) if record.forked_from else None
        others = journal.trials(origin.id) if origin else []
        evidence = [trial for trial in others if not trial.state.is_active]
        return History(self.study.objective, journal.trials(record.id), evidence)


def _came_to_something(history: History) -> bool:
    return history.epochs > 0 or history.ended > 0


def _release(journal: Journal, lease: Lease) -> None:
    """Where the database is away the lease expires by itself."""
    with suppress(InfrastructureError):
        journal.release(lease)


class _Tracking:
    """The tracker, started when there is something to show: what is found wrong before leaves no trace in MLflow."""

    def __init__(self, study: Study, record: StudyRecord):
        self._tracker: Tracker = build.tracker(study, record)
        self._started = False

    @property
    def problem(self) -> str:
        return self._tracker.problem

    def watch(self, history: History) -> None:
        if not self._started and _came_to_something(history):
            self._started = True
            self._tracker.start()

    def close(self, timeout: float) -> Sync:
        try:
            return self._tracker.close(timeout) if self._started else Sync(0, 0)
        except KeyboardInterrupt:
            return self._tracker.close(0.0)
