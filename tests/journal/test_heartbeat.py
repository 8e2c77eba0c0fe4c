from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from hpsearch.errors import LeaseLost
from hpsearch.journal import Heartbeat, Journal, Lease, Owner


class Watched(Journal):
    """Tells when a lease was renewed, or could not be."""

    def __init__(self, journal: Journal):
        super().__init__(journal._database)
        self.renewed, self.refused = Event(), Event()

    def renew(self, lease: Lease) -> None:
        try:
            super().renew(lease)
            self.renewed.set()
        except LeaseLost:
            self.refused.set()
            raise


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Watched]:
    with Journal.open(f"sqlite:///{tmp_path}/journal.db") as journal:
        yield Watched(journal)


def take(journal: Journal, ttl: float) -> Lease:
    return journal.acquire(journal.create("study", {}, {}, at=0).id, Owner.current(), ttl)


def test_a_lease_is_renewed_while_its_holder_is_busy(journal: Watched) -> None:
    lease = take(journal, ttl=0.01)
    with Heartbeat(journal, lease):
        assert journal.renewed.wait(60)


def test_a_lost_lease_is_let_go_in_silence(journal: Watched) -> None:
    lease = take(journal, ttl=0.0)
    take(journal, ttl=0.01)
    with Heartbeat(journal, replace(lease, ttl=0.01)) as heartbeat:
        assert journal.refused.wait(60)
        heartbeat._thread.join(60)
        assert not heartbeat._thread.is_alive()
    assert not journal.renewed.is_set()


def test_it_ends_at_once_however_long_the_lease(journal: Watched) -> None:
    with Heartbeat(journal, take(journal, ttl=1e6)):
        pass
    assert not journal.renewed.is_set()
