from pathlib import Path

from hpsearch.journal import StudyRecord
from hpsearch.workers.checkpoints import CheckpointStore, Removal
from hpsearch.workers.trial_files import TrialFiles
from hpsearch.workers.trial_log import CappedLog, log_file

RECORD = StudyRecord(1, "0123456789abcdef", "toy", {}, {}, "COMPLETE", None, 0, "0")


def test_files_that_workers_wrote(tmp_path: Path) -> None:
    store = CheckpointStore.of(tmp_path, RECORD.uid, 7)
    store.write(3, b"state", best=True)
    log = CappedLog(log_file(tmp_path, 7))
    log.write("printed")
    log.close()
    found = TrialFiles.find(tmp_path, RECORD, 7)
    assert found.checkpoint is not None
    assert found.log is not None
    assert (found.checkpoint.read_bytes(), found.log.read_text()) == (b"state", "printed")
    assert found.last_lines(3) == ["printed"]
    assert found.document() == {
        "checkpoint": str(found.checkpoint),
        "checkpoint_removed": None,
        "log": str(found.log),
    }


def test_files_that_are_not_there(tmp_path: Path) -> None:
    assert TrialFiles.find(tmp_path, RECORD, 7) == TrialFiles.find(None, RECORD, 7) == TrialFiles(None, None)
    assert TrialFiles(None, None).document() == {"checkpoint": None, "checkpoint_removed": None, "log": None}
    assert TrialFiles(None, None).last_lines(3) == []


def test_a_checkpoint_that_was_removed(tmp_path: Path) -> None:
    store = CheckpointStore.of(tmp_path, RECORD.uid, 7)
    store.write(3, b"state", best=True)
    store.remove(Removal("finalists", 20))
    found = TrialFiles.find(tmp_path, RECORD, 7)
    assert (found.checkpoint, found.removal) == (None, Removal("finalists", 20))
    assert found.document()["checkpoint_removed"] == {"keep": "finalists", "most": 20}
