"""What only Linux offers to processes; elsewhere these functions do nothing."""

import ctypes
import fcntl
import os
import resource
import sys
from contextlib import suppress
from pathlib import Path

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
MADV_COLLAPSE = 25  # since Linux 6.1
IO_LINE_BUFFERED = 1  # _IOLBF of stdio.h

HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage")

SPARE_PROCESSES = 100
"""Processes and threads that a trial may not use, so that the user's other processes can start some."""


def end_with_parent(parent: int, number: int) -> None:
    """Let the kernel send this process the signal `number` when its parent ends; 0: no signal. parent: the parent's
    pid, which may have ended."""
    _prctl(PR_SET_PDEATHSIG, number)
    if sys.platform == "linux" and number and os.getppid() != parent:
        os.kill(os.getpid(), number)


def adopt_orphans() -> None:
    """Make descendants of this process its children when their parents end."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def set_oom_score(score: int) -> None:
    """score: 0 to 1000; the kernel kills the process with the highest first. Lowering it may not be permitted, which
    has no effect."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(score))


def spare_processes() -> None:
    """Lower this process's limit of processes and threads (`ulimit -u`), if there is one. A trainer that starts too
    many processes then fails before Ray, which aborts when it cannot start a thread."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NPROC)
    if soft != resource.RLIM_INFINITY and soft > 2 * SPARE_PROCESSES:
        resource.setrlimit(resource.RLIMIT_NPROC, (soft - SPARE_PROCESSES, hard))


def threads() -> list[str] | None:
    """The names of this process's threads, of Python and of C libraries; None if unknown."""
    with suppress(OSError):
        return [(task / "comm").read_text().strip() for task in Path("/proc/self/task").iterdir()]
    return None


def children() -> set[int] | None:
    """The pids of this process's children, if it has one thread; None if unknown."""
    with suppress(OSError):
        return {int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()}
    return None


def is_resource_tracker(pid: int) -> bool:
    """Whether the process is a resource tracker, of multiprocessing or of joblib's loky, which removes the shared
    memory and semaphores that other processes have left."""
    with suppress(OSError):
        return b".resource_tracker import main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def open_devices() -> set[str]:
    """The files in /dev that this process has open."""
    found = set()
    for descriptor in Path("/proc/self/fd").glob("*"):
        with suppress(OSError):
            found.add(str(descriptor.readlink()))
    return {path for path in found if path.startswith("/dev/")}


def set_pipe_size(pipe: int, size: int) -> None:
    """Set how many bytes a pipe holds before a writer waits; it stays at 64 KiB if more is not permitted."""
    if sys.platform == "linux":
        with suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, size)


def line_buffer_c_stdout() -> None:
    """Let what C libraries print reach descriptor 1 at the end of each line, as Python's own output does. Into a pipe,
    C writes blocks of 4 KiB, and `os._exit` and a kill lose the last one."""
    if _libc is not None:
        with suppress(ValueError):  # this C library has another name for it
            _libc.setvbuf(ctypes.c_void_p.in_dll(_libc, "stdout"), None, IO_LINE_BUFFERED, 0)


def use_huge_pages() -> None:
    """Move the present memory of this process to huge pages. A fork copies an entry for each page, and the end of the
    forked process drops it: with torch, both together take 10 ms less."""
    with suppress(OSError, ValueError):
        size = int((HUGE_PAGES / "hpage_pmd_size").read_text())
        if _libc is None or "[never]" in (HUGE_PAGES / "enabled").read_text():
            return
        for line in Path("/proc/self/maps").read_text().splitlines():
            addresses, access, _, _, inode, *_ = line.split()
            start, end = (int(address, 16) for address in addresses.split("-"))
            start, end = -(-start // size) * size, end // size * size
            if access == "rw-p" and inode == "0" and start < end:
                _libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), MADV_COLLAPSE)


_libc = ctypes.CDLL(None) if sys.platform == "linux" else None  # loaded before the trials are forked


def _prctl(option: int, value: int) -> None:
    if _libc is not None:
        _libc.prctl(option, value, 0, 0, 0)
