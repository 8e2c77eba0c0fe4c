from pathlib import Path

import pytest

from hpsearch.core.trial import Cause
from hpsearch.workers.isolation.exits import LAST_LINES, Exit, kernel_oom_kills

FATAL = 'Fatal Python error: Segmentation fault\n\nCurrent thread:\n  File "a.py", line 3 in train'


def test_what_the_kernel_ended_is_counted() -> None:
    """Linux has such a number; it is 0, or it was not 0 before this test."""
    lines = dict(line.split() for line in Path("/proc/vmstat").read_text().splitlines())
    assert kernel_oom_kills() == int(lines.get("oom_kill", 0))


@pytest.mark.parametrize(
    ("code", "kernel_oom_killed", "cause", "how"),
    [
        (-9, False, Cause.WORKER_LOST, "SIGKILL"),
        (-9, True, Cause.OUT_OF_MEMORY, "memory"),
        (-11, True, Cause.WORKER_LOST, "SIGSEGV"),
        (-63, False, Cause.WORKER_LOST, "signal 63"),
        (3, True, Cause.WORKER_LOST, "exit code 3"),
    ],
)
def test_cause(code: int, kernel_oom_killed: bool, cause: Cause, how: str) -> None:
    lost = Exit(code).lost(4, kernel_oom_killed)
    assert (lost.number, lost.cause, lost.traceback) == (4, cause, "")
    assert how in lost.reason


def test_the_last_fatal_error_is_the_traceback() -> None:
    ended = Exit(-11, f"words\n{FATAL.replace('3', '1')}\n{FATAL}\n\nExtension modules: numpy (total: 1)\n")
    assert ended.lost(0, False).traceback == FATAL


def test_else_the_last_lines_of_the_log() -> None:
    lines = [f"line {number}" for number in range(50)]
    assert Exit(1, "\n".join(lines)).traceback.splitlines()[1:] == lines[-LAST_LINES:]
