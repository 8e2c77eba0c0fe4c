"""FAULTS rows 18 to 21 with a Ray of our own. In one process: tests/cli/test_signals.py; on a terminal that is
closed: tests/cli/test_terminal.py."""

import signal
import subprocess
import sys
import time

import pytest

from tests.chaos.kit import Driver, Scene, tally
from tests.cli.desk import Answer

pytestmark = pytest.mark.xdist_group("ray")

TRIALS = 4
EPOCHS = 5
LONG = 300.0


def training(scene: Scene, pace: float, epochs: int) -> Driver:
    """A driver of two workers with real networks; so many epochs have begun, each of which takes `pace` seconds."""
    written(scene, pace)
    driver = scene.start()
    scene.until(lambda: scene.trained() >= epochs, driver)
    return driver


def written(scene: Scene, pace: float) -> None:
    scene.desk.study(
        f'method = "random"\ntrials = {TRIALS}',
        trainer="tests.chaos.paced:train",
        space="lr = { low = 1e-4, high = 1e-1, log = true }",
        epochs=EPOCHS,
    )
    scene.desk.change(('address = "none"', "workers = 2"))
    (scene.folder / "pace").write_text(str(pace))


def ended(driver: Driver, *signals: int) -> tuple[Answer, float]:
    """What it says after these signals, and the seconds from the last of them until it is gone."""
    for number in signals[:-1]:
        driver.signal(number)
        time.sleep(0.3)  # two at once are one
    driver.signal(signals[-1])
    began = time.monotonic()
    return driver.ended(120), time.monotonic() - began


def check_stopped(scene: Scene, answer: Answer) -> None:
    study = scene.export()["study"]
    assert (study["state"], study["cause"]) == ("STOPPED", "interrupted"), answer
    assert "Traceback" not in answer.err
    assert "WAITING" in {trial["state"] for trial in scene.export()["trials"]}
    scene.check(budget=TRIALS, kills=0)
    scene.alone(20)


def go_on(scene: Scene, redone: int) -> None:
    """The next run does the rest; so many epochs were broken off and are trained again."""
    witness = scene.witness()
    witness.look()
    (scene.folder / "pace").write_text("0.1")
    scene.finish(most=1)
    witness.look()
    scene.check(budget=TRIALS)
    assert (scene.redone(), scene.trained()) == (redone, TRIALS * EPOCHS + redone)


def test_interrupted_once(scene: Scene) -> None:
    answer, seconds = ended(training(scene, 0.5, epochs=4), signal.SIGINT)
    assert (answer.code, seconds < 30) == (130, True)
    check_stopped(scene, answer)
    go_on(scene, redone=0)
    tally("18", "SIGINT once, Ray, epochs of 0.5 s", times=1, gone_after=f"{seconds:.1f} s", exit=130, epochs_redone=0)


@pytest.mark.chaos
def test_interrupted_twice(scene: Scene) -> None:
    answer, seconds = ended(training(scene, LONG, epochs=2), signal.SIGINT, signal.SIGINT)
    assert answer.code == 130
    check_stopped(scene, answer)
    tally("19", "SIGINT twice, Ray, epochs of 300 s", times=1, gone_after=f"{seconds:.1f} s", exit=130)
    assert seconds < 10
    go_on(scene, redone=2)


@pytest.mark.chaos
@pytest.mark.parametrize(
    ("row", "name", "code", "grace"), [("18", "SIGINT", 130, 45.0), ("20", "SIGTERM", 143, 40.0)], ids=["int", "term"]
)
def test_epochs_that_are_too_long_to_wait_for(scene: Scene, row: str, name: str, code: int, grace: float) -> None:
    answer, seconds = ended(training(scene, LONG, epochs=2), signal.Signals[name])
    assert answer.code == code
    check_stopped(scene, answer)
    tally(row, f"{name} once, Ray, epochs of 300 s", times=1, gone_after=f"{seconds:.1f} s", exit=code)
    assert seconds < grace
    go_on(scene, redone=2)


@pytest.mark.chaos
def test_sigterm_in_short_epochs(scene: Scene) -> None:
    answer, seconds = ended(training(scene, 0.5, epochs=4), signal.SIGTERM)
    assert answer.code == 143
    check_stopped(scene, answer)
    go_on(scene, redone=0)
    tally("20", "SIGTERM, Ray, epochs of 0.5 s", times=1, gone_after=f"{seconds:.1f} s", exit=143, epochs_redone=0)


@pytest.mark.chaos
@pytest.mark.parametrize("to_stderr", [False, True])
def test_a_reader_that_goes_after_the_first_line(scene: Scene, to_stderr: bool) -> None:
    """`hpsearch run --jsonl study.toml | head -1`, and the same with progress in the pipe too."""
    written(scene, 0.1)
    head = [sys.executable, "-c", "import sys; sys.stdout.write(sys.stdin.readline())"]
    with subprocess.Popen(head, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        errors = {"stderr": reader.stdin} if to_stderr else {}
        driver = scene.start("run", "study.toml", "--jsonl", stdout=reader.stdin, **errors)
        line, _ = reader.communicate(timeout=90)
    assert line
    answer = driver.ended(120)
    assert answer.code == 0
    assert "Traceback" not in answer.err
    assert "Broken pipe" not in answer.err
    scene.check(budget=TRIALS, kills=0)
    assert scene.trained() == TRIALS * EPOCHS
    tally("21", f"| head -1, Ray, stderr in the pipe too: {to_stderr}", times=1, exit=0)
