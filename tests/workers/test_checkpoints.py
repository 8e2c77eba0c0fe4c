import contextlib
import errno
import io
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from hpsearch.trainer import state
from hpsearch.trainer.state import Snapshot
from hpsearch.workers.checkpoints import CheckpointStore
from tests.support.damage import DAMAGES, MALICIOUS, Payload
from tests.support.toys import Weight

OWNER = "study/3"
EVERY = pytest.mark.parametrize("every", [37, pytest.param(1, marks=pytest.mark.chaos)])
"""How many bytes further the next try is."""


@pytest.fixture
def store(tmp_path: Path) -> CheckpointStore:
    return CheckpointStore(tmp_path / "checkpoints" / "00003", OWNER)


def content(step: int, best: float = 0.5, owner: str = OWNER) -> bytes:
    return state.pack(state.take_snapshot(owner, step, best, {"weight": Weight()}))


def names(store: CheckpointStore) -> list[str]:
    return sorted(path.name for path in store.folder.iterdir())


class TestStore:
    def test_is_empty_at_first(self, store: CheckpointStore) -> None:
        assert store.newest(100) is None
        store.keep_newest()
        store.keep_best()
        store.remove_after(0)
        assert (store.warnings, store.folder.exists()) == ([], False)

    def test_what_has_a_hash_is_whole_and_nothing_else_is_left(self, store: CheckpointStore) -> None:
        store.write(1, content(1), best=True)
        assert names(store) == ["best.pt", "best.pt.sha256", "epoch-000001.pt", "epoch-000001.pt.sha256"]

    def test_gives_the_newest_at_or_before_an_epoch(self, store: CheckpointStore) -> None:
        for step in (9, 10, 11):
            store.write(step, content(step))
        found = [store.newest(at_most) for at_most in (8, 9, 10, 99)]
        assert [snapshot and snapshot.step for snapshot in found] == [None, 9, 10, 11]

    def test_epochs_are_in_order_beyond_six_digits(self, store: CheckpointStore) -> None:
        for step in (999_999, 1_000_000):
            store.write(step, content(step))
        newest = store.newest(2_000_000)
        assert newest is not None
        assert newest.step == 1_000_000

    def test_gives_that_of_one_epoch_wherever_it_lies(self, store: CheckpointStore) -> None:
        store.write(1, content(1))
        store.write(2, content(2))
        store.write_best(content(3))
        found = [store.at(step) for step in (1, 2, 3)]
        assert [snapshot and snapshot.step for snapshot in found] == [1, 2, 3]
        assert store.warnings == []

    def test_says_why_that_of_one_epoch_is_not_to_be_had(self, store: CheckpointStore) -> None:
        assert store.at(4) is None
        store.write_best(content(3))
        assert store.at(4) is None
        (store.folder / "best.pt").write_bytes(b"damaged")
        assert store.at(3) is None
        gone, other, damaged = store.warnings
        assert gone.startswith("there is no checkpoint of epoch 4 in ")
        assert other == "best.pt is of epoch 3, but epoch 4 is needed"
        assert "its SHA-256 does not match the recorded one" in damaged

    def test_a_write_that_was_cut_short_is_no_checkpoint(self, store: CheckpointStore) -> None:
        store.write(1, content(1))
        (store.folder / ".epoch-000002.pt.123").write_bytes(content(2)[:100])
        (store.folder / "epoch-000003.pt").write_bytes(content(3))
        newest = store.newest(3)
        assert newest is not None
        assert newest.step == 1
        assert len(store.warnings) == 1
        assert "epoch-000003.pt is not used" in store.warnings[0]

    def test_a_full_disk_is_the_disk_s_error(self, store: CheckpointStore) -> None:
        store.folder.parent.mkdir()
        store.folder.write_text("no folder")
        with pytest.raises(OSError, match="00003"):
            store.write(1, content(1))

    def test_forgets_what_was_trained_after_an_epoch(self, store: CheckpointStore) -> None:
        store.write(1, content(1))
        store.write(3, content(3), best=True)
        store.remove_after(2)
        assert names(store) == ["epoch-000001.pt", "epoch-000001.pt.sha256"]

    def test_forgets_not_the_best_that_was_before(self, store: CheckpointStore) -> None:
        store.write(2, content(2), best=True)
        store.write(3, content(3))
        store.remove_after(2)
        assert names(store) == ["best.pt", "best.pt.sha256", "epoch-000002.pt", "epoch-000002.pt.sha256"]

    @pytest.mark.parametrize(("after", "stays"), [(1, False), (2, True)])
    def test_forgets_the_best_of_a_trial_that_had_ended(self, store: CheckpointStore, after: int, stays: bool) -> None:
        store.write(2, content(2), best=True)
        store.keep_best()
        store.remove_after(after)
        assert (store.folder / "best.pt").exists() is stays

    def test_what_a_killed_process_had_begun_is_swept_away(self, store: CheckpointStore) -> None:
        store.write(1, content(1))
        for name in (".epoch-000002.pt.123", ".epoch-000002.pt.sha256.123", ".best.pt.sha256.9"):
            (store.folder / name).write_bytes(b"half")
        store.remove_after(1)
        assert names(store) == ["epoch-000001.pt", "epoch-000001.pt.sha256"]

    def test_files_of_others_do_not_matter(self, store: CheckpointStore) -> None:
        store.write(1, content(1))
        for name in ("epoch-last.pt", "epoch-000002.pt.bak", "epoch-00001²34.pt", "notes.txt"):
            (store.folder / name).write_text("mine")
        newest = store.newest(9)
        assert newest is not None
        assert (newest.step, store.warnings) == (1, [])
        store.keep_best()
        assert len(names(store)) == 4


class TestDamage:
    """FAULTS, row 24: the one before is taken, or scratch, with a note."""

    @pytest.mark.parametrize("damage", DAMAGES)
    def test_the_one_before_is_taken(self, store: CheckpointStore, damage: str) -> None:
        store.write(1, content(1))
        store.write(2, content(2))
        DAMAGES[damage](store.folder / "epoch-000002.pt")
        newest = store.newest(2)
        assert newest is not None
        assert newest.step == 1
        if damage == "gone":
            assert store.warnings == []
        else:
            (warning,) = store.warnings
            assert warning.startswith(f"checkpoint {store.folder}/epoch-000002.pt is not used: ")

    @pytest.mark.parametrize("damage", DAMAGES)
    def test_and_then_scratch(self, store: CheckpointStore, damage: str) -> None:
        for step in (1, 2):
            store.write(step, content(step))
            DAMAGES[damage](store.folder / f"epoch-{step:06d}.pt")
        assert store.newest(2) is None

    @EVERY
    def test_cut_anywhere(self, store: CheckpointStore, every: int) -> None:
        whole = content(2)
        store.write(2, whole)
        for length in {*range(0, len(whole), every), len(whole) - 1}:
            (store.folder / "epoch-000002.pt").write_bytes(whole[:length])
            assert store.newest(2) is None, f"{length} bytes of {len(whole)}"

    @EVERY
    def test_any_bit_flipped(self, store: CheckpointStore, every: int) -> None:
        """Every bit of the hash, and one of every byte of the file."""
        store.write(2, content(2))
        for name in ("epoch-000002.pt", "epoch-000002.pt.sha256"):
            path = store.folder / name
            whole = path.read_bytes()
            for i in range(0, len(whole), 1 if name.endswith("256") else every):
                for bit in range(8) if name.endswith("256") else (i % 8,):
                    path.write_bytes(whole[:i] + bytes([whole[i] ^ 1 << bit]) + whole[i + 1 :])
                    assert store.newest(2) is None, f"bit {bit} of byte {i} of {name}"
            path.write_bytes(whole)
        assert store.newest(2) is not None

    @pytest.mark.parametrize("owner", ["another/3", "study/4", "study/33", "study", ""])
    def test_another_study_s_or_trial_s(self, store: CheckpointStore, owner: str) -> None:
        store.write(1, content(1))
        store.write(2, content(2, owner=owner))
        newest = store.newest(2)
        assert newest is not None
        assert (newest.step, store.warnings) == (
            1,
            [f"checkpoint {store.folder}/epoch-000002.pt is not used: it belongs to {owner}"],
        )

    def test_another_epoch_s(self, store: CheckpointStore) -> None:
        """Trained on from there, epochs 3 to 5 would be missing."""
        store.write(1, content(1))
        store.write(2, content(5))
        newest = store.newest(2)
        assert newest is not None
        assert newest.step == 1
        assert "it is of epoch 5" in store.warnings[0]

    @pytest.mark.parametrize("evil", MALICIOUS)
    def test_nothing_is_executed(self, store: CheckpointStore, tmp_path: Path, evil: str) -> None:
        """Not even where the hash is right."""
        marker = tmp_path / "executed"
        bomb = MALICIOUS[evil](Payload(marker))
        store.write(1, content(1), best=True)
        store.write(2, bomb)
        store.write_best(bomb)
        newest = store.newest(2)
        store.remove_after(2)
        assert newest is not None
        assert (newest.step, store.read("best.pt"), marker.exists()) == (1, None, False)
        (tmp_path / "bomb").write_bytes(bomb)
        with contextlib.suppress(Exception), (tmp_path / "bomb").open("rb") as file:
            torch.load(file, weights_only=False)  # it may fail afterwards
        assert marker.exists(), "this is no bomb"


class TestADiskThatFails:
    @pytest.fixture
    def failing(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
        """To write a file whose name ends so takes half of it and fails."""

        def fail(end: str) -> None:
            real = Path.write_bytes

            def write(path: Path, data: bytes) -> int:
                if end not in path.name:
                    return real(path, data)
                real(path, data[: len(data) // 2])
                raise OSError(errno.ENOSPC, "No space left on device")  # as `write` says it: without a name

            monkeypatch.setattr(Path, "write_bytes", write)

        return fail

    @pytest.mark.parametrize("end", [".pt.", ".sha256"])
    def test_leaves_what_was_there(self, store: CheckpointStore, failing: Callable[[str], None], end: str) -> None:
        store.write(1, content(1), best=True)
        before = {name: (store.folder / name).read_bytes() for name in names(store)}
        failing(end)
        for write in (lambda: store.write(2, content(2)), lambda: store.write_best(content(2))):
            with pytest.raises(OSError, match=r"No space left on device \([\d,]+ bytes are free\): '/.*\.pt'"):
                write()
        assert {name: (store.folder / name).read_bytes() for name in names(store)} == before

    def test_is_the_same_error_in_another_process(self, store: CheckpointStore, failing: Callable[[str], None]) -> None:
        failing(".pt.")
        with pytest.raises(OSError, match="bytes are free") as failed:
            store.write(2, content(2))
        back = pickle.loads(pickle.dumps(failed.value))
        assert (type(back), back.errno, str(back)) == (OSError, errno.ENOSPC, str(failed.value))
        assert str(store.folder / "epoch-000002.pt") in str(back)


def test_a_snapshot_of_another_layout_is_not_used(store: CheckpointStore) -> None:
    """A file of an older or newer hpsearch with other fields."""
    buffer = io.BytesIO()
    torch.save({"owner": OWNER, "epoch": 1}, buffer)
    store.write(1, buffer.getvalue())
    assert store.newest(1) is None
    assert "another version of hpsearch, with epoch, owner" in store.warnings[0]
    assert Snapshot.__dataclass_fields__.keys() == {"owner", "step", "best", "objects", "random"}
