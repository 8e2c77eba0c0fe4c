"""What ends with a driver however that ends, and what does not."""

import fcntl
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hpsearch.workers.pools.ray import reaper
from hpsearch.workers.pools.ray.reaper import Reaper, is_alive, start_time
from tests.chaos.scenario import MARK, marked

KILL_TIMEOUT = 60.0

SLEEPER = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])"
"""A process with a child; `DRIVER` has two, of which one is watched, and says their pids before it stands still."""
DRIVER = f"""
import subprocess, sys, time
from hpsearch.workers.pools.ray.reaper import Reaper, start_time
reaper = Reaper(sys.argv[1])
children = [subprocess.Popen([sys.executable, "-c", {SLEEPER + "; time.sleep(600)"!r}]) for _ in range(2)]
reaper.register((children[0].pid, start_time(children[0].pid)))
print(*(child.pid for child in children), flush=True)
time.sleep(600)
"""


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + KILL_TIMEOUT
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def driver(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """A driver in a session of its own. What it has started is ended after the test."""
    (tmp_path / "ours").mkdir()
    words = [sys.executable, "-c", DRIVER, str(tmp_path / "ours")]
    driver = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, start_new_session=True)
    family = reaper.with_start_times([driver.pid])
    try:
        yield driver
    finally:
        family += reaper.with_start_times(reaper.descendants([driver.pid, *(pid for pid, _ in family)]))
        driver.kill()
        driver.communicate(timeout=KILL_TIMEOUT)
        for process in family:
            reaper.kill(process)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_what_is_watched_ends_with_its_driver(
    driver: "subprocess.Popen[str]", tmp_path: Path, number: signal.Signals
) -> None:
    assert driver.stdout is not None
    watched, other = map(int, driver.stdout.readline().split())
    until(lambda: len(reaper.descendants([watched, other])) == 2)
    ours = reaper.with_start_times([watched, *reaper.descendants([watched])])
    others = reaper.with_start_times([other, *reaper.descendants([other])])
    driver.send_signal(number)
    driver.wait(KILL_TIMEOUT)
    until(lambda: not any(map(is_alive, ours)))
    until(lambda: not (tmp_path / "ours").exists())
    try:
        assert all(map(is_alive, others)), "nobody has asked for these"
    finally:
        reaper.end(others)


def test_at_a_close_it_happens_at_once(tmp_path: Path) -> None:
    ours = tmp_path / "ours"
    (ours / "folder").mkdir(parents=True)
    one = Reaper(str(ours))
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    one.register((child.pid, start_time(child.pid)))
    one.close()
    assert not ours.exists()
    assert child.wait(KILL_TIMEOUT) == -signal.SIGKILL
    one.register()
    one.close()


def test_a_pid_that_was_given_out_again_is_another(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        reaper.end([(child.pid, "1")])
        reaper.kill((child.pid, start_time(os.getpid()) + "0"))
        assert child.poll() is None
    finally:
        child.kill()
        child.wait(KILL_TIMEOUT)


def test_one_that_is_killed_itself_is_not_missed(tmp_path: Path) -> None:
    """Ray's own ways are left."""
    one = Reaper(str(tmp_path / "ours"))
    one._process.kill()
    one._process.wait(KILL_TIMEOUT)
    one.register((os.getpid(), start_time(os.getpid())))
    one.register((os.getpid(), start_time(os.getpid())))
    one.close()


def test_one_that_has_ended_has_no_start() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    until(lambda: start_time(child.pid) == "")  # and nobody has asked for it yet
    child.wait(KILL_TIMEOUT)
    assert start_time(child.pid) == ""
    assert reaper.with_start_times([child.pid]) == []
    assert not is_alive((child.pid, ""))


@pytest.fixture
def endless() -> Iterator["tuple[subprocess.Popen[bytes], str]"]:
    """A process that starts others without end, and the mark in the environment of all of them."""
    mark, forks = uuid.uuid4().hex, "while true; do setsid sleep 600 & sleep 0.01; done"
    process = subprocess.Popen(["sh", "-c", forks], env={**os.environ, MARK: mark})
    try:
        until(lambda: len(marked(mark)) > 5)
        yield process, mark
    finally:
        reaper.end(reaper.with_start_times([process.pid]))
        process.wait(KILL_TIMEOUT)


def test_what_a_process_starts_while_it_is_ended_ends_too(endless: "tuple[subprocess.Popen[bytes], str]") -> None:
    process, mark = endless
    reaper.end(reaper.with_start_times([process.pid]))
    assert process.wait(KILL_TIMEOUT) == -signal.SIGKILL
    assert marked(mark) == set()


def test_a_process_that_removes_shared_memory_ends_by_itself() -> None:
    parent = subprocess.Popen(["bash", "-c", "(exec -a torch_shm_manager sleep 600) & wait"])
    until(lambda: reaper.descendants([parent.pid]))
    (manager,) = reaper.with_start_times(reaper.descendants([parent.pid]))
    until(lambda: reaper.is_shm_manager(manager[0]))
    reaper.end(reaper.with_start_times([parent.pid]))
    assert parent.wait(KILL_TIMEOUT) == -signal.SIGKILL
    assert is_alive(manager)
    reaper.kill(manager)


def test_what_is_stopped_starts_nothing(endless: "tuple[subprocess.Popen[bytes], str]") -> None:
    process, mark = endless
    stopped = reaper.stop(reaper.with_start_times([process.pid]))
    for _ in range(5):  # by their parents: what was stopped while it becomes `sleep` has no environment to read
        now = set(reaper.with_start_times([process.pid, *reaper.descendants([process.pid])]))
        assert now <= stopped
        assert not any(map(is_alive, stopped - now)), "one may have been at its end when it was stopped"
        time.sleep(0.02)
    reaper.end(stopped)
    process.wait(KILL_TIMEOUT)
    assert marked(mark) == set()


def test_a_ray_that_has_failed_to_start_leaves_no_process_and_no_folder(tmp_path: Path) -> None:
    """Nothing of it is registered. Here it writes its folder anew, as Ray's agents do."""
    folder, other = tmp_path / "hps1-ours", tmp_path / "hps2-other"
    writes = "import os, pathlib, time\nfolder = pathlib.Path(os.environ['HPSEARCH_RAY'])\n"
    writes += "while True:\n    folder.mkdir(exist_ok=True)\n    time.sleep(0.01)"
    started = [
        subprocess.Popen([sys.executable, "-S", "-c", writes], env={**os.environ, reaper.MARK: str(place)})
        for place in (folder, other)
    ]
    try:
        until(folder.exists)
        until(other.exists)
        Reaper(str(folder)).close()
        assert started[0].wait(KILL_TIMEOUT) == -signal.SIGKILL
        assert not folder.exists()
        assert started[1].poll() is None, "of another Ray"
    finally:
        for one in started:
            one.kill()
            one.wait()


def test_only_old_folders_of_ended_drivers_are_removed(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-S", "-c", ""])
    ended.wait()
    names = {"left": f"hps{ended.pid}-a", "locked": f"hps{ended.pid}-b", "new": f"hps{ended.pid}-c"}
    names |= {"alive": f"hps{os.getpid()}-d", "other": "hpsx-e", "link": f"hps{ended.pid}-f"}
    for name in set(names.values()) - {names["link"]}:
        (tmp_path / name / "ray").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / names["link"]).symlink_to(tmp_path / "elsewhere")
    for name in set(names.values()) - {names["new"]}:
        os.utime(tmp_path / name, (1, 1), follow_symlinks=False)
    lock = os.open(tmp_path / names["locked"], os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_SH)
    reaper.remove_leftover_folders(tmp_path)
    os.close(lock)
    kept = {path.name for path in tmp_path.iterdir()}
    assert kept == {"elsewhere", *names.values()} - {names["left"]}
