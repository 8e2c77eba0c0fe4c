"""A writer that is interrupted, and one whose first try arrives after its second has begun."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from sqlalchemy.pool import PoolProxiedConnection

from hpsearch.core.errors import JournalUnavailable
from hpsearch.journal import Journal, postgres
from tests.contracts.journal_helpers import LeasedStudy, journal, lease_study, leased, make_batch, make_trial
from tests.journal.journal_harness import HookedConnection

__all__ = ["journal", "leased"]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/journal.db"
    return str(request.getfixturevalue("postgres_url"))


class Held:
    """No connection is closed: the server has not noticed yet that its client has ended."""

    def __init__(self, connection: PoolProxiedConnection):
        self.connection = connection

    def __getattr__(self, name: str) -> object:
        return getattr(self.connection, name)

    def invalidate(self) -> None: ...

    def commit(self) -> None:
        raise JournalUnavailable("no answer")


@pytest.fixture
def held(journal: Journal, leased: LeasedStudy, monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    engine = journal._database.engine
    held = Held(engine.raw_connection())
    with monkeypatch.context() as patch:
        patch.setattr(engine, "raw_connection", lambda: held)
        with pytest.raises(JournalUnavailable, match="no answer"):
            leased.writer.write(make_batch(make_trial(0, 1.0)))
    yield held
    held.connection.close()


def test_a_try_that_was_given_up_may_arrive_after_the_next_has_begun(
    journal: Journal, leased: LeasedStudy, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = leased.writer._recorded

    def late() -> tuple[int, float]:
        seen = recorded()
        held.connection.commit()
        return seen

    with monkeypatch.context() as patch:
        patch.setattr(leased.writer, "_recorded", late)
        with pytest.raises(JournalUnavailable, match="it has revision 1, expected 0; try again"):
            leased.writer.write(make_batch(make_trial(0, 1.0)))
    leased.writer.write(make_batch(make_trial(0, 1.0)))
    leased.writer.write(make_batch(make_trial(0, 1.0, 0.5)))
    assert journal.trials(leased.study.id) == [make_trial(0, 1.0, 0.5)]
    assert journal.last_write(leased.study.id)[0] == leased.writer.revision == 2


def test_an_interrupted_write_holds_no_lock_while_its_error_is_looked_at(
    journal: Journal, leased: LeasedStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = journal._database.engine
    connect = engine.raw_connection

    def interrupt(_: PoolProxiedConnection) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(engine, "raw_connection", lambda: HookedConnection(connect(), interrupt))
        with pytest.raises(KeyboardInterrupt) as interruption:
            leased.writer.write(make_batch(make_trial(0, 1.0)))
    assert interruption.tb is not None, "as the loop has it when it writes that its trials wait"
    leased.writer.patience = 0.5
    leased.writer.write(make_batch(make_trial(0, 1.0)))
    assert journal.trials(leased.study.id) == [make_trial(0, 1.0)]


class StoppedBeforeCommit:
    """A connection that calls `meanwhile` before its commit, as if the process had been stopped there."""

    def __init__(self, connection: PoolProxiedConnection, meanwhile: Callable[[], None]):
        self.connection, self.meanwhile = connection, meanwhile

    def __getattr__(self, name: str) -> object:
        return getattr(self.connection, name)

    def commit(self) -> None:
        self.meanwhile()
        self.connection.commit()


@pytest.mark.parametrize("count", [1, 2])
def test_postgresql_frees_the_lock_of_a_stopped_writer_with_any_number_of_rows(
    count: int, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several rows go through executemany, which psycopg sends as a pipeline."""
    import psycopg

    monkeypatch.setattr(postgres, "IDLE_TRANSACTION_TIMEOUT", 0.2)
    monkeypatch.setattr(postgres, "reply_timeout", lambda _: nullcontext())  # a stopped process does not hang up either
    followed = []

    def follow() -> None:
        with psycopg.connect(postgres_url) as other:
            other.execute("SET lock_timeout = 30000")
            followed.append(other.execute("SELECT token FROM hpsearch_leases FOR UPDATE").fetchone())

    with Journal.open(postgres_url) as journal:
        leased = lease_study(journal, "digits")
        connection = StoppedBeforeCommit(journal._database.engine.raw_connection(), follow)
        with monkeypatch.context() as patch:
            patch.setattr(journal._database.engine, "raw_connection", lambda: connection)
            with pytest.raises(JournalUnavailable):
                leased.writer.write(make_batch(*(make_trial(number, 1.0) for number in range(count))))
        assert followed == [(1,)]
        assert journal.trials(leased.study.id) == []
        leased.writer.close()
