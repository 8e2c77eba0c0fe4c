"""The log of a trial, if it is on this machine."""

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from hpsearch.core.errors import NotFound
from hpsearch.core.trial import State
from hpsearch.journal import Journal
from hpsearch.records.find import JournalStudy, check_trial, work_folder

POLL_SECONDS = 0.5
"""Seconds between two reads of a log that is followed."""


def folder_of_log(journal: Journal, study: JournalStudy, number: int, *homes: Path | None) -> Path:
    """The study's folder, with the log of a trial. NotFound: no such trial, or its log is not on this machine.

    homes: see `work_folder`.
    """
    check_trial(journal, study, number)
    if study.record.spec.get("resources", {}).get("address") == "none":
        raise NotFound(
            f'trial {number} has no log: with resources.address = "none" the trainer prints to the terminal of '
            "`hpsearch run`"
        )
    segments = journal.segments(study.record.id, number)
    work = work_folder(study.record, segments or journal.segments(study.record.id), *homes)
    if work is None:
        folder = segments[-1].environment.document["code"]["folder"] if segments else "the study's folder"
        raise NotFound(
            f"the log of trial {number} is not on this machine: it is in .hpsearch/studies/ (or HPSEARCH_HOME) of the "
            f"machine that ran {folder}"
        )
    return work


def output(file: Path) -> str:
    """The whole log; "" if nothing was written."""
    with suppress(FileNotFoundError):
        return file.read_bytes().decode(errors="replace")
    return ""


def followed(journal: Journal, study: JournalStudy, number: int, file: Path) -> Iterator[str]:
    """Complete lines as they are written, until the trial ends or pauses."""
    position, is_over = 0, False
    while True:
        with suppress(FileNotFoundError), file.open("rb") as log:
            log.seek(position)
            content = log.read()
            lines = content if is_over else content[: content.rfind(b"\n") + 1]
            position += len(lines)
            if lines:
                yield lines.decode(errors="replace")
        if is_over:
            return
        is_over = journal.trial(study.record.id, number).state not in (State.WAITING, State.RUNNING)
        time.sleep(POLL_SECONDS)
