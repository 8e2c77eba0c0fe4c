"""What a scheduler or a closed laptop does to a run on Ray: docs/clusters.md."""

import signal
import time

import pytest

from tests.chaos.scenario import Driver, Scenario, add_summary

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600), pytest.mark.xdist_group("ray")]

TRIALS, EPOCHS = 4, 5


def training(scenario: Scenario, isolation: str, limits: str = "retries = 0") -> Driver:
    """A driver of two workers; an epoch takes a second."""
    scenario.cli.study(
        f'method = "random"\ntrials = {TRIALS}',
        trainer="tests.chaos.timed_epochs:train",
        space="lr = { low = 1e-4, high = 1e-1, log = true }",
        epochs=EPOCHS,
        more=f"[limits]\n{limits}\n",
    )
    scenario.cli.change(('address = "none"', f'workers = 2\nisolation = "{isolation}"'))
    (scenario.folder / "pace").write_text("1.0")
    return begun(scenario)


def begun(scenario: Scenario) -> Driver:
    before = scenario.trained()
    driver = scenario.start()
    scenario.until(lambda: scenario.trained() >= before + 3, driver)
    return driver


@pytest.mark.parametrize("isolation", ["process", "none"])
def test_sigterm_to_every_process_of_the_run(scenario: Scenario, isolation: str) -> None:
    """Three times. No trial fails, and none uses up a retry."""
    driver = training(scenario, isolation)
    for _ in range(3):
        for process in driver.process_tree():
            process.kill(signal.SIGTERM)
        assert driver.ended(120).code in (143, 5)
        assert {trial["state"] for trial in scenario.export()["trials"]} <= {"WAITING", "COMPLETE"}
        driver = begun(scenario)
    assert driver.ended(200).code == 0
    trials = scenario.export()["trials"]
    assert [(trial["state"], trial["attempts"]) for trial in trials] == [("COMPLETE", 1)] * TRIALS
    add_summary("20", f'SIGTERM to all processes, isolation = "{isolation}"', times=3, failed=0)


def test_a_suspended_driver(scenario: Scenario) -> None:
    driver = training(scenario, "process", 'retries = 0\nstall = "20s"')
    driver.signal(signal.SIGSTOP)
    time.sleep(40)
    driver.signal(signal.SIGCONT)
    assert driver.ended(200).code == 0
    assert [trial["state"] for trial in scenario.export()["trials"]] == ["COMPLETE"] * TRIALS
    add_summary("22", 'a driver suspended for 40 s, limits.stall = "20s"', stalled=0)
