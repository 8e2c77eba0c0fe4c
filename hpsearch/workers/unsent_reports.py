"""Keeps the reports of an unfinished slice in a file, so that they survive a crash or kill of the trial's process.

A worker sends the reports of a slice together (`SLICE_SECONDS`). A report is written here if training continues after
it within the slice. With epochs longer than a slice, only the last report of a trial is.
"""

import json
from contextlib import suppress
from pathlib import Path
from typing import IO

from hpsearch.core.folders import make_private
from hpsearch.core.trial import Report


def unsent_file(work: Path, number: int) -> Path:
    """The file of a trial. work: the study's folder."""
    return work / "unsent" / f"{number:05d}.jsonl"


class UnsentReports:
    """Written by the trial's process. On a full disk nothing is written, and a crash loses the slice's reports."""

    def __init__(self, path: Path):
        self._path = path
        self._file: IO[bytes] | None = None
        self._is_new_slice = True

    def begin_slice(self) -> None:
        """Start a slice: the reports so far were sent."""
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
        """Remove the file: all reports were sent."""
        if self._file is not None:
            self._file.close()
            self._path.unlink(missing_ok=True)
        self._file = None


def take_unsent(path: Path, after: int) -> tuple[Report, ...]:
    """Read the reports with steps above `after` that an ended process has left, and remove the file."""
    found: dict[int, Report] = {}
    with suppress(OSError, ValueError):  # the process ended while it wrote the last line
        for line in path.read_bytes().splitlines():
            step, metrics = json.loads(line)
            if step > after:
                found[step] = Report(step, metrics)  # of the last epoch also a second time, with a final evaluation
    with suppress(OSError):
        path.unlink(missing_ok=True)
    return tuple(found.values())
