"""A writer that is interrupted, and one whose first try arrives after its second has begun."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.pool import PoolProxiedConnection

from hpsearch.core.errors import JournalAway
from hpsearch.journal import Journal
from tests.contracts.journal_kit import Lead, a_batch, a_trial, journal, lead
from tests.journal.bench import Tapped

__all__ = ["journal", "lead"]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/journal.db"
    return str(request.getfixturevalue("postgres_url"))


class Held:
    """Lets nobody close the connection: the server has not heard yet that its client is gone."""

    def __init__(self, connection: PoolProxiedConnection):
        self.connection = connection

    def __getattr__(self, name: str) -> object:
        return getattr(self.connection, name)

    def invalidate(self) -> None: ...

    def commit(self) -> None:
        raise JournalAway("no answer")


@pytest.fixture
def held(journal: Journal, lead: Lead, monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    engine = journal._database.engine
    held = Held(engine.raw_connection())
    with monkeypatch.context() as patch:
        patch.setattr(engine, "raw_connection", lambda: held)
        with pytest.raises(JournalAway, match="no answer"):
            lead.writer.write(a_batch(a_trial(0, 1.0)))
    yield held
    held.connection.close()


def test_a_try_that_was_given_up_may_arrive_after_the_next_has_begun(
    journal: Journal, lead: Lead, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = lead.writer._recorded

    def late() -> tuple[int, float]:
        seen = recorded()
        held.connection.commit()
        return seen

    with monkeypatch.context() as patch:
        patch.setattr(lead.writer, "_recorded", late)
        with pytest.raises(JournalAway, match="at revision 1 and not 0; try again"):
            lead.writer.write(a_batch(a_trial(0, 1.0)))
    lead.writer.write(a_batch(a_trial(0, 1.0)))
    lead.writer.write(a_batch(a_trial(0, 1.0, 0.5)))
    assert journal.trials(lead.study.id) == [a_trial(0, 1.0, 0.5)]
    assert journal.last_write(lead.study.id)[0] == lead.writer.revision == 2


def test_an_interrupted_write_holds_no_lock_while_its_error_is_looked_at(
    journal: Journal, lead: Lead, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = journal._database.engine
    connect = engine.raw_connection

    def interrupt(_: PoolProxiedConnection) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(engine, "raw_connection", lambda: Tapped(connect(), interrupt))
        with pytest.raises(KeyboardInterrupt) as interruption:
            lead.writer.write(a_batch(a_trial(0, 1.0)))
    assert interruption.tb is not None, "as the loop has it when it writes that its trials wait"
    monkeypatch.setattr("hpsearch.journal.writer.BUSY_TIMEOUT", 0.5)
    lead.writer.write(a_batch(a_trial(0, 1.0)))
    assert journal.trials(lead.study.id) == [a_trial(0, 1.0)]
