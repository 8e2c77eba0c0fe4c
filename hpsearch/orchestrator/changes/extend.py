"""Trains finished trials of a recorded study longer."""

from hpsearch.core.errors import BadInput
from hpsearch.journal import Journal, StudyRecord
from hpsearch.orchestrator.changes.extension import ExtendRequest
from hpsearch.orchestrator.observers import Observer
from hpsearch.orchestrator.run import run_study
from hpsearch.orchestrator.run_result import RunResult
from hpsearch.records.callers_files import trainable
from hpsearch.records.find import file_of, opened, study_in
from hpsearch.study.definition import Study


def extend(study: str | Study, url: str | None, epochs: int, longer: ExtendRequest, observer: Observer) -> RunResult:
    """study, url: as for `records.find.opened`; or a Study, with its own journal. epochs: the total epochs of a trial,
    including those already trained.

    BadInput: epochs or longer.best are less than 1, or fewer epochs than recorded. StudyChanged: see `extension`.
    """
    for name, value in (("epochs", epochs), ("best", longer.best)):
        if value is not None and value < 1:
            raise BadInput(f"--{name} must be at least 1, got {value}")
    if isinstance(study, Study):
        with Journal.open(study.journal_url, create=False) as journal:
            _check(study_in(journal, study.study.name).record, epochs)
        return run_study(_with_epochs(study, epochs), observer, longer=longer)
    with opened(study, url) as (journal, found):
        _check(found.record, epochs)
        file = file_of(study)
        own = trainable(journal, found.record, study, url) if file is None else file
    return run_study(_with_epochs(own, epochs), observer, longer=longer)


def _check(record: StudyRecord, epochs: int) -> None:
    recorded = int(record.spec["trainer"]["epochs"])
    if epochs < recorded:
        raise BadInput(
            f'the trials of study "{record.name}" train up to {recorded} epochs: --epochs must be larger, got {epochs}'
        )


def _with_epochs(study: Study, epochs: int) -> Study:
    return study.model_copy(update={"trainer": study.trainer.model_copy(update={"epochs": epochs})})
