"""SIGTERM to a trial's process and to its worker, without Ray."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from itertools import count

import pytest

from hpsearch.core.messages import Lost, Reported, Start
from hpsearch.workers.isolation.isolated_worker import IsolatedWorker
from tests.support.studies import setup

numbers = count()

pytestmark = pytest.mark.xdist_group("isolation")  # one process of xdist starts a worker, and not each


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IsolatedWorker]:
    """SIGTERM does nothing in this process, but a handler in Python code notes it, as in a Ray worker."""
    handler, descriptor = signal.signal(signal.SIGTERM, lambda *_: None), signal.set_wakeup_fd(-1)
    made = IsolatedWorker(setup(tmp_path_factory.mktemp("work"), "process_toys:train", isolated=True, ahead=True))
    made.warm_up()
    yield made
    made.release()
    made.close()
    signal.set_wakeup_fd(descriptor)
    signal.signal(signal.SIGTERM, handler)


def started(worker: IsolatedWorker, how: str) -> Reported | Lost:
    return worker.start(Start(next(numbers), {"how": how}, 3, until=1, epochs=1))


def test_a_process_without_a_handler_is_lost_to_something_outside(worker: IsolatedWorker) -> None:
    came = started(worker, "terminated")
    assert isinstance(came, Lost)
    assert came.outside
    assert came.reason == "its process was killed by SIGTERM"


@pytest.mark.parametrize("how", ["exits_at_sigterm", "returns_at_sigterm"])
def test_whatever_a_handler_of_the_trainer_does_the_trial_has_not_ended(worker: IsolatedWorker, how: str) -> None:
    came = started(worker, how)
    assert isinstance(came, Reported)
    assert came.failure is not None
    assert (came.failure.kind, came.ended) == ("terminated", False)


@pytest.mark.parametrize("how", ["sys_exits", "terminates_a_child"])
def test_sys_exit_of_the_trainer_is_its_failure(worker: IsolatedWorker, how: str) -> None:
    came = started(worker, how)
    assert isinstance(came, Reported)
    assert came.failure is not None
    assert (came.failure.kind, came.failure.exception) == ("error", "SystemExit: 1")


@pytest.mark.parametrize("how", ["kills_itself", "exits"])
def test_other_ends_are_not_from_outside(worker: IsolatedWorker, how: str) -> None:
    came = started(worker, how)
    assert isinstance(came, Lost)
    assert not came.outside


def test_the_worker_itself(worker: IsolatedWorker) -> None:
    """Its last trial: a Ray worker ends when the call has returned."""

    def terminate() -> None:
        while worker._template is None or not worker._template._running:
            time.sleep(0.01)
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGTERM)

    sender = threading.Thread(target=terminate)
    sender.start()
    came = started(worker, "hangs")
    sender.join()
    assert isinstance(came, Lost)
    assert came.outside
