"""Log files that cannot fill a disk."""

import io
import logging
import sys
from logging.handlers import MemoryHandler
from pathlib import Path
from typing import TextIO

MOST_BYTES = 1 << 20
"""What one trial may print into its log (1 MiB); the rest is counted and dropped."""


class CappedLog(io.TextIOBase):
    """A text stream into a file that is made when something is written, and takes about `most` bytes, no more.

    A file that is there already is added to, and counts.
    """

    def __init__(self, path: Path, most: int = MOST_BYTES):
        self.path = path
        self.left = most
        self.file: TextIO | None = None

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if self.left > 0:
            if self.file is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self.file = self.path.open("a", encoding="utf-8", errors="backslashreplace")
                self.left -= self.file.tell()
            self.file.write(text[: max(0, self.left)])
            self.left -= len(text)
            if self.left <= 0:
                self.file.write("\n… the log is full: nothing more is written\n")
            self.file.flush()
        return len(text)

    def close(self) -> None:
        if self.file is not None:
            self.file.close()
        self.file = None
        super().close()


def hold() -> None:
    """Keep what libraries log or warn about in memory until `quiet` says where it goes."""
    _hand_to(MemoryHandler(capacity=sys.maxsize, flushLevel=sys.maxsize))


def quiet(path: Path) -> None:
    """Send what libraries log or warn about to a file; the terminal is for what the user asked."""
    handler = _LateFile(path, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    for held in logging.getLogger().handlers:
        if isinstance(held, MemoryHandler):
            held.setTarget(handler)
            held.flush()
    _hand_to(handler)


class _LateFile(logging.FileHandler):
    """Makes its folder with its file, when there is something to write."""

    def _open(self) -> io.TextIOWrapper:
        Path(self.baseFilename).parent.mkdir(parents=True, exist_ok=True)
        return super()._open()


def _hand_to(handler: logging.Handler) -> None:
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    handler.setLevel(logging.WARNING)  # some loggers, such as Ray's, have a lower level of their own
    logging.captureWarnings(True)
