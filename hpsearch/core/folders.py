"""Folders in settings, and a home folder for users without one, such as a container's user that /etc/passwd lacks."""

import getpass
import os
import re
from collections.abc import Mapping
from pathlib import Path

from hpsearch.core.errors import BadInput
from hpsearch.core.ownership import is_planted
from hpsearch.core.preferences import preferences

_SQLITE = re.compile(r"(sqlite(?:\+\w+)?:///)(~[^?]*)")
_UMASK = re.compile(r"(0o)?[0-7]{1,4}")


def expanded(path: str) -> Path:
    """The path, with a leading `~` or `~user` replaced by the home folder. BadInput if there is no such folder."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise BadInput(f"there is no home folder for {path}: write the whole path") from None


def expanded_url(url: str) -> str:
    """The URL, with the path of a SQLite file `expanded`; other URLs are unchanged. BadInput."""
    return _SQLITE.sub(lambda found: f"{found[1]}{expanded(found[2])}", url)


def nearby(place: str) -> str:
    """A path, or the path in a SQLite URL, relative to the current folder if it is inside this folder."""
    path = Path(place.removeprefix("sqlite:///"))
    if not path.is_absolute():
        return place
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


FILE_MODE = 0o666
"""The mode of a file for everybody; see `umask`."""


def make_private(folder: Path) -> None:
    """Create a folder and its missing parents, readable by this user only.

    HPSEARCH_UMASK sets another mode: 0027 lets the group read, 0022 everybody. Existing folders keep their modes.
    BadInput, OSError.
    """
    if not folder.exists():
        make_private(folder.parent)
        folder.mkdir(0o777 & ~umask(), exist_ok=True)


def private_opener(path: str, flags: int) -> int:
    """The `opener` of `open` for a file that only this user may read, see `umask`. BadInput, OSError."""
    return os.open(path, flags, FILE_MODE & ~umask())


def umask(environment: Mapping[str, str] = os.environ) -> int:
    """The umask for the files and folders of hpsearch: HPSEARCH_UMASK, 0077 by default. BadInput."""
    given = environment.get("HPSEARCH_UMASK", "0077")
    if not _UMASK.fullmatch(given):
        raise BadInput(f"HPSEARCH_UMASK must be an octal number such as 0077, got {given!r}")
    return int(given, 8)


def study_home(beside: Path, environment: Mapping[str, str] = os.environ) -> Path:
    """The folder of the journal, MLflow's store and the checkpoints: HPSEARCH_HOME, `home` of the preferences, or
    `.hpsearch` in the folder `beside`. BadInput."""
    if named := environment.get("HPSEARCH_HOME"):
        home = expanded(named).absolute()
    else:
        home = preferences(beside, environment).home.value or (beside / ".hpsearch").absolute()
    if "HPSEARCH_UMASK" not in environment and is_planted(home):
        raise BadInput(
            f"{home} belongs to another user, and everybody may write to it or to its folder: set HPSEARCH_HOME to a "
            "folder of yours, or HPSEARCH_UMASK if you share this one"
        )
    return home


def data_folder(environment: Mapping[str, str] = os.environ) -> Path | None:
    """The folder in HPSEARCH_DATA, None if it is not set. BadInput."""
    named = environment.get("HPSEARCH_DATA")
    return expanded(named).absolute() if named else None


def ensure_home(home: Path) -> None:
    """Set HOME if the user has no home folder, and LOGNAME if the user has no name: Ray, MLflow and torch need both.

    home: the value for HOME. The folder is not created.
    """
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = str(home)
    try:
        getpass.getuser()
    except (OSError, KeyError):
        os.environ["LOGNAME"] = f"uid{os.getuid()}"
