"""What would be lost between two steps of a spool: as the database comes back, and on a full disk."""

import resource
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from threading import Thread

import pytest

from hpsearch.core.errors import JournalAway
from hpsearch.journal import Batch, Journal, PatientWriter, Spool, Writer
from hpsearch.journal.spool import Kept
from tests.contracts.journal_kit import Lead, a_batch, a_trial, take


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread that brings over what was kept has come to its end when it has been started."""

    class Immediate(Thread):
        start = Thread.run

    monkeypatch.setattr("hpsearch.journal.patient_writer.Thread", Immediate)


@pytest.fixture
def once_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first write finds no database, the second does."""
    write, tries = Writer.write, count()

    def write_later(writer: Writer, batch: Batch) -> None:
        if next(tries) == 0:
            raise JournalAway("for a moment")
        write(writer, batch)

    monkeypatch.setattr(Writer, "write", write_later)


@pytest.fixture
def lead(tmp_path: Path) -> Iterator[Lead]:
    with Journal.open(f"sqlite:///{tmp_path}/journal.db") as journal:
        lead = take(journal, "study")
        yield lead
        lead.writer.close()


@pytest.mark.usefixtures("at_once", "once_away")
def test_what_is_written_as_the_database_comes_back_is_not_lost(tmp_path: Path, lead: Lead) -> None:
    patient = PatientWriter(lead.writer, Spool(tmp_path / "spool"), lead.lease.token, 60.0, lambda _: None)
    patient.write(a_batch(a_trial(0, 1.0)))
    assert lead.writer.revision == 1


@pytest.mark.usefixtures("at_once", "once_away")
def test_nor_what_is_written_as_the_last_of_it_is_brought_over(
    tmp_path: Path, lead: Lead, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = PatientWriter(lead.writer, Spool(tmp_path / "spool"), lead.lease.token, 60.0, lambda _: None)
    renew, more = lead.writer.renew, iter([a_batch(a_trial(0, 1.0, 0.5))])

    def write_meanwhile(after: float) -> None:
        for batch in more:
            patient.write(batch)
        renew(after)

    monkeypatch.setattr(lead.writer, "renew", write_meanwhile)
    patient.write(a_batch(a_trial(0, 1.0)))
    assert lead.writer.revision == 2
    assert not (tmp_path / "spool").exists()


def test_a_full_disk_leaves_no_half_line_however_often_it_is_tried(tmp_path: Path) -> None:
    spool, kept = Spool(tmp_path / "spool.jsonl"), [Kept(1, n, a_batch(a_trial(0, *[0.5] * n))) for n in (1, 2, 3, 4)]
    spool.append(kept[0])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (spool.path.stat().st_size + 40, hard))
    try:
        for one in kept[1:3]:
            with pytest.raises(OSError, match=r"too large|No space"):
                spool.append(one)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    spool.append(kept[3])
    assert [one.revision for one in spool.read()] == [1, 4]
    spool.close()
