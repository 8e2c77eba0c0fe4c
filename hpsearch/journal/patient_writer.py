"""Writes to a study whether the database is there or not, so that trials go on while it restarts."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from threading import Event, Lock, Thread

from hpsearch.core.errors import JournalAway, JournalError
from hpsearch.core.trial import Objective, Trial
from hpsearch.journal.lease import Lease
from hpsearch.journal.spool import Kept, Spool, merged
from hpsearch.journal.store import Journal
from hpsearch.journal.writer import Batch, Writer

AGAIN = 0.5
"""Seconds from one try to reach a database that is away to the next."""


class PatientWriter:
    """A Writer and a Spool. What the one does not take is in the other before `write` returns.

    wait: seconds that the database may be away. say: where to put what the user should know.

    While it is away a thread tries to bring over what was kept, in its order; the Writer is that thread's then.
    """

    def __init__(self, writer: Writer, spool: Spool, token: int, wait: float, say: Callable[[str], None]):
        self._writer, self._spool, self._token = writer, spool, token
        self._wait, self._say = wait, say
        self._lock, self._closing = Lock(), Event()
        self._queue: deque[Batch] = deque()
        self._away: JournalAway | None = None
        self._since = self._kept = 0
        self._began = 0.0
        self._broken: Exception | None = None
        self._thread: Thread | None = None

    @property
    def asked_to_stop(self) -> bool:
        return self._writer.asked_to_stop

    @property
    def overdue(self) -> str:
        """Why the run should end: the database has been away for too long; "" while it has not."""
        away = self._away
        if away is None or time.monotonic() - self._began < self._wait:
            return ""
        return f"the journal has been away for {self._wait:g} s (journal.wait)"

    def write(self, batch: Batch) -> None:
        """JournalError: it is neither in the database nor on the disk. LeaseLost. ValueError: see `Writer.write`."""
        self._check()
        if self._away is not None and batch and self._keep(batch):
            return
        try:
            self._writer.write(batch)
        except JournalAway as problem:
            self._fall_behind(problem)
            try:
                self._keep(batch)
            finally:
                self._begin_to_catch_up()  # not before: with nothing kept, nothing would be left to bring over

    def renew(self) -> None:
        """Show a sign of life, if the database is there."""
        self._check()
        if self._away is None:
            try:
                self._writer.renew()
            except JournalAway as problem:
                self._fall_behind(problem)
                self._begin_to_catch_up()

    def close(self, at_once: bool = False) -> None:
        """Bring over what was kept, unless `at_once`, for as long as the database may be away.

        JournalAway: something is left, for the next run.
        """
        try:
            if self._thread is not None and not at_once:
                self._thread.join(max(0.0, self._began + self._wait - time.monotonic()))
            self._closing.set()
            if self._thread is not None:
                self._thread.join()
            self._check()
            if self._away is not None:
                if self.overdue:
                    self._away.add_note(self.overdue)
                self._away.add_note(f"what was reported meanwhile is kept in {self._spool.path}")
                raise self._away
        finally:
            self._closing.set()
            self._spool.close()
            self._writer.close()

    # While it is away ───────────────────────────────────────────────────────────────────────────

    def _check(self) -> None:
        if self._broken is not None:
            raise self._broken

    def _fall_behind(self, problem: JournalAway) -> None:
        self._away, self._began = problem, time.monotonic()
        self._since, self._kept = self._writer.revision, 0
        self._say(f"{problem}; trials go on for up to {self._wait:g} s, and what they report is kept on disk meanwhile")

    def _begin_to_catch_up(self) -> None:
        self._thread = Thread(target=self._catch_up, name="journal", daemon=True)
        self._thread.start()

    def _keep(self, batch: Batch) -> bool:
        """False: there is no need to, the database is there."""
        with self._lock:
            if self._away is None:
                return False
            try:
                self._spool.append(Kept(self._token, self._since + self._kept + 1, batch))
            except OSError as error:
                raise JournalError(f"{self._away}; nor can it be kept: {error}") from error
            self._kept += 1
            self._queue.append(batch)
            return True

    def _catch_up(self) -> None:
        """On the thread, until the database has everything."""
        while not self._closing.is_set():
            try:
                if self._has_caught_up():
                    return
            except JournalAway:
                self._closing.wait(AGAIN)
            except Exception as problem:
                self._broken = problem
                return

    def _has_caught_up(self) -> bool:
        while self._queue:
            self._writer.write(self._queue[0])
            self._queue.popleft()
        self._writer.renew(after=0.0)
        with self._lock:
            if self._queue:
                return False
            self._spool.clear()
            self._away = None
        self._say(
            f"the journal is back after {time.monotonic() - self._began:.0f} s; "
            f"it has been given the {self._kept} batches that were kept"
        )
        return True


def recover(journal: Journal, lease: Lease, objective: Objective, spool: Spool) -> str:
    """Bring over what an earlier run has left in the spool; what to tell the user about it, "" for nothing.

    In one transaction: however often this is broken off, it is written once. Refused where another process has written
    to the study since, which has then gone another way, and where the journal was restored from a backup before it.
    """
    kept = spool.read()
    if not kept:
        spool.clear()
        return ""
    (revision, token), known = journal.last_write(lease.study_id), journal.trials(lease.study_id)
    before = kept[0].revision - 1
    if revision < before:
        return _refuse(spool, kept, known, "the journal is not as far as what they go on from")
    if revision > before and token != kept[0].token:
        return _refuse(spool, kept, known, "another process has written to the study after it")
    left = [one.batch for one in kept if one.revision > revision]
    writer = journal.writer(lease, objective)
    writer.write(merged(left, known))
    writer.close()
    spool.clear()
    return f"{len(left)} batches that an earlier run could not bring to the journal have been brought over"


def _refuse(spool: Spool, kept: Sequence[Kept], known: Iterable[Trial], why: str) -> str:
    """Nothing is said where the journal has all of it: a run before this one was killed as it had brought it over."""
    there = {(trial.number, report.step, report.at) for trial in known for report in trial.curve}
    reports = [(number, report.step, report.at) for one in kept for number, report in one.batch.reports]
    lost = sum(report not in there for report in reports)
    if not lost:
        spool.clear()
        return ""
    return (
        f"{lost} reports that an earlier run could not bring to the journal are refused, since {why}; "
        f"they are kept in {spool.set_aside()}"
    )
