"""The files of a recorded trial, as far as they are on this machine: its best checkpoint and its log."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from hpsearch.journal import StudyRecord
from hpsearch.workers.checkpoints import BEST, CheckpointStore
from hpsearch.workers.trial_log import log_file


@dataclass(frozen=True)
class TrialFiles:
    """checkpoint: None where the trainer tracks nothing, or it was removed. log: None where the trainer printed
    nothing, or printed to the terminal (resources.address = "none")."""

    checkpoint: Path | None
    log: Path | None

    @classmethod
    def find(cls, work: Path | None, record: StudyRecord, number: int) -> Self:
        """work: the study's folder, see `records.find.work_folder`."""
        if work is None:
            return cls(None, None)
        files = CheckpointStore.of(work, record.uid, number).folder / BEST, log_file(work, number)
        return cls(*(file if file.is_file() else None for file in files))

    def last_lines(self, count: int) -> list[str]:
        """Of the log."""
        try:
            content = self.log.read_bytes() if self.log is not None else b""
        except OSError:
            content = b""
        return content.decode(errors="replace").splitlines()[-count:]

    def document(self) -> dict[str, Any]:
        return {"checkpoint": self.checkpoint and str(self.checkpoint), "log": self.log and str(self.log)}
