"""Kills the processes of a local Ray after its driver has ended, also by SIGKILL, and removes its folder.

Measured on Ray 2.60: after a SIGKILL of the driver two of Ray's agents keep running for 61 s, after one of the GCS for
120 s; a suspended trial process keeps running without limit, and the folder stays. So the driver starts a small
process and writes a line "pid start" to its stdin for each process of Ray; stdin is closed when the driver ends.
Processes that were not registered, because Ray failed to start, are found by their environment.
It is run by its path and imports only the standard library, so that it starts in 30 ms.
"""

import contextlib
import fcntl
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

MARK = "HPSEARCH_RAY"
"""The environment variable of all processes of a local Ray: its folder."""

PREFIX = "hps"
"""Prefix of the folders' names, before the driver's pid."""

LEFTOVER_AGE = 3600.0
"""Seconds after which another run may remove a folder of a driver that has ended."""

KILL_TIMEOUT = 10.0
"""Seconds to wait for killed processes to end: a process that is writing to a disk ends later."""

STOP_TIMEOUT = 0.1
"""Seconds to wait for processes to stop."""

Process = tuple[int, str]
"""A pid and its start time as text: together they identify a process, since pids are reused."""


class Reaper:
    """Used by the driver: `register` processes that must end with it; `close` kills them now."""

    def __init__(self, folder: str):
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__, folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C and a closed terminal do not end it
        )

    def register(self, *processes: Process) -> None:
        assert self._process.stdin is not None
        lines = "".join(f"{pid} {start}\n" for pid, start in processes)
        if self._process.stdin.closed:  # `close` was called before
            return
        with contextlib.suppress(OSError):  # it was killed: Ray's own clean-up remains
            self._process.stdin.write(lines.encode())
            self._process.stdin.flush()

    def close(self) -> None:
        """Kill the registered processes; returns when they have ended. May be called twice."""
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            self._process.communicate(timeout=3 * KILL_TIMEOUT)


def main(folder: str) -> None:
    with contextlib.suppress(OSError):
        fcntl.flock(
            os.open(folder, os.O_RDONLY), fcntl.LOCK_SH
        )  # until this process ends, see `remove_leftover_folders`
    remove_leftover_folders(Path(folder).parent)
    known = [(int(pid), start) for pid, _, start in (line.strip().partition(" ") for line in sys.stdin)]
    end([*known, *with_start_times(marked(folder))])
    shutil.rmtree(folder, ignore_errors=True)


def marked(folder: str) -> list[int]:
    """The pids of the Ray in this folder, from their environment; [] if there is no /proc. A Ray that failed to start
    has registered none, and its processes would create the folder again, readable for all users."""
    mark, found = f"{MARK}={folder}".encode(), []
    for file in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):  # it has ended, or belongs to another user
            if mark in file.read_bytes().split(b"\0"):
                found.append(int(file.parent.name))
    return found


def remove_leftover_folders(parent: Path) -> None:
    """Remove the folders that earlier Rays of this user have left, such as after a power cut.

    A folder stays for `LEFTOVER_AGE` seconds, while its driver is alive, and while its reaper has locked it.
    """
    for folder in parent.glob(f"{PREFIX}[0-9]*-*"):
        with contextlib.suppress(OSError, ValueError):
            status, pid = folder.lstat(), int(folder.name.removeprefix(PREFIX).partition("-")[0])
            is_old = time.time() - status.st_mtime > LEFTOVER_AGE
            if status.st_uid != os.getuid() or not stat.S_ISDIR(status.st_mode) or not is_old or start_time(pid):
                continue
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(descriptor)


def end(processes: Iterable[Process]) -> None:
    """Kill them and their descendants; returns when they have ended, or after `KILL_TIMEOUT` seconds."""
    left = stop(processes)
    deadline = time.monotonic() + KILL_TIMEOUT
    while left and time.monotonic() < deadline:
        for process in left:
            kill(process)
        time.sleep(0.02)
        left = {process for process in left if is_alive(process)}


def stop(processes: Iterable[Process]) -> set[Process]:
    """Stop them and their descendants with SIGSTOP, and return them: none can start another one meanwhile. Without
    `torch_shm_manager`, which ends by itself."""
    deadline = time.monotonic() + KILL_TIMEOUT
    found: set[Process] = set()
    new = {process for process in processes if is_alive(process) and not is_shm_manager(process[0])}
    while new and time.monotonic() < deadline:
        for process in new:
            kill(process, signal.SIGSTOP)
        _wait_until_stopped(new)
        found |= new
        below = set(with_start_times(descendants(pid for pid, _ in found))) - found
        new = {process for process in below if not is_shm_manager(process[0])}
    return found


def _wait_until_stopped(processes: Iterable[Process]) -> None:
    """A process that is just starting another one stops after that. At most `STOP_TIMEOUT` seconds: one that waits for
    its child to run another program (vfork) does not stop before, and starts nothing."""
    deadline = time.monotonic() + STOP_TIMEOUT
    for pid, _ in processes:
        while (fields := _stat(pid)) and fields[0] not in "TtZX" and time.monotonic() < deadline:
            time.sleep(0.001)


def is_shm_manager(pid: int) -> bool:
    """Whether the process is torch's `torch_shm_manager`, of the sharing strategy "file_system". It removes the shared
    memory of its clients, and ends 2 s after the last of them."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return command.partition(b"\0")[0].endswith(b"torch_shm_manager")


def kill(process: Process, number: int = signal.SIGKILL) -> None:
    """Send the signal, unless its pid belongs to another process by now."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if is_alive(process):
            os.kill(process[0], number)


def is_alive(process: Process) -> bool:
    pid, start = process
    return start != "" and start_time(pid) == start


def with_start_times(pids: Iterable[int]) -> list[Process]:
    """Those that are alive, with their start times."""
    return [(pid, start) for pid in pids if (start := start_time(pid))]


def start_time(pid: int) -> str:
    """When a process started; "" where it has ended (a zombie too)."""
    if not Path("/proc/self").exists():
        return "".join(_ps("lstart=", pid)).replace(" ", "-")
    fields = _stat(pid)
    return fields[19] if fields and fields[0] not in "ZX" else ""


def descendants(pids: Iterable[int]) -> set[int]:
    """Their child processes, and the children of those, at any depth."""
    parents, found, new = _parents(), set[int](), set(pids)
    while new:
        new = {child for child, parent in parents.items() if parent in new} - found
        found |= new
    return found


def _parents() -> dict[int, int]:
    if not Path("/proc/self").exists():
        return {int(pid): int(parent) for pid, parent in (line.split() for line in _ps("pid=,ppid="))}
    pids = [int(folder.name) for folder in Path("/proc").glob("[0-9]*")]
    return {pid: int(fields[1]) for pid in pids if (fields := _stat(pid))}


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on: the command before it may contain spaces. [] if it has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def _ps(columns: str, pid: int | None = None) -> list[str]:
    """The output of `ps`, where there is no /proc."""
    which = ["-A"] if pid is None else ["-p", str(pid)]
    done = subprocess.run(["ps", "-o", columns, *which], capture_output=True, text=True, check=False)
    return done.stdout.splitlines()


if __name__ == "__main__":
    main(sys.argv[1])
