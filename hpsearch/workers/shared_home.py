"""Checks that a cluster's workers can read the driver's home folder, where the checkpoints and logs are."""

import platform
import uuid
from contextlib import suppress
from pathlib import Path

from hpsearch.core.folders import make_private
from hpsearch.workers.worker import Setup

MARKER = "home-id"
"""A file with an id in the home folder. A different folder at the same path, on another node, has another id or
none."""


def home_of(setup: Setup) -> Path:
    """The home folder; see `work_folder` in orchestrator/build.py."""
    return setup.work.parents[1]


def home_id(home: Path) -> str:
    """The content of the marker, which the first driver writes."""
    marker = home / MARKER
    if not marker.exists():
        make_private(home)
        new = home / f".{MARKER}-{uuid.uuid4().hex}"
        new.write_text(uuid.uuid4().hex)
        with suppress(FileExistsError):
            marker.hardlink_to(new)
        new.unlink()
    return marker.read_text()


def host_without_home(setup: Setup) -> str:
    """On a worker: the name of its host if it cannot read the driver's home, else "".

    Nothing is checked without `Setup.home_id`.
    """
    found = ""
    with suppress(OSError):
        found = (home_of(setup) / MARKER).read_text()
    return platform.node() if found != setup.home_id and setup.home_id else ""


def without_home(host: str, home: Path) -> str:
    """The warning for a host without the home folder."""
    return (
        f"workers on {host} cannot read {home} of this machine: the checkpoints and logs of their trials stay there. "
        "Such a trial is trained again from epoch 1 if another node continues it, and `best` and `evaluate` have no "
        "model of it. Set HPSEARCH_HOME to a folder that all nodes share"
    )
