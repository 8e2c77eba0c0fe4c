"""A request to the process that runs a study, on any machine, to stop."""

from dataclasses import asdict, dataclass
from typing import Any

from hpsearch.journal import Journal, StudyRecord
from hpsearch.records.find import evaluation_name


@dataclass(frozen=True)
class StopRequest:
    """asked: the process that runs the study, as text; None if none does."""

    study: str
    asked: str | None

    def document(self) -> dict[str, Any]:
        return asdict(self)


def ask_to_stop(journal: Journal, record: StudyRecord) -> StopRequest:
    """The run reads the request with its next renewal of the lease, within seconds. Running trials end their epoch.

    During an evaluation, the request is for both the study and the study of its finalists.
    """
    asked = None
    for one in filter(None, (record, journal.find(evaluation_name(record)))):
        if holder := journal.holder(one.id, silent=True):
            journal.ask_to_stop(one.id)
            asked = asked or holder
    return StopRequest(record.name, asked)
