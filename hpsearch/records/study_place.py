"""The place of a recorded study's file: a study belongs to its file, and two files may have one name."""

from pathlib import Path

from hpsearch.core.errors import StudyChanged
from hpsearch.journal import Journal, StudyRecord

TRAINER_CODE = "trainer_code"
"""The kind of the journal's document with the study's file and the trainer's code (trainer_code.py), which is not
exported."""

_SENT_BY_RAY = "working_dir_files"
"""A folder in the path of every file that Ray has sent to a cluster. Such paths are not compared."""


def place_of(journal: Journal, record: StudyRecord) -> str:
    """The path of the study's file at its last run; "" for a study without one."""
    return str(journal.documents(record.id).get(TRAINER_CODE, {}).get("file", ""))


def check_same_file(name: str, before: str, now: str) -> None:
    """StudyChanged if the recorded study file still exists elsewhere. A file that was moved is the same study.

    name: of the study. before, now: the recorded path and the present one; "" without a file.
    """
    if not (before and now) or before == now or _SENT_BY_RAY in before or _SENT_BY_RAY in now:
        return
    if Path(before).is_file():
        raise StudyChanged(
            f'study "{name}" of this journal belongs to another file, {before} (this file is {now}): give one of them '
            "another study.name, or set HPSEARCH_HOME so that each has its own journal"
        )
