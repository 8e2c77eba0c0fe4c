"""A database that is away for a while, here a SQLite file that somebody else has locked."""

import math
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from hpsearch.core.decisions import Decision
from hpsearch.core.errors import JournalError, JournalUnavailable, LeaseLost
from hpsearch.core.trial import Report
from hpsearch.journal import Batch, Journal, Spool, SpoolingWriter, recover
from hpsearch.journal.spool import SpooledBatch, merged
from tests.contracts.journal_helpers import (
    LOSS,
    ODD,
    LeasedStudy,
    exact_repr,
    lease_study,
    make_batch,
    make_trial,
    set_lease,
)


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hpsearch.journal.spooling_writer.PATIENCE", 0.01)
    monkeypatch.setattr("hpsearch.journal.spooling_writer.RETRY_INTERVAL", 0.01)


class Place:
    """A study in a journal on disk, written to with patience."""

    def __init__(self, folder: Path, wait: float = 60.0):
        self.file = folder / "journal.db"
        self.journal = Journal.open(f"sqlite:///{self.file}")
        self.spool = Spool(folder / "work" / "spool.jsonl")
        self.said: list[str] = []
        self.leased: LeasedStudy = lease_study(self.journal, "study")
        self.writer = SpoolingWriter(self.leased.writer, self.spool, self.leased.lease.token, wait, self.said.append)

    @contextmanager
    def locked(self) -> Iterator[None]:
        with closing(sqlite3.connect(self.file, isolation_level=None)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            yield

    def epochs(self) -> list[int]:
        return [trial.epoch for trial in self.journal.trials(self.leased.study.id)]

    def next_run(self) -> str:
        """What a run after this one, whose process has ended, finds in the spool."""
        self.leased.lease = self.journal.acquire(self.leased.study.id, self.leased.lease.owner)
        return recover(self.journal, self.leased.lease, LOSS, Spool(self.spool.path))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.writer._closing.set()
    if made.writer._thread is not None:
        made.writer._thread.join(20)  # closing a connection of SQLite that a thread uses ends the process
    made.spool.close()
    made.leased.writer.close()
    made.journal.close()


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_while_the_database_is_there_nothing_is_kept(place: Place) -> None:
    place.writer.write(make_batch(make_trial(0, 1.0)))
    place.writer.renew()
    assert place.epochs() == [1]
    assert not place.spool.path.exists()
    place.writer.close()
    assert place.said == []


def test_batches_are_spooled_during_an_outage_and_written_in_order(place: Place) -> None:
    with place.locked():
        for count in range(1, 6):
            place.writer.write(make_batch(make_trial(0, *[0.5] * count)))
            assert len(place.spool.read()) == count
        assert place.epochs() == []
        assert place.writer.overdue == ""
    until(lambda: len(place.said) == 2)
    assert "database is locked; training continues for up to 60 s" in place.said[0]
    assert place.said[1].endswith("written to it: 5 updates kept on disk")
    assert place.epochs() == [5]
    assert not place.spool.path.exists()
    place.writer.write(make_batch(make_trial(0, *[0.5] * 6)))
    assert place.epochs() == [6]
    assert place.journal.last_write(1)[0] == 6


def test_a_second_outage(place: Place) -> None:
    for count in (1, 2, 3):
        with place.locked():
            place.writer.write(make_batch(make_trial(0, *[0.5] * count)))
        until(lambda count=count: len(place.said) == 2 * count)  # type: ignore[misc]
    assert place.epochs() == [3]


def test_a_sign_of_life_that_fails_is_no_fault(place: Place) -> None:
    place.leased.writer._beat -= 60
    with place.locked():
        place.writer.renew()
        place.writer.renew()
    until(lambda: len(place.said) == 2)
    assert place.said[1].endswith("written to it: 0 updates kept on disk")


def test_the_end_waits_for_the_database(place: Place) -> None:
    with place.locked():
        place.writer.write(make_batch(make_trial(0, 1.0)))
    place.writer.close()
    assert place.epochs() == [1]


def test_after_the_wait_the_spool_stays_for_the_next_run(tmp_path: Path) -> None:
    place = Place(tmp_path, wait=0.0)
    with place.locked():
        place.writer.write(make_batch(make_trial(0, 1.0)))
        assert place.writer.overdue == "the journal has been unreachable for 0 s (journal.wait)"
        place.writer.write(make_batch(make_trial(0, 1.0, 0.5)))
        with pytest.raises(JournalUnavailable) as away:
            place.writer.close()
        assert f"reports since then are kept in {place.spool.path}" in away.value.__notes__
    assert place.epochs() == []
    assert (
        place.next_run() == "written to the journal: 2 updates of an earlier run, kept on disk while it was unreachable"
    )
    assert place.epochs() == [2]
    assert place.next_run() == ""
    place.journal.close()


def test_a_process_that_ends_during_an_outage_loses_nothing(place: Place) -> None:
    place.writer.write(make_batch(make_trial(0, 1.0)))
    with place.locked():
        place.writer.write(make_batch(make_trial(0, 1.0, 0.5)))
        place.writer.write(make_batch(make_trial(0, 1.0, 0.5, 0.25), make_trial(1, math.nan)))
        place.writer._closing.set()  # its thread ends as with the process
        place.writer._thread.join()  # type: ignore[union-attr]
    assert place.next_run().startswith("written to the journal: 2 updates")
    trials = place.journal.trials(place.leased.study.id)
    assert [trial.epoch for trial in trials] == [3, 1]
    assert place.journal.summary(place.leased.study.id).best.value == 0.25  # type: ignore[union-attr]
    assert not place.spool.path.exists()


def test_a_committed_batch_is_not_written_again(place: Place) -> None:
    """The process ended between its write and its note that nothing is left to be done."""
    batches = [make_batch(make_trial(0, *[0.5] * count)) for count in (1, 2, 3)]
    for revision, batch in enumerate(batches, start=1):
        place.spool.append(SpooledBatch(place.leased.lease.token, revision, batch))
    place.leased.writer.write(batches[0])
    place.leased.writer.write(batches[1])
    assert place.next_run().startswith("written to the journal: 1 update ")
    assert place.epochs() == [3]
    place.spool.append(SpooledBatch(place.leased.lease.token - 1, 1, batches[0]))
    assert place.next_run() == "", "all of it is there"
    assert not place.spool.path.exists()


def test_a_spool_is_refused_and_kept_after_writes_of_another_process(place: Place) -> None:
    place.writer.write(make_batch(make_trial(0, 1.0)))
    with place.locked():
        place.writer.write(make_batch(make_trial(0, 1.0, 0.5)))
        place.writer._closing.set()  # its thread ends as with the process
        place.writer._thread.join()  # type: ignore[union-attr]
    elsewhere = place.journal.acquire(place.leased.study.id, place.leased.lease.owner)
    other = place.journal.writer(elsewhere, LOSS)
    other.write(make_batch(make_trial(1, 2.0)))
    other.close()
    note = place.next_run()
    assert note.startswith(
        "not written to the journal: 1 report of an earlier run, kept on disk while it was unreachable"
    )
    assert place.epochs() == [1, 1]
    assert not place.spool.path.exists()
    assert len(Spool(place.spool.path.with_name("spool.jsonl.refused")).read()) == 1


def test_a_spool_that_is_ahead_of_the_journal_is_refused(place: Place) -> None:
    """The journal was restored from a backup: with what was kept alone, a curve would have a gap."""
    place.writer.write(make_batch(make_trial(0, 1.0)))
    place.spool.append(SpooledBatch(place.leased.lease.token, 5, make_batch(make_trial(0, *[0.5] * 5))))
    assert place.next_run().startswith("not written to the journal: 1 report of an earlier run")
    assert place.epochs() == [1]


def test_a_study_that_was_taken_over_meanwhile_is_lost(place: Place) -> None:
    set_lease(f"sqlite:///{place.file}", token=99)
    with place.locked():
        place.writer.write(make_batch(make_trial(0, 1.0)))
    until(lambda: place.writer._broken is not None)
    with pytest.raises(LeaseLost):
        place.writer.write(make_batch(make_trial(0, 1.0, 0.5)))
    with pytest.raises(LeaseLost):
        place.writer.close()
    assert place.epochs() == []


def test_a_full_disk_during_an_outage(place: Place) -> None:
    place.spool.path.parent.write_text("a file where the folder should be")
    with place.locked(), pytest.raises(JournalError, match="database is locked; and reports cannot be kept on disk: "):
        place.writer.write(make_batch(make_trial(0, 1.0)))


class TestSpool:
    def test_read_returns_the_appended_batches(self, tmp_path: Path) -> None:
        spool = Spool(tmp_path / "spool.jsonl")
        trial = make_trial(3, 1.0, error=ODD, reason=ODD, busy=0.1 + 0.2)
        report = Report(1, {"loss": 0.1 + 0.2, "odd ü": math.nan, "inf": -math.inf}, at=1_700_000_000_123)
        batch = Batch((trial,), ((3, report),), (Decision("note", ODD, 3, 1, 5),), "RUNNING")
        spool.append(SpooledBatch(7, 12, batch))
        spool.close()
        (kept,) = spool.read()
        assert (kept.token, kept.revision, kept.batch.study_state) == (7, 12, "RUNNING")
        whole = merged([kept.batch], [])
        assert exact_repr(whole.reports) == exact_repr([(3, report)])
        assert exact_repr(whole.decisions) == exact_repr(list(batch.decisions))
        assert whole.trials[0].error == ODD
        assert exact_repr(whole.trials[0].curve) == exact_repr((report,))

    @pytest.mark.parametrize("cut", [1, 20, -2])
    def test_a_line_that_was_being_written_does_not_count(self, tmp_path: Path, cut: int) -> None:
        spool = Spool(tmp_path / "spool.jsonl")
        for revision in (1, 2):
            spool.append(SpooledBatch(1, revision, make_batch(make_trial(0, 1.0))))
        spool.close()
        first, second = spool.path.read_bytes().splitlines(keepends=True)
        spool.path.write_bytes(first + second[:cut])
        assert [kept.revision for kept in spool.read()] == [1]

    def test_there_is_none(self, tmp_path: Path) -> None:
        spool = Spool(tmp_path / "no" / "folder")
        assert spool.read() == []
        spool.clear()


def test_only_a_writer_with_a_spool_gives_up_early_on_a_locked_file(tmp_path: Path) -> None:
    """One without a spool, as of a fork or an evaluation, waits as long as all other transactions."""
    place = Place(tmp_path)
    alone = place.journal.writer(place.leased.lease, LOSS)
    waits = []
    for writer in (place.leased.writer, alone):
        with closing(writer._connect().cursor()) as cursor:
            waits.append(cursor.execute("PRAGMA busy_timeout").fetchone()[0])
        writer.close()
    assert waits == [10, 90_000]
