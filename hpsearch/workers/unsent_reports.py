"""The reports of a slice that is still trained, in a file: they outlive a trial's process that crashes or is killed.

A worker sends the reports of a slice together (`SLICE_SECONDS`). A report after which the process trains on is written
here first. Where epochs take longer than a slice, nothing is written before the last one.
"""

import json
from contextlib import suppress
from pathlib import Path
from typing import IO

from hpsearch.core.folders import make_private
from hpsearch.core.trial import Report


def unsent_file(work: Path, number: int) -> Path:
    """That of a trial. work: the study's folder."""
    return work / "unsent" / f"{number:05d}.jsonl"


class UnsentReports:
    """Written by the trial's process. A disk that takes no more costs only what a crash then loses."""

    def __init__(self, path: Path):
        self._path = path
        self._file: IO[bytes] | None = None
        self._is_new_slice = True

    def begin_slice(self) -> None:
        """The reports so far are sent."""
        self._is_new_slice = True

    def add(self, report: Report) -> None:
        with suppress(OSError):
            if self._file is None:
                make_private(self._path.parent)
                self._file = self._path.open("wb", buffering=0)
            elif self._is_new_slice:
                self._file.seek(0)
                self._file.truncate()
            self._is_new_slice = False
            self._file.write(json.dumps([report.step, dict(report.metrics)]).encode() + b"\n")

    def close(self) -> None:
        """Nothing is left to send."""
        if self._file is not None:
            self._file.close()
            self._path.unlink(missing_ok=True)
        self._file = None


def take_unsent(path: Path, after: int) -> tuple[Report, ...]:
    """The reports with steps above `after` that a process left; the file is removed."""
    found: list[Report] = []
    with suppress(OSError, ValueError):  # the process ended while it wrote the last line
        for line in path.read_bytes().splitlines():
            step, metrics = json.loads(line)
            if step > max([after, *(one.step for one in found)]):
                found.append(Report(step, metrics))
    with suppress(OSError):
        path.unlink(missing_ok=True)
    return tuple(found)
