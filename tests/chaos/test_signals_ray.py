"""FAULTS rows 18 to 21 with a Ray of our own. In one process: tests/cli/test_signals.py; on a terminal that is
closed: tests/cli/test_terminal.py."""

import signal
import subprocess
import sys
import time

import pytest

from tests.chaos.scenario import Driver, Scenario, add_summary
from tests.cli.cli_runner import CliResult

pytestmark = pytest.mark.xdist_group("ray")

TRIALS = 4
EPOCHS = 5
LONG = 300.0


def training(scenario: Scenario, pace: float, epochs: int) -> Driver:
    """A driver of two workers with real networks; so many epochs have begun, each of which takes `pace` seconds."""
    written(scenario, pace)
    driver = scenario.start()
    scenario.until(lambda: scenario.trained() >= epochs, driver)
    return driver


def written(scenario: Scenario, pace: float) -> None:
    scenario.cli.study(
        f'method = "random"\ntrials = {TRIALS}',
        trainer="tests.chaos.timed_epochs:train",
        space="lr = { low = 1e-4, high = 1e-1, log = true }",
        epochs=EPOCHS,
    )
    scenario.cli.change(('address = "none"', "workers = 2"))
    (scenario.folder / "pace").write_text(str(pace))


def ended(driver: Driver, *signals: int) -> tuple[CliResult, float]:
    """What it says after these signals, and the seconds from the last of them until it is gone."""
    for number in signals[:-1]:
        driver.signal(number)
        time.sleep(0.3)  # two at once are one
    driver.signal(signals[-1])
    began = time.monotonic()
    return driver.ended(120), time.monotonic() - began


def check_stopped(scenario: Scenario, answer: CliResult) -> None:
    study = scenario.export()["study"]
    assert (study["state"], study["cause"]) == ("STOPPED", "interrupted"), answer
    assert "Traceback" not in answer.err
    assert "WAITING" in {trial["state"] for trial in scenario.export()["trials"]}
    scenario.check(budget=TRIALS, kills=0)
    scenario.alone(20)


def go_on(scenario: Scenario, retrained: int) -> None:
    """The next run does the rest; so many epochs were broken off and are trained again."""
    finished_results = scenario.finished_results()
    finished_results.check_unchanged()
    (scenario.folder / "pace").write_text("0.1")
    scenario.finish(most=1)
    finished_results.check_unchanged()
    scenario.check(budget=TRIALS)
    assert (scenario.retrained(), scenario.trained()) == (retrained, TRIALS * EPOCHS + retrained)


@pytest.mark.chaos
def test_interrupted_once(scenario: Scenario) -> None:
    answer, seconds = ended(training(scenario, 0.5, epochs=4), signal.SIGINT)
    assert (answer.code, seconds < 30) == (130, True)
    check_stopped(scenario, answer)
    go_on(scenario, retrained=0)
    add_summary(
        "18", "SIGINT once, Ray, epochs of 0.5 s", times=1, gone_after=f"{seconds:.1f} s", exit=130, epochs_redone=0
    )


@pytest.mark.chaos
def test_interrupted_twice(scenario: Scenario) -> None:
    answer, seconds = ended(training(scenario, LONG, epochs=2), signal.SIGINT, signal.SIGINT)
    assert answer.code == 130
    check_stopped(scenario, answer)
    add_summary("19", "SIGINT twice, Ray, epochs of 300 s", times=1, gone_after=f"{seconds:.1f} s", exit=130)
    assert seconds < LONG / 2
    go_on(scenario, retrained=2)


@pytest.mark.chaos
@pytest.mark.parametrize(
    ("row", "name", "code", "grace"), [("18", "SIGINT", 130, 45.0), ("20", "SIGTERM", 143, 40.0)], ids=["int", "term"]
)
def test_epochs_that_are_too_long_to_wait_for(scenario: Scenario, row: str, name: str, code: int, grace: float) -> None:
    answer, seconds = ended(training(scenario, LONG, epochs=2), signal.Signals[name])
    assert answer.code == code
    check_stopped(scenario, answer)
    add_summary(row, f"{name} once, Ray, epochs of 300 s", times=1, gone_after=f"{seconds:.1f} s", exit=code)
    assert seconds < grace
    go_on(scenario, retrained=2)


@pytest.mark.chaos
def test_sigterm_in_short_epochs(scenario: Scenario) -> None:
    answer, seconds = ended(training(scenario, 0.5, epochs=4), signal.SIGTERM)
    assert answer.code == 143
    check_stopped(scenario, answer)
    go_on(scenario, retrained=0)
    add_summary(
        "20", "SIGTERM, Ray, epochs of 0.5 s", times=1, gone_after=f"{seconds:.1f} s", exit=143, epochs_redone=0
    )


@pytest.mark.chaos
@pytest.mark.parametrize("to_stderr", [False, True])
def test_a_reader_that_goes_after_the_first_line(scenario: Scenario, to_stderr: bool) -> None:
    """`hpsearch run --jsonl study.toml | head -1`, and the same with progress in the pipe too."""
    written(scenario, 0.1)
    head = [sys.executable, "-c", "import sys; sys.stdout.write(sys.stdin.readline())"]
    with subprocess.Popen(head, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        errors = {"stderr": reader.stdin} if to_stderr else {}
        driver = scenario.start("run", "study.toml", "--jsonl", stdout=reader.stdin, **errors)
        line, _ = reader.communicate(timeout=90)
    assert line
    answer = driver.ended(120)
    assert answer.code == 0
    assert "Traceback" not in answer.err
    assert "Broken pipe" not in answer.err
    scenario.check(budget=TRIALS, kills=0)
    assert scenario.trained() == TRIALS * EPOCHS
    add_summary("21", f"| head -1, Ray, stderr in the pipe too: {to_stderr}", times=1, exit=0)
