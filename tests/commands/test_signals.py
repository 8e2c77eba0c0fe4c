"""What real signals do to a real process; it is ended by its recorded pid alone."""

import os
import random
import signal
import subprocess
import time

import pytest

from tests.commands.desk import Desk, content
from tests.commands.test_going_on import written

PACED = "pace = 0.05"
LONG = "pace = 60.0"


def begun(desk: Desk, epochs: int, **options: object) -> subprocess.Popen[str]:
    """A run that has trained so many epochs."""
    process = desk.start("run", "study.toml", **options)
    desk.wait_for(lambda: desk.trained() >= epochs, process)
    return process


@pytest.mark.parametrize(("method", "epochs"), [("grid", 2), ("random", 5), ("bayesian", 11), ("coarse-to-fine", 5)])
def test_interrupt_and_go_on(desk: Desk, method: str, epochs: int) -> None:
    written(desk, method, PACED)
    process = begun(desk, epochs)
    os.kill(process.pid, signal.SIGINT)
    answer = desk.ended(process)
    assert answer.code == 130
    assert answer.out.startswith("toy: stopped (stopped by SIGINT)\n")
    assert {trial["state"] for trial in desk.export()["trials"]} <= {"WAITING", "COMPLETE", "PAUSED"}
    assert desk.run().code == 0
    broken, trained = content(desk.export()), desk.trained()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HPSEARCH_HOME", str(desk.folder / "unbroken"))
        desk.run()
        assert content(desk.export()) == broken
    assert desk.trained() == 2 * trained


def test_torch_trainer_goes_on_bit_for_bit(desk: Desk) -> None:
    space = "lr = { low = 1e-4, high = 1e-1, log = true }"
    desk.study('method = "random"\ntrials = 2', trainer="tests.commands.trainers:torch_learner", epochs=6, space=space)
    desk.change(("options = {", "options = { pace = 0.05,"))
    process = begun(desk, 3)
    os.kill(process.pid, signal.SIGINT)
    assert desk.ended(process).code == 130
    assert desk.run().code == 0
    broken = content(desk.export())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HPSEARCH_HOME", str(desk.folder / "unbroken"))
        desk.run()
        assert content(desk.export()) == broken


def test_hangup_ends_nothing_and_sigterm_all(desk: Desk) -> None:
    written(desk, "random", PACED)
    process = begun(desk, 2)
    os.kill(process.pid, signal.SIGHUP)
    desk.wait_for(lambda: desk.trained() >= 5, process)
    os.kill(process.pid, signal.SIGTERM)
    answer = desk.ended(process)
    assert answer.code == 143
    assert "stopped by SIGTERM" in answer.out
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
    assert answer.out.startswith("toy: stopped (stopped by SIGINT)\n")
    (trial,) = desk.export()["trials"]
    assert (trial["state"], trial["curve"]) == ("WAITING", [])
    assert desk.hp("status", "toy", "--json").data["state"] == "STOPPED"


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
    broken, trained = content(desk.export()), desk.trained()
    desk.diary.unlink()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HPSEARCH_HOME", str(desk.folder / "unbroken"))
        desk.run()
        assert content(desk.export()) == broken
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
