"""Sends the journal to MLflow while a study runs (`MlflowTracker`), or afterwards (`sync`)."""

import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

from hpsearch.core.errors import HpsearchError, JournalUnavailable
from hpsearch.core.imports import IMPORT_LOCK
from hpsearch.core.trial import Objective
from hpsearch.journal import Journal, StudyRecord
from hpsearch.tracking.base import Sync
from hpsearch.tracking.location import cursor_name, explain
from hpsearch.tracking.mlflow_logging import configure
from hpsearch.tracking.own_runs import OwnLoggingStore
from hpsearch.tracking.pending_files import PendingFiles

if TYPE_CHECKING:
    from hpsearch.tracking.projection import Projection

log = logging.getLogger(__name__)

RETRY_AFTER_CLOSE = 5.0
"""Seconds of retries after `close` while the server fails. A slow server has the whole timeout of `close`."""


class MlflowTracker:
    """A projection of the journal into MLflow, on a daemon thread. For one run of a study.

    open_journal: opens a reader of the journal for the thread.
    uri: sqlite:///…, http(s)://…, or another database that MLflow accepts.
    own_logging: the experiment for trainers that log to MLflow themselves.
    interval: seconds between two reads of the journal.
    work: the study's folder with the logs of its trials; None: no logs are sent.
    share: the maximum CPU time of the thread while trials run, as a fraction of one core in (0, 1]: the loop is in the
    same process.
    problem: why MLflow is not up to date, for the user; "" for no problem.

    Start it after the journal was opened (MLflow migrates its store with Alembic, whose context is global).
    """

    def __init__(
        self,
        study: StudyRecord,
        objective: Objective,
        open_journal: Callable[[], Journal],
        uri: str,
        *,
        own_logging: OwnLoggingStore | None = None,
        work: Path | None = None,
        interval: float = 1.0,
        share: float = 0.1,
    ):
        self._study, self._objective, self._open_journal = study, objective, open_journal
        self._uri, self._work, self._interval = uri, work, interval
        self._own = own_logging or OwnLoggingStore("")
        self._closing, self._abandoned = Event(), Event()
        self._share = CpuShare(share, self._closing.wait)
        self._thread = Thread(target=self._run, name="hpsearch-mlflow", daemon=True)
        self._journal: Journal | None = None
        self._projection: Projection | None = None
        self._sent = 0
        self._files = PendingFiles()
        self._give_up_at = math.inf
        self._failed = False
        self._finished = False
        self._journal_problem = ""
        self.problem = ""

    def start(self) -> None:
        configure()
        self._thread.start()

    def close(self, timeout: float) -> Sync:
        self._give_up_at = time.monotonic() + RETRY_AFTER_CLOSE
        self._closing.set()
        if self._thread.ident is not None:
            self._thread.join(timeout)
        self._abandoned.set()
        if self._finished:
            return Sync.with_files(self._sent, 0, self.problem, self._files)
        timed_out = TimeoutError(f"did not accept everything within {timeout:g} s")
        problem = self.problem or self._journal_problem or explain(timed_out, self._uri)
        left = 0  # if the journal is unreachable
        with suppress(HpsearchError), closing(self._open_journal()) as journal:
            left = pending(journal, self._study.id, self._uri)
        return Sync.with_files(self._sent, left, problem, self._files)

    # On the thread ──────────────────────────────────────────────────────────────────────────────

    def _run(self) -> None:
        delays = backoff()
        while not (self._finished or self._abandoned.is_set()):
            try:
                more = self._send_changes()
            except Exception as error:  # of any kind: training continues, and the journal has everything
                self._fail(error)
                if time.monotonic() > self._give_up_at:
                    break
                self._wait(next(delays))
            else:
                delays = backoff()
                self._give_up_at = max(self._give_up_at, time.monotonic() + RETRY_AFTER_CLOSE)
                if not more:
                    self._wait(self._interval)
        self._close_projection()

    def _send_changes(self) -> bool:
        """Whether to call it again without a wait. The event is read first, so that all writes before close() are
        sent."""
        ending = self._closing.is_set()
        projection = self._projection = self._projection or self._open()
        self._share.begin()
        before = projection.sent
        try:
            changed = projection.catch_up()
        finally:
            self._sent += projection.sent - before
        if ending and not changed:
            projection.finish(doubtful=self._failed)
            self._finished = True
        if not changed:
            projection.send_files()  # last: everything else is in MLflow
            if ending and self._files:
                self._files.retry()  # the store may have been unreachable for a moment only
                projection.send_files()
        self.problem, self._journal_problem = projection.problem, ""
        return ending

    def _wait(self, seconds: float) -> None:
        if self._closing.is_set():
            self._abandoned.wait(min(seconds, self._interval, RETRY_AFTER_CLOSE / 20))  # close() waits for the thread
        else:
            self._closing.wait(seconds)

    def _open(self) -> "Projection":
        with IMPORT_LOCK:
            from hpsearch.tracking.projection import Projection

        self._journal = self._open_journal()
        projection = Projection(
            self._study,
            self._objective,
            self._journal,
            self._uri,
            own_logging=self._own.is_used,
            work=self._work,
            throttle=self._share.throttle,
            files=self._files,
        )
        self._own.opened(projection.experiment)
        return projection

    def _fail(self, error: Exception) -> None:
        """Close the projection. The next `_send_changes` opens a new one, which looks up the state of MLflow."""
        self._close_projection()
        if isinstance(error, JournalUnavailable):  # the run reports it; MLflow did not cause it
            self._journal_problem = str(error)
            return
        self.problem = explain(error, self._uri)
        if not self._failed:  # log it once; the end of the run reports what is not sent
            log.warning(self.problem)  # no traceback: it may have the address with its password
        self._failed = True

    def _close_projection(self) -> None:
        self._projection = None
        journal, self._journal = self._journal, None
        if journal is not None:
            with suppress(HpsearchError):
                journal.close()


def sync(
    study: StudyRecord,
    objective: Objective,
    journal: Journal,
    uri: str,
    *,
    work: Path | None = None,
    resend: bool = False,
) -> Sync:
    """Send to MLflow everything that it does not have, from the journal's first revision on. Deleted runs are restored.

    work: as for MlflowTracker. resend: send everything again, without duplicates. A failure of MLflow does not raise:
    see `Sync.problem`.
    """
    configure()
    from hpsearch.tracking.projection import Projection

    sent, problem, files = 0, "", PendingFiles()
    is_interrupted = study.state in ("NEW", "RUNNING") and journal.holder(study.id, silent=True) is None
    try:
        projection = Projection(
            study,
            objective,
            journal,
            uri,
            rebuild=True,
            resend=resend,
            work=work,
            files=files,
            is_interrupted=is_interrupted,
        )
        try:
            while projection.catch_up():
                pass
            projection.finish(doubtful=True)
            projection.send_files()
        finally:
            sent = projection.sent
        problem = projection.problem
    except HpsearchError:
        raise
    except Exception as error:
        problem = explain(error, uri)
    return Sync.with_files(sent, pending(journal, study.id, uri), problem, files)


def pending(journal: Journal, study_id: int, uri: str) -> int:
    """The number of changed trials and of reports that were not sent to this MLflow store yet."""
    since, count = journal.cursor(study_id, cursor_name(uri)), 0
    while (changes := journal.changes(study_id, since)).revision > since:
        count += len(changes.trials) + len(changes.reports)
        since = changes.revision
    return count


# Limits of the thread ────────────────────────────────────────────────────────────────────────────


def backoff() -> Iterator[float]:
    """Seconds to wait after each of several failures in a row."""
    seconds = 1.0
    while True:
        yield seconds
        seconds = min(2 * seconds, 60.0)


class CpuShare:
    """Limits a thread to a share of one core, in (0, 1].

    wait: waits the given seconds, or less if the tracker is closed meanwhile.
    clock: the CPU time of this thread, in seconds.
    """

    def __init__(self, share: float, wait: Callable[[float], object], clock: Callable[[], float] = time.thread_time):
        self._share, self._wait, self._clock = share, wait, clock
        self._since = 0.0

    def begin(self) -> None:
        self._since = self._clock()

    def throttle(self) -> None:
        """Wait until the CPU time since the last call is at most the share."""
        self._wait((self._clock() - self._since) * (1 / self._share - 1))
        self.begin()
