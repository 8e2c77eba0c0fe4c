"""What real signals do to a real process; it is ended by its recorded pid alone."""

import os
import random
import signal
import subprocess
import time

import pytest

from hpsearch.core.errors import PoolError
from hpsearch.workers.pools.in_process import InProcess
from tests.cli.cli_runner import CliResult, CliRunner, content
from tests.cli.test_going_on import SLOW, written

PACED = "pace = 0.05"
LONG = "pace = 60.0"


def begun(cli: CliRunner, epochs: int) -> subprocess.Popen[str]:
    """A run that trains its epoch number `epochs`, or is beyond it."""
    process = cli.start("run", "study.toml")
    cli.wait_for(lambda: cli.trained() >= epochs, process)
    return process


def signalled(cli: CliRunner, epoch: int, *signals: signal.Signals) -> CliResult:
    """A run that gets these signals while it trains its epoch number `epoch`, which ends then."""
    gate = cli.folder / "gate"
    gate.write_text(str(epoch))
    process = begun(cli, epoch)
    for number in signals:
        os.kill(process.pid, number)
    gate.unlink()
    return cli.ended(process)


def stopped(cli: CliRunner) -> bool:
    study = cli.export()["study"]
    return (study["state"], study["cause"]) == ("STOPPED", "interrupted")


def same_as_unbroken(cli: CliRunner) -> bool:
    broken = content(cli.export())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HPSEARCH_HOME", str(cli.folder / "unbroken"))
        cli.run()
        return content(cli.export()) == broken


@pytest.mark.parametrize(
    ("method", "epoch"),
    [
        ("coarse-to-fine", 6),
        *(pytest.param(*case, marks=pytest.mark.chaos) for case in (("grid", 2), ("random", 5), ("bayesian", 11))),
    ],
)
def test_interrupt_and_resume(cli: CliRunner, method: str, epoch: int) -> None:
    written(cli, method)
    answer = signalled(cli, epoch, signal.SIGINT)
    assert answer.code == 130
    assert stopped(cli)
    assert {trial["state"] for trial in cli.export()["trials"]} <= {"WAITING", "COMPLETE", "PAUSED"}
    assert cli.run().code == 0
    trained = cli.trained()
    assert same_as_unbroken(cli)
    assert cli.trained() == 2 * trained


def test_a_torch_trainer_resumes_bit_for_bit(cli: CliRunner) -> None:
    space = "lr = { low = 1e-4, high = 1e-1, log = true }"
    trainer = "tests.cli.trainers:torch_learner"
    cli.study('method = "random"\ntrials = 2', trainer=trainer, epochs=6, options=SLOW, space=space)
    (cli.folder / "bell").write_text("3 SIGINT")
    assert cli.run().code == 130
    assert cli.export()["trials"][0]["state"] == "WAITING"
    assert cli.run().code == 0
    assert same_as_unbroken(cli)


def test_hangup_ends_nothing_and_sigterm_all(cli: CliRunner) -> None:
    written(cli, "random", SLOW)
    (cli.folder / "bell").write_text("4 SIGHUP SIGTERM")
    assert cli.run().code == 143
    assert stopped(cli)
    assert "WAITING" in {trial["state"] for trial in cli.export()["trials"]}
    assert cli.run().code == 0
    assert cli.trained() == 12


def test_a_signal_that_also_ended_ray(cli: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scheduler sends it to all processes of a run."""
    written(cli, "random")
    events = InProcess.events

    def signalled_too(pool: InProcess, timeout: float) -> object:
        if pool._orders:
            signal.raise_signal(signal.SIGTERM)
            raise PoolError("Ray has died")
        return events(pool, timeout)

    with monkeypatch.context() as patch:
        patch.setattr(InProcess, "events", signalled_too)
        assert cli.run().code == 143
    assert stopped(cli)
    assert [trial["state"] for trial in cli.export()["trials"]] == ["WAITING"]
    assert cli.run().code == 0


def test_interrupted_twice_in_a_long_epoch(cli: CliRunner) -> None:
    written(cli, "random", LONG)
    process = begun(cli, 1)
    os.kill(process.pid, signal.SIGINT)
    time.sleep(0.2)  # two signals at once are one
    os.kill(process.pid, signal.SIGINT)
    answer = cli.ended(process, timeout=30)
    assert answer.code == 130
    assert stopped(cli)
    (trial,) = cli.export()["trials"]
    assert (trial["state"], trial["curve"]) == ("WAITING", [])
    assert cli.invoke("status", "toy", "--json").data["state"] == "STOPPED"


@pytest.mark.chaos  # its sample is in tests/chaos/test_driver_kills.py
def test_killed_at_random_moments(cli: CliRunner) -> None:
    """No result is lost, nothing is counted twice, and at most one epoch is trained again for every kill."""
    written(cli, "coarse-to-fine", PACED)
    chance = random.Random(5)
    kills = 0
    reported: dict[tuple[int, int], dict[str, float]] = {}
    while kills < 3:
        process = begun(cli, cli.trained() + 1)
        time.sleep(chance.uniform(0.0, 0.15))
        process.kill()
        process.communicate()
        kills += 1
        trials = cli.export()["trials"]
        now = {(trial["number"], point["step"]): point for trial in trials for point in trial["curve"]}
        assert reported.items() <= now.items()
        reported = now
    status = cli.invoke("status", "toy", "--json").data
    assert (status["state"], status["trials"]["running"], status["trials"]["waiting"]) == ("INTERRUPTED", 0, 1)
    assert cli.run().code == 0
    trained = cli.trained()
    cli.epoch_log.unlink()
    assert same_as_unbroken(cli)
    assert cli.trained() <= trained <= cli.trained() + kills


def test_readers_that_are_gone_end_nothing(cli: CliRunner) -> None:
    """Closed pipes in place of stdout and stderr."""
    written(cli, "random", PACED)
    process = cli.start("run", "study.toml", "--jsonl")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    process.stderr.close()
    assert process.wait(90) == 0
    assert cli.trained() == 12
    assert cli.invoke("status", "toy", "--json").data["state"] == "COMPLETE"


class TestBusy:
    def test_another_process_runs_it(self, cli: CliRunner) -> None:
        written(cli, "random", LONG)
        process = begun(cli, 1)
        try:
            answer = cli.run()
            assert answer.code == 4
            assert answer.names('"toy"', f"process {process.pid} on {os.uname().nodename}")
            status = cli.invoke("status", "toy", "--json").data
            assert (status["state"], status["holder"]) == (
                "RUNNING",
                f"process {process.pid} on {os.uname().nodename}",
            )
            assert status["holder"] in cli.invoke("status", "toy").out
            assert cli.invoke("export", "toy").code == 0
        finally:
            process.kill()
            process.communicate()
        assert cli.invoke("status", "toy", "--json").data["state"] == "INTERRUPTED"
        assert "`hpsearch run`" in cli.invoke("status", "toy").out


@pytest.mark.slow
def test_two_first_runs_at_once(cli: CliRunner) -> None:
    """One runs it; the other is refused, and has not trained anything."""
    written(cli, "random", PACED)
    processes = [cli.start("run", "study.toml") for _ in range(2)]
    answers = sorted((cli.ended(process) for process in processes), key=lambda answer: answer.code)
    assert [answer.code for answer in answers] in ([0, 4], [0, 0])  # 0: it came when the first was done
    assert cli.trained() == 12
