"""The log of a trial, which cannot fill a disk."""

import io
from pathlib import Path

MOST_BYTES = 1 << 20
"""What one trial may print into its log (1 MiB)."""

FULL = b"\n\xe2\x80\xa6 the log is full: nothing more is written\n"


LONGEST_LINE = 1 << 16
"""Bytes of a line that are held back until it is complete."""

END = 1 << 15
"""Bytes of the end of a process's output that are kept, to say why it has ended."""


def log_file(work: Path, number: int) -> Path:
    """The log of a trial. work: the folder of its study."""
    return work / "logs" / f"trial-{number:05d}.log"


class CappedFile:
    """A file that is made when something is written, and has never more than `most` bytes.

    A file that is there already is added to, and counts.
    """

    def __init__(self, path: Path, most: int = MOST_BYTES):
        self.path = path
        self.left = most - len(FULL)
        self.file: io.FileIO | None = None

    def write(self, content: bytes) -> None:
        """Never raises: no trial fails because what it prints cannot be kept."""
        if self.left > 0:
            try:
                self._write(content)
            except OSError:
                self.left = 0

    def write_head(self, content: bytes) -> None:
        """Only where the file is new."""
        if not self.path.exists():
            self.write(content)

    def _write(self, content: bytes) -> None:
        if self.file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
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
    """A text stream into a CappedFile."""

    def __init__(self, path: Path, most: int = MOST_BYTES):
        self.content = CappedFile(path, most)

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.content.write(text[: max(0, self.content.left)].encode(errors="backslashreplace"))
        return len(text)

    def close(self) -> None:
        self.content.close()
        super().close()


class FoldedOutput:
    """What a process writes, on its way into its log. A line that is overwritten after a carriage return, such as a
    progress bar, is written once, as it is in the end. file: None: only the end is kept."""

    def __init__(self, file: CappedFile | None):
        self._file = file
        self._line = b""
        self._end = b""

    def write(self, content: bytes) -> None:
        *lines, self._line = (self._line + content).split(b"\n")
        if lines:
            self._write(b"".join(_folded(line) + b"\n" for line in lines))
        if len(self._line) > LONGEST_LINE:
            self._line = self._line[-LONGEST_LINE:] if b"\r" in self._line else self._flushed()

    def _flushed(self) -> bytes:
        self._write(self._line)
        return b""

    def _write(self, content: bytes) -> None:
        self._end = (self._end + content)[-END:]
        if self._file is not None:
            self._file.write(content)

    def end(self) -> str:
        """The last of what was written."""
        return self._end.decode(errors="replace")

    def close(self) -> None:
        if self._line:
            self._write(_folded(self._line) + b"\n")
        self._line = b""
        if self._file is not None:
            self._file.close()


def _folded(line: bytes) -> bytes:
    return line.rstrip(b"\r").rpartition(b"\r")[2]
