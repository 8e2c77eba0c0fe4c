from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from hpsearch.core.errors import BadInput, JournalError, JournalUnavailable, LeaseLost, StudyBusy
from hpsearch.journal import Heartbeat, Journal, Lease, Owner
from hpsearch.journal import lease as fencing
from tests.contracts.journal_helpers import other_owner, set_lease


class Watched(Journal):
    """Tells when a lease was renewed, or could not be. trouble: what comes of the next tries, in this order."""

    def __init__(self, journal: Journal):
        super().__init__(journal._database)
        self.renewed, self.refused = Event(), Event()
        self.trouble: list[Callable[[], None]] = []

    def renew(self, lease: Lease) -> None:
        if self.trouble:
            self.trouble.pop(0)()
        try:
            super().renew(lease)
            self.renewed.set()
        except LeaseLost:
            self.refused.set()
            raise


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/journal.db"


@pytest.fixture
def journal(url: str) -> Iterator[Watched]:
    with Journal.open(url) as journal:
        yield Watched(journal)


def lease_study(journal: Journal, ttl: float) -> Lease:
    return journal.acquire(journal.create("study", {}, {}, at=0).id, Owner.current(), ttl)


def raising(error: Exception) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


def test_a_lease_is_renewed_while_its_holder_is_busy(journal: Watched) -> None:
    lease = lease_study(journal, ttl=0.01)
    with Heartbeat(journal.renew, lease):
        assert journal.renewed.wait(60)


def test_the_heartbeat_continues_after_an_outage(journal: Watched, url: str) -> None:
    """Whatever was the matter: who is to act on it is the writer, and until then the study is ours."""
    lease = lease_study(journal, ttl=100.0)
    set_lease(url, beat_boot=0.0)
    journal.trouble = [
        raising(error) for error in (JournalUnavailable("restarts"), JournalError("full"), BadInput("damaged"))
    ]
    with Heartbeat(journal.renew, replace(lease, ttl=0.01)):
        assert journal.renewed.wait(60)
    assert journal.trouble == []
    with pytest.raises(StudyBusy):
        journal.acquire(lease.study_id, other_owner())


def test_a_lost_lease_is_let_go_in_silence(journal: Watched) -> None:
    lease = lease_study(journal, ttl=0.0)
    lease_study(journal, ttl=0.01)
    with Heartbeat(journal.renew, replace(lease, ttl=0.01)) as heartbeat:
        assert journal.refused.wait(60)
        heartbeat._thread.join(60)
        assert not heartbeat._thread.is_alive()
    assert not journal.renewed.is_set()


def test_nor_does_it_complain_of_a_study_that_was_erased(journal: Watched) -> None:
    lease = lease_study(journal, ttl=0.0)
    journal.delete_study(lease_study(journal, ttl=0.01))
    with pytest.raises(LeaseLost, match="was deleted by another process"):
        journal.renew(lease)
    with Heartbeat(journal.renew, replace(lease, ttl=0.01)) as heartbeat:
        heartbeat._thread.join(60)
        assert not heartbeat._thread.is_alive()


def test_it_ends_at_once_however_long_the_lease(journal: Watched) -> None:
    with Heartbeat(journal.renew, lease_study(journal, ttl=1e6)):
        pass
    assert not journal.renewed.is_set()


def test_its_end_does_not_wait_for_a_server_that_does_not_reply(
    journal: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fencing, "JOIN_TIMEOUT", 0.01)
    asked, answered = Event(), Event()

    def say_nothing() -> None:
        asked.set()
        answered.wait(60)

    journal.trouble = [say_nothing]
    with Heartbeat(journal.renew, lease_study(journal, ttl=0.01)) as beating:
        assert asked.wait(60)
    assert beating._thread.is_alive()
    answered.set()
    beating._thread.join(60)
    assert not beating._thread.is_alive()


class TestHeld:
    def test_a_study_is_ours_and_then_free_at_once(self, journal: Watched, url: str) -> None:
        record = journal.create("study", {}, {}, at=0)
        with journal.held(record) as lease:
            assert lease.study_id == record.id
            set_lease(url, beat_boot=0.0)
            journal.renew(lease)
            with pytest.raises(StudyBusy):
                journal.acquire(record.id, other_owner())
        journal.acquire(record.id, other_owner())

    def test_an_unreachable_database_at_the_end_raises_nothing(
        self, journal: Watched, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        record = journal.create("study", {}, {}, at=0)
        with journal.held(record):
            monkeypatch.setattr(journal, "release", lambda _lease: raising(JournalUnavailable("restarts"))())
        monkeypatch.undo()
        with pytest.raises(StudyBusy):
            journal.acquire(record.id, other_owner())
