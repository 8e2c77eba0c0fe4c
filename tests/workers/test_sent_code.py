"""A study's folder on a node that has another version of the code, and the copy that was sent."""

import platform
from dataclasses import replace
from pathlib import Path

import pytest

from hpsearch.study.program import Program
from hpsearch.trainer.open_trial import TrainerContext
from hpsearch.workers.isolation.isolated_worker import IsolatedWorker
from hpsearch.workers.sent_code import host_with_other_code, on_this_node, sent_files
from hpsearch.workers.worker import Setup, Worker
from tests.support.studies import LOSS


@pytest.fixture
def trainer(tmp_path: Path) -> TrainerContext:
    """A program in the folder "study", and another file that it does not use."""
    folder = _written(tmp_path / "study")
    (folder / "notes.txt").write_text("1")
    return TrainerContext("train.py", folder, {}, LOSS, program=Program(("python", "train.py", "{lr}")))


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What was sent, which is the working directory of a worker."""
    folder = _written(tmp_path / "copy")
    monkeypatch.chdir(folder)
    return folder


def _written(folder: Path) -> Path:
    folder.mkdir()
    (folder / "train.py").write_text("import part_of_sent\n")
    (folder / "part_of_sent.py").write_text("LOSS = 1\n")
    return folder


def test_a_folder_with_the_same_code_is_used(trainer: TrainerContext, copy: Path) -> None:
    """As where nodes share it: it also has what is not sent, such as `data`."""
    sent = sent_files(trainer)
    assert set(sent) == {"train.py", "part_of_sent.py"}
    (trainer.folder / "notes.txt").write_text("2")
    assert on_this_node(trainer, sent) is trainer
    assert host_with_other_code(trainer, trainer.folder) == ""
    assert copy != trainer.folder


@pytest.mark.parametrize("change", ["edited", "without a module", "gone"])
def test_the_copy_is_used_in_place_of_other_code(trainer: TrainerContext, copy: Path, change: str) -> None:
    sent = sent_files(trainer)
    if change == "edited":
        (trainer.folder / "part_of_sent.py").write_text("LOSS = 2\n")
    elif change == "without a module":
        (trainer.folder / "part_of_sent.py").unlink()
    else:
        trainer.folder.rename(trainer.folder.with_name("elsewhere"))
    found = on_this_node(trainer, sent)
    assert found == replace(trainer, folder=copy)
    assert host_with_other_code(found, trainer.folder) == ("" if change == "gone" else platform.node())


def test_where_nothing_was_sent_the_folder_stays(
    trainer: TrainerContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = sent_files(trainer)
    (trainer.folder / "train.py").write_text("")
    assert on_this_node(trainer, {}) is trainer
    monkeypatch.chdir(tmp_path)
    assert on_this_node(trainer, sent) is trainer


def test_files_outside_of_the_folder_are_not_compared(trainer: TrainerContext) -> None:
    (trainer.folder / "studies").mkdir()
    outside = replace(trainer, folder=trainer.folder / "studies", program=Program(("python", "../train.py")))
    assert set(outside.sources().files) == {"train.py", "part_of_sent"}
    assert sent_files(outside) == {}


@pytest.mark.parametrize("kind", [Worker, IsolatedWorker])
def test_a_worker_uses_it(trainer: TrainerContext, copy: Path, kind: type[Worker | IsolatedWorker]) -> None:
    setup = Setup(trainer, copy.parent / "work", "u", sent=sent_files(trainer))
    (trainer.folder / "train.py").write_text("")
    worker = kind(setup)
    assert worker.setup == replace(setup, trainer=replace(trainer, folder=copy), sent={})
