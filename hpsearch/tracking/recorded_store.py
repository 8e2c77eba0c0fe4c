"""The MLflow store of recorded studies, and its update from the journal."""

from pathlib import Path

from hpsearch.core.errors import BadInput
from hpsearch.journal import Journal, StudyRecord
from hpsearch.records.callers_files import CallersStudy
from hpsearch.records.find import JournalStudy, file_of, home, homes, journal_of, looked_up, study_in, work_folder
from hpsearch.tracking.base import Sync
from hpsearch.tracking.connection import check_address
from hpsearch.tracking.mlflow_tracker import sync


def sync_recorded(study: str | None, journal_url: str | None, mlflow: str | None) -> dict[str, Sync]:
    """Update one study by its name or file, or with None all studies that are tracked with MLflow. Returns a Sync by
    name.

    mlflow: a URI in place of the study's. BadInput for one study that is not tracked with MLflow. BadInput also, after
    the other studies were updated, for those with an address that only the journal has.
    """
    done: dict[str, Sync] = {}
    refused: list[str] = []
    with journal_of(study, journal_url) as journal:
        studies = map(JournalStudy, journal.studies()) if study is None else [study_in(journal, study)]
        for one in studies:
            try:
                uri = _uri_of(journal, one.record, study, journal_url, mlflow)
            except BadInput as problem:
                refused.append(str(problem))
                continue
            if uri != "none":
                segments, places = journal.segments(one.record.id), homes(study or one.record.name, journal_url)
                work = work_folder(one.record, segments, *places)
                done[one.record.name] = sync(one.record, one.objective, journal, uri, work=work)
            elif study is not None:
                raise _not_tracked(one.record)
    if refused:
        raise BadInput("\n".join(refused))
    return done


def store_of(journal: Journal, record: StudyRecord, asked: str, journal_url: str | None, mlflow: str | None) -> str:
    """The URI of the MLflow store of one study, as for `sync_recorded`. BadInput if it is not tracked with MLflow."""
    uri = _uri_of(journal, record, asked, journal_url, mlflow)
    if uri == "none":
        raise _not_tracked(record)
    return uri


def _not_tracked(record: StudyRecord) -> BadInput:
    return BadInput(
        f'study "{record.name}" is not tracked with MLflow (tracking.mlflow = "none"): name a store with --mlflow URI'
    )


def _uri_of(
    journal: Journal, record: StudyRecord, asked: str | None, journal_url: str | None, mlflow: str | None
) -> str:
    """The option's URI, else the one in the study's file, else the recorded one if the caller's settings have it
    too."""
    if mlflow is not None:
        return checked(mlflow)
    if (file := file_of(asked)) is not None:
        return file.tracking_uri
    beside = Path((journal_url or "").removeprefix("sqlite:///"))
    own_home = beside.parent if journal_url and beside.is_absolute() else home()
    own = CallersStudy.of(journal, record)
    match own.tracking(own_home, option="name the store with --mlflow URI, "):
        case None:
            return f"sqlite:///{own_home / 'mlflow.db'}"
        case str(written) if own.file is not None and own.file.tracking.mlflow == written:
            return own.file.tracking_uri
        case written:
            return looked_up(written, "MLflow")


def checked(uri: str) -> str:
    """The URI of the option --mlflow, with its variables replaced. BadInput if MLflow does not accept it."""
    uri = looked_up(uri, "--mlflow")
    check_address(uri, "--mlflow")
    return uri
