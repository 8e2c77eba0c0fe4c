"""The template:

a Python process that has imported torch and the trainer's module, has one thread, and trains nothing. It is forked for
each trial, so trials share the imported modules and do not see each other's changes. If a fork is not safe, it starts a
new Python process for each trial. It copies the output of the trial's process into the trial's log. After that process
has ended, it kills the processes that the trial left running and notifies the worker.

It is started by `IsolatedWorker`, is connected to it by a socket, and ends when the worker ends.
"""

import contextlib
import faulthandler
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from hpsearch.workers.isolation import linux, trial_process
from hpsearch.workers.isolation.exits import Exit
from hpsearch.workers.isolation.fork_safety import fork, spawn_reason
from hpsearch.workers.isolation.shared_imports import import_everything, output_of_imports
from hpsearch.workers.pools.ray import reaper
from hpsearch.workers.trial_log import CappedFile, CollapsedOutput
from hpsearch.workers.worker import Setup

EXIT_TIMEOUT = 5.0
"""Seconds that a process may take to end by itself after its trial has ended."""

TRACKER_TIMEOUT = 2.0
"""Seconds that a resource tracker may take to remove the shared memory that other processes have left."""

CHUNK, CHUNKS = 1 << 16, 16
"""Bytes of a trial's output that one read returns, and the number of reads before orders are read again."""

READ_INTERVAL = 0.01
"""Seconds between two rounds of reads, so that a trial with many lines does not wake this process for each."""


@dataclass(frozen=True)
class Ready:
    """The imports are done. spawn_reason: why each trial is a new Python process and not a fork; "" if it is a fork."""

    spawn_reason: str


@dataclass(frozen=True)
class Fork:
    """Start the process of the next trial. The descriptor of its connection to the worker is sent after this order. The
    process may wait while the trial before it is trained."""


@dataclass(frozen=True)
class Begin:
    """Assign a trial to the process that was started last. log: None if its output is not kept."""

    log: Path | None


@dataclass(frozen=True)
class End:
    """End the trial's process: kill it at once, or after EXIT_TIMEOUT seconds if it has not ended by itself."""

    at_once: bool


@dataclass
class _TrialProcess:
    """output: the descriptor of its output; None once closed. kill_at: when it is killed if it is still alive; read_at:
    when its output is read next (both time.monotonic). status: from `waitpid`, after its end."""

    pid: int
    output: int | None
    log: CollapsedOutput = field(default_factory=lambda: CollapsedOutput(None))
    kill_at: float | None = None
    read_at: float = 0.0
    status: int | None = None

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
    setup = import_everything(connection.recv())
    if not (reason := spawn_reason()):
        linux.use_huge_pages()
    template = Template(connection, socket.socket(fileno=control), setup, reason)
    linux.end_with_parent(parent, 0)  # from now on, a closed connection means that the worker has ended
    try:
        trial = template.serve()
    except BaseException:
        template.abandon()
        raise
    trial_process.serve(trial, setup)


def open_streams() -> None:
    """Open sys.stdout and sys.stderr anew, line buffered. They are opened on a pipe, since a trial's output is one: a
    stream that was opened on a file would seek."""
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
    linux.line_buffer_c_stdout()


class Template:
    """Runs one trial's process at a time, and keeps one that waits for the next trial."""

    def __init__(self, connection: Connection, control: socket.socket, setup: Setup, spawn_reason: str):
        self._connection, self._control, self._setup = connection, control, setup
        self._spawn_reason = spawn_reason
        self._pid = os.getpid()
        self._trial: _TrialProcess | None = None
        self._next: _TrialProcess | None = None
        self._start_error = ""
        self._import_output = output_of_imports()
        self._own_children = reaper.descendants([os.getpid()])
        self._wakeup, wakeup_write = os.pipe()
        for end in self._wakeup, wakeup_write:
            os.set_blocking(end, False)
        self._sources: list[int | Connection] = [connection, self._wakeup]
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wakeup_write, warn_on_full_buffer=False)
        linux.adopt_orphans()

    def serve(self) -> Connection:
        """Run until the worker ends, then exit. Returns only in a forked trial's process: its connection."""
        self._connection.send(Ready(self._spawn_reason))
        while True:
            readable = self._wait()
            if self._trial is not None and self._trial.output in readable:
                self._copy_output(self._trial)
            if self._connection in readable and (trial := self._execute_order()) is not None:
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

    def _execute_order(self) -> Connection | None:
        """Execute the worker's next order. Returns a connection only in a forked trial's process."""
        try:
            order = self._connection.recv()
        except (EOFError, ConnectionError):
            self._exit()
        match order:
            case Fork():
                _, (descriptor,), _, _ = socket.recv_fds(self._control, 1, 1)
                return self._start_process(descriptor)
            case Begin(log):
                self._begin(log)
            case End(at_once) if self._trial is not None:
                if at_once:
                    self._kill(self._trial)
                elif self._trial.kill_at is None:
                    self._trial.kill_at = time.monotonic() + EXIT_TIMEOUT
        return None

    def _exit(self) -> None:
        """End this process after the trial's. A process that has EXIT_TIMEOUT seconds to end by itself keeps them."""
        self._sources = [self._wakeup]  # a closed connection is always readable
        if self._next is not None and self._next.status is None:
            self._kill(self._next)
        if self._trial is not None and self._trial.kill_at is None:
            self._kill(self._trial)
        while self._trial is not None:
            if self._trial.output in self._wait():
                self._copy_output(self._trial)
            self._reap()
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(int(EXIT_TIMEOUT))
        trial_process.exit_process(0, self._end_own_children)

    def abandon(self) -> None:
        """After an error of this process: kill the processes that it has started. No effect in a trial's process."""
        if os.getpid() == self._pid:
            self._next = None
            self._end_own_children()

    def _end_own_children(self) -> None:
        """Kill all children, including the processes that the imports have started."""
        self._own_children = set()
        self._end_all_children()

    def _start_process(self, connection: int) -> Connection | None:
        output, write = os.pipe()
        os.set_blocking(output, False)
        linux.set_pipe_size(output, CHUNK * CHUNKS)
        try:
            pid = self._spawn(connection, write) if self._spawn_reason else fork()
        except OSError as problem:  # this user has too many processes
            self._start_error, pid = f"the process of this trial could not be started: {problem}\n", None
        if pid == 0:
            return self._become_trial(connection, write)
        os.close(write)
        os.close(connection)
        if pid is None:
            os.close(output)
            return None
        with contextlib.suppress(OSError):  # the child does the same: whichever is first
            os.setpgid(pid, pid)
        if self._next is not None:  # that process has ended before it had a trial
            self._next.close_output()
        self._next = _TrialProcess(pid, output)
        return None

    def _begin(self, log: Path | None) -> None:
        """Assign the trial to the waiting process. If that process has ended, report it."""
        if self._next is None:
            self._connection.send(Exit(os.EX_OSERR, self._start_error))
            return
        self._trial, self._next = self._next, None
        file = None if log is None else CappedFile(log)
        head = self._import_output
        if self._spawn_reason:
            head = f"[hpsearch] this trial's process is a new Python, not a fork: {self._spawn_reason}\n".encode()
        if file is not None and head:
            file.write_head(head)
        self._trial.log = CollapsedOutput(file)
        if self._trial.status is not None:
            self._report_exit(self._trial.status)

    def _spawn(self, connection: int, log: int) -> int:
        code = (
            "import sys; sys.path[:] = {!r}; from hpsearch.workers.isolation import spawned; spawned.main({}, {}, {})"
        )
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", code.format(sys.path, connection, log, self._pid)],
            pass_fds=(connection, log),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            process_group=0,
        )
        process.returncode = 0  # `_reap` waits for it, not `subprocess`
        return process.pid

    def _become_trial(self, connection: int, log: int) -> Connection:
        """In the forked process: close everything of the template."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._connection.close()
        self._control.close()
        if self._trial is not None:
            self._trial.close_output()
        trial_process.prepare(log, self._pid)
        os.close(log)
        return Connection(connection)

    def _copy_output(self, trial: _TrialProcess) -> None:
        """Copy the available output, at most as much as a pipe holds."""
        trial.read_at = time.monotonic() + READ_INTERVAL
        with contextlib.suppress(BlockingIOError):
            for _ in range(CHUNKS):
                if trial.output is None or not (chunk := os.read(trial.output, CHUNK)):  # all writers have closed it
                    trial.close_output()
                    return
                trial.log.write(chunk)

    def _kill(self, trial: _TrialProcess) -> None:
        """Kill the process. The processes that it has started are killed after its end, in `_report_exit`."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(trial.pid, signal.SIGKILL)
        trial.kill_at = None

    def _reap(self) -> None:
        """Collect the exit codes of ended children; report the exit code of the trial's process."""
        for pid, status in _exited_children():
            if self._trial is not None and pid == self._trial.pid:
                self._report_exit(status)
            elif self._next is not None and pid == self._next.pid:
                self._next.status = status

    def _report_exit(self, status: int) -> None:
        """Notify the worker of the end of the trial's process, after all processes that it left were killed."""
        assert self._trial is not None
        trial, self._trial = self._trial, None
        self._kill_descendants(trial)
        self._copy_output(trial)
        trial.close_output()
        trial.log.close()
        with contextlib.suppress(OSError):  # the worker has ended, which the next order shows
            self._connection.send(Exit(os.waitstatus_to_exitcode(status), trial.log.end()))

    def _kill_descendants(self, trial: _TrialProcess) -> None:
        """Kill the process group, and the processes that have left it, which are children of this process now."""
        left = self._children()
        if not any(map(linux.is_resource_tracker, left)):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(trial.pid, signal.SIGKILL)
        if left:
            self._end_all_children()

    def _end_all_children(self) -> None:
        """Kill all children except those that the imports have started and the one that waits for a trial. A resource
        tracker ends by itself after the others: it removes the shared memory that they have left."""
        began = time.monotonic()
        while (seconds := time.monotonic() - began) < reaper.KILL_TIMEOUT:
            self._reap()
            if not (left := self._children()):
                return
            if seconds < TRACKER_TIMEOUT:
                left = {pid for pid in left if not linux.is_resource_tracker(pid)}
            for pid in left:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.002)

    def _children(self) -> set[int]:
        """The children that end with the trial."""
        below = linux.children()
        if below is None:
            below = reaper.descendants([os.getpid()])
        below -= self._own_children | ({self._next.pid} if self._next is not None else set())
        return {pid for pid in below if not reaper.is_shm_manager(pid)}  # it still has memory to remove


def _exited_children() -> Iterator[tuple[int, int]]:
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0] != 0:
            yield ended
