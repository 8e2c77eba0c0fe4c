"""Whether a process that has imported a trainer can be forked."""

import contextlib
import os
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

from hpsearch.workers.isolation import linux

FORK_SAFE_THREADS = {"jemalloc_bg_thd"}
"""Threads of C libraries that handle a fork themselves: jemalloc's, in pyarrow, which pandas imports."""

CUDA_DEVICE = "/dev/nvidia-uvm"
"""A file that each process with an initialised CUDA has open."""


def spawn_reason() -> str:
    """Why this process cannot be forked safely; "" if it can."""
    if not hasattr(os, "fork") or sys.platform == "darwin":
        return "on this system a process that has imported libraries cannot be forked safely"
    if CUDA_DEVICE in linux.open_devices() or not _fork_keeps_cuda():
        return "importing the trainer initialised CUDA, which does not survive a fork"
    if threading.active_count() > 1:
        names = ", ".join(sorted(thread.name for thread in threading.enumerate()[1:]))
        return f"importing the trainer started a thread ({names}), which does not survive a fork"
    others = sorted(set(linux.threads() or ()) - FORK_SAFE_THREADS - {_own_name()})
    count = len([name for name in linux.threads() or () if name not in FORK_SAFE_THREADS])
    if count > 1:
        names = ", ".join(others) or "no name of its own"
        return f"a C library started a thread when the trainer was imported ({names}), which does not survive a fork"
    return ""


def _own_name() -> str:
    with contextlib.suppress(OSError):
        return Path("/proc/self/comm").read_text().strip()
    return ""


def _fork_keeps_cuda() -> bool:
    """Fork once to find out. Libraries that end their threads before a fork (OpenBLAS) do so here, before the threads
    are counted."""
    torch = sys.modules.get("torch")
    pid = fork()
    if pid == 0:
        is_bad = getattr(getattr(torch, "_C", None), "_cuda_isInBadFork", lambda: False)
        os._exit(int(bool(is_bad())))
    return os.waitpid(pid, 0)[1] == 0 or not _has_cuda_device(torch)


def _has_cuda_device(torch: Any) -> bool:
    """False on a machine without a GPU. A CUDA build of torch that has looked for one there (`cuda.is_available`)
    reports each fork as bad, though there is no CUDA that the fork could break."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that there is no driver
        return bool(torch.cuda.device_count() > 0)


def fork() -> int:
    """As `os.fork`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 counts fork-safe threads too
        return os.fork()
