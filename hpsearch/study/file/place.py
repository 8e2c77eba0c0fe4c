"""The URLs of a study's journal, MLflow store and webhook, and the folder of its files."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hpsearch.core.errors import BadInput
from hpsearch.core.folders import expanded_url, study_home
from hpsearch.core.preferences import preferences
from hpsearch.core.redact import is_ambiguous
from hpsearch.study.file.address_secrets import (
    MAX_LENGTH,
    REFERENCE,
    has_secret,
    keep_secrets,
    keep_webhook,
    resolved,
    shown,
)
from hpsearch.study.file.faults import Faults


@dataclass(frozen=True)
class Locations:
    """folder: the base of relative paths. path: the study file, or None. home: the folder of the embedded databases
    and all files. The URLs may contain a password; the displays do not. webhook: notify.url, if there is one."""

    folder: Path
    path: Path | None
    home: Path
    webhook: str | None = field(repr=False)
    journal_url: str = field(repr=False)
    tracking_uri: str = field(repr=False)
    journal_display: str
    tracking_display: str


@dataclass(frozen=True)
class _Store:
    """file: in `home`, the default. schemes: of a valid URL. rule: the error message for other schemes."""

    key: tuple[str, str]
    file: str
    schemes: tuple[str, ...]
    rule: str


_JOURNAL = _Store(
    ("journal", "url"),
    "journal.db",
    ("sqlite", "postgresql"),
    "must be a sqlite or postgresql URL, such as sqlite:///journal.db",
)
_TRACKING = _Store(
    ("tracking", "mlflow"),
    "mlflow.db",
    ("sqlite", "postgresql", "mysql", "mssql", "http", "https", "databricks", "none"),
    "must be a sqlite, postgresql, mysql, mssql, http, https or databricks URL, such as sqlite:///mlflow.db, "
    'or "none" (MLflow no longer supports folders)',
)

_WEBHOOK = ("notify", "url")


def with_preferences(
    tables: dict[str, Any], folder: Path, environment: Mapping[str, str], faults: Faults
) -> dict[str, Any]:
    """The tables of a study, with the user's defaults for resources.workers and tracking.mlflow where it has none."""
    try:
        found = preferences(folder, environment)
    except BadInput as problem:
        faults.add((), str(problem))
        return tables
    defaults = (("resources", "workers", found.workers), (*_TRACKING.key, found.tracking))
    for name, key, preference in defaults:
        table = tables.get(name, {})
        if preference.value is not None and isinstance(table, dict) and key not in table:
            tables = {**tables, name: {**table, key: preference.value}}
    return tables


def find(
    folder: Path, path: Path | None, tables: Mapping[str, Any], environment: Mapping[str, str], faults: Faults
) -> Locations | None:
    """None if a URL has a fault, which is added to `faults`. Messages do not show the URL."""
    folder = folder.absolute()
    try:
        home = study_home(folder, environment)
    except BadInput as problem:
        if environment.get("HPSEARCH_HOME"):  # faults of the preferences are added already
            faults.add((), f"HPSEARCH_HOME: {problem}")
        return None
    if "?" in f"{folder}{home}":
        faults.add((), "the paths of its folder and of HPSEARCH_HOME must not contain `?`, which ends a path in a URL")
    urls: dict[str, str] = {}
    displays: dict[str, str] = {}
    for store in (_JOURNAL, _TRACKING):
        table, key = store.key
        written = tables.get(table, {}).get(key)
        url = f"sqlite:///{home / store.file}" if written is None else written
        try:
            if not faults.has(store.key):
                urls[table] = _url(url, store, folder, environment)
                displays[table] = shown(url, urls[table])
        except (ValueError, BadInput) as problem:
            faults.add(store.key, str(problem))
    if len(set(urls.values())) == 1 and len(urls) == 2:
        faults.add(_TRACKING.key, "must not be the journal's database: MLflow and hpsearch each need their own")
    webhook = _webhook(tables.get("notify", {}), environment, faults)
    if len(urls) < 2:
        return None
    return Locations(folder, path and path.absolute(), home, webhook, *urls.values(), *displays.values())


def _webhook(table: Mapping[str, Any], environment: Mapping[str, str], faults: Faults) -> str | None:
    written = table.get("url")
    if not isinstance(written, str) or faults.has(_WEBHOOK):
        return None
    address = resolved(written, environment)
    is_known = all(environment.get(name) is not None for name in REFERENCE.findall(written))  # not so in `submit`
    try:
        _check_length(written)
        if is_known and not re.match(r"https?://[^/?#\s]+[^\s]*$", address):
            raise ValueError("must be the address of a webhook, https://… or http://…")
        keep_webhook(written, environment)
    except ValueError as problem:
        faults.add(_WEBHOOK, str(problem))
    return address


def _check_length(address: str) -> None:
    if len(address) > MAX_LENGTH:
        raise ValueError(f"must have at most {MAX_LENGTH:,} characters, got {len(address):,}")


def _url(written: str, store: _Store, folder: Path, environment: Mapping[str, str]) -> str:
    """The resolved URL. The path of a SQLite file, which is relative to the study file, is made absolute."""
    _check_length(written)
    if has_secret(written):
        raise ValueError("a password must not be in the file; write ${env:NAME} in its place")
    url = resolved(written, environment)
    keep_secrets(written, environment)
    scheme = re.split("[:+]", url, maxsplit=1)[0]
    if scheme not in store.schemes:
        raise ValueError(store.rule)
    if is_ambiguous(url):
        raise ValueError("the password in it must be percent-encoded: %40 for @, %2F for /, %3F for ?, %23 for #")
    if scheme != "sqlite":
        return url
    head, _, rest = expanded_url(url).partition(":///")
    file, mark, options = rest.partition("?")
    if not file or file == ":memory:":
        raise ValueError("must name a file, as in sqlite:///journal.db: a database in memory ends with the process")
    return f"{head}:///{os.path.normpath(folder / file)}{mark}{options}"
