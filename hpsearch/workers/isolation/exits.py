"""Why a trial's process ended, from its exit code and the end of its log."""

import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hpsearch.core.format import signal_name
from hpsearch.core.messages import Lost
from hpsearch.core.trial import Cause

CONNECTION_LOST = 70
"""Exit code of a trial's process that can no longer reach its worker (EX_SOFTWARE)."""

ANSWER_FAILED = 76
"""Exit code of a trial's process that cannot read an order or send its answer (EX_PROTOCOL). The reason is in its
log."""

LAST_LINES = 10
"""Lines of the log that stand in for a traceback."""


@dataclass(frozen=True)
class Exit:
    """code: the exit code, or minus the number of the signal. output: the end of the process's output."""

    code: int
    output: str = ""

    @property
    def how(self) -> str:
        """How it ended, as a predicate: "was killed by SIGSEGV"."""
        if self.code == CONNECTION_LOST:
            cause = "the trainer may have closed file descriptors that it had not opened, such as with os.closerange"
            return f"ended with exit code {self.code}, because its connection to hpsearch was closed: {cause}"
        if self.code == ANSWER_FAILED:
            cause = "the trainer may have changed Python's modules, such as sys.modules"
            return f"ended with exit code {self.code}, because it could not answer hpsearch: {cause}"
        return f"ended with exit code {self.code}" if self.code >= 0 else f"was killed by {signal_name(-self.code)}"

    @property
    def traceback(self) -> str:
        """The traceback of Python's faulthandler; without one, the last lines of the log; else ""."""
        _, fatal, rest = self.output.rpartition("Fatal Python error: ")
        if fatal:
            return (fatal + rest.partition("\nExtension modules:")[0]).strip()
        lines = self.output.strip().splitlines()[-LAST_LINES:]
        return "\n".join(["The last lines of its log:", *lines]) if lines else ""

    def lost(self, number: int, kernel_oom_killed: bool) -> Lost:
        """The event for the loop. kernel_oom_killed: the kernel has killed a process for its memory while this one
        ran."""
        if self.code == -signal.SIGKILL and kernel_oom_killed:
            reason = "the kernel killed its process because memory was low"
            return Lost(number, reason, self.traceback, Cause.OUT_OF_MEMORY)
        return Lost(number, f"its process {self.how}", self.traceback, outside=self.code == -signal.SIGTERM)


def kernel_oom_kills() -> int:
    """How many processes Linux has killed for their memory since it started; 0 on other systems."""
    with suppress(OSError, IndexError, ValueError):
        return int(Path("/proc/vmstat").read_text().partition("\noom_kill ")[2].split()[0])
    return 0
