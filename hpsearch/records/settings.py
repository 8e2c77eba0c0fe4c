"""The settings that apply to studies in the current folder, and where each of them is set."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hpsearch.core.folders import data_folder, study_home
from hpsearch.core.preferences import Preference, preferences, project_file, user_file
from hpsearch.core.redact import redact


@dataclass(frozen=True)
class Setting:
    """source: an environment variable, the path of a file, "default", or "" for a setting without a value."""

    value: str | int | None
    source: str


@dataclass(frozen=True)
class Settings:
    """project: the nearest pyproject.toml, "" for none. user: the path of the user's config.toml, which may not
    exist."""

    home: Setting
    data: Setting
    workers: Setting
    tracking: Setting
    project: str
    user: str

    def document(self) -> dict[str, Any]:
        return asdict(self)


def settings(folder: Path = Path(), environment: Mapping[str, str] = os.environ) -> Settings:
    """BadInput: one of the files is invalid."""
    found = preferences(folder, environment)
    home, data = str(study_home(folder, environment)), data_folder(environment)
    return Settings(
        home=Setting(home, "HPSEARCH_HOME" if environment.get("HPSEARCH_HOME") else _source(found.home)),
        data=Setting(str(data) if data else None, "HPSEARCH_DATA" if data else ""),
        workers=Setting(found.workers.value, _source(found.workers)),
        tracking=Setting(
            redact(found.tracking.value or f"sqlite:///{Path(home) / 'mlflow.db'}"), _source(found.tracking)
        ),
        project=str(project_file(folder) or ""),
        user=str(user_file(environment) or ""),
    )


def _source(preference: Preference) -> str:
    return str(preference.file) if preference.file else "default"
