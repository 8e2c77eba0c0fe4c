"""Log files that cannot fill a disk."""

import io
import logging
import sys
from logging.handlers import MemoryHandler, RotatingFileHandler
from pathlib import Path

from hpsearch.redact import redact

MOST_BYTES = 1 << 20
"""What one trial may print into its log (1 MiB), and half of what a home keeps of libraries' warnings."""

FULL = b"\n\xe2\x80\xa6 the log is full: nothing more is written\n"


class CappedLog(io.TextIOBase):
    """A text stream into a file that is made when something is written, and has never more than `most` bytes.

    A file that is there already is added to, and counts.
    """

    def __init__(self, path: Path, most: int = MOST_BYTES):
        self.path = path
        self.left = most - len(FULL)
        self.file: io.FileIO | None = None

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        """Never raises: no trial fails because what it prints cannot be kept."""
        if self.left > 0:
            try:
                self._write(text[: self.left].encode(errors="backslashreplace"))
            except OSError:
                self.left = 0
        return len(text)

    def _write(self, content: bytes) -> None:
        if self.file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.file = self.path.open("ab", buffering=0)
            self.left -= self.file.tell()
        if len(content) >= self.left > 0:
            content = content[: self.left].decode(errors="ignore").encode() + FULL
            self.file.write(content)
        elif self.left > 0:
            self.file.write(content)
        self.left -= len(content)

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
    handler = _LateFile(path, maxBytes=MOST_BYTES, backupCount=1, encoding="utf-8", delay=True)
    handler.setFormatter(_Discreet("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    for held in logging.getLogger().handlers:
        if isinstance(held, MemoryHandler):
            held.setTarget(handler)
            held.flush()
    _hand_to(handler)


class _LateFile(RotatingFileHandler):
    """Makes its folder with its file, when there is something to write; puts a full one aside, over the one before."""

    def _open(self) -> io.TextIOWrapper:
        Path(self.baseFilename).parent.mkdir(parents=True, exist_ok=True)
        return super()._open()


class _Discreet(logging.Formatter):
    """Some library may log the address that it was given, with its password."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def _hand_to(handler: logging.Handler) -> None:
    root = logging.getLogger()
    for old in root.handlers:
        if isinstance(old, _LateFile):
            old.close()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    handler.setLevel(logging.WARNING)  # some loggers, such as Ray's, have a lower level of their own
    logging.captureWarnings(True)
