"""A user's defaults for all studies: `[tool.hpsearch]` of the nearest pyproject.toml, and the user's config.toml.

The study file and environment variables override both, and pyproject.toml overrides config.toml.
"""

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hpsearch.core.errors import BadInput
from hpsearch.core.ownership import is_planted

KEYS = ("home", "workers", "tracking")


@dataclass(frozen=True)
class Preference:
    """A value and the file that has it; both are None if no file has the setting."""

    value: Any = None
    file: Path | None = None


@dataclass(frozen=True)
class Preferences:
    """home: an absolute folder. workers: trials in parallel, >= 1. tracking: the URI of an MLflow server or store."""

    home: Preference = Preference()
    workers: Preference = Preference()
    tracking: Preference = Preference()


def user_file(environment: Mapping[str, str] = os.environ) -> Path | None:
    """$XDG_CONFIG_HOME/hpsearch/config.toml, by default in ~/.config; None for a user without a home folder."""
    try:
        base = Path(environment.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    except RuntimeError:
        return None
    return base / "hpsearch" / "config.toml"


def project_file(folder: Path) -> Path | None:
    """The nearest pyproject.toml, in the folder or its parents, without files that `is_planted`."""
    absolute = folder.absolute()
    files = (one / "pyproject.toml" for one in (absolute, *absolute.parents))
    return next((file for file in files if file.is_file() and not is_planted(file)), None)


def preferences(folder: Path, environment: Mapping[str, str] = os.environ) -> Preferences:
    """The user's defaults. folder: of the study, or the current one. BadInput names the file, the key and the rule."""
    found = Preferences()
    user, project = user_file(environment), project_file(folder)
    if user is not None and user.is_file():
        found = replace(found, **dict(_read(user, _toml(user))))
    if project is not None:
        tool = _toml(project).get("tool")
        table = tool.get("hpsearch", {}) if isinstance(tool, dict) else {}
        found = replace(found, **dict(_read(project, table, "tool.hpsearch")))
    return found


def _toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise BadInput(f"{file} cannot be read: {problem}") from None


def _read(file: Path, table: Any, inside: str = "") -> Iterator[tuple[str, Preference]]:
    if not isinstance(table, dict):
        raise BadInput(f"{file}: {inside} must be a table, [{inside}]")
    for key, value in table.items():
        name = f"{file}: {inside}.{key}" if inside else f"{file}: {key}"
        if key not in KEYS:
            near = difflib.get_close_matches(key, KEYS, n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"it may have {', '.join(KEYS)}"
            raise BadInput(f"{name} is not a setting; {hint}")
        if key == "workers":
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise BadInput(f"{name} must be a whole number >= 1, got {value!r}")
        elif not isinstance(value, str) or not value:
            raise BadInput(f"{name} must be text, got {value!r}")
        if key == "home":
            try:
                value = (file.parent / Path(value).expanduser()).absolute()
            except RuntimeError:
                raise BadInput(f"{name}: there is no home folder for {value}; write the whole path") from None
        yield key, Preference(value, file)
