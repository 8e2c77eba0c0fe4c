"""The MLflow of recorded studies, and how it is brought to agree with the journal."""

from pathlib import Path

from hpsearch.core.errors import BadInput
from hpsearch.records.find import JournalStudy, file_of, home, journal_of, looked_up, study_in
from hpsearch.tracking.base import Sync
from hpsearch.tracking.connection import check_address
from hpsearch.tracking.mlflow_tracker import sync


def sync_recorded(study: str | None, journal_url: str | None, mlflow: str | None) -> dict[str, Sync]:
    """One study by its name or file, or with None every one that is in MLflow; by name.

    mlflow: a URI in place of the study's. BadInput for one study that is not in MLflow.
    """
    done = {}
    with journal_of(study, journal_url) as journal:
        studies = map(JournalStudy, journal.studies()) if study is None else [study_in(journal, study)]
        for one in studies:
            uri = _uri_of(one, study, journal_url, mlflow)
            if uri != "none":
                done[one.record.name] = sync(one.record, one.objective, journal, uri)
            elif study is not None:
                raise BadInput(
                    f'study "{one.record.name}" is not in MLflow (tracking.mlflow = "none"): say where with '
                    "--mlflow URI"
                )
    return done


def _uri_of(study: JournalStudy, asked: str | None, journal_url: str | None, mlflow: str | None) -> str:
    """The option's URI, or that of the study's file where the study was named by it, or the recorded one."""
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
        raise BadInput(f"{named}: {uri} starts at its file: name the file in place of the study")
    return f"sqlite:///{here}"


def checked(uri: str) -> str:
    """What the option --mlflow gives, with its variables looked up. BadInput where MLflow takes no such address."""
    uri = looked_up(uri, "--mlflow")
    check_address(uri, "--mlflow")
    return uri
