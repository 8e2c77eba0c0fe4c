"""The log of a trial: a file of limited size."""

import io
from pathlib import Path

from hpsearch.core.folders import make_private

MAX_BYTES = 1 << 20
"""Maximum size of a trial's log in bytes (1 MiB)."""

FULL = b"\n\xe2\x80\xa6 the log is full: nothing more is written\n"


MAX_LINE_BYTES = 1 << 16
"""Bytes of an incomplete line that are buffered; a longer line is written in parts."""

TAIL_BYTES = 1 << 15
"""Bytes of the end of a process's output that are kept, to report why it has ended."""


def log_file(work: Path, number: int) -> Path:
    """The log of a trial. work: the folder of its study."""
    return work / "logs" / f"trial-{number:05d}.log"


def end_of_log(work: Path, number: int, most: int) -> str:
    """The last whole lines, at most `most` bytes; "" if nothing was written or the log is not on this machine."""
    try:
        with log_file(work, number).open("rb") as file:
            size = file.seek(0, io.SEEK_END)
            file.seek(max(0, size - most))
            content = file.read()
    except OSError:
        return ""
    if size > most:
        content = content.partition(b"\n")[2] or content
    return content.decode(errors="replace")


class CappedFile:
    """A file of at most `max_bytes`, created at the first write. An existing file is appended to."""

    def __init__(self, path: Path, max_bytes: int = MAX_BYTES):
        self.path = path
        self.left = max_bytes - len(FULL)
        self.file: io.FileIO | None = None

    def write(self, content: bytes) -> None:
        """Never raises: a trial must not fail because its output cannot be written."""
        if self.left > 0:
            try:
                self._write(content)
            except OSError:
                self.left = 0

    def write_head(self, content: bytes) -> None:
        """Write it if the file does not exist yet."""
        if not self.path.exists():
            self.write(content)

    def _write(self, content: bytes) -> None:
        if self.file is None:
            make_private(self.path.parent)
            self.file = self.path.open("ab", buffering=0)
            self.left -= self.file.tell()
        if len(content) >= self.left > 0:
            content = content[: self.left].decode(errors="ignore").encode() + FULL
        if self.left > 0:
            self.file.write(content)
        self.left -= len(content)

    def close(self) -> None:
        if self.file is not None:
            self.file.close()
        self.file = None


class CappedLog(io.TextIOBase):
    """A text stream that writes to a CappedFile."""

    def __init__(self, path: Path, max_bytes: int = MAX_BYTES):
        self.content = CappedFile(path, max_bytes)

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.content.write(text[: max(0, self.content.left)].encode(errors="backslashreplace"))
        return len(text)

    def close(self) -> None:
        self.content.close()
        super().close()


class CollapsedOutput:
    """Writes a process's output to its log. If carriage returns overwrite a line, as in a progress bar, only its last
    version is written. file: None: only the last `TAIL_BYTES` are kept."""

    def __init__(self, file: CappedFile | None):
        self._file = file
        self._line = b""
        self._end = b""

    def write(self, content: bytes) -> None:
        *lines, self._line = (self._line + content).split(b"\n")
        if lines:
            self._write(b"".join(_collapsed(line) + b"\n" for line in lines))
        if len(self._line) > MAX_LINE_BYTES:
            self._line = self._line[-MAX_LINE_BYTES:] if b"\r" in self._line else self._flushed()

    def _flushed(self) -> bytes:
        self._write(self._line)
        return b""

    def _write(self, content: bytes) -> None:
        self._end = (self._end + content)[-TAIL_BYTES:]
        if self._file is not None:
            self._file.write(content)

    def end(self) -> str:
        """The last `TAIL_BYTES` of the output as text."""
        return self._end.decode(errors="replace")

    def close(self) -> None:
        if self._line:
            self._write(_collapsed(self._line) + b"\n")
        self._line = b""
        if self._file is not None:
            self._file.close()


def _collapsed(line: bytes) -> bytes:
    return line.rstrip(b"\r").rpartition(b"\r")[2]
