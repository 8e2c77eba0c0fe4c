"""Row 14, with Ray: no room for its own files, or for the checkpoints that its workers write."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.disks import SmallDisk, check_checkpoints, check_told, mounting
from tests.chaos.scenario import AHEAD, Driver, Scenario

pytestmark = [pytest.mark.chaos, pytest.mark.xdist_group("ray")]

PRIVATE = (
    'mount --make-rprivate / && mount --bind "$1" /mnt && mount -t tmpfs -o "size=$2" tmpfs /tmp && mkdir -p "$1" && '
    'mount --bind /mnt "$1" && cd "$1" && shift 2 && exec "$@"'
)
"""A /tmp of its own for one program, where it still sees the folder of its study."""


def with_small_tmp(scenario: Scenario, size: str) -> list[str]:
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode:
        pytest.skip("no mounts of its own may be made here")
    if Path(sys.executable).is_relative_to("/tmp"):
        pytest.skip("the program itself would be hidden")
    return ["unshare", "--mount", "sh", "-c", PRIVATE, "sh", str(scenario.folder), size]


def temporary(driver: Driver) -> Path:
    """Its /tmp, seen from here."""
    return Path(f"/proc/{driver.pid}/root/tmp")


def study(scenario: Scenario, pace: float = 0.3) -> None:
    scenario.cli.study('method = "random"\ntrials = 8', epochs=6, options=f"pace = {pace}")
    scenario.cli.change(('address = "none"', "workers = 2"))


def test_no_room_for_ray(scenario: Scenario) -> None:
    """Bad from the beginning it says so; nothing is recorded, nothing left."""
    study(scenario)
    answer = scenario.start(within=with_small_tmp(scenario, "64k")).ended(150)
    assert answer.code == 5
    assert "Ray does not start" in answer.err
    assert "bytes are free in /tmp" in answer.err
    assert not (scenario.folder / ".hpsearch/journal.db").exists()
    assert scenario.alone() < 90
    scenario.finish()
    scenario.check(budget=8, kills=0)


@pytest.mark.parametrize("worker_lost", [False, True])
def test_its_folder_fills_up_meanwhile(scenario: Scenario, worker_lost: bool) -> None:
    """Ray needs it for logs alone: training goes on, also with a worker that is new."""
    study(scenario)
    driver = scenario.start(within=with_small_tmp(scenario, "60m"))
    scenario.until(lambda: scenario.trained() >= 3, driver)
    SmallDisk(temporary(driver)).fill(leave=0)
    if worker_lost:
        next(one for one in sorted(driver.process_tree()) if "ray::IsolatedWorker" in str(one)).kill()
    answer = driver.ended(240)
    assert answer.code == 0
    scenario.check(budget=8, kills=int(worker_lost), concurrency=AHEAD)


def test_no_room_for_checkpoints(scenario: Scenario) -> None:
    """It is a worker that finds none, and the driver that says so."""
    with mounting(scenario.folder) as mount:
        disk = mount(".hpsearch/studies", "100k")
        study(scenario, 0.1)
        answer = scenario.start().ended(150)
        assert answer.code == 5
        check_told(answer.err, disk.at)
        finished_results = scenario.finished_results()
        finished_results.check_unchanged()
        scenario.check(budget=8)
        check_checkpoints(disk.at)
        disk.resize("20m")
        scenario.finish()
        finished_results.check_unchanged()
        # Of each worker the epoch whose checkpoint found no room, and the one that was under way.
        scenario.check(budget=8, kills=1, concurrency=4)
        scenario.close()
