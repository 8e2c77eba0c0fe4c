import contextlib
import errno
import io
import pickle
import random
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.core.errors import TrainerError
from hpsearch.trainer import state
from hpsearch.trainer.state import Snapshot
from hpsearch.workers.checkpoints import CheckpointStore
from tests.support.damage import DAMAGES, EVIL, Payload
from tests.support.toys import Lambda, Weight

OWNER = "study/3"
EVERY = pytest.mark.parametrize("every", [37, pytest.param(1, marks=pytest.mark.chaos)])
"""How many bytes further the next try is."""


@pytest.fixture
def shelf(tmp_path: Path) -> CheckpointStore:
    return CheckpointStore(tmp_path / "checkpoints" / "00003", OWNER)


def content(step: int, best: float = 0.5, owner: str = OWNER) -> bytes:
    return state.pack(state.take(owner, step, best, {"weight": Weight()}))


def names(shelf: CheckpointStore) -> list[str]:
    return sorted(path.name for path in shelf.folder.iterdir())


class TestSnapshot:
    def test_comes_back_as_it_was(self) -> None:
        weight = Weight()
        weight.value = 2.5
        snapshot = state.unpack(state.pack(state.take(OWNER, 4, float("inf"), {"weight": weight})))
        assert (snapshot.owner, snapshot.step, snapshot.best) == (OWNER, 4, float("inf"))
        assert snapshot.object_state("weight") == {"value": 2.5}

    def test_a_state_dict_that_cannot_be_written_is_named(self) -> None:
        with pytest.raises(TrainerError, match=r"run\.track\(schedule=…\): a state_dict holds what no checkpoint can"):
            state.pack(state.take(OWNER, 1, 0.0, {"schedule": Lambda()}))

    def test_an_object_that_is_not_in_it_is_named(self) -> None:
        snapshot = state.unpack(content(4))
        with pytest.raises(TrainerError, match=r"run\.track\(model=…\): the checkpoint of epoch 4 holds \['weight'\]"):
            snapshot.object_state("model")

    @pytest.mark.parametrize("tracked", [["weight"], ["weight", "more"]])
    def test_everything_in_it_must_be_restored(self, tracked: list[str]) -> None:
        state.unpack(content(4)).check_all_is_tracked(tracked)

    @pytest.mark.parametrize("tracked", [[], ["more"]])
    def test_what_is_left_in_it_is_named(self, tracked: list[str]) -> None:
        with pytest.raises(TrainerError, match="epoch 4 holds weight, which the trainer has not given"):
            state.unpack(content(4)).check_all_is_tracked(tracked)

    @given(cut=st.integers(0, 3000))
    def test_no_beginning_of_one_is_one(self, cut: int) -> None:
        whole = content(1)
        with pytest.raises(Exception):  # noqa: B017, PT011 -- whatever torch raises
            state.unpack(whole[: min(cut, len(whole) - 1)])


class TestShelf:
    def test_is_empty_at_first(self, shelf: CheckpointStore) -> None:
        assert shelf.newest(100) is None
        shelf.keep_newest()
        shelf.keep_best()
        shelf.forget(0)
        assert (shelf.warnings, shelf.folder.exists()) == ([], False)

    def test_what_has_a_hash_is_whole_and_nothing_else_is_left(self, shelf: CheckpointStore) -> None:
        shelf.write(1, content(1), best=True)
        assert names(shelf) == ["best.pt", "best.pt.sha256", "epoch-000001.pt", "epoch-000001.pt.sha256"]

    def test_gives_the_newest_at_or_before_an_epoch(self, shelf: CheckpointStore) -> None:
        for step in (9, 10, 11):
            shelf.write(step, content(step))
        found = [shelf.newest(at_most) for at_most in (8, 9, 10, 99)]
        assert [snapshot and snapshot.step for snapshot in found] == [None, 9, 10, 11]

    def test_epochs_are_in_order_beyond_six_digits(self, shelf: CheckpointStore) -> None:
        for step in (999_999, 1_000_000):
            shelf.write(step, content(step))
        newest = shelf.newest(2_000_000)
        assert newest is not None
        assert newest.step == 1_000_000

    def test_gives_that_of_one_epoch_wherever_it_lies(self, shelf: CheckpointStore) -> None:
        shelf.write(1, content(1))
        shelf.write(2, content(2))
        shelf.write_best(content(3))
        found = [shelf.at(step) for step in (1, 2, 3)]
        assert [snapshot and snapshot.step for snapshot in found] == [1, 2, 3]
        assert shelf.warnings == []

    def test_says_why_that_of_one_epoch_is_not_to_be_had(self, shelf: CheckpointStore) -> None:
        assert shelf.at(4) is None
        shelf.write_best(content(3))
        assert shelf.at(4) is None
        (shelf.folder / "best.pt").write_bytes(b"damaged")
        assert shelf.at(3) is None
        gone, other, damaged = shelf.warnings
        assert gone.startswith("there is no checkpoint of epoch 4 in ")
        assert other == "best.pt is of epoch 3, and epoch 4 is the one that counts"
        assert "its SHA-256 is not the one beside it" in damaged

    def test_a_write_that_was_cut_short_is_no_checkpoint(self, shelf: CheckpointStore) -> None:
        shelf.write(1, content(1))
        (shelf.folder / ".epoch-000002.pt.123").write_bytes(content(2)[:100])
        (shelf.folder / "epoch-000003.pt").write_bytes(content(3))
        newest = shelf.newest(3)
        assert newest is not None
        assert newest.step == 1
        assert len(shelf.warnings) == 1
        assert "epoch-000003.pt is not used" in shelf.warnings[0]

    def test_a_full_disk_is_the_disk_s_error(self, shelf: CheckpointStore) -> None:
        shelf.folder.parent.mkdir()
        shelf.folder.write_text("no folder")
        with pytest.raises(OSError, match="00003"):
            shelf.write(1, content(1))

    def test_forgets_what_was_trained_after_an_epoch(self, shelf: CheckpointStore) -> None:
        shelf.write(1, content(1))
        shelf.write(3, content(3), best=True)
        shelf.forget(2)
        assert names(shelf) == ["epoch-000001.pt", "epoch-000001.pt.sha256"]

    def test_forgets_not_the_best_that_was_before(self, shelf: CheckpointStore) -> None:
        shelf.write(2, content(2), best=True)
        shelf.write(3, content(3))
        shelf.forget(2)
        assert names(shelf) == ["best.pt", "best.pt.sha256", "epoch-000002.pt", "epoch-000002.pt.sha256"]

    @pytest.mark.parametrize(("after", "stays"), [(1, False), (2, True)])
    def test_forgets_the_best_of_a_trial_that_had_ended(self, shelf: CheckpointStore, after: int, stays: bool) -> None:
        shelf.write(2, content(2), best=True)
        shelf.keep_best()
        shelf.forget(after)
        assert (shelf.folder / "best.pt").exists() is stays

    def test_what_a_killed_process_had_begun_is_swept_away(self, shelf: CheckpointStore) -> None:
        shelf.write(1, content(1))
        for name in (".epoch-000002.pt.123", ".epoch-000002.pt.sha256.123", ".best.pt.sha256.9"):
            (shelf.folder / name).write_bytes(b"half")
        shelf.forget(1)
        assert names(shelf) == ["epoch-000001.pt", "epoch-000001.pt.sha256"]

    def test_files_of_others_do_not_matter(self, shelf: CheckpointStore) -> None:
        shelf.write(1, content(1))
        for name in ("epoch-last.pt", "epoch-000002.pt.bak", "epoch-00001²34.pt", "notes.txt"):
            (shelf.folder / name).write_text("mine")
        newest = shelf.newest(9)
        assert newest is not None
        assert (newest.step, shelf.warnings) == (1, [])
        shelf.keep_best()
        assert len(names(shelf)) == 4


class TestDamage:
    """FAULTS, row 24: the one before is taken, or scratch, and somebody is told."""

    @pytest.mark.parametrize("damage", DAMAGES)
    def test_the_one_before_is_taken(self, shelf: CheckpointStore, damage: str) -> None:
        shelf.write(1, content(1))
        shelf.write(2, content(2))
        DAMAGES[damage](shelf.folder / "epoch-000002.pt")
        newest = shelf.newest(2)
        assert newest is not None
        assert newest.step == 1
        if damage == "gone":
            assert shelf.warnings == []
        else:
            (warning,) = shelf.warnings
            assert warning.startswith(f"checkpoint {shelf.folder}/epoch-000002.pt is not used: ")

    @pytest.mark.parametrize("damage", DAMAGES)
    def test_and_then_scratch(self, shelf: CheckpointStore, damage: str) -> None:
        for step in (1, 2):
            shelf.write(step, content(step))
            DAMAGES[damage](shelf.folder / f"epoch-{step:06d}.pt")
        assert shelf.newest(2) is None

    @EVERY
    def test_cut_anywhere(self, shelf: CheckpointStore, every: int) -> None:
        whole = content(2)
        shelf.write(2, whole)
        for length in {*range(0, len(whole), every), len(whole) - 1}:
            (shelf.folder / "epoch-000002.pt").write_bytes(whole[:length])
            assert shelf.newest(2) is None, f"{length} bytes of {len(whole)}"

    @EVERY
    def test_any_bit_flipped(self, shelf: CheckpointStore, every: int) -> None:
        """Every bit of the hash, and one of every byte of the file."""
        shelf.write(2, content(2))
        for name in ("epoch-000002.pt", "epoch-000002.pt.sha256"):
            path = shelf.folder / name
            whole = path.read_bytes()
            for i in range(0, len(whole), 1 if name.endswith("256") else every):
                for bit in range(8) if name.endswith("256") else (i % 8,):
                    path.write_bytes(whole[:i] + bytes([whole[i] ^ 1 << bit]) + whole[i + 1 :])
                    assert shelf.newest(2) is None, f"bit {bit} of byte {i} of {name}"
            path.write_bytes(whole)
        assert shelf.newest(2) is not None

    @pytest.mark.parametrize("owner", ["another/3", "study/4", "study/33", "study", ""])
    def test_another_study_s_or_trial_s(self, shelf: CheckpointStore, owner: str) -> None:
        shelf.write(1, content(1))
        shelf.write(2, content(2, owner=owner))
        newest = shelf.newest(2)
        assert newest is not None
        assert (newest.step, shelf.warnings) == (
            1,
            [f"checkpoint {shelf.folder}/epoch-000002.pt is not used: it belongs to {owner}"],
        )

    def test_another_epoch_s(self, shelf: CheckpointStore) -> None:
        """Trained on from there, epochs 3 to 5 would be missing."""
        shelf.write(1, content(1))
        shelf.write(2, content(5))
        newest = shelf.newest(2)
        assert newest is not None
        assert newest.step == 1
        assert "it is that of epoch 5" in shelf.warnings[0]

    @pytest.mark.parametrize("evil", EVIL)
    def test_nothing_is_executed(self, shelf: CheckpointStore, tmp_path: Path, evil: str) -> None:
        """Not even where the hash is right."""
        marker = tmp_path / "executed"
        bomb = EVIL[evil](Payload(marker))
        shelf.write(1, content(1), best=True)
        shelf.write(2, bomb)
        shelf.write_best(bomb)
        newest = shelf.newest(2)
        shelf.forget(2)
        assert newest is not None
        assert (newest.step, shelf.read("best.pt"), marker.exists()) == (1, None, False)
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
    def test_leaves_what_was_there(self, shelf: CheckpointStore, failing: Callable[[str], None], end: str) -> None:
        shelf.write(1, content(1), best=True)
        before = {name: (shelf.folder / name).read_bytes() for name in names(shelf)}
        failing(end)
        for write in (lambda: shelf.write(2, content(2)), lambda: shelf.write_best(content(2))):
            with pytest.raises(OSError, match=r"No space left on device \([\d,]+ bytes are free\): '/.*\.pt'"):
                write()
        assert {name: (shelf.folder / name).read_bytes() for name in names(shelf)} == before

    def test_is_the_same_error_in_another_process(self, shelf: CheckpointStore, failing: Callable[[str], None]) -> None:
        failing(".pt.")
        with pytest.raises(OSError, match="bytes are free") as failed:
            shelf.write(2, content(2))
        back = pickle.loads(pickle.dumps(failed.value))
        assert (type(back), back.errno, str(back)) == (OSError, errno.ENOSPC, str(failed.value))
        assert str(shelf.folder / "epoch-000002.pt") in str(back)


def shuffled() -> dict[str, Any]:
    """Something drawn from every global generator."""
    return {
        "python": random.random(),
        "gauss": random.gauss(0, 1),
        "numpy": float(np.random.normal()),  # noqa: NPY002 -- the state that is to be restored
        "torch": torch.rand(1).item(),
    }


class TestRandomStates:
    def test_a_seed_settles_all(self) -> None:
        state.seed_everything(5)
        first = shuffled()
        state.seed_everything(5)
        assert shuffled() == first

    def test_come_back_through_a_file(self) -> None:
        state.seed_everything(5)
        shuffled()
        snapshot = state.unpack(state.pack(state.take(OWNER, 1, 0.0, {})))
        then = [shuffled() for _ in range(3)]
        state.seed_everything(6)
        snapshot.restore_random()
        assert [shuffled() for _ in range(3)] == then

    def test_nothing_is_imported_for_them(self) -> None:
        code = """
            import sys
            from hpsearch.trainer import state as checkpoint
            checkpoint.seed_everything(1)
            checkpoint.set_random_state(checkpoint.random_state())
            assert not {"numpy", "torch"} & set(sys.modules)
        """
        subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)

    def test_a_state_without_a_library_that_is_there_is_taken(self) -> None:
        now = state.random_state()
        state.set_random_state({"python": now["python"]})


class TestTracked:
    @pytest.mark.parametrize(
        "thing",
        [
            torch.nn.Linear(2, 1),
            torch.optim.SGD(torch.nn.Linear(2, 1).parameters()),
            torch.Generator(),
            np.random.default_rng(),
            Weight(),
        ],
        ids=lambda thing: type(thing).__name__,
    )
    def test_what_may_be(self, thing: Any) -> None:
        state.check_can_be_tracked("it", thing)
        snapshot = state.unpack(state.pack(state.take(OWNER, 1, 0.0, {"it": thing})))
        state.restore(thing, snapshot.object_state("it"))

    @pytest.mark.parametrize("thing", [3, [1.0], random.Random(), object()], ids=lambda thing: type(thing).__name__)
    def test_what_may_not(self, thing: Any) -> None:
        with pytest.raises(TrainerError, match=rf"run\.track\(it=…\): a {type(thing).__name__} has neither"):
            state.check_can_be_tracked("it", thing)

    @pytest.mark.parametrize(
        ("generator", "draw"),
        [
            (torch.Generator().manual_seed(1), lambda generator: torch.rand(3, generator=generator).tolist()),
            (np.random.default_rng(1), lambda generator: generator.normal(size=3).tolist()),
        ],
        ids=["torch", "numpy"],
    )
    def test_generators_go_on(self, generator: Any, draw: Any) -> None:
        draw(generator)
        kept = state.unpack(state.pack(state.take(OWNER, 1, 0.0, {"it": generator}))).object_state("it")
        then = draw(generator)
        state.restore(generator, kept)
        assert draw(generator) == then


def test_a_snapshot_of_another_layout_is_not_used(shelf: CheckpointStore) -> None:
    """A file of an older or newer hpsearch with other fields."""
    buffer = io.BytesIO()
    torch.save({"owner": OWNER, "epoch": 1}, buffer)
    shelf.write(1, buffer.getvalue())
    assert shelf.newest(1) is None
    assert "unexpected keyword argument 'epoch'" in shelf.warnings[0]
    assert Snapshot.__dataclass_fields__.keys() == {"owner", "step", "best", "objects", "random"}
