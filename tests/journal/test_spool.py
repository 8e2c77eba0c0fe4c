"""What would be lost between two steps of a spool: as the database comes back, and on a full disk."""

import resource
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from hpsearch.core.errors import JournalUnavailable
from hpsearch.core.trial import Cause, State
from hpsearch.journal import Batch, Journal, Spool, SpoolingWriter, Writer
from hpsearch.journal.spool import SpooledBatch, merged
from tests.contracts.journal_helpers import LeasedStudy, lease_study, make_batch, make_trial
from tests.journal.old_journals import ASSETS


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread that brings over what was kept has come to its end when it has been started."""

    class Immediate(Thread):
        start = Thread.run

    monkeypatch.setattr("hpsearch.journal.spooling_writer.Thread", Immediate)


@pytest.fixture
def once_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first write finds no database, the second does."""
    write, tries = Writer.write, count()

    def write_later(writer: Writer, batch: Batch) -> None:
        if next(tries) == 0:
            raise JournalUnavailable("for a moment")
        write(writer, batch)

    monkeypatch.setattr(Writer, "write", write_later)


@pytest.fixture
def leased(tmp_path: Path) -> Iterator[LeasedStudy]:
    with Journal.open(f"sqlite:///{tmp_path}/journal.db") as journal:
        leased = lease_study(journal, "study")
        yield leased
        leased.writer.close()


@pytest.mark.usefixtures("at_once", "once_away")
def test_a_batch_written_as_the_database_recovers_is_not_lost(tmp_path: Path, leased: LeasedStudy) -> None:
    patient = SpoolingWriter(leased.writer, Spool(tmp_path / "spool"), leased.lease.token, 60.0, lambda _: None)
    patient.write(make_batch(make_trial(0, 1.0)))
    assert leased.writer.revision == 1


@pytest.mark.usefixtures("at_once", "once_away")
def test_a_batch_written_with_the_last_flush_is_not_lost(
    tmp_path: Path, leased: LeasedStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = SpoolingWriter(leased.writer, Spool(tmp_path / "spool"), leased.lease.token, 60.0, lambda _: None)
    renew, more = leased.writer.renew, iter([make_batch(make_trial(0, 1.0, 0.5))])

    def write_meanwhile(after: float) -> None:
        for batch in more:
            patient.write(batch)
        renew(after)

    monkeypatch.setattr(leased.writer, "renew", write_meanwhile)
    patient.write(make_batch(make_trial(0, 1.0)))
    assert leased.writer.revision == 2
    assert not (tmp_path / "spool").exists()


def test_a_full_disk_leaves_no_half_line_however_often_it_is_tried(tmp_path: Path) -> None:
    spool, kept = (
        Spool(tmp_path / "spool.jsonl"),
        [SpooledBatch(1, n, make_batch(make_trial(0, *[0.5] * n))) for n in (1, 2, 3, 4)],
    )
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


def test_a_spool_of_journal_0004_has_no_causes_and_they_come_from_its_sentences(tmp_path: Path) -> None:
    """A diverged trial that was kept before an upgrade is not the best of its study after it."""
    (tmp_path / "spool").write_bytes((ASSETS / "0004" / "spool.jsonl").read_bytes())
    (kept,) = Spool(tmp_path / "spool").read()
    found = [(one.state, one.cause, one.cause_numbers, one.exception) for one in kept.batch.trials]
    assert found == [
        (State.PRUNED, Cause.DIVERGED, {"epoch": 2}, ""),
        (State.FAILED, Cause.TRAINER_RAISED, {}, "ValueError: no"),
        (State.WAITING, Cause.OUT_OF_MEMORY, {}, ""),
    ]
    assert (kept.batch.study_state, kept.batch.study_cause) == ("STOPPED", None)


def test_a_spool_keeps_causes(tmp_path: Path) -> None:
    why: dict[str, Any] = {"cause": Cause.PRUNED, "cause_numbers": {"p": 0.1, "epoch": 2}}
    batch = make_batch(
        make_trial(0, state=State.PRUNED, **why), make_trial(1, state=State.FAILED, exception="ValueError")
    )
    end = Batch(study_state="STOPPED", study_cause=Cause.LIMIT, study_cause_numbers={"epochs": 40})
    spool = Spool(tmp_path / "spool")
    for revision, one in enumerate((batch, end), 1):
        spool.append(SpooledBatch(1, revision, one))
    spool.close()
    assert [tuple(one.batch.trials) for one in spool.read()] == [tuple(batch.trials), ()]
    last = merged([one.batch for one in spool.read()], ())
    assert (last.study_state, last.study_cause, last.study_cause_numbers) == ("STOPPED", Cause.LIMIT, {"epochs": 40})
