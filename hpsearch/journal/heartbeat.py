"""A study held: its lease, and a sign of life for as long as whatever is done under it takes."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

from hpsearch.core.errors import HpsearchError, InfrastructureError, LeaseLost
from hpsearch.journal.lease import Lease, Owner
from hpsearch.journal.records import StudyRecord
from hpsearch.journal.store import Journal

LEFT_BEHIND = 2.0
"""Seconds that its end waits for a renewal that gets no answer. What comes of that later concerns our lease alone."""


@contextmanager
def held(journal: Journal, record: StudyRecord) -> Iterator[Lease]:
    """The study is ours to write until the context ends. StudyBusy while somebody else runs it.

    Where the database is away at the end, the lease expires by itself.
    """
    lease = journal.acquire(record.id, Owner.current())
    try:
        with Heartbeat(journal, lease):
            yield lease
    finally:
        with suppress(InfrastructureError):
            journal.release(lease)


class Heartbeat:
    """A context in which the lease is renewed by a thread. Where the database is away it tries again until it is back;
    a lost lease it lets go, and the next write says so.
    """

    def __init__(self, journal: Journal, lease: Lease):
        self._journal, self._lease = journal, lease
        self._over = Event()
        self._thread = Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> "Heartbeat":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(LEFT_BEHIND)

    def _beat(self) -> None:
        while not self._over.wait(self._lease.ttl / 5):
            try:
                self._journal.renew(self._lease)
            except LeaseLost:
                return
            except HpsearchError:
                continue
