"""Classifies an exception that ended a training, and shortens its traceback."""

import errno
import re
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from hpsearch.core.errors import Infeasible, TrainerError
from hpsearch.core.messages import Failure

DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
"""Errors of the disk, which are not the trainer's fault."""

PACKAGE = Path(__file__).parents[1]

FRAME = re.compile(r' {2}File "(?P<file>[^"\n]+)", line [^\n]*\n(?:(?: {4}| {2}\[)[^\n]*\n)*')
TRACEBACK = re.compile(
    rf"(?P<head>Traceback \(most recent call last\):\n)(?P<frames>(?:{FRAME.pattern.replace('?P<file>', '')})+)"
)

MAX_HEADLINE, MAX_TRACEBACK = 500, 20_000
"""Maximum characters of an exception's first line, and of a traceback (its beginning and its end are kept)."""


EndOfProgram = Literal["error", "no_report", "terminated", "infeasible"]
"""A kind of Failure."""


class ProgramFailed(Exception):
    """A trainer's program failed, or wrote an invalid report.

    The text is one line. output: the last lines of its output. kind: as in Failure.
    """

    def __init__(self, why: str, output: Sequence[str] = (), kind: EndOfProgram = "error"):
        super().__init__(why)
        self.output, self.kind = tuple(output), kind

    @property
    def failure(self) -> Failure:
        last = self.output[-1] if self.output else ""
        raised = INFEASIBLE.fullmatch(last)
        if raised is not None or self.kind == "infeasible":
            reason = str(self) if raised is None else raised["reason"]
            return Failure("infeasible", (reason or NO_REASON)[:MAX_HEADLINE])
        lines = ["The last lines of its output:", *self.output] if self.output else ["It wrote no output."]
        kind: EndOfProgram | Literal["oom"] = "oom" if OUT_OF_MEMORY.match(last) else self.kind
        summary, output = str(self)[:MAX_HEADLINE], "\n".join(lines)
        if kind == "no_report":
            summary = f"{summary}\n{output}"
        return Failure(kind, summary, output, (last or summary)[:MAX_HEADLINE])


class NothingReported(Exception):
    """A function reached its end and reported nothing: a forgotten report."""


OUT_OF_MEMORY = re.compile(r"((torch|torch\.cuda)\.OutOfMemoryError|MemoryError)\b")
"""The beginning of the last line of a Python program that ran out of memory."""

INFEASIBLE = re.compile(r"hpsearch\.(\w+\.)*Infeasible(: *(?P<reason>.*))?")
"""The last line of a Python program that raised `hpsearch.Infeasible`."""

NO_REASON = "the trainer gave no reason"


def failure_of(problem: BaseException) -> Failure:
    if isinstance(problem, TrainerError):
        return Failure("contract", str(problem))
    if isinstance(problem, Infeasible):
        return Failure("infeasible", _first_line(problem)[:MAX_HEADLINE] or NO_REASON)
    if isinstance(problem, ProgramFailed):
        return problem.failure
    if isinstance(problem, NothingReported):
        return Failure("no_report", str(problem), exception=str(problem)[:MAX_HEADLINE])
    if isinstance(problem, SystemExit):
        return Failure(
            "error", f"the trainer called sys.exit({problem.code!r})", short_traceback(problem), headline(problem)
        )
    first = headline(problem)[:MAX_HEADLINE]
    texts = first, short_traceback(problem, frames=20), first
    if _is_out_of_memory(problem):
        return Failure("oom", *texts)
    if isinstance(problem, OSError) and problem.errno in DISK_ERRORS:
        return Failure("disk", *texts)
    if isinstance(problem, BlockingIOError) and (most := _process_limit()):
        hint = f"; all programs of this user together may have at most {most:,} processes and threads (`ulimit -u`)"
        return Failure("error", first + hint, *texts[1:])
    return Failure("error", *texts)


def _process_limit() -> int:
    """The limit of `ulimit -u`; 0 if there is none."""
    if sys.platform == "win32":
        return 0
    import resource  # not on Windows

    most = resource.getrlimit(resource.RLIMIT_NPROC)[0]
    return 0 if most == resource.RLIM_INFINITY else most


def _is_out_of_memory(problem: BaseException) -> bool:
    """Host memory (MemoryError; torch's CPU allocator raises a RuntimeError) or the GPU's (torch.OutOfMemoryError)."""
    if isinstance(problem, MemoryError) or any(kind.__name__ == "OutOfMemoryError" for kind in type(problem).__mro__):
        return True
    return isinstance(problem, RuntimeError) and "can't allocate memory" in str(problem)


def short_traceback(problem: BaseException, frames: int = 3) -> str:
    """The exception with the last frames of its traceback, without leading frames of hpsearch and of imports.

    Never raises, even if the exception's __str__ does, and has at most MAX_TRACEBACK characters.
    """
    try:
        text = without_own_frames("".join(traceback.format_exception(problem, limit=-frames)).rstrip())
    except Exception:
        return f"{type(problem).__name__} (its text cannot be printed)"
    half = MAX_TRACEBACK // 2
    if len(text) <= MAX_TRACEBACK:
        return text
    return f"{text[:half]}\n… {len(text) - MAX_TRACEBACK:,} characters left out …\n{text[-half:]}"


def without_own_frames(text: str) -> str:
    """The traceback from the first frame outside hpsearch; unchanged if all frames are inside."""
    return re.sub(TRACEBACK, _without_own_frames, text)


def _without_own_frames(found: re.Match[str]) -> str:
    frames = list(re.finditer(FRAME, found["frames"]))
    first = next((frame.start() for frame in frames if not _is_own(frame["file"])), 0)
    return found["head"] + found["frames"][first:]


def _is_own(file: str) -> bool:
    """Whether a file is hpsearch's or the import system's. A recorded path may be from another installation."""
    if file.startswith("<frozen importlib"):
        return True
    _, package, inside = file.replace("\\", "/").rpartition("/hpsearch/")
    room, folder, _ = inside.partition("/")
    return bool(package and folder) and (PACKAGE / room).is_dir()


def headline(problem: BaseException) -> str:
    """An exception in one line: its type and the first line of its text."""
    first = _first_line(problem)
    return f"{type(problem).__name__}: {first}" if first else type(problem).__name__


def _first_line(problem: BaseException) -> str:
    try:
        return str(problem).strip().partition("\n")[0]
    except Exception:
        return "its text cannot be printed"
