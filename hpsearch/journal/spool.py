"""The spool: batches on the local disk while the database is unreachable, written to the database once.

Each batch is a line of JSON, on the disk before the loop acts on it. The same process writes it to the database when
that is reachable again; if the process ends before, the next run does, unless another process has written meanwhile.
"""

import errno
import json
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from io import FileIO
from pathlib import Path
from typing import Any

from hpsearch.core.decisions import Decision
from hpsearch.core.folders import make_private
from hpsearch.core.trial import Report, Trial
from hpsearch.journal.records import TRIAL, Environment, TrainingSegment, cause_of, trial_of, trial_row
from hpsearch.journal.sentences_of_0004 import cause_of_trial, exception_of
from hpsearch.journal.writer import Batch


@dataclass(frozen=True)
class SpooledBatch:
    """A batch with the token of its lease, and the `revision` that the study will have with it. Its trials have no
    curves."""

    token: int
    revision: int
    batch: Batch


class Spool:
    """The file for batches of one study. It does not exist while all batches are in the database."""

    def __init__(self, path: Path):
        self.path = path
        self._file: FileIO | None = None

    def append(self, kept: SpooledBatch) -> None:
        """Write the batch and flush it to the disk. OSError: nothing was written."""
        file = self._file = self._file or self._made()
        line, before = _line(kept), os.fstat(file.fileno()).st_size
        try:
            if file.write(line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
            os.fsync(file.fileno())
        except OSError:
            with suppress(OSError):
                file.truncate(before)
            raise

    def _made(self) -> FileIO:
        make_private(self.path.parent)
        file = self.path.open("ab", buffering=0)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # the file's name must be on the disk too
        finally:
            os.close(folder)
        return file

    def read(self) -> list[SpooledBatch]:
        """All complete lines. The loop did not act on an incomplete last line."""
        with suppress(FileNotFoundError):
            *whole, _ = self.path.read_bytes().split(b"\n")
            return [_kept(line) for line in whole]
        return []

    def clear(self) -> None:
        """Remove the file, when all batches are in the database."""
        self.close()
        self.path.unlink(missing_ok=True)

    def set_aside(self) -> Path:
        """Rename the file, so that it is not read again. Earlier renamed files are kept."""
        self.close()
        aside, number = self.path.with_name(f"{self.path.name}.refused"), 1
        while aside.exists():
            number += 1
            aside = self.path.with_name(f"{self.path.name}.refused-{number}")
        self.path.replace(aside)
        return aside

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def merged(batches: Iterable[Batch], known: Iterable[Trial]) -> Batch:
    """All batches as one, to be written in one transaction.

    known: the study's trials in the database; the reports are appended to their curves.
    """
    curves = {trial.number: trial.curve for trial in known}
    trials: dict[int, Trial] = {}
    reports: list[tuple[int, Report]] = []
    decisions: list[Decision] = []
    segments: list[TrainingSegment] = []
    ended: dict[str, Any] = {}
    for batch in batches:
        for number, report in batch.reports:
            curves[number] = (*curves.get(number, ()), report)
        trials.update((trial.number, trial) for trial in batch.trials)
        reports += batch.reports
        decisions += batch.decisions
        segments += batch.segments
        if batch.study_state:
            ended = {name: getattr(batch, name) for name in ("study_state", "study_cause", "study_cause_numbers")}
    whole = [replace(trial, curve=curves.get(number, ())) for number, trial in sorted(trials.items())]
    return Batch(whole, reports, decisions, segments=segments, **ended)


def _line(kept: SpooledBatch) -> bytes:
    batch = kept.batch
    content = {
        "token": kept.token,
        "revision": kept.revision,
        "trials": [[row[name] for name in TRIAL] for row in map(trial_row, batch.trials)],
        "reports": [[number, report.step, dict(report.metrics), report.at] for number, report in batch.reports],
        "decisions": [asdict(decision) for decision in batch.decisions],
        "state": batch.study_state,
        "cause": batch.study_cause,
        "cause_numbers": dict(batch.study_cause_numbers),
        "stretches": [asdict(segment) for segment in batch.segments],  # the name in version 0.1, which is still read
    }
    return json.dumps(content).encode() + b"\n"


def _trial(row: Sequence[Any]) -> Trial:
    """A row from before journal 0005 has no cause: it is derived from its sentence. One from before 0007 has no count
    of retrained epochs, one from before 0008 no superseded trials, and one from before 0009 neither of the last two."""
    values = dict(zip(TRIAL, row, strict=False))
    if "cause" not in values:
        cause, numbers = cause_of_trial(values["state"], values["reason"])
        exception = exception_of(values["state"], values["reason"])
        values |= {"cause": cause, "cause_numbers": json.dumps(numbers), "exception": exception}
    values.setdefault("retrained", 0)
    values.setdefault("superseded", 0)
    values.setdefault("reads_epochs", 0)
    values.setdefault("replaces", None)
    return trial_of([values[name] for name in TRIAL])


def _kept(line: bytes) -> SpooledBatch:
    content = json.loads(line)
    segments = content.get("stretches", ())  # a spool of 0.1 has none
    batch = Batch(
        tuple(map(_trial, content["trials"])),
        tuple((number, Report(step, metrics, at)) for number, step, metrics, at in content["reports"]),
        tuple(Decision(**decision) for decision in content["decisions"]),
        content["state"],
        tuple(TrainingSegment(**{**one, "environment": Environment(**one["environment"])}) for one in segments),
        cause_of(content.get("cause")),  # absent before journal 0005
        content.get("cause_numbers", {}),
    )
    return SpooledBatch(content["token"], content["revision"], batch)
