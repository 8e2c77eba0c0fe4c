"""Where a study's journal, its MLflow store and its embedded files are: URLs resolved, passwords kept out of sight."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hpsearch.study_faults import Faults
from hpsearch.study_file import resolved, without_references

_JOURNAL = ("sqlite", "postgresql")
_TRACKING = ("sqlite", "postgresql", "mysql", "mssql", "http", "https", "databricks")
_PASSWORD = re.compile(r"(?P<before>://[^:/@]*:)(?P<password>[^@]*)(?=@)")
_QUERY_PASSWORD = re.compile(r"(?P<before>[?&](?:password|passwd|pwd|sslpassword|token)=)(?P<password>[^&]*)", re.I)


@dataclass(frozen=True)
class Place:
    """path: the study file. home: the folder of everything embedded. The URLs are whole and may hold a password."""

    path: Path
    home: Path
    journal_url: str = field(repr=False)
    tracking_uri: str = field(repr=False)


def find(
    path: Path, journal: str | None, tracking: str | None, environment: Mapping[str, str], faults: Faults
) -> Place | None:
    """None where an URL is at fault, which is added to `faults`; no message repeats any of it."""
    path = path.absolute()
    home = Path(environment.get("HPSEARCH_HOME") or path.parent / ".hpsearch").absolute()
    if "?" in str(home):
        faults.add((), f"the folder of the study's databases must not have a ? in its path, got {home}")
    journal_url = _url(("journal", "url"), journal, _JOURNAL, path.parent, environment, faults)
    tracking_uri = _url(("tracking", "mlflow"), tracking, (*_TRACKING, "none"), path.parent, environment, faults)
    place = Place(
        path, home, journal_url or f"sqlite:///{home}/journal.db", tracking_uri or f"sqlite:///{home}/mlflow.db"
    )
    if place.journal_url == place.tracking_uri:
        faults.add(("tracking", "mlflow"), "must not be the journal's database: both keep tables of their own")
    return None if faults.has(("journal",)) or faults.has(("tracking",)) else place


def _url(
    key: tuple[str, str],
    written: str | None,
    schemes: tuple[str, ...],
    folder: Path,
    environment: Mapping[str, str],
    faults: Faults,
) -> str | None:
    if written is None or faults.has(key):
        return None
    try:
        _check_no_password(written)
        return _database(resolved(written, environment), schemes, folder)
    except ValueError as problem:
        faults.add(key, str(problem))
    return None


def _check_no_password(written: str) -> None:
    for pattern in (_PASSWORD, _QUERY_PASSWORD):
        found = pattern.search(without_references(written))
        if found and found["password"]:
            raise ValueError("a password must not stand in the file; write ${env:NAME} in its place")


def _database(url: str, schemes: tuple[str, ...], folder: Path) -> str:
    """The URL, a relative SQLite file made absolute: it starts at the study file."""
    scheme = re.split(r"[:+]", url, maxsplit=1)[0]
    if scheme not in schemes:
        raise ValueError(f"must begin with one of {', '.join(schemes)}, as in sqlite:///{folder.name}.db")
    if scheme != "sqlite":
        return url
    head, slashes, rest = url.partition(":///")
    file, mark, query = rest.partition("?")
    if not slashes or not file or file == ":memory:":
        raise ValueError("must name a file, as in sqlite:///journal.db: what is in memory does not outlive the process")
    return f"{head}:///{os.path.normpath(folder / file)}{mark}{query}"


def display(url: str) -> str:
    """The URL with *** for a password."""
    for pattern in (_PASSWORD, _QUERY_PASSWORD):
        url = pattern.sub(r"\g<before>***", url)
    return url
