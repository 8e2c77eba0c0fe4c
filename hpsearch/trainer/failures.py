"""What an exception that ends a training means for its trial, and how it is shown."""

import errno
import re
import traceback
from pathlib import Path

from hpsearch.core.errors import Infeasible, TrainerError
from hpsearch.core.messages import Failure

DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
"""Errors of the disk, which the trainer is not the cause of."""

PACKAGE = Path(__file__).parents[1]

FRAME = re.compile(r' {2}File "(?P<file>[^"\n]+)", line [^\n]*\n(?:(?: {4}| {2}\[)[^\n]*\n)*')
TRACEBACK = re.compile(
    rf"(?P<head>Traceback \(most recent call last\):\n)(?P<frames>(?:{FRAME.pattern.replace('?P<file>', '')})+)"
)

MAX_HEADLINE, MAX_TRACEBACK = 500, 20_000
"""Characters that are kept of an exception's first line, and of a traceback: its beginning and its end."""


def failure_of(problem: Exception | SystemExit) -> Failure:
    if isinstance(problem, TrainerError):
        return Failure("contract", str(problem))
    if isinstance(problem, Infeasible):
        return Failure("infeasible", _first_line(problem)[:MAX_HEADLINE] or "the trainer gave no reason")
    if isinstance(problem, SystemExit):
        return Failure(
            "error", f"the trainer called sys.exit({problem.code!r})", short_traceback(problem), headline(problem)
        )
    first = headline(problem)[:MAX_HEADLINE]
    said = first, short_traceback(problem, frames=20), first
    if _is_out_of_memory(problem):
        return Failure("oom", *said)
    if isinstance(problem, OSError) and problem.errno in DISK_ERRORS:
        return Failure("disk", *said)
    return Failure("error", *said)


def _is_out_of_memory(problem: Exception) -> bool:
    """Host memory (MemoryError; torch's CPU allocator raises a RuntimeError) or the GPU's (torch.OutOfMemoryError)."""
    if isinstance(problem, MemoryError) or any(kind.__name__ == "OutOfMemoryError" for kind in type(problem).__mro__):
        return True
    return isinstance(problem, RuntimeError) and "can't allocate memory" in str(problem)


def short_traceback(problem: BaseException, frames: int = 3) -> str:
    """The last frames of a traceback, without those of hpsearch and of an import at its head, and the exception.

    Never raises, whatever the exception's own __str__ does, and has at most MAX_TRACEBACK characters.
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
    """A traceback that begins with the first frame outside of hpsearch; unchanged where all are inside of it."""
    return re.sub(TRACEBACK, _without_own_frames, text)


def _without_own_frames(found: re.Match[str]) -> str:
    frames = list(re.finditer(FRAME, found["frames"]))
    first = next((frame.start() for frame in frames if not _is_own(frame["file"])), 0)
    return found["head"] + found["frames"][first:]


def _is_own(file: str) -> bool:
    """Or the import system's. A recorded file may be of another installation of hpsearch."""
    if file.startswith("<frozen importlib"):
        return True
    _, package, inside = file.replace("\\", "/").rpartition("/hpsearch/")
    room, folder, _ = inside.partition("/")
    return bool(package and folder) and (PACKAGE / room).is_dir()


def headline(problem: BaseException) -> str:
    """An exception in one line: its type and the first line of its text, which says most."""
    first = _first_line(problem)
    return f"{type(problem).__name__}: {first}" if first else type(problem).__name__


def _first_line(problem: BaseException) -> str:
    try:
        return str(problem).strip().partition("\n")[0]
    except Exception:
        return "its text cannot be printed"
