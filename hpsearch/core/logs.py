"""Logs and warnings of libraries go to a file of limited size while a study runs."""

import io
import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import MemoryHandler, RotatingFileHandler
from pathlib import Path

from hpsearch.core.folders import make_private, private_opener
from hpsearch.core.redact import redact

MAX_BYTES = 1 << 20
"""The most bytes of the file (1 MiB). One full file is kept beside it."""


def buffer_library_logs() -> None:
    """Buffer the logs and warnings of libraries in memory until `log_libraries_to` is called."""
    _install_handler(MemoryHandler(capacity=sys.maxsize, flushLevel=sys.maxsize))


def log_libraries_to(path: Path) -> None:
    """Send the logs and warnings of libraries to a file, so that they do not fill the terminal."""
    handler = _LazyRotatingFile(path, maxBytes=MAX_BYTES, backupCount=1, encoding="utf-8", delay=True)
    handler.setFormatter(_RedactingFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    for held in logging.getLogger().handlers:
        if isinstance(held, MemoryHandler):
            held.setTarget(handler)
            held.flush()
    _install_handler(handler)


@contextmanager
def logging_restored() -> Iterator[None]:
    """A context that restores the settings of logging and warnings at its end: they are those of the user's program."""
    root, show = logging.getLogger(), warnings.showwarning
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        for handler in root.handlers:
            if handler not in handlers:
                handler.close()
        root.handlers[:] = handlers
        root.setLevel(level)
        if warnings.showwarning is not show:
            logging.captureWarnings(False)


class _LazyRotatingFile(RotatingFileHandler):
    """Creates its folder and file with the first message."""

    def _open(self) -> io.TextIOWrapper:
        make_private(Path(self.baseFilename).parent)
        return open(self.baseFilename, "a", encoding=self.encoding, opener=private_opener)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging calls it so)
        """Drop a message that cannot be written: logging would print a traceback for each."""


class _RedactingFormatter(logging.Formatter):
    """Redacts passwords: a library may log the URL that it was given."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def _install_handler(handler: logging.Handler) -> None:
    root = logging.getLogger()
    for old in root.handlers:
        if isinstance(old, _LazyRotatingFile):
            old.close()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    handler.setLevel(logging.WARNING)  # some loggers, such as Ray's, have a lower level of their own
    logging.captureWarnings(True)
