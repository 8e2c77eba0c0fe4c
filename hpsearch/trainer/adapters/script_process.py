"""The process of a program: starts it in a new session, reads its output, ends it with all its child processes."""

import ctypes
import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import wait
from pathlib import Path

from hpsearch.trainer.reporting import REPORT

GRACE = 10.0
"""Seconds that a program has to end after SIGTERM, before SIGKILL."""

PATIENCE = 5.0
"""Seconds that killed processes have to end."""

POLL = 0.05
"""Seconds between two checks whether the process has ended, and of the files that it writes."""

CLOSED = 0.005
"""The same after the process has closed its output, as it does when it ends."""

CHUNK = 1 << 16

ROWS, COLUMNS = 24, 80
"""Size of a terminal."""

_PR_SET_PDEATHSIG = 1
_C = ctypes.CDLL(None) if sys.platform == "linux" else None
_END_OF_INPUT = b"\x04" * 64


class ReportPipe:
    """A named pipe for lines of reports. Any number of processes may open it."""

    def __init__(self, folder: Path):
        self.path = folder / "report"
        self._own: Path | None = None
        with suppress(OSError):
            self.path.unlink(missing_ok=True)
        try:
            os.mkfifo(self.path)
        except OSError:  # a file system without named pipes
            self._own = Path(tempfile.mkdtemp(prefix="hpsearch-"))
            self.path = self._own / "report"
            os.mkfifo(self.path)
        self.descriptor = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        self._writer = os.open(self.path, os.O_WRONLY)  # keeps the pipe open when a program closes its end

    def close(self) -> None:
        os.close(self.descriptor)
        os.close(self._writer)
        with suppress(OSError):
            self.path.unlink()
            if self._own is not None:
                self._own.rmdir()


class ScriptProcess:
    """A running program.

    by_terminal: its output is a terminal, so it is written line by line; is_interactive: its input too, at
    end-of-file.
    """

    def __init__(
        self,
        words: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        report: ReportPipe,
        *,
        by_terminal: bool,
        is_interactive: bool,
    ):
        """OSError if it cannot be started."""
        self._report, self._output, self._is_open = report, -1, True
        self._mark, self._stays_open = f"{REPORT}={report.path}".encode(), set[str]()
        self.code: int | None = None
        if by_terminal:
            self._output, write = _terminal()
        else:
            self._output, write = os.pipe()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns where there are threads
                self._process = subprocess.Popen(
                    words,
                    cwd=folder,
                    env=environment,
                    stdin=write if is_interactive else subprocess.DEVNULL,
                    stdout=write,
                    stderr=write,
                    start_new_session=True,
                    preexec_fn=_Prepare(os.getpid(), is_interactive),
                )
        except BaseException:
            os.close(self._output)
            raise
        finally:
            os.close(write)
        os.set_blocking(self._output, False)
        if is_interactive:
            os.write(self._output, _END_OF_INPUT)

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait(self, seconds: float) -> tuple[bytes, bytes]:
        """New output and new lines of reports. Waits until there are some, the program has ended (`code`), or
        the time is over."""
        sources = [self._report.descriptor, *([self._output] if self._is_open else [])]
        wait(sources, seconds if self._is_open else min(seconds, CLOSED))
        has_ended = self._process.poll() is not None
        output, report = self._read_output(), _read(self._report.descriptor)
        if has_ended and not output and not report:
            self.code = self._process.returncode
        return output, report or b""

    def _read_output(self) -> bytes:
        if not self._is_open:
            return b""
        content = _read(self._output)
        if content is None:
            self._is_open = False
        return content or b""

    def suspend(self, folder: Path) -> None:
        """Suspend it until `resume`, when no file of the folder is open for writing: it may run for up to PATIENCE
        seconds more until then. A file that stays open, such as a log, is ignored afterwards."""
        deadline = time.monotonic() + PATIENCE
        self._signal(signal.SIGSTOP)
        while (written := self._written(folder)) - self._stays_open:
            if time.monotonic() > deadline:
                self._stays_open |= written
                return
            self.resume()
            time.sleep(0.002)
            self._signal(signal.SIGSTOP)

    def _written(self, folder: Path) -> set[str]:
        """The files below the folder that its processes have open for writing."""
        return {
            path for pid in _marked(self._mark) for path in _open_for_writing(pid) if Path(path).is_relative_to(folder)
        }

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def end(self, grace: float = GRACE) -> bytes:
        """SIGTERM to its process group, then SIGKILL to the group and to all processes that it started. Returns its
        output meanwhile."""
        written = []
        if self._process.poll() is None:
            self._signal(signal.SIGTERM)
            self.resume()
            deadline = time.monotonic() + grace
            while self.code is None and time.monotonic() < deadline:
                written.append(self.wait(POLL)[0])
        self._signal(signal.SIGKILL)
        self._process.wait()
        _end_all(self._mark)
        written.append(self._read_output())
        os.close(self._output)
        return b"".join(written)

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


def _read(descriptor: int) -> bytes | None:
    """The available bytes; None at the end of the file, also for a terminal that no process has open."""
    try:
        return os.read(descriptor, CHUNK) or None
    except BlockingIOError:
        return b""
    except OSError:
        return None


class _Prepare:
    """Runs in the new process, so that it ends with its parent process and has its terminal."""

    def __init__(self, parent: int, is_interactive: bool):
        self._parent, self._is_interactive = parent, is_interactive

    def __call__(self) -> None:
        if _C is not None:
            _C.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != self._parent:
                os._exit(1)
        if self._is_interactive:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _terminal() -> tuple[int, int]:
    """A new terminal: our end, and the program's end."""
    own, other = pty.openpty()
    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    settings = termios.tcgetattr(other)
    settings[1] &= ~termios.OPOST  # no conversion of line ends
    settings[3] &= ~termios.ECHO
    termios.tcsetattr(other, termios.TCSANOW, settings)
    return own, other


def end_programs(folder: Path) -> None:
    """End all processes of trials below this folder that a killed worker has left."""
    _end_all(f"{REPORT}={folder}{os.sep}".encode())


def _end_all(mark: bytes) -> None:
    """SIGKILL to the processes with this mark; returns when they have ended, or after PATIENCE."""
    deadline = time.monotonic() + PATIENCE
    while (pids := [*_marked(mark)]) and time.monotonic() < deadline:
        for pid in pids:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.005)


def _marked(mark: bytes) -> Iterator[int]:
    """The processes with an environment variable that begins with the mark: all that the program started, also those
    outside of its group and session. Linux only."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if any(one.startswith(mark) for one in (folder / "environ").read_bytes().split(b"\0")):
                yield int(folder.name)


def _open_for_writing(pid: int) -> Iterator[str]:
    for descriptor in Path(f"/proc/{pid}/fd").glob("*"):
        with suppress(OSError, ValueError, IndexError):
            about = Path(f"/proc/{pid}/fdinfo/{descriptor.name}").read_text()
            flags = int(about.partition("flags:")[2].split()[0], 8)
            if flags & (os.O_WRONLY | os.O_RDWR):
                yield str(descriptor.readlink())
