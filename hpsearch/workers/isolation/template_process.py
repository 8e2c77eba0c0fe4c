"""The worker's handle to its template process."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import IO

from hpsearch.core.errors import TrainerError
from hpsearch.core.messages import Lost
from hpsearch.workers.isolation.exits import Exit, kernel_oom_kills
from hpsearch.workers.isolation.template import Begin, End, Fork, Ready
from hpsearch.workers.worker import Setup

TAIL_BYTES = 1 << 14
"""Bytes of the imports' output that an error shows if importing ends the process."""

CLOSE_TIMEOUT = 2.0
"""Seconds that a trial's process has to end after its connection is closed: a process that ends closes it a moment
before."""


class TemplateProcess:
    """The constructor starts the template; `await_ready` waits for its imports. At most one trial's process runs at a
    time; the process of the next trial may wait."""

    def __init__(self, setup: Setup):
        self._setup = setup
        self._lock = threading.Lock()  # `end_trial` may come from another thread
        self._ready: Ready | None = None
        self._running = False
        self._next: Connection | None = None
        self._exit: Exit | None = None
        self._oom_kills_before = 0
        self._control, theirs = socket.socketpair()
        self._output: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 -- the template reads it
        code = "import sys; sys.path[:] = {!r}; sys.argv = ['']; from hpsearch.workers.isolation import template; "
        code += "template.main({}, {})"
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", code.format(sys.path, theirs.fileno(), os.getpid())],
                env={**os.environ, "PYTHONHASHSEED": setup.hash_seed},
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=subprocess.STDOUT,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # Ctrl-C in the terminal does not reach it
            )
        self.connection = Connection(os.dup(self._control.fileno()))
        with suppress(OSError):  # the template has ended: `await_ready` raises
            self.connection.send(setup)

    @property
    def is_up(self) -> bool:
        return self._process.poll() is None

    @property
    def was_killed(self) -> bool:
        """Whether SIGKILL has ended it."""
        return self._process.poll() == -signal.SIGKILL

    @property
    def spawns(self) -> bool:
        """Whether each trial is a new Python process and not a fork."""
        return self._ready is not None and bool(self._ready.spawn_reason)

    def await_ready(self) -> None:
        """Wait for the imports. TrainerError if importing the trainer ends the process."""
        if self._ready is not None:
            return
        try:
            self._ready = self.connection.recv()
        except (EOFError, OSError):
            ended = Exit(self._process.wait(), self._written())
            name = self._setup.trainer.name
            message = f"{name} cannot be imported: the process that imported it {ended.how}\n{ended.traceback}"
            self.close()
            raise TrainerError(message.strip()) from None

    def start_trial(self, log: Path | None) -> Connection:
        """Use the waiting process or start a new one; returns the connection to it. log: the file for its output."""
        self._running, self._exit, self._oom_kills_before = True, None, kernel_oom_kills()
        connection, self._next = self._next, None
        if connection is None or connection.poll():  # readable without an order: it has ended
            connection = self._fork()
        self._order(Begin(log))
        if self.spawns:
            connection.send(self._setup)
        return connection

    def prepare_next(self) -> None:
        """Fork the process of the next trial in advance. A spawned process is not started in advance: it would import
        everything during the trial, and need the memory twice."""
        if self._next is None and not self.spawns:
            self._next = self._fork()

    def _fork(self) -> Connection:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            self._order(Fork(), theirs.fileno())
            return Connection(os.dup(ours.fileno()))

    def _order(self, order: Fork | Begin | End, descriptor: int | None = None) -> None:
        """Send an order. No effect if the template has ended: its trial's process has ended too."""
        with self._lock, suppress(OSError):
            self.connection.send(order)
            if descriptor is not None:
                socket.send_fds(self._control, [b"."], [descriptor])

    def end_trial(self, at_once: bool) -> None:
        """Let the trial's process end: by itself within a few seconds, or `at_once`."""
        self._order(End(at_once))

    def await_exit(self) -> None:
        """Wait for the end of the trial's process and of all processes that it has started."""
        if not self._running:
            return
        try:
            self._exit = self.connection.recv()
        except (EOFError, OSError):  # the template and the trial's process have ended
            self._exit = Exit(min(self._process.wait(), -signal.SIGKILL))
        self._running = False

    def why_lost(self, number: int) -> Lost:
        """Why the trial's process does not answer; kills it if it is alive."""
        if self._running and not wait([self.connection], CLOSE_TIMEOUT):
            self.end_trial(at_once=True)
            self.await_exit()
            return Lost(number, "its process closed the connection to the worker")
        self.await_exit()
        assert self._exit is not None
        return self._exit.lost(number, kernel_oom_kills() > self._oom_kills_before)

    def close(self) -> None:
        """Let the template end, after the trial's process, and wait for it."""
        self.connection.close()
        self._control.close()
        if self._next is not None:
            self._next.close()
        self._process.wait()
        self._output.close()

    def _written(self) -> str:
        size = self._output.seek(0, os.SEEK_END)
        self._output.seek(max(0, size - TAIL_BYTES))
        return self._output.read().decode(errors="replace")
