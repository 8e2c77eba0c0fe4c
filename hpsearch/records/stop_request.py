"""Asks the process that runs a recorded study to end it, on any machine."""

from dataclasses import asdict, dataclass
from typing import Any

from hpsearch.journal import Journal, StudyRecord
from hpsearch.records.find import evaluation_name


@dataclass(frozen=True)
class StopRequest:
    """asked: the process that runs the study, in words; None where none does."""

    study: str
    asked: str | None

    def document(self) -> dict[str, Any]:
        return asdict(self)


def ask_to_stop(journal: Journal, record: StudyRecord) -> StopRequest:
    """The run finds the note with its next sign of life, within seconds; running trials then end their epoch.

    A study that is being evaluated is held by its evaluation, whose trainings are a study of their own: both are asked.
    """
    asked = None
    for one in filter(None, (record, journal.find(evaluation_name(record)))):
        if holder := journal.holder(one.id):
            journal.ask_to_stop(one.id)
            asked = asked or holder
    return StopRequest(record.name, asked)
