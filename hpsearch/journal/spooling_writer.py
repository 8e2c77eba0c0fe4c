"""Writes to the database, or to a local spool while it is unreachable, so that training can continue."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from threading import Event, Lock, Thread

from hpsearch.core.errors import JournalError, JournalUnavailable
from hpsearch.core.format import many
from hpsearch.core.trial import Objective, Trial
from hpsearch.journal.lease import Lease
from hpsearch.journal.spool import Spool, SpooledBatch, merged
from hpsearch.journal.store import Journal
from hpsearch.journal.writer import Batch, Writer

RETRY_INTERVAL = 0.5
"""Seconds between two tries to reach the database."""

PATIENCE = 2.0
"""Seconds to wait for another process's lock on a SQLite file. Then a batch is spooled, and written again."""


class SpoolingWriter:
    """A Writer and a Spool: when `write` returns, the batch is in the database or on the local disk.

    wait: the maximum seconds that the database may be unreachable. notify: called with messages for the user.

    While the database is unreachable, a thread tries to write the spooled batches in their order, and only this thread
    uses the Writer.
    """

    def __init__(self, writer: Writer, spool: Spool, token: int, wait: float, notify: Callable[[str], None]):
        self._writer, self._spool, self._token = writer, spool, token
        writer.patience = PATIENCE
        self._wait, self._notify = wait, notify
        self._lock, self._closing = Lock(), Event()
        self._queue: deque[Batch] = deque()
        self._outage: JournalUnavailable | None = None
        self._since = self._kept = 0
        self._began = 0.0
        self._broken: Exception | None = None
        self._thread: Thread | None = None

    @property
    def asked_to_stop(self) -> bool:
        return self._writer.asked_to_stop

    @property
    def overdue(self) -> str:
        """A message if the database has been unreachable for longer than `wait`, so that the run should end; else
        ""."""
        outage = self._outage
        if outage is None or time.monotonic() - self._began < self._wait:
            return ""
        return f"the journal has been unreachable for {self._wait:g} s (journal.wait)"

    def write(self, batch: Batch) -> None:
        """JournalError: it is neither in the database nor on the disk. LeaseLost. ValueError: see `Writer.write`."""
        self._check()
        if self._outage is not None and batch and self._keep(batch):
            return
        try:
            self._writer.write(batch)
        except JournalUnavailable as problem:
            self._start_spooling(problem)
            try:
                self._keep(batch)
            finally:
                self._start_thread()  # not before: the thread ends when the spool is empty

    def renew(self) -> None:
        """Renew the lease, if the database is reachable."""
        self._check()
        if self._outage is None:
            try:
                self._writer.renew()
            except JournalUnavailable as problem:
                self._start_spooling(problem)
                self._start_thread()

    def close(self, at_once: bool = False) -> None:
        """Write the spooled batches, until `wait` is over; at_once: do not wait.

        JournalUnavailable: some batches stay in the spool for the next run.
        """
        try:
            if self._thread is not None and not at_once:
                self._thread.join(max(0.0, self._began + self._wait - time.monotonic()))
            self._closing.set()
            if self._thread is not None:
                self._thread.join()
            self._check()
            if self._outage is not None:
                if self.overdue:
                    self._outage.add_note(self.overdue)
                self._outage.add_note(f"reports since then are kept in {self._spool.path}")
                raise self._outage
        finally:
            self._closing.set()
            self._spool.close()
            self._writer.close()

    # While the database is unreachable ───────────────────────────────────────────────────────────────────────────

    def _check(self) -> None:
        if self._broken is not None:
            raise self._broken

    def _start_spooling(self, problem: JournalUnavailable) -> None:
        self._outage, self._began = problem, time.monotonic()
        self._since, self._kept = self._writer.revision, 0
        self._notify(
            f"{problem}; training continues for up to {self._wait:g} s, and reports are kept on disk until then"
        )

    def _start_thread(self) -> None:
        self._thread = Thread(target=self._flush_until_done, name="journal", daemon=True)
        self._thread.start()

    def _keep(self, batch: Batch) -> bool:
        """Spool the batch. False: it was not spooled, since the database is reachable again."""
        with self._lock:
            if self._outage is None:
                return False
            try:
                self._spool.append(SpooledBatch(self._token, self._since + self._kept + 1, batch))
            except OSError as error:
                raise JournalError(f"{self._outage}; and reports cannot be kept on disk: {error}") from error
            self._kept += 1
            self._queue.append(batch)
            return True

    def _flush_until_done(self) -> None:
        """Runs on the thread until all batches are in the database."""
        while not self._closing.is_set():
            try:
                if self._flush_spool():
                    return
            except JournalUnavailable:
                self._closing.wait(RETRY_INTERVAL)
            except Exception as problem:
                self._broken = problem
                return

    def _flush_spool(self) -> bool:
        while self._queue:
            self._writer.write(self._queue[0])
            self._queue.popleft()
        self._writer.renew(after=0.0)
        with self._lock:
            if self._queue:
                return False
            self._spool.clear()
            self._outage = None
        self._notify(
            f"the journal is reachable again after {time.monotonic() - self._began:.0f} s; "
            f"written to it: {many(self._kept, 'update')} kept on disk"
        )
        return True


def recover(journal: Journal, lease: Lease, objective: Objective, spool: Spool) -> str:
    """Write the batches that an earlier run left in the spool. Returns a message for the user, "" for none.

    They are written once, in one transaction. They are refused if another process has written to the study meanwhile,
    or if the journal was restored from an older backup.
    """
    kept = spool.read()
    if not kept:
        spool.clear()
        return ""
    (revision, token), known = journal.last_write(lease.study_id), journal.trials(lease.study_id)
    before = kept[0].revision - 1
    if revision < before:
        return _refuse(spool, kept, known, "the journal is at an earlier revision")
    if revision > before and token != kept[0].token:
        return _refuse(spool, kept, known, "another process has written to the study since")
    left = [one.batch for one in kept if one.revision > revision]
    if not left:  # the earlier run was killed right after its commit
        spool.clear()
        return ""
    with closing(journal.writer(lease, objective)) as writer:
        writer.write(merged(left, known))
    spool.clear()
    return (
        f"written to the journal: {many(len(left), 'update')} of an earlier run, kept on disk while it was unreachable"
    )


def _refuse(spool: Spool, kept: Sequence[SpooledBatch], known: Iterable[Trial], why: str) -> str:
    """No message if the journal has all batches: then an earlier run was killed right after its commit."""
    there = {(trial.number, report.step, report.at) for trial in known for report in trial.curve}
    reports = [(number, report.step, report.at) for one in kept for number, report in one.batch.reports]
    lost = sum(report not in there for report in reports)
    if not lost:
        spool.clear()
        return ""
    return (
        f"not written to the journal: {many(lost, 'report')} of an earlier run, kept on disk while it was unreachable, "
        f"because {why}; now in {spool.set_aside()}"
    )
