"""What trainers do to their process: the trial survives it or fails with a clear cause, and the worker trains on."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from hpsearch.core.messages import Lost, Reported, Start
from hpsearch.workers.isolation.isolated_worker import IsolatedWorker
from tests.support.studies import setup
from tests.workers.isolation.test_isolated_worker import (
    descendants,
    ended,
    folders_of,
    log_of,
    numbers,
    start,
    trained,
    until,
    up,
)

pytestmark = pytest.mark.xdist_group("isolation")  # one process of xdist starts a worker, and not each


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IsolatedWorker]:
    work = tmp_path_factory.mktemp("work")
    made = up(IsolatedWorker(setup(work, "process_toys:train", isolated=True)), {"how": "fine"})
    yield made
    made.close()


@pytest.fixture
def worker(shared: IsolatedWorker) -> Iterator[IsolatedWorker]:
    yield shared
    trains_on(shared)


def trains_on(shared: IsolatedWorker) -> None:
    """It trains another trial, and no process is left but the template and the one that waits."""
    shared.release()
    assert trained(shared).reports[0].metrics["val_loss"] == 1.0
    ended(shared)
    assert shared._template is not None
    template = shared._template._process.pid
    until(lambda: len(descendants([template])) == 1)  # the waiting one may be forked after the end of the trial


@pytest.mark.parametrize(
    "how",
    [
        "handles_signals",
        "joins_another_group",
        "removes_its_folders",
        pytest.param("starts_processes", marks=pytest.mark.slow),
        "exits_in_a_thread",
        "forked child returns",
        "forked child raises",
    ],
)
def test_survived(worker: IsolatedWorker, how: str) -> None:
    assert len(trained(worker, how).reports) == 1


@pytest.mark.slow  # a template with torch
def test_persistent_workers_and_shared_tensors_of_torch(tmp_path: Path) -> None:
    worker = up(IsolatedWorker(setup(tmp_path, "loading_toys:train", isolated=True)), {})
    try:
        reported = trained(worker)
        assert len(reported.reports) == 1
        memory, folder = folders_of(worker, reported.number)
        ended(worker)
        until(lambda: not memory.exists() and not folder.exists())
        template = worker._template
        assert template is not None
        until(lambda: len(descendants([template._process.pid])) == 1)
        assert trained(worker).reports[0].metrics["val_loss"] == 1.0, "the trial before has switched gradients off"
    finally:
        worker.close()


@pytest.mark.parametrize(
    ("how", "kind", "exception"),
    [
        ("raises_without_streams", "error", "OSError: no such folder"),
        ("interrupts", "error", "KeyboardInterrupt"),
        ("raises_what_cannot_be_pickled", "error", "NotPicklable"),
        ("recurses", "error", "RecursionError"),
        ("reads_stdin", "error", "EOFError"),
        ("limits_its_memory", "oom", "MemoryError"),
    ],
)
def test_failed(worker: IsolatedWorker, how: str, kind: str, exception: str) -> None:
    reported = worker.start(start(how))
    assert isinstance(reported, Reported)
    assert reported.failure is not None
    assert (reported.failure.kind, reported.reports) == (kind, ())
    assert reported.failure.exception.startswith(exception)


def test_an_interrupt_of_the_trainer_keeps_what_it_reported(worker: IsolatedWorker) -> None:
    """There is no terminal that it could come from."""
    reported = worker.start(start("interrupts_at_its_end"))
    assert isinstance(reported, Reported)
    assert reported.failure is not None
    assert reported.failure.exception == "KeyboardInterrupt"
    assert [report.step for report in reported.reports] == [1]


def test_a_step_that_is_reported_twice(worker: IsolatedWorker) -> None:
    first = worker.start(Start(next(numbers), {"how": "reports_a_step_twice"}, 3, until=1, epochs=3))
    second = worker.advance()
    assert isinstance(first, Reported)
    assert isinstance(second, Reported)
    assert [report.step for report in first.reports] == [1]
    assert second.failure is not None
    assert second.failure.kind == "contract"


@pytest.mark.parametrize(
    ("how", "number"), [("overflows_the_stack", "SIGSEGV"), ("alarms", "SIGALRM"), ("kills_its_parent", "SIGKILL")]
)
def test_lost(worker: IsolatedWorker, how: str, number: str) -> None:
    lost = worker.start(start(how))
    assert isinstance(lost, Lost)
    assert lost.reason == f"its process was killed by {number}"


def test_an_answer_that_cannot_be_sent(worker: IsolatedWorker) -> None:
    lost = worker.start(start("clears_modules"))
    assert isinstance(lost, Lost)
    assert "it could not answer hpsearch" in lost.reason
    assert "PicklingError" in lost.traceback
    assert [report.step for report in lost.reports] == [1]


def test_an_answer_that_cannot_be_read(worker: IsolatedWorker) -> None:
    """Sending it needs `len`."""
    lost = worker.start(start("replaces_builtins"))
    assert isinstance(lost, Lost)
    assert lost.reason == "its process sent an answer that cannot be read (UnpicklingError)"
    assert [report.step for report in lost.reports] == [1]


def test_shared_memory_and_temporary_folders_are_removed(worker: IsolatedWorker) -> None:
    reported = worker.start(start("leaves_shared_memory"))
    folders = folders_of(worker, reported.number)
    assert len(folders) == 2
    assert all(folder.exists() for folder in folders)
    worker.release()
    ended(worker)
    assert not any(folder.exists() for folder in folders)


def test_shared_memory_of_a_killed_trial_is_removed(worker: IsolatedWorker) -> None:
    reported = worker.start(start("leaves_shared_memory"))
    memory, folder = folders_of(worker, reported.number)
    assert memory.exists()
    assert isinstance(reported, Reported)
    os.kill(int(reported.reports[0].metrics["pid"]), signal.SIGKILL)
    worker.release()
    ended(worker)
    assert not memory.exists()
    folder.rmdir()


def test_semaphores_of_a_pool_of_joblib_are_removed(worker: IsolatedWorker) -> None:
    reported = worker.start(start("leaves_loky_pool"))
    semaphores = folders_of(worker, reported.number)
    assert semaphores
    assert all(path.exists() for path in semaphores)
    worker.release()
    ended(worker)
    assert not any(path.exists() for path in semaphores)


def test_what_a_forked_child_raises_is_in_the_log(worker: IsolatedWorker) -> None:
    assert "OSError: in the child" in log_of(worker, trained(worker, "forked child raises"))


def test_a_forked_child_may_exit(worker: IsolatedWorker) -> None:
    """With its own exit code, and without a traceback."""
    assert log_of(worker, trained(worker, "forked child exits")) == "imported\n"
