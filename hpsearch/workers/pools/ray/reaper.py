"""Ends what is left of a Ray of our own when its driver has ended, however it did; its folder goes too.

Measured on Ray 2.60: after a SIGKILL of the driver two of Ray's agents live on for 61 s, after one of its GCS for
120 s, a trial's process that was stopped for ever, and its folder stays. So a small process stands beside the driver,
which writes a line "pid start" for each process to it; the end of that pipe is the driver's end.
It is run by its path and imports only the standard library, so that it starts in 30 ms.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

PATIENCE = 10.0
"""Seconds that processes have to end once they were killed: one that writes to a disk may take some."""

Process = tuple[int, str]
"""A pid and when it started, as a word to compare: pids are given out again."""


class Reaper:
    """The driver's end: `watch` what is to end with it. `close` is what happens at the driver's end, now."""

    def __init__(self, folder: str):
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__, folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # neither Ctrl-C nor the end of the terminal is for it
        )

    def watch(self, *processes: Process) -> None:
        assert self._process.stdin is not None
        lines = "".join(f"{pid} {start}\n" for pid, start in processes)
        with contextlib.suppress(OSError):  # it was ended: Ray's own clean-up remains
            self._process.stdin.write(lines.encode())
            self._process.stdin.flush()

    def close(self) -> None:
        """Returns when all is gone; a second time it does nothing."""
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            self._process.communicate(timeout=3 * PATIENCE)


def main(folder: str) -> None:
    known = [(int(pid), start) for pid, _, start in (line.strip().partition(" ") for line in sys.stdin)]
    end(known)
    shutil.rmtree(folder, ignore_errors=True)


def end(processes: Iterable[Process]) -> None:
    """SIGKILL for them and for all that they have started; returns when they have ended, or after `PATIENCE`."""
    living = [process for process in processes if lives(process)]
    left = {*living, *identified(descendants(pid for pid, _ in living))}
    deadline = time.monotonic() + PATIENCE
    while left and time.monotonic() < deadline:
        for process in left:
            kill(process)
        time.sleep(0.02)
        left = {process for process in left if lives(process)}


def kill(process: Process) -> None:
    """SIGKILL, unless its pid is another's by now."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if lives(process):
            os.kill(process[0], signal.SIGKILL)


def lives(process: Process) -> bool:
    pid, start = process
    return start != "" and started(pid) == start


def identified(pids: Iterable[int]) -> list[Process]:
    """Those of them that live."""
    return [(pid, start) for pid in pids if (start := started(pid))]


def started(pid: int) -> str:
    """When a process started; "" where it has ended, also where its exit status was not read yet."""
    if not Path("/proc/self").exists():
        return "".join(_ps("lstart=", pid)).replace(" ", "-")
    fields = _stat(pid)
    return fields[19] if fields and fields[0] not in "ZX" else ""


def descendants(pids: Iterable[int]) -> set[int]:
    """All processes that these have started, and those that they have."""
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
    """proc(5), from the state on: the command before it, in brackets, may hold anything. [] of one that is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def _ps(columns: str, pid: int | None = None) -> list[str]:
    """Where there is no /proc."""
    which = ["-A"] if pid is None else ["-p", str(pid)]
    done = subprocess.run(["ps", "-o", columns, *which], capture_output=True, text=True, check=False)
    return done.stdout.splitlines()


if __name__ == "__main__":
    main(sys.argv[1])
