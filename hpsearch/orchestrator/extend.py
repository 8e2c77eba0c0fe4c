"""Trains finished trials of a recorded study longer."""

from hpsearch.core.errors import BadInput
from hpsearch.journal import Journal, StudyRecord
from hpsearch.orchestrator.extension import Longer
from hpsearch.orchestrator.observers import Observer
from hpsearch.orchestrator.run import run_study
from hpsearch.orchestrator.run_result import RunResult
from hpsearch.records.find import file_of, opened, trainable
from hpsearch.study.definition import Study


def extend(study: str, url: str | None, epochs: int, longer: Longer, observer: Observer) -> RunResult:
    """study, url: as for `records.find.opened`. epochs: of a trial in all, those that it has trained included.

    BadInput: epochs or longer.best are less than 1. StudyChanged: fewer epochs than recorded, or see `extension`.
    """
    for name, value in (("epochs", epochs), ("best", longer.best)):
        if value is not None and value < 1:
            raise BadInput(f"--{name} must be at least 1, got {value}")
    with opened(study, url) as (journal, found):
        recorded = int(found.record.spec["trainer"]["epochs"])
        if epochs < recorded:
            raise BadInput(
                f'the trials of study "{found.record.name}" train up to {recorded} epochs: --epochs must be more, '
                f"got {epochs}"
            )
        longer_study = _with_epochs(journal, found.record, study, url, epochs)
    return run_study(longer_study, observer, longer=longer)


def _with_epochs(journal: Journal, record: StudyRecord, study: str, url: str | None, epochs: int) -> Study:
    """From its file, else as it is recorded."""
    if (file := file_of(study)) is not None and file.path is not None:
        return Study.load(file.path, [f"trainer.epochs={epochs}"])
    recorded = trainable(journal, record, study, url)
    return recorded.model_copy(update={"trainer": recorded.trainer.model_copy(update={"epochs": epochs})})
