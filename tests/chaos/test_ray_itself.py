"""FAULTS rows 3 and 4, and row 1 with Ray: what happens when Ray's own processes die, or the driver beside them."""

import random
import time
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.kit import Driver, Process, Scene, Scenes, tally
from tests.chaos.ray_kit import undisturbed
from tests.chaos.wild import pids

pytestmark = pytest.mark.xdist_group("ray")

DEAD = "Ray has died on this machine (its {} was ended by SIGKILL): run the same command again to go on"
SAID = {
    "raylet": DEAD.format("raylet"),
    "gcs_server": DEAD.format("gcs_server"),
}


def written(scene: Scene, pace: float = 0.1) -> None:
    scene.desk.study(
        'method = "random"\ntrials = 4', trainer="tests.chaos.wild:network", epochs=12, options=f"pace = {pace}"
    )
    scene.desk.change(('address = "none"', "workers = 2"))


def at_work(scene: Scene, epochs: int = 5) -> Driver:
    """A driver both of whose workers train."""
    driver, before = scene.start(), scene.trained()
    known = {pid for _, _, pid, _ in pids(scene.desk.diary)}
    scene.until(
        lambda: (
            scene.trained() >= before + epochs and len({pid for _, _, pid, _ in pids(scene.desk.diary)} - known) == 2
        ),
        driver,
    )
    return driver


def part(driver: Driver, name: str) -> Process:
    """Ray's own process of that name, of those that this driver has started."""
    (found,) = [process for process in driver.family() if f"/{name} " in command(process)]
    return found


def command(process: Process) -> str:
    """Its whole command line: a path may be longer than what the process prints of itself."""
    return Path(f"/proc/{process.pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")


def struck(scene: Scene, name: str) -> float:
    """Start the study, kill that part of Ray, and see how it ends; the seconds that took."""
    driver = at_work(scene)
    part(driver, name).kill()
    began = time.monotonic()
    answer = driver.ended(100)
    took = time.monotonic() - began
    assert answer.code == 5
    own = [line for line in answer.err.splitlines() if not line.startswith(("[", "note: ", "  log  "))]
    assert len(own) == 1, f"nothing of Ray's own, but: {answer.err}"
    assert own[0].startswith(SAID[name])
    return took


def left_alone(scene: Scene, driver: Driver) -> float:
    """Nothing is left of it, no process and no folder; the seconds until then."""
    seconds = scene.alone()
    assert list(Path("/tmp").glob(f"hps{driver.pid}-*")) == []
    return seconds


def test_its_raylet_is_killed(scene: Scene) -> None:
    written(scene)
    took = struck(scene, "raylet")
    gone, witness = left_alone(scene, scene.drivers[-1]), scene.witness()
    witness.look()
    scene.check(budget=4)
    scene.desk.change(("workers = 2", 'address = "none"'))
    scene.finish()
    witness.look()
    scene.check(budget=4, kills=1, concurrency=2 * 2)  # two workers: the epoch in flight, and one ahead of its verdict
    assert [trial["curve"] for trial in scene.export()["trials"]] == undisturbed(scene)
    tally("3", "SIGKILL to the raylet", times=1, exit_code_5_after_s=round(took, 1), all_gone_after_s=round(gone, 1))
    assert took < 30


@pytest.mark.chaos
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("name", "row", "within"), [("raylet", "3", 30), ("gcs_server", "4", 70)])
def test_again_and_again(scene: Scene, name: str, row: str, within: float) -> None:
    """Until it is done: at most so long, and nothing lost."""
    written(scene, pace=0.2)
    witness, times, gone = scene.witness(), list[float](), list[float]()
    for _ in range(5):
        times.append(struck(scene, name))
        gone.append(left_alone(scene, scene.drivers[-1]))
        witness.look()
        scene.check(budget=4)
    scene.finish()
    witness.look()
    scene.check(budget=4, kills=5, concurrency=2)
    trials = scene.export()["trials"]
    assert [trial["curve"] for trial in trials] == undisturbed(scene)
    assert {trial["attempts"] for trial in trials} == {1}, "what Ray dies of is no fault of a trial's"
    tally(
        row,
        f"SIGKILL to Ray's {name}",
        times=len(times),
        exit_code_5_after_s_most=round(max(times), 1),
        all_gone_after_s_most=round(max(gone), 1),
        results_lost=0,
        epochs_redone=scene.redone(),
    )
    assert max(times) < within


@pytest.mark.chaos
@pytest.mark.timeout(900)
def test_the_driver_is_killed_and_its_ray_ends_with_it(scenes: Scenes) -> None:
    """At any moment, also while Ray starts; its workers may be stopped or hang in C."""
    chance, gone = random.Random(4), list[float]()
    scene = scenes()
    written(scene, pace=0.3)
    for number in range(12):
        driver = scene.start() if number % 2 else at_work(scene, epochs=1)
        if number % 2:
            time.sleep(chance.uniform(1.0, 8.0))
        driver.kill()
        gone.append(left_alone(scene, driver))
        scene.check(budget=4, at_rest=False)
    scene.finish(timeout=300)
    scene.check(budget=4, kills=12, concurrency=2)
    assert [trial["curve"] for trial in scene.export()["trials"]] == undisturbed(scene)
    tally("1", "SIGKILL to the driver on Ray", times=len(gone), all_gone_after_s_most=round(max(gone), 1))


@pytest.mark.chaos
@pytest.mark.parametrize("how", ["SIGSTOP", "sleep in C"])
def test_workers_that_hang_end_with_a_driver_that_is_killed(scene: Scene, how: str) -> None:
    written(scene)
    scene.desk.change(
        ("wild:network", "wild:unruly"), ("epochs = 12", "epochs = 3"), ("pace = ", f'how = "{how}", pace = ')
    )
    driver = scene.start()
    scene.until(lambda: scene.trained() >= 4, driver)
    time.sleep(1)
    others: Any = driver.kill()
    assert len(others) >= 9, "Ray's own seven and two workers"
    tally(
        "1", f"SIGKILL to the driver while workers hang ({how})", all_gone_after_s=round(left_alone(scene, driver), 1)
    )
