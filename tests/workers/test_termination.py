"""SIGTERM to a Ray worker that trains its trials itself (`isolation = "none"`)."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hpsearch.core.messages import Reported, Start
from hpsearch.core.trial import Report
from hpsearch.workers.worker import Worker
from tests.support.studies import ROOT, setup

pytest_plugins = ["tests.support.fixtures"]
pytestmark = pytest.mark.usefixtures("one_epoch_a_slice")


def train(params: Any, run: Any) -> Iterator[Report]:
    """SIGTERM comes in its second epoch, and what `then` says."""
    then = params["then"]
    for epoch in run.epochs():
        if epoch == 2 and then != "nothing":
            try:
                os.kill(os.getpid(), signal.SIGTERM if then != "sys.exit" else 0)
            except SystemExit:
                if then != "swallowed":
                    raise
            if then == "raised":
                raise ValueError
            if then == "sys.exit":
                sys.exit(1)
        yield Report(epoch, {"val_loss": 1.0})


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    def as_ray(*_: Any) -> None:
        sys.exit(1)

    handler, descriptor = signal.signal(signal.SIGTERM, as_ray), signal.set_wakeup_fd(-1)
    made = Worker(setup(tmp_path, use="tests.workers.test_termination:train", folder=ROOT, ahead=True))
    yield made
    made.release()
    signal.set_wakeup_fd(descriptor)
    signal.signal(signal.SIGTERM, handler)


def last(worker: Worker, then: str) -> Reported:
    worker.start(Start(0, {"then": then}, 3, until=3, epochs=3))
    return worker.advance()


def kind(reported: Reported) -> str:
    return reported.failure.kind if reported.failure is not None else ""


def test_the_exception_of_rays_handler_is_no_failure_of_the_trainer(worker: Worker) -> None:
    assert kind(last(worker, "passed on")) == "terminated"


def test_sys_exit_is_one(worker: Worker) -> None:
    assert kind(last(worker, "sys.exit")) == "error"


def test_a_trainer_that_goes_on_goes_on(worker: Worker) -> None:
    reported = last(worker, "swallowed")
    assert (kind(reported), [one.step for one in reported.reports]) == ("", [2])


def test_what_else_it_raises_then_counts_as_ended_by_the_signal(worker: Worker) -> None:
    signal.signal(signal.SIGTERM, lambda *_: None)
    assert kind(last(worker, "raised")) == "terminated"


def test_in_this_process_nothing_is_watched(tmp_path: Path) -> None:
    """With `address = "none"`: the signal stops the run (tests/cli/test_signals.py)."""
    before = signal.set_wakeup_fd(-1)
    worker = Worker(setup(tmp_path, use="tests.workers.test_termination:train", folder=ROOT))
    assert kind(last(worker, "nothing")) == ""
    assert signal.set_wakeup_fd(before) == -1
    worker.release()
