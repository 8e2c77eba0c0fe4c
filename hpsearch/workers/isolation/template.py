"""The template: a Python that has imported torch and the trainer's module, on one thread, and computes nothing.

It is forked for each trial: what was imported is shared between them, and none sees what another changed. Where a fork
is not safe, it starts a new Python for each. It copies the output of the trial's process into the trial's log, and when
that process has ended it ends what that left running and notifies the worker.

It is started by `IsolatedWorker`, talks to it over a socket, and ends when the worker ends.
"""

import contextlib
import faulthandler
import gc
import importlib
import importlib.util
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from hpsearch.core.errors import TrainerError
from hpsearch.workers.isolation import linux, trial_process
from hpsearch.workers.isolation.exits import Exit
from hpsearch.workers.pools.ray import reaper
from hpsearch.workers.trial_log import CappedFile, FoldedOutput
from hpsearch.workers.worker import Setup

FORK_SAFE_THREADS = {"jemalloc_bg_thd"}
"""Threads of C libraries that prepare for a fork themselves: that of the jemalloc in pyarrow, which pandas imports."""

CUDA_DEVICE = "/dev/nvidia-uvm"
"""Open in each process that has initialised CUDA."""

EXIT_SECONDS = 5.0
"""What a process may take to end by itself, once its trial has ended."""

CHUNK, CHUNKS = 1 << 16, 16
"""Bytes that are read at once of what a trial writes, and how often, before orders are read again."""

READ_EVERY = 0.01
"""Seconds between two reads, so that a trial which writes many lines does not wake this process for each."""

MOST_OF_IMPORT = 1 << 18
"""Bytes of what the imports wrote that are kept."""


@dataclass(frozen=True)
class Ready:
    """The imports are done. spawn_because: why each trial is a new Python and no fork; "" where it is a fork."""

    spawn_because: str


@dataclass(frozen=True)
class Fork:
    """Start a trial's process; its end of the connection to the worker follows. log: None: nothing is kept."""

    log: Path | None


@dataclass(frozen=True)
class End:
    """The trial's process is to end: within EXIT_SECONDS by itself, or `at_once`."""

    at_once: bool


@dataclass
class _TrialProcess:
    """output: the descriptor that its output is read from, until it is closed. kill_at: when it is killed if it has not
    ended by then, read_at: its output is not read before (time.monotonic)."""

    pid: int
    output: int | None
    log: FoldedOutput
    kill_at: float | None = None
    read_at: float = 0.0

    def close_output(self) -> None:
        if self.output is not None:
            os.close(self.output)
        self.output = None


def main(control: int, parent: int) -> None:
    linux.end_with_parent(parent, signal.SIGKILL)
    linux.set_oom_score(500)  # the kernel ends a trial first
    faulthandler.enable(2)
    open_streams()
    connection = Connection(os.dup(control))
    setup: Setup = connection.recv()
    import_everything(setup)
    template = Template(connection, socket.socket(fileno=control), setup, spawn_because())
    linux.end_with_parent(parent, 0)  # from here on the end of the connection is the worker's end
    trial = template.serve()
    trial_process.serve(trial, setup)


def open_streams() -> None:
    """Python's own streams, line by line. They are opened on a pipe, as a trial's log is one: a stream that was opened
    on a file seeks in it."""
    read, write = os.pipe()
    for number, name in (1, "stdout"), (2, "stderr"):
        kept = os.dup(number)
        os.dup2(write, number)
        stream = open(number, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
        os.dup2(kept, number)
        os.close(kept)
    os.close(read)
    os.close(write)


def import_everything(setup: Setup) -> None:
    """Import torch where it is installed, and the trainer. What is wrong with a trainer is found by the trial again."""
    if importlib.util.find_spec("torch") is not None:
        import torch

        torch.set_num_threads(1)
    nvml = "PYTORCH_NVML_BASED_CUDA_CHECK"  # torch.cuda.is_available() then does not initialise CUDA
    added = os.environ.setdefault(nvml, "1") == "1"
    with contextlib.suppress(TrainerError):
        setup.trainer.find()
        if "torch" in setup.trainer.sources().packages:
            importlib.import_module("torch._dynamo")  # the first optimizer imports it, which takes seconds
    if added:
        os.environ.pop(nvml, None)
    gc.collect()
    gc.freeze()  # a collection in a forked process does not touch the shared pages


def spawn_because() -> str:
    """Why this process cannot be forked safely, or ""."""
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
    """Try it, and so let libraries that end their threads for a fork (OpenBLAS) do that before threads are counted."""
    torch = sys.modules.get("torch")
    pid = _fork()
    if pid == 0:
        is_bad = getattr(getattr(torch, "_C", None), "_cuda_isInBadFork", lambda: False)
        os._exit(int(bool(is_bad())))
    return os.waitpid(pid, 0)[1] == 0


def _fork() -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 counts fork-safe threads too
        return os.fork()


class Template:
    """One trial's process at a time."""

    def __init__(self, connection: Connection, control: socket.socket, setup: Setup, spawn_because: str):
        self._connection, self._control, self._setup = connection, control, setup
        self._spawn_because = spawn_because
        self._pid = os.getpid()
        self._trial: _TrialProcess | None = None
        self._import_output = _written_so_far()
        self._own_children = reaper.descendants([os.getpid()])
        self._wakeup, wakeup_write = os.pipe()
        for end in self._wakeup, wakeup_write:
            os.set_blocking(end, False)
        self._sources: list[int | Connection] = [connection, self._wakeup]
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wakeup_write, warn_on_full_buffer=False)
        linux.adopt_orphans()

    def serve(self) -> Connection:
        """Until the worker ends, and this process with it. Returns in a trial's process only: its connection."""
        self._connection.send(Ready(self._spawn_because))
        while True:
            readable = self._wait()
            if self._trial is not None and self._trial.output in readable:
                self._copy_output(self._trial)
            if self._connection in readable and (trial := self._do_next()) is not None:
                return trial
            self._reap()

    def _wait(self) -> list[int | Connection]:
        sources = list(self._sources)
        times = []
        if (trial := self._trial) is not None:
            times += [] if trial.kill_at is None else [trial.kill_at]
            if trial.output is not None and time.monotonic() >= trial.read_at:
                sources.append(trial.output)
            elif trial.output is not None:
                times.append(trial.read_at)
        timeout = max(0.0, min(times) - time.monotonic()) if times else None
        readable, _, _ = select.select(sources, [], [], timeout)
        if self._wakeup in readable:
            with contextlib.suppress(BlockingIOError):
                os.read(self._wakeup, CHUNK)
        if self._trial is not None and self._trial.kill_at is not None and self._trial.kill_at <= time.monotonic():
            self._kill(self._trial)
        return readable

    def _do_next(self) -> Connection | None:
        """The worker's next order. A connection: this is the trial's process now."""
        try:
            order = self._connection.recv()
        except (EOFError, ConnectionError):
            self._leave()
        match order:
            case Fork(log):
                _, (descriptor,), _, _ = socket.recv_fds(self._control, 1, 1)
                return self._start_process(log, descriptor)
            case End(at_once) if self._trial is not None:
                if at_once:
                    self._kill(self._trial)
                elif self._trial.kill_at is None:
                    self._trial.kill_at = time.monotonic() + EXIT_SECONDS
        return None

    def _leave(self) -> None:
        """End this process, once the trial's has ended: one whose trial has ended already has its time for that."""
        self._sources = [self._wakeup]  # the connection is closed, and readable for ever
        if self._trial is not None and self._trial.kill_at is None:
            self._kill(self._trial)
        while self._trial is not None:
            if self._trial.output in self._wait():
                self._copy_output(self._trial)
            self._reap()
        os._exit(0)

    def _start_process(self, log: Path | None, connection: int) -> Connection | None:
        output, write = os.pipe()
        os.set_blocking(output, False)
        linux.set_pipe_size(output, CHUNK * CHUNKS)
        if self._spawn_because:
            pid = self._spawn(connection, write)
        else:
            pid = _fork()
            if pid == 0:
                return self._as_trial(connection, write)
        os.close(write)
        os.close(connection)
        file = None if log is None else CappedFile(log)
        head = self._import_output
        if self._spawn_because:
            head = f"[hpsearch] this trial's process is a new Python, not a fork: {self._spawn_because}\n".encode()
        if file is not None and head:
            file.write_head(head)
        self._trial = _TrialProcess(pid, output, FoldedOutput(file))
        with contextlib.suppress(OSError):  # it does so itself; whoever is first
            os.setpgid(pid, pid)
        return None

    def _spawn(self, connection: int, log: int) -> int:
        code = (
            "import sys; sys.path[:] = {!r}; from hpsearch.workers.isolation import spawned; spawned.main({}, {}, {})"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", code.format(sys.path, connection, log, self._pid)],
            pass_fds=(connection, log),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            process_group=0,
        )
        process.returncode = 0  # it is waited for here, and not by `subprocess`
        return process.pid

    def _as_trial(self, connection: int, log: int) -> Connection:
        """In the forked process: nothing of the template stays open."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._connection.close()
        self._control.close()
        trial_process.prepare(log, self._pid)
        os.close(log)
        return Connection(connection)

    def _copy_output(self, trial: _TrialProcess) -> None:
        """What there is now: at most a pipe full."""
        trial.read_at = time.monotonic() + READ_EVERY
        with contextlib.suppress(BlockingIOError):
            for _ in range(CHUNKS):
                if trial.output is None or not (
                    chunk := os.read(trial.output, CHUNK)
                ):  # all that could write to it have closed it
                    trial.close_output()
                    return
                trial.log.write(chunk)

    def _kill(self, trial: _TrialProcess) -> None:
        for kill, number in ((os.killpg, trial.pid), (os.kill, trial.pid)):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                kill(number, signal.SIGKILL)
        trial.kill_at = None

    def _reap(self) -> None:
        """Of processes that have ended; the trial's among them: end what it left, and notify the worker."""
        for pid, status in _ended():
            if self._trial is not None and pid == self._trial.pid:
                trial, self._trial = self._trial, None
                self._end_what_is_left(trial)
                self._copy_output(trial)
                trial.close_output()
                trial.log.close()
                with contextlib.suppress(OSError):  # the worker has ended: the next order is the end
                    self._connection.send(Exit(os.waitstatus_to_exitcode(status), trial.log.end()))

    def _end_what_is_left(self, trial: _TrialProcess) -> None:
        """Its process group, and those that have left it: their parent has ended, so they are children of this one."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(trial.pid, signal.SIGKILL)
        deadline = time.monotonic() + reaper.PATIENCE
        while time.monotonic() < deadline:
            list(_ended())
            if not _has_children(self._own_children):
                return
            for pid in reaper.descendants([os.getpid()]) - self._own_children:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.002)


def _ended() -> Iterator[tuple[int, int]]:
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0] != 0:
            yield ended


def _has_children(other_than: set[int]) -> bool:
    if other_than:
        return bool(reaper.descendants([os.getpid()]) - other_than)
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _written_so_far() -> bytes:
    """What the imports wrote: descriptor 1 is a file until a trial's process has its own log there."""
    for stream in sys.stdout, sys.stderr:
        with contextlib.suppress(Exception):  # a module may have replaced it
            stream.flush()
    with contextlib.suppress(OSError):
        return os.pread(1, MOST_OF_IMPORT, 0)
    return b""
