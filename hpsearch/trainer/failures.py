"""What an exception that ends a training means for its trial, and how it is shown."""

import errno
import traceback

from hpsearch.core.errors import TrainerError
from hpsearch.core.messages import Failure

DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
"""No fault of the trainer that wanted to write."""

LONGEST_HEADLINE, LONGEST_TRACEBACK = 500, 20_000
"""Characters that are kept of an exception's first line, and of a traceback: its beginning and its end."""


def failure_of(problem: Exception | SystemExit) -> Failure:
    if isinstance(problem, TrainerError):
        return Failure("contract", str(problem))
    if isinstance(problem, SystemExit):
        return Failure("error", f"the trainer called sys.exit({problem.code!r})", brief(problem), headline(problem))
    first = headline(problem)[:LONGEST_HEADLINE]
    said = first, brief(problem, frames=20), first
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


def brief(problem: BaseException, frames: int = 3) -> str:
    """The last frames of a traceback and the exception, whatever its own __str__ does or however much it says."""
    try:
        text = "".join(traceback.format_exception(problem, limit=-frames)).rstrip()
    except Exception:
        return f"{type(problem).__name__} (its text cannot be printed)"
    half = LONGEST_TRACEBACK // 2
    if len(text) <= LONGEST_TRACEBACK:
        return text
    return f"{text[:half]}\n… {len(text) - LONGEST_TRACEBACK:,} characters left out …\n{text[-half:]}"


def headline(problem: BaseException) -> str:
    """An exception in one line: its type and the first line of its text, which says most."""
    try:
        first = str(problem).strip().partition("\n")[0]
    except Exception:
        first = "its text cannot be printed"
    return f"{type(problem).__name__}: {first}" if first else type(problem).__name__
