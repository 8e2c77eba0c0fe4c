"""FAULTS rows 3 and 4, and row 1 with Ray: what happens when Ray's own processes die, or the driver beside them."""

import random
import time
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.misbehaving_trainers import pids
from tests.chaos.ray_nodes import undisturbed
from tests.chaos.scenario import AHEAD, Driver, Process, Scenario, Scenarios, add_summary

pytestmark = pytest.mark.xdist_group("ray")

DEAD = "Ray has died on this machine (its {} was ended by SIGKILL): run the same command again to continue"
SAID = {
    "raylet": DEAD.format("raylet"),
    "gcs_server": DEAD.format("gcs_server"),
}


def written(scenario: Scenario, pace: float = 0.1, trials: int = 4) -> None:
    scenario.cli.study(
        f'method = "random"\ntrials = {trials}',
        trainer="tests.chaos.misbehaving_trainers:network",
        epochs=12,
        options=f"pace = {pace}",
    )
    scenario.cli.change(('address = "none"', "workers = 2"))


def at_work(scenario: Scenario, epochs: int = 5) -> Driver:
    """A driver both of whose workers train."""
    driver, before = scenario.start(), scenario.trained()
    known = {pid for _, _, pid, _ in pids(scenario.cli.epoch_log)}
    scenario.until(
        lambda: (
            scenario.trained() >= before + epochs
            and len({pid for _, _, pid, _ in pids(scenario.cli.epoch_log)} - known) == 2
        ),
        driver,
    )
    return driver


def part(driver: Driver, name: str) -> Process:
    """Ray's own process of that name, of those that this driver has started."""
    (found,) = [process for process in driver.process_tree() if f"/{name} " in command(process)]
    return found


def command(process: Process) -> str:
    """Its whole command line: a path may be longer than what the process prints of itself."""
    return Path(f"/proc/{process.pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")


def struck(scenario: Scenario, name: str) -> float:
    """Start the study, kill that part of Ray, and see how it ends; the seconds that took."""
    driver = at_work(scenario)
    part(driver, name).kill()
    began = time.monotonic()
    answer = driver.ended(100)
    took = time.monotonic() - began
    assert answer.code == 5
    lines = [line for line in answer.err.splitlines() if "epoch_log.txt" not in line]  # the trainer writes that file
    own = [line for line in lines if not line.startswith(("[", "note: ", "  log  "))]
    assert len(own) == 1, f"nothing of Ray's own, but: {answer.err}"
    assert own[0].startswith(SAID[name])
    return took


def left_alone(scenario: Scenario, driver: Driver) -> float:
    """Nothing is left of it, no process and no folder; the seconds until then."""
    seconds = scenario.alone()
    assert list(Path("/tmp").glob(f"hps{driver.pid}-*")) == []
    return seconds


@pytest.mark.chaos
def test_its_raylet_is_killed(scenario: Scenario) -> None:
    written(scenario)
    took = struck(scenario, "raylet")
    gone, finished_results = left_alone(scenario, scenario.drivers[-1]), scenario.finished_results()
    finished_results.check_unchanged()
    scenario.check(budget=4)
    scenario.cli.change(("workers = 2", 'address = "none"'))
    scenario.finish()
    finished_results.check_unchanged()
    scenario.check(budget=4, kills=1, concurrency=2 * AHEAD)
    assert [trial["curve"] for trial in scenario.export()["trials"]] == undisturbed(scenario)
    add_summary(
        "3", "SIGKILL to the raylet", times=1, exit_code_5_after_s=round(took, 1), all_gone_after_s=round(gone, 1)
    )
    assert took < 30


@pytest.mark.chaos
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("name", "row", "within", "kills", "trials", "pace"),
    [("raylet", "3", 30, 5, 12, 0.2), ("gcs_server", "4", 70, 4, 26, 2.0)],
    ids=["raylet", "gcs_server"],
)
def test_again_and_again(
    scenario: Scenario, name: str, row: str, within: float, kills: int, trials: int, pace: float
) -> None:
    """Each kill ends the run within so many seconds, and nothing is lost. The workers train on meanwhile: at the last
    kill two trials must be left."""
    written(scenario, pace=pace, trials=trials)
    finished_results, times, gone = scenario.finished_results(), list[float](), list[float]()
    for _ in range(kills):
        times.append(struck(scenario, name))
        gone.append(left_alone(scenario, scenario.drivers[-1]))
        finished_results.check_unchanged()
        scenario.check(budget=trials)
    scenario.finish(timeout=400)
    finished_results.check_unchanged()
    scenario.check(budget=trials, kills=kills, concurrency=2 * 2)  # as above
    results = scenario.export()["trials"]
    assert [trial["curve"] for trial in results] == undisturbed(scenario)
    assert {trial["attempts"] for trial in results} == {1}, "what Ray dies of is no fault of a trial's"
    add_summary(
        row,
        f"SIGKILL to Ray's {name}",
        times=len(times),
        exit_code_5_after_s_most=round(max(times), 1),
        all_gone_after_s_most=round(max(gone), 1),
        results_lost=0,
        epochs_redone=scenario.retrained(),
    )
    assert max(times) < within


@pytest.mark.chaos
@pytest.mark.timeout(900)
def test_the_driver_is_killed_and_its_ray_ends_with_it(scenarios: Scenarios) -> None:
    """At any moment, also while Ray starts; its workers may be stopped or hang in C."""
    chance, gone = random.Random(4), list[float]()
    scenario = scenarios()
    written(scenario, pace=0.3)
    for number in range(12):
        driver = scenario.start() if number % 2 else at_work(scenario, epochs=1)
        if number % 2:
            time.sleep(chance.uniform(1.0, 8.0))
        driver.kill()
        gone.append(left_alone(scenario, driver))
        scenario.check(budget=4, stopped_cleanly=False)
    scenario.finish(timeout=300)
    scenario.check(budget=4, kills=12, concurrency=2)
    assert [trial["curve"] for trial in scenario.export()["trials"]] == undisturbed(scenario)
    add_summary("1", "SIGKILL to the driver on Ray", times=len(gone), all_gone_after_s_most=round(max(gone), 1))


@pytest.mark.chaos
@pytest.mark.parametrize("how", ["SIGSTOP", "sleep in C"])
def test_workers_that_hang_end_with_a_driver_that_is_killed(scenario: Scenario, how: str) -> None:
    written(scenario)
    scenario.cli.change(
        ("trainers:network", "trainers:failing"),
        ("epochs = 12", "epochs = 3"),
        ("pace = ", f'how = "{how}", pace = '),
    )
    driver = scenario.start()
    scenario.until(lambda: scenario.trained() >= 4, driver)
    time.sleep(1)
    others: Any = driver.kill()
    assert len(others) >= 9, "Ray's own seven and two workers"
    add_summary(
        "1",
        f"SIGKILL to the driver while workers hang ({how})",
        all_gone_after_s=round(left_alone(scenario, driver), 1),
    )
