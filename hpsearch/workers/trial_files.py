"""The files of a recorded trial that are on this machine: its best checkpoint and its log."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from hpsearch.journal import StudyRecord
from hpsearch.workers.checkpoints import BEST, CheckpointStore, Removal
from hpsearch.workers.trial_log import log_file


@dataclass(frozen=True)
class TrialFiles:
    """checkpoint: None if the trainer tracks nothing, or if it was removed; removal: why. log: None if the trainer
    printed nothing, or printed to the terminal (resources.address = "none")."""

    checkpoint: Path | None
    log: Path | None
    removal: Removal | None = None

    @classmethod
    def find(cls, work: Path | None, record: StudyRecord, number: int) -> Self:
        """work: the study's folder, see `records.find.work_folder`."""
        if work is None:
            return cls(None, None)
        store = CheckpointStore.of(work, record.uid, number)
        files = (store.folder / BEST, log_file(work, number))
        checkpoint, log = (file if file.is_file() else None for file in files)
        return cls(checkpoint, log, None if checkpoint else store.removal)

    def last_lines(self, count: int) -> list[str]:
        """The last lines of the log."""

        try:
            content = self.log.read_bytes() if self.log is not None else b""
        except OSError:
            content = b""
        return content.decode(errors="replace").splitlines()[-count:]

    def document(self) -> dict[str, Any]:
        removal = self.removal and asdict(self.removal)
        checkpoint, log = (file and str(file) for file in (self.checkpoint, self.log))
        return {"checkpoint": checkpoint, "checkpoint_removed": removal, "log": log}
