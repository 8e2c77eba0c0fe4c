"""The MLflow store of recorded studies, and its update from the journal."""

from pathlib import Path

from hpsearch.core.errors import BadInput
from hpsearch.records.find import JournalStudy, file_of, home, homes, journal_of, looked_up, study_in, work_folder
from hpsearch.tracking.base import Sync
from hpsearch.tracking.connection import check_address
from hpsearch.tracking.mlflow_tracker import sync


def sync_recorded(study: str | None, journal_url: str | None, mlflow: str | None) -> dict[str, Sync]:
    """Update one study by its name or file, or with None all that are tracked with MLflow. Returns a Sync by name.

    mlflow: a URI in place of the study's. BadInput for one study that is not tracked with MLflow.
    """
    done = {}
    with journal_of(study, journal_url) as journal:
        studies = map(JournalStudy, journal.studies()) if study is None else [study_in(journal, study)]
        for one in studies:
            uri = _uri_of(one, study, journal_url, mlflow)
            if uri != "none":
                segments, places = journal.segments(one.record.id), homes(study or one.record.name, journal_url)
                work = work_folder(one.record, segments, *places)
                done[one.record.name] = sync(one.record, one.objective, journal, uri, work=work)
            elif study is not None:
                raise BadInput(
                    f'study "{one.record.name}" is not tracked with MLflow (tracking.mlflow = "none"): name a store '
                    "with --mlflow URI"
                )
    return done


def _uri_of(study: JournalStudy, asked: str | None, journal_url: str | None, mlflow: str | None) -> str:
    """The option's URI, else that of the study's file where a file was given, else the recorded one."""
    if mlflow is not None:
        return checked(mlflow)
    if (file := file_of(asked)) is not None:
        return file.tracking_uri
    written = study.record.spec.get("tracking", {}).get("mlflow")
    if written is None:
        journal = Path((journal_url or "").removeprefix("sqlite:///"))
        return f"sqlite:///{(journal.parent if journal_url and journal.is_absolute() else home()) / 'mlflow.db'}"
    named = f'study "{study.record.name}"'
    uri = looked_up(written, named)
    file_name = uri.removeprefix("sqlite:///")
    if file_name == uri or Path(file_name).is_absolute():
        return uri
    here = home().parent / file_name
    if not here.exists():
        raise BadInput(f"{named}: {uri} is relative to its study file: give the study file in place of its name")
    return f"sqlite:///{here}"


def checked(uri: str) -> str:
    """The URI of the option --mlflow, with its variables replaced. BadInput where MLflow does not accept it."""
    uri = looked_up(uri, "--mlflow")
    check_address(uri, "--mlflow")
    return uri
