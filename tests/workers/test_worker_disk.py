"""A disk that takes no checkpoint costs no result: it is no fault of the trial's, and ends the run."""

import errno
import os
import resource
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from hpsearch.core.decisions import Pause
from hpsearch.core.errors import DiskError
from hpsearch.core.trial import State
from hpsearch.orchestrator.loop import Loop
from hpsearch.workers.worker import Worker
from tests.support.studies import COMPLETE, PAUSED, WAITING, ListSampler, ScriptedPruner, Search, setup
from tests.support.workers import start, store_of, train

pytest_plugins = ["tests.support.fixtures"]
pytestmark = pytest.mark.usefixtures("quick_collections", "one_epoch_a_slice")


@contextmanager
def limited(kind: int, value: int) -> Iterator[None]:
    """Within a test alone, or pytest could not write its own report."""
    before = resource.getrlimit(kind)
    resource.setrlimit(kind, (value, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(kind, before)


def full() -> AbstractContextManager[None]:
    """No file may be larger than 100 bytes."""
    return limited(resource.RLIMIT_FSIZE, 100)


def test_the_reports_come_with_what_is_wrong(tmp_path: Path) -> None:
    worker = Worker(setup(tmp_path))
    with full():
        came = worker.start(start())
    assert [report.step for report in came.reports] == [1]
    assert came.failure is not None
    assert came.failure.kind == "disk"
    place = store_of(tmp_path).folder / "epoch-000001.pt"
    assert came.failure.summary.startswith(f"a checkpoint could not be written: [Errno {errno.EFBIG}] File too large (")
    assert came.failure.summary.endswith(f"bytes are free): '{place}'")


def test_too_many_open_files_are_the_failure_of_the_trial(tmp_path: Path) -> None:
    worker = Worker(setup(tmp_path, one_epoch_slices=True))
    assert worker.start(start()).failure is None
    with limited(resource.RLIMIT_NOFILE, 0):
        came = worker.advance()
    assert [report.step for report in came.reports] == [2]
    assert came.failure is not None
    assert came.failure.kind == "error"
    assert "Too many open files" in came.failure.summary


def test_a_limit_that_the_trainer_sets_is_the_failure_of_the_trial(tmp_path: Path) -> None:
    worker = Worker(setup(tmp_path, one_epoch_slices=True))
    assert worker.start(start()).failure is None
    with full():
        failure = worker.advance().failure
    assert failure is not None
    assert failure.kind == "error"
    assert failure.summary.endswith("the trainer has limited the size of files (RLIMIT_FSIZE)")


def test_a_function_that_the_trainer_replaces_is_the_failure_of_the_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = Worker(setup(tmp_path, one_epoch_slices=True))
    assert worker.start(start()).failure is None

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError("no files in this test")

    monkeypatch.setattr(Path, "open", refuse)
    monkeypatch.setattr("builtins.open", refuse)
    failure = worker.advance().failure
    monkeypatch.undo()
    assert failure is not None
    assert failure.kind == "error"
    assert "no files in this test; the trainer may have replaced" in failure.summary


def test_before_it_starts(tmp_path: Path) -> None:
    store_of(tmp_path).folder.parent.mkdir()
    store_of(tmp_path).folder.write_text("no folder")
    failure = Worker(setup(tmp_path)).start(start()).failure
    assert failure is not None
    assert (failure.kind, str(store_of(tmp_path).folder) in failure.summary) == ("disk", True)


def test_what_the_trainer_cannot_write_is_no_fault_of_its(tmp_path: Path) -> None:
    kinds = []
    for number in (errno.ENOSPC, errno.EIO, errno.ENOENT):
        worker = Worker(setup(tmp_path, "either"))
        came = train(worker, start(params={"toy": "faulty", "at": 2, "how": f"errno {number}"}))
        assert came.failure is not None
        assert os.strerror(number) in came.failure.summary
        kinds.append(came.failure.kind)
    assert kinds == ["disk", "disk", "error"]


class Breaking:
    """Puts a file in the place of a trial's folder of checkpoints while epoch `at` is trained; `mend` undoes that."""

    def __init__(self, folder: Path, at: int):
        self.folder, self.aside, self.at = folder, folder.with_name("aside"), at

    def __call__(self, loop: Loop) -> None:
        if loop.history.epochs == self.at - 1 and self.folder.is_dir():
            self.folder.rename(self.aside)
            self.folder.touch()

    def mend(self) -> None:
        self.folder.unlink()
        self.aside.rename(self.folder)


@pytest.mark.parametrize("pause", [False, True])
def test_the_run_ends_with_what_was_trained(tmp_path: Path, pause: bool) -> None:
    """Whether the trial was to go on or to be paused; and another run goes on as if nothing had been."""
    calm = Search(tmp_path / "calm", ListSampler([{}, {}])).run().history
    study = Search(tmp_path / "broken", ListSampler([{}, {}]))
    if pause:
        study.pruner = ScriptedPruner({(0, 3): Pause("far enough")})
    breaking = Breaking(store_of(study.folder).folder, at=3)
    with pytest.raises(DiskError, match=r"^trial 0: .*checkpoints/00000"):
        study.run(breaking)
    trial = study.recorder.trials[0]
    assert (trial.state, trial.epoch) == (PAUSED if pause else WAITING, 3)
    assert len(study.recorder.trials) == 1, "and nothing more was started"
    breaking.mend()
    states = [one.state for one in study.reopened().run().history]
    assert states == ([State.PAUSED, COMPLETE] if pause else [COMPLETE] * 2)
    if not pause:
        again = study.recorder.history(study.setup.trainer.objective)
        assert [one.curve for one in again] == [one.curve for one in calm]
