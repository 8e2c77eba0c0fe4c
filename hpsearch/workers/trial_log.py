"""The log of a trial, which cannot fill a disk."""

import io
from pathlib import Path

MOST_BYTES = 1 << 20
"""What one trial may print into its log (1 MiB)."""

FULL = b"\n\xe2\x80\xa6 the log is full: nothing more is written\n"


def log_file(work: Path, number: int) -> Path:
    """The log of a trial. work: the folder of its study."""
    return work / "logs" / f"trial-{number:05d}.log"


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
        if self.left > 0:
            self.file.write(content)
        self.left -= len(content)

    def close(self) -> None:
        if self.file is not None:
            self.file.close()
        self.file = None
        super().close()
