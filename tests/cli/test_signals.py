"""What real signals do to a real process; it is ended by its recorded pid alone."""

import os
import random
import signal
import subprocess
import time

import pytest

from tests.cli.desk import Answer, Desk, content
from tests.cli.test_going_on import SLOW, written

PACED = "pace = 0.05"
LONG = "pace = 60.0"


def begun(desk: Desk, epochs: int) -> subprocess.Popen[str]:
    """A run that trains its epoch number `epochs`, or is beyond it."""
    process = desk.start("run", "study.toml")
    desk.wait_for(lambda: desk.trained() >= epochs, process)
    return process


def signalled(desk: Desk, epoch: int, *signals: signal.Signals) -> Answer:
    """A run that gets these signals while it trains its epoch number `epoch`, which ends then."""
    gate = desk.folder / "gate"
    gate.write_text(str(epoch))
    process = begun(desk, epoch)
    for number in signals:
        os.kill(process.pid, number)
    gate.unlink()
    return desk.ended(process)


def stopped(desk: Desk) -> bool:
    study = desk.export()["study"]
    return (study["state"], study["cause"]) == ("STOPPED", "interrupted")


def same_as_unbroken(desk: Desk) -> bool:
    broken = content(desk.export())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HPSEARCH_HOME", str(desk.folder / "unbroken"))
        desk.run()
        return content(desk.export()) == broken


@pytest.mark.parametrize(
    ("method", "epoch"),
    [
        ("coarse-to-fine", 6),
        *(pytest.param(*case, marks=pytest.mark.chaos) for case in (("grid", 2), ("random", 5), ("bayesian", 11))),
    ],
)
def test_interrupt_and_go_on(desk: Desk, method: str, epoch: int) -> None:
    written(desk, method)
    answer = signalled(desk, epoch, signal.SIGINT)
    assert answer.code == 130
    assert stopped(desk)
    assert {trial["state"] for trial in desk.export()["trials"]} <= {"WAITING", "COMPLETE", "PAUSED"}
    assert desk.run().code == 0
    trained = desk.trained()
    assert same_as_unbroken(desk)
    assert desk.trained() == 2 * trained


def test_torch_trainer_goes_on_bit_for_bit(desk: Desk) -> None:
    space = "lr = { low = 1e-4, high = 1e-1, log = true }"
    trainer = "tests.cli.trainers:torch_learner"
    desk.study('method = "random"\ntrials = 2', trainer=trainer, epochs=6, options=SLOW, space=space)
    assert signalled(desk, 3, signal.SIGINT).code == 130
    assert desk.export()["trials"][0]["state"] == "WAITING"
    assert desk.run().code == 0
    assert same_as_unbroken(desk)


def test_hangup_ends_nothing_and_sigterm_all(desk: Desk) -> None:
    written(desk, "random", SLOW)
    answer = signalled(desk, 4, signal.SIGHUP, signal.SIGTERM)
    assert answer.code == 143
    assert stopped(desk)
    assert "WAITING" in {trial["state"] for trial in desk.export()["trials"]}
    assert desk.run().code == 0
    assert desk.trained() == 12


def test_interrupted_twice_in_a_long_epoch(desk: Desk) -> None:
    written(desk, "random", LONG)
    process = begun(desk, 1)
    os.kill(process.pid, signal.SIGINT)
    time.sleep(0.2)  # two signals at once are one
    os.kill(process.pid, signal.SIGINT)
    answer = desk.ended(process, timeout=30)
    assert answer.code == 130
    assert stopped(desk)
    (trial,) = desk.export()["trials"]
    assert (trial["state"], trial["curve"]) == ("WAITING", [])
    assert desk.hp("status", "toy", "--json").data["state"] == "STOPPED"


@pytest.mark.chaos  # its sample is in tests/chaos/test_driver_kills.py
def test_killed_at_random_moments(desk: Desk) -> None:
    """No result is lost, nothing is counted twice, and at most one epoch is trained again for every kill."""
    written(desk, "coarse-to-fine", PACED)
    chance = random.Random(5)
    kills = 0
    reported: dict[tuple[int, int], dict[str, float]] = {}
    while kills < 3:
        process = begun(desk, desk.trained() + 1)
        time.sleep(chance.uniform(0.0, 0.15))
        process.kill()
        process.communicate()
        kills += 1
        trials = desk.export()["trials"]
        now = {(trial["number"], point["step"]): point for trial in trials for point in trial["curve"]}
        assert reported.items() <= now.items()
        reported = now
    status = desk.hp("status", "toy", "--json").data
    assert (status["state"], status["trials"]["running"], status["trials"]["waiting"]) == ("INTERRUPTED", 0, 1)
    assert desk.run().code == 0
    trained = desk.trained()
    desk.diary.unlink()
    assert same_as_unbroken(desk)
    assert desk.trained() <= trained <= desk.trained() + kills


def test_readers_that_are_gone_end_nothing(desk: Desk) -> None:
    """Closed pipes in place of stdout and stderr."""
    written(desk, "random", PACED)
    process = desk.start("run", "study.toml", "--jsonl")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    process.stderr.close()
    assert process.wait(90) == 0
    assert desk.trained() == 12
    assert desk.hp("status", "toy", "--json").data["state"] == "COMPLETE"


class TestBusy:
    def test_somebody_else_runs_it(self, desk: Desk) -> None:
        written(desk, "random", LONG)
        process = begun(desk, 1)
        try:
            answer = desk.run()
            assert answer.code == 4
            assert f'study "toy" is being run by process {process.pid} on {os.uname().nodename}' in answer.err
            status = desk.hp("status", "toy", "--json").data
            assert (status["state"], status["holder"]) == (
                "RUNNING",
                f"process {process.pid} on {os.uname().nodename}",
            )
            assert f"run by process {process.pid}" in desk.hp("status", "toy").out
            assert desk.hp("export", "toy").code == 0
        finally:
            process.kill()
            process.communicate()
        assert desk.hp("status", "toy", "--json").data["state"] == "INTERRUPTED"
        assert "goes on where it was" in desk.hp("status", "toy").out


@pytest.mark.slow
def test_two_first_runs_at_once(desk: Desk) -> None:
    """One runs it; the other is refused, and has not trained anything."""
    written(desk, "random", PACED)
    processes = [desk.start("run", "study.toml") for _ in range(2)]
    answers = sorted((desk.ended(process) for process in processes), key=lambda answer: answer.code)
    assert [answer.code for answer in answers] in ([0, 4], [0, 0])  # 0: it came when the first was done
    assert desk.trained() == 12
