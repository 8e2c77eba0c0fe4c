"""The loop of a Session in several programs on one study: each holds the study's lease only during a turn.

In a turn, a program reads what the others have written, decides, and writes, so two programs never propose the same
trial. Each program renews its row in the journal. If it does not, its trials are given to another program.
"""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from signal import Signals
from typing import TypeVar

from hpsearch.core.errors import InfrastructureError, JournalUnavailable, LeaseLost, StudyBusy
from hpsearch.core.history import History
from hpsearch.core.messages import Event, Kill, Lost, Reported
from hpsearch.core.trial import Cause
from hpsearch.journal import LEASE_SECONDS, Callers, Journal, Owner
from hpsearch.orchestrator import build
from hpsearch.orchestrator.held_study import HeldStudy
from hpsearch.orchestrator.loop import Loop
from hpsearch.orchestrator.observers import Notes, Observer, RoundsRecord
from hpsearch.orchestrator.proposals import Proposals
from hpsearch.orchestrator.recorder import JournalRecorder
from hpsearch.orchestrator.rules import End, limit_reached
from hpsearch.orchestrator.search import Search
from hpsearch.orchestrator.sessions.exclusive_loop import Complete, Make
from hpsearch.provenance import environment
from hpsearch.study.definition import Study
from hpsearch.workers.pools.ask_and_tell import AskAndTell

LEASE_TIMEOUT = LEASE_SECONDS + 5.0
"""Seconds to wait for the lease: a program that ends during its turn holds it for LEASE_SECONDS."""

RENEWAL = LEASE_SECONDS / 5
"""Seconds between two renewals of a program's row."""

RETRY_INTERVAL = 0.5
"""Seconds between two attempts to reach a database that is unreachable."""

Result = TypeVar("Result")


class SharedLoop:
    """The same interface as `ExclusiveLoop`, for several programs.

    history: as of the last turn. A Loop is built for each turn; the proposals, the time of each trial's last report and
    the end of the search are carried over from the last turn.
    """

    def __init__(self, study: Study, observer: Observer, notes: Notes):
        self.study, self._observer, self._notes = study, observer, notes
        self._owner = Owner.current()
        self.pool: AskAndTell | None = None
        self.history = History(study.objective)
        self._end = End()
        self._revision: int | None = None
        self._reported_at: dict[int, float] = {}
        self._renewed_at = 0.0

    @property
    def is_slow(self) -> bool:
        return True  # another program may end a trial at any time

    @property
    def is_stopped(self) -> bool:
        return bool(self._end.stopped)

    def open(self, make: Make, complete: Complete) -> None:
        self._make, self._complete = make, complete
        _in_turn(self._open)
        if self.pool is None:
            return
        with ExitStack() as opened:
            opened.callback(self.pool.close)
            self._journal = opened.enter_context(Journal.open(self.study.journal_url, create=False))
            self._proposals = Proposals(self._sampler)
            self._code = environment.code(self.study.trainer.use, self.study.folder, self.study.provenance.diff)
            with self._held():
                self._since = self.history.ended
            opened.pop_all()

    def _open(self) -> None:
        def made(study: Study, uid: str) -> AskAndTell:
            pools.append(self._make(study, uid))
            return pools[0]

        pools: list[AskAndTell] = []
        with ExitStack() as stack:
            search = Search(self.study, None, self._observer, self._notes, stack, shared=True)
            if search.open(made, self._complete) is None:
                self.history = search.history
                search.close()
                return
            self._record, self._sampler = search.held.record, search.sampler
            search.held.journal.renew_caller(self._record.id, self._owner)
            search.leave_open()
            self.study, self.pool = search.study, pools[0]

    # A turn ─────────────────────────────────────────────────────────────────────────────────────

    def turn(self) -> bool:
        """Process the events of this program and of the others. False: the search is over.

        If the database is unreachable, it is tried again for `[journal] wait`, then JournalUnavailable is raised.
        """
        assert self.pool is not None
        events, began = self.pool.events(0.0), time.monotonic()
        while True:
            try:
                with self._held() as held:
                    return self._turn(held, self.pool, events)
            except (JournalUnavailable, LeaseLost):
                if time.monotonic() - began > self.study.journal.wait:
                    raise
                time.sleep(RETRY_INTERVAL)

    def _turn(self, held: HeldStudy, pool: AskAndTell, events: Sequence[Event]) -> bool:
        callers = self._journal.callers(self._record.id, self._owner)
        mine = self._mine(callers)
        lost = [number for number, uid in callers.has.items() if uid not in callers.alive]
        running_elsewhere = callers.has.keys() - mine - set(lost)
        for number in pool.running.keys() - mine:  # given to another program, or ended, and the reply was lost
            pool.execute(Kill(number))
        pool.add_events([event for event in events if event.number in mine and self._is_news(event)])
        pool.add_events([Lost(number, "the program that trained it has ended") for number in lost])
        pool.running_elsewhere, now = len(running_elsewhere), time.monotonic()
        running = dict.fromkeys([*running_elsewhere, *lost], now)
        for number in mine & {*pool.running, *(event.number for event in events)}:  # not those whose start was lost
            running[number] = self._reported_at.get(number, now)
        loop, recorder = self._loop(held, pool, running)
        try:
            more = loop.turn()
        finally:
            recorder.close()
        self._revision, _ = self._journal.last_write(self._record.id)
        self._reported_at = {number: loop.running[number] for number in pool.running}
        self._end = loop.end
        return more

    def _mine(self, callers: Callers) -> set[int]:
        return {number for number, uid in callers.has.items() if uid == self._owner.uid}

    def _is_news(self, event: Event) -> bool:
        """False if the journal has it already, since only the reply was lost."""
        reports = event.reports if isinstance(event, Reported) else ()
        return all(report.step > self.history[event.number].epoch for report in reports)

    def _loop(self, held: HeldStudy, pool: AskAndTell, running: dict[int, float]) -> tuple[Loop, JournalRecorder]:
        recorder = JournalRecorder(held, self._code, self._notes.add, self._owner)
        rounds = RoundsRecord(held, self._sampler, self.history, self._observer.show_line)
        loop = Loop(
            build.rules(self.study),
            self._proposals,
            build.pruner(self.study),
            build.early_stopping(self.study),
            pool,
            recorder,
            self.history,
            spent=recorder.spent_before,
            since=self._since,
            running=running,
            observers=(self._observer, rounds, self._notes),
        )
        reached = limit_reached(loop.rules, self.history, recorder.spent_before)
        if self._end.stopped:
            loop.end = self._end
        elif recorder.stop_requested:
            loop.stop(recorder.stop_requested)
        elif reached is not None:  # by another program
            loop.stop(reached.reason, cause=Cause.LIMIT, numbers=reached.numbers)
        return loop, recorder

    def beat(self) -> None:
        """As in `ExclusiveLoop`; also renew this program's row."""
        if time.monotonic() - self._renewed_at < RENEWAL:
            return
        self._renewed_at = time.monotonic()
        with suppress(InfrastructureError):
            self._journal.renew_caller(self._record.id, self._owner)
        self.turn()

    def stop(self, reason: str) -> None:
        """Stop only this program. May be called in a signal handler."""
        self._end = replace(self._end, stopped=reason, cause=Cause.INTERRUPTED)

    # Its end ────────────────────────────────────────────────────────────────────────────────────

    def close(self, problem: BaseException | None, signal: Signals | None) -> None:
        """This program's trials wait for another program. The last program records the end and updates MLflow."""
        if self.pool is None:
            return
        reason = self._end.stopped or "the session was closed"
        if problem is not None:
            reason = f"the session ended: {type(problem).__name__}"
        try:
            if self._leave(self.pool, reason):
                _in_turn(lambda: self._record_end(reason, problem, signal))
        except InfrastructureError:
            if problem is None:
                raise
        finally:
            self.pool.close()
            self._journal.close()

    def _leave(self, pool: AskAndTell, reason: str) -> bool:
        """Whether this was the last program."""
        with self._held() as held:
            callers = self._journal.callers(self._record.id, self._owner)
            loop, recorder = self._loop(held, pool, dict.fromkeys(self._mine(callers), 0.0))
            try:
                loop.abandon(reason)
            finally:
                recorder.close()
            self._journal.leave(self._record.id, self._owner)
        return callers.alive.keys() <= {self._owner.uid}

    def _record_end(self, reason: str, problem: BaseException | None, signal: Signals | None) -> None:
        """As a single program does."""
        with ExitStack() as stack:
            search = Search(self.study, None, self._observer, self._notes, stack, shared=True)
            loop = search.open(self._make, self._complete)
            if loop is not None and search.held.journal.callers(self._record.id, self._owner).alive:
                search.leave_open()  # another program has joined meanwhile
            elif loop is not None and problem is not None:
                search.abort(problem)
            else:
                if loop is not None:
                    loop.end = self._end
                    loop.stop(reason)
                search.close(signal)

    # The journal ────────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def _held(self) -> Iterator[HeldStudy]:
        """Hold the lease, with an up-to-date history."""
        lease = _in_turn(lambda: self._journal.acquire(self._record.id, self._owner, shared=True))
        held = HeldStudy(self.study, self._journal, self._record, lease)
        try:
            self._read(held)
            yield held
        except BaseException:
            self._revision = None  # the history may have changes that are not in the journal
            raise
        finally:
            with suppress(InfrastructureError):
                self._journal.release(lease)

    def _read(self, held: HeldStudy) -> None:
        """Read new rows of the journal, or all rows the first time."""
        if self._revision is None:
            self.history = held.history()
            self._revision, _ = self._journal.last_write(held.record.id)
            return
        while (changes := self._journal.changes(held.record.id, self._revision)).revision > self._revision:
            for trial in sorted(changes.trials, key=lambda trial: trial.number):
                new = [report for number, report in changes.reports if number == trial.number]
                before = self.history[trial.number].curve if trial.number < len(self.history) else ()
                self.history.put(replace(trial, curve=(*before, *new)))
            self._revision = changes.revision


def _in_turn(act: Callable[[], Result]) -> Result:
    """Retry while another program holds the lease; StudyBusy after LEASE_TIMEOUT."""
    deadline = time.monotonic() + LEASE_TIMEOUT
    while True:
        try:
            return act()
        except StudyBusy:
            if time.monotonic() > deadline:
                raise
            time.sleep(random.uniform(0.002, 0.02))
