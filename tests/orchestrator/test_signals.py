"""Signals in the process that trains; those of a whole `hpsearch run` are in tests/cli/test_signals.py."""

import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hpsearch.core.errors import Stopped
from hpsearch.core.stopping import RESUME
from hpsearch.core.trial import Report
from hpsearch.orchestrator.signals import GRACE, Signals
from hpsearch.workers.pools.in_process import InProcess
from tests.support.studies import WAITING, EachTurn, ListSampler, Search

pytest_plugins = ["tests.support.fixtures"]
pytestmark = pytest.mark.usefixtures("one_epoch_a_slice")


def signalled(params: Any, run: Any) -> Iterator[Report]:
    """So many signals come in its second epoch."""
    for epoch in run.epochs():
        for _ in range(params["signals"] if epoch == 2 else 0):
            signal.raise_signal(signal.SIGINT)
        yield Report(epoch, {"val_loss": 1.0})


def searched(folder: Path, signals: int) -> Search:
    study = Search(folder, ListSampler([{"signals": signals}]))
    trainer = replace(study.setup.trainer, use="tests.orchestrator.test_signals:signalled")
    study.setup = replace(study.setup, trainer=trainer)
    study.pool = InProcess(study.setup)
    return study


def test_one_ends_the_run_with_the_epoch(tmp_path: Path) -> None:
    notes: list[str] = []
    signals, loop = Signals(notes.append), searched(tmp_path, 1).loop()
    with signals.listening(), signals.stopping(loop):
        loop.run()
    assert signals.first is signal.SIGINT
    assert notes == ["stopping after the running epochs (at most 25 s); repeat to stop at once"]
    assert [(trial.state, trial.epoch) for trial in loop.history] == [(WAITING, 2)]


def test_a_second_one_interrupts_training_in_this_process(tmp_path: Path) -> None:
    signals, loop = Signals(print), searched(tmp_path, 2).loop()
    with signals.listening(), pytest.raises(KeyboardInterrupt), signals.stopping(loop):
        loop.run()
    assert [(trial.state, trial.epoch) for trial in loop.history] == [(WAITING, 1)]


def endless(params: Any, run: Any) -> Iterator[Report]:
    """Its second epoch does not end, and a signal comes in it."""
    for epoch in run.epochs():
        if epoch == 2:
            signal.raise_signal(signal.SIGTERM)
            threading.Event().wait()
        yield Report(epoch, {"val_loss": 1.0})


def test_one_interrupts_an_epoch_in_this_process_that_does_not_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(GRACE, signal.SIGTERM, 0.01)
    study = searched(tmp_path, 0)
    trainer = replace(study.setup.trainer, use="tests.orchestrator.test_signals:endless")
    study.setup = replace(study.setup, trainer=trainer)
    study.pool = InProcess(study.setup)
    signals, loop = Signals(print), study.loop()
    with signals.listening(), pytest.raises(KeyboardInterrupt), signals.stopping(loop):
        loop.run()
    assert signals.first is signal.SIGTERM
    assert [(trial.state, trial.epoch) for trial in loop.history] == [(WAITING, 1)]


def test_a_second_one_lets_the_loop_end_elsewhere(tmp_path: Path) -> None:
    def twice(_: object) -> None:
        if loop.history.epochs == 1:
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGTERM)

    observer = EachTurn(twice)
    loop = observer.loop = searched(tmp_path, 0).loop(observers=[observer])
    signals = Signals(print)
    with signals.listening(), signals.stopping(loop):
        loop.run()
    assert (signals.first, loop.end.stopped) == (signal.SIGTERM, "stopped by SIGTERM")


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGUSR2])
def test_the_notice_of_a_scheduler_ends_the_run_with_the_epoch(tmp_path: Path, number: signal.Signals) -> None:
    def notified(_: object) -> None:
        if loop.history.epochs == 1:
            signal.raise_signal(number)

    observer = EachTurn(notified)
    loop = observer.loop = searched(tmp_path, 0).loop(observers=[observer])
    signals, before = Signals(print), signal.getsignal(number)
    with signals.listening(), signals.stopping(loop):
        loop.run()
    assert (signals.first, loop.end.stopped) == (number, f"stopped by {number.name}")
    assert [trial.state for trial in loop.history] == [WAITING]
    assert signal.getsignal(number) is before


@pytest.mark.parametrize(
    ("number", "exit_code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGUSR1, 138), (signal.SIGUSR2, 140)],
)
def test_before_the_first_trial_the_run_is_stopped(number: signal.Signals, exit_code: int) -> None:
    ours = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(one) for one in ours]

    def run() -> None:
        with Signals(print).listening():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            signal.raise_signal(number)

    with pytest.raises(Stopped, match=f" {number.name}: {RESUME}") as stopped:
        run()
    assert stopped.value.exit_code == exit_code
    assert [signal.getsignal(one) for one in ours] == before


def test_another_thread_leaves_signals_as_they_are(tmp_path: Path) -> None:
    """Python lets the main thread alone set handlers; a notebook may run a study beside."""
    before, ended = signal.getsignal(signal.SIGINT), []

    def search() -> None:
        signals, loop = Signals(print), searched(tmp_path, 0).loop()
        with signals.listening(), signals.stopping(loop):
            assert signal.getsignal(signal.SIGINT) is before
            loop.run()
        ended.append(loop.history.ended)

    thread = threading.Thread(target=search)
    thread.start()
    thread.join()
    assert ended == [1]
