"""What the checkpoints of a study take on the disk."""

from pathlib import Path

from hpsearch.workers.checkpoints import CheckpointStore, CheckpointUse

HASH = 64


def test_nothing(tmp_path: Path) -> None:
    assert CheckpointUse.of(tmp_path) == CheckpointUse.of(None) == CheckpointUse(0, 0, 0)


def test_a_file_with_two_names_counts_once(tmp_path: Path) -> None:
    CheckpointStore.of(tmp_path, "u", 0).write(3, b"x" * 1000, best=True)
    assert CheckpointUse.of(tmp_path) == CheckpointUse(1000 + HASH, 1000, 1000)


def test_of_several_trials(tmp_path: Path) -> None:
    first, second = (CheckpointStore.of(tmp_path, "u", number) for number in range(2))
    first.write_best(b"x" * 100)
    second.write(1, b"x" * 50)
    second.write(2, b"x" * 70)
    (second.folder / "claim").write_text("a worker's name")
    assert CheckpointUse.of(tmp_path) == CheckpointUse(220 + 3 * HASH, 70, 100)
