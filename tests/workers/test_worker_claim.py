"""FAULTS row 8: a worker that was given up trains on, and can do no harm to the one that has its trial now."""

from pathlib import Path

import pytest

from hpsearch.core.messages import Start
from hpsearch.workers.worker import Worker
from tests.support.studies import setup
from tests.support.workers import EPOCHS, start, store_of, train

pytest_plugins = ["tests.support.fixtures"]
pytestmark = pytest.mark.usefixtures("quick_collections", "one_epoch_a_slice")


def content(work: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in store_of(work).folder.iterdir()}


def order(after: int = 0) -> Start:
    return start(params={}, after=after)


@pytest.fixture
def orphan(tmp_path: Path) -> Worker:
    """It has trained two epochs when it is given up."""
    worker = Worker(setup(tmp_path))
    worker.start(order())
    worker.advance()
    return worker


@pytest.fixture
def heir(tmp_path: Path, orphan: Worker) -> Worker:
    """It goes on from epoch 1, which is all that had been reported. Both draw from one random state, so they differ."""
    worker = Worker(setup(tmp_path))
    worker.start(order(after=1))
    return worker


def test_what_it_writes_late_is_not_written(tmp_path: Path, orphan: Worker, heir: Worker) -> None:
    before = content(tmp_path)
    late = orphan.advance()
    assert content(tmp_path) == before
    assert late.failure is not None
    assert late.failure.summary == "the trial was assigned to another worker"
    assert orphan.training is None, "and it trains no more"


def test_what_the_heir_goes_on_from_is_its_own(tmp_path: Path, orphan: Worker, heir: Worker) -> None:
    theirs = heir.advance().reports[-1]
    orphan.advance()
    snapshot = store_of(tmp_path).newest(at_most=theirs.step)
    assert snapshot is not None
    assert (snapshot.step, snapshot.objects["weight"]["value"]) == (3, theirs.metrics["weight"])


def test_its_end_removes_nothing(tmp_path: Path) -> None:
    orphan = Worker(setup(tmp_path))
    for _ in range(EPOCHS - 1):
        orphan.start(order()) if orphan.training is None else orphan.advance()
    heir = Worker(setup(tmp_path))
    heir.start(order(after=2))
    before = content(tmp_path)
    assert len(before) > 3
    orphan.advance()
    assert content(tmp_path) == before
    orphan.release(over=True)
    assert content(tmp_path) == before


def test_what_it_had_begun_to_write_is_not_taken_for_whole(tmp_path: Path, orphan: Worker) -> None:
    """It was stopped between its file and the rename; the heir clears that away, so that the rename fails."""
    begun = store_of(tmp_path).folder / ".epoch-000002.pt.99"
    begun.write_bytes(b"half")
    Worker(setup(tmp_path)).start(order(after=1))
    assert not begun.exists()


def test_it_may_be_given_the_trial_again(tmp_path: Path, orphan: Worker, heir: Worker) -> None:
    heir.release()
    train(orphan, order(after=2))
    last = store_of(tmp_path).read("best.pt")
    assert last is not None
    assert not train(orphan, order(after=3)).failure


def test_whoever_tidies_up_ends_no_trial(tmp_path: Path, orphan: Worker) -> None:
    for path in store_of(tmp_path).folder.iterdir():
        path.unlink()
    assert orphan.advance().failure is None
    assert store_of(tmp_path).newest(EPOCHS) is not None


@pytest.mark.parametrize("written", [b"mine", b"\xff\x00", b'{"lr": 0.1}', b"[1]", b"7"])
def test_a_claim_that_the_trainer_overwrites_is_named(tmp_path: Path, orphan: Worker, written: bytes) -> None:
    claim = store_of(tmp_path).folder / "claim"
    claim.write_bytes(written)
    failure = orphan.advance().failure
    assert failure is not None
    assert failure.summary.startswith(f"{claim} was overwritten by the trainer or another program")
    assert "run.scratch_dir" in failure.summary
    assert Worker(setup(tmp_path)).start(order(after=1)).failure is None, "a later run of the study goes on"
