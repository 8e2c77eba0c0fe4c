"""Keeps MLflow in agreement with the journal while a study runs, and brings it there afterwards."""

import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from threading import Event, Thread
from typing import TYPE_CHECKING

from hpsearch.core.errors import HpsearchError, JournalUnavailable
from hpsearch.core.imports import IMPORT_LOCK
from hpsearch.core.trial import Objective
from hpsearch.journal import Journal, StudyRecord
from hpsearch.tracking.base import Sync
from hpsearch.tracking.location import cursor_name, explain
from hpsearch.tracking.mlflow_logging import configure

if TYPE_CHECKING:
    from hpsearch.tracking.projection import Projection

log = logging.getLogger(__name__)

LAST_TRIES = 5.0
"""Seconds that a server may fail once the tracker is closed; one that is slow has all the time there is."""


class MlflowTracker:
    """A projection of the journal into MLflow, on a daemon thread of its own. It serves one run of a study.

    open_journal: opens a reader of the journal, for that thread alone.
    uri: sqlite:///…, http(s)://…, or another database that MLflow takes.
    interval: seconds from one look into the journal to the next.
    share: the most of one core that sending takes while trials run, in (0, 1]: the interpreter is shared with the loop.
    problem: what keeps MLflow from agreeing, for the user; "" while all is well.

    Start it once the journal is open (MLflow migrates its own store with Alembic, whose context is global).
    """

    def __init__(
        self,
        study: StudyRecord,
        objective: Objective,
        open_journal: Callable[[], Journal],
        uri: str,
        *,
        interval: float = 1.0,
        share: float = 0.1,
    ):
        self._study, self._objective, self._open_journal = study, objective, open_journal
        self._uri, self._interval = uri, interval
        self._closing, self._abandoned = Event(), Event()
        self._share = CpuShare(share, self._closing.wait)
        self._thread = Thread(target=self._keep_up, name="hpsearch-mlflow", daemon=True)
        self._journal: Journal | None = None
        self._projection: Projection | None = None
        self._sent = 0
        self._last_tries = math.inf
        self._failed = False
        self._finished = False
        self._journal_problem = ""
        self.problem = ""

    def start(self) -> None:
        configure()
        self._thread.start()

    def close(self, timeout: float) -> Sync:
        self._last_tries = time.monotonic() + LAST_TRIES
        self._closing.set()
        if self._thread.ident is not None:
            self._thread.join(timeout)
        self._abandoned.set()
        if self._finished:
            return Sync(self._sent, 0, self.problem)
        late = TimeoutError(f"did not accept everything within {timeout:g} s")
        problem = self.problem or self._journal_problem or explain(late, self._uri, self._study.name)
        left = 0  # where the journal itself is the problem
        with suppress(HpsearchError), closing(self._open_journal()) as journal:
            left = pending(journal, self._study.id, self._uri)
        return Sync(self._sent, left, problem)

    # On the thread ──────────────────────────────────────────────────────────────────────────────

    def _keep_up(self) -> None:
        delays = backoff()
        while not (self._finished or self._abandoned.is_set()):
            try:
                more = self._turn()
            except Exception as error:  # whatever it is, training goes on and the journal keeps everything
                self._fail(error)
                if time.monotonic() > self._last_tries:
                    break
                self._wait(next(delays))
            else:
                delays = backoff()
                self._last_tries = max(self._last_tries, time.monotonic() + LAST_TRIES)
                if not more:
                    self._wait(self._interval)
        self._drop()

    def _turn(self) -> bool:
        """Whether to go on at once. The event is read first: what was written before close() is then seen."""
        ending = self._closing.is_set()
        projection = self._projection = self._projection or self._open()
        self._share.begin()
        before = projection.sent
        try:
            moved = projection.catch_up()
        finally:
            self._sent += projection.sent - before
        if ending and not moved:
            projection.finish(doubtful=self._failed)
            self._finished = True
        self.problem, self._journal_problem = projection.problem, ""
        return ending

    def _wait(self, seconds: float) -> None:
        if self._closing.is_set():
            self._abandoned.wait(min(seconds, self._interval, LAST_TRIES / 20))  # close() waits for it
        else:
            self._closing.wait(seconds)

    def _open(self) -> "Projection":
        with IMPORT_LOCK:
            from hpsearch.tracking.projection import Projection

        self._journal = self._open_journal()
        return Projection(self._study, self._objective, self._journal, self._uri, rest=self._share.rest)

    def _fail(self, error: Exception) -> None:
        """What is known of MLflow is forgotten, and looked up again in the next turn."""
        self._drop()
        if isinstance(error, JournalUnavailable):  # the run reports it, and MLflow is not at fault
            self._journal_problem = str(error)
            return
        self.problem = explain(error, self._uri, self._study.name)
        if not self._failed:  # once, however often it happens; what is left is reported at the end
            log.warning(self.problem)  # no traceback: it would hold the address with its password
        self._failed = True

    def _drop(self) -> None:
        self._projection = None
        journal, self._journal = self._journal, None
        if journal is not None:
            with suppress(HpsearchError):
                journal.close()


def sync(study: StudyRecord, objective: Objective, journal: Journal, uri: str, *, resend: bool = False) -> Sync:
    """Bring MLflow to agree with the journal, from the first revision; what it has already is left as it is.

    Deleted runs are restored. With `resend` everything is sent again; what
    it has stays single. Never raises for MLflow's sake: the problem is in the answer.
    """
    configure()
    from hpsearch.tracking.projection import Projection

    sent, problem = 0, ""
    try:
        projection = Projection(study, objective, journal, uri, rebuild=True, resend=resend)
        try:
            while projection.catch_up():
                pass
            projection.finish(doubtful=True)
        finally:
            sent = projection.sent
        problem = projection.problem
    except HpsearchError:
        raise
    except Exception as error:
        problem = explain(error, uri, study.name)
    return Sync(sent, pending(journal, study.id, uri), problem)


def pending(journal: Journal, study_id: int, uri: str) -> int:
    """How many changed trials and reports this MLflow has not been sent."""
    since, count = journal.cursor(study_id, cursor_name(uri)), 0
    while (changes := journal.changes(study_id, since)).revision > since:
        count += len(changes.trials) + len(changes.reports)
        since = changes.revision
    return count


# How a thread in the background keeps out of the way ──────────────────────────────────────────────


def backoff(first: float = 1.0, longest: float = 60.0) -> Iterator[float]:
    """Seconds to wait after each failure in a row."""
    while True:
        yield first
        first = min(2 * first, longest)


class CpuShare:
    """Keeps a thread to a share of one core, in (0, 1].

    wait: waits so many seconds, or less when there is no more need to.
    clock: the seconds of processor time that this thread has had.
    """

    def __init__(self, share: float, wait: Callable[[float], object], clock: Callable[[], float] = time.thread_time):
        self._share, self._wait, self._clock = share, wait, clock
        self._since = 0.0

    def begin(self) -> None:
        self._since = self._clock()

    def rest(self) -> None:
        """Wait as long as it takes to bring what was used since the last rest down to the share."""
        self._wait((self._clock() - self._since) * (1 / self._share - 1))
        self.begin()  # waiting takes no processor time
