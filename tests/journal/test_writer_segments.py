"""Where trials were trained: written with them, an environment once, whether the database is there or not."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from hpsearch.core.errors import JournalUnavailable, LeaseLost
from hpsearch.journal import (
    Batch,
    Environment,
    Journal,
    Owner,
    Spool,
    SpoolingWriter,
    TrainingSegment,
    Writer,
    recover,
)
from hpsearch.journal.schema import environments
from tests.contracts.journal_helpers import LOSS, ODD, LeasedStudy, journal, leased, make_batch, make_trial, set_lease

__all__ = ["journal", "leased"]

HERE = Environment({"python": "3.12", "cpu": {"cores": 2}, "diff": ODD})
THERE = Environment({"python": "3.13", "gpu": None})


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/journal.db"
    return str(request.getfixturevalue("postgres_url"))


def a_segment(number: int, after: int = 0, environment: Environment = HERE, **data: str) -> TrainingSegment:
    return TrainingSegment(number, after, environment, data)


def with_segments(batch: Batch, *segments: TrainingSegment) -> Batch:
    return replace(batch, segments=segments)


def test_they_are_read_as_they_were_written(journal: Journal, leased: LeasedStudy) -> None:
    first = with_segments(make_batch(make_trial(0, 1.0), make_trial(1, 2.0)), a_segment(1, digits="ab"), a_segment(0))
    leased.writer.write(first)
    leased.writer.write(with_segments(Batch(), a_segment(1, 1, THERE, digits="cd")))
    expected = [a_segment(0), a_segment(1, digits="ab"), a_segment(1, 1, THERE, digits="cd")]
    assert journal.segments(leased.study.id) == expected
    assert journal.segments(leased.study.id, 1) == expected[1:]
    assert journal.segments(leased.study.id, 7) == []


def test_an_environment_is_kept_once(journal: Journal, leased: LeasedStudy) -> None:
    same = Environment(dict(reversed(list(HERE.document.items()))))
    assert same.digest == HERE.digest != THERE.digest
    leased.writer.write(
        with_segments(make_batch(*(make_trial(number, 1.0) for number in range(3))), *map(a_segment, range(3)))
    )
    leased.writer.write(with_segments(make_batch(make_trial(3, 1.0)), a_segment(3, environment=same)))
    with journal._database.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(environments)).scalar() == 1


def test_a_segment_from_the_same_epoch_replaces_the_earlier_one(journal: Journal, leased: LeasedStudy) -> None:
    leased.writer.write(with_segments(make_batch(make_trial(0, 1.0)), a_segment(0)))
    leased.writer.write(with_segments(Batch(), a_segment(0, environment=THERE, digits="ab"), a_segment(0, digits="cd")))
    assert journal.segments(leased.study.id) == [a_segment(0, digits="cd")]


def test_of_another_study_nothing_is_seen(journal: Journal, leased: LeasedStudy) -> None:
    leased.writer.write(with_segments(make_batch(make_trial(0, 1.0)), a_segment(0)))
    assert journal.segments(journal.create("another", {}, {}, at=0).id) == []


def test_a_deleted_study_leaves_none(journal: Journal, leased: LeasedStudy) -> None:
    leased.writer.write(with_segments(Batch([make_trial(0)]), a_segment(0)))
    journal.delete_study(leased.lease)
    assert journal.segments(leased.study.id) == []


def test_it_needs_the_lease(url: str, journal: Journal, leased: LeasedStudy) -> None:
    leased.writer.write(make_batch(make_trial(0, 1.0)))
    set_lease(url, token=leased.lease.token + 1)
    with pytest.raises(LeaseLost):
        leased.writer.write(with_segments(Batch(), a_segment(0)))
    assert journal.segments(leased.study.id) == []


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """The database is, until this is undone."""

    def gone(writer: Writer, batch: Batch) -> None:
        raise JournalUnavailable("for a moment")

    with monkeypatch.context() as patch:
        patch.setattr(Writer, "write", gone)
        yield patch


def test_spooled_segments_are_written_after_an_outage(
    journal: Journal, leased: LeasedStudy, tmp_path: Path, away: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path / "spool")
    patient = SpoolingWriter(leased.writer, spool, leased.lease.token, 60.0, lambda _: None)
    patient.write(with_segments(make_batch(make_trial(0, 1.0)), a_segment(0, digits="ab")))
    patient.write(with_segments(make_batch(make_trial(0, 1.0, 2.0)), a_segment(0, 1, THERE)))
    with pytest.raises(JournalUnavailable):
        patient.close(at_once=True)
    away.undo()
    journal.release(leased.lease)
    assert recover(journal, journal.acquire(leased.study.id, Owner.current()), LOSS, spool).startswith(
        "written to the journal: 2 updates"
    )
    assert journal.segments(leased.study.id) == [a_segment(0, digits="ab"), a_segment(0, 1, THERE)]
