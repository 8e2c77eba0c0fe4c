"""Whether the workers of a cluster can read the home folder of the driver, which has the checkpoints and the logs."""

import platform
import uuid
from contextlib import suppress
from pathlib import Path

from hpsearch.workers.worker import Setup

MARKER = "home-id"
"""A file in the home, with an id. Another folder at the same path, on another node, has another id or none."""


def home_of(setup: Setup) -> Path:
    """See `work_folder` in orchestrator/build.py."""
    return setup.work.parents[1]


def home_id(home: Path) -> str:
    """The content of the marker. It is written once; of several drivers at the same time, the first writes it."""
    marker = home / MARKER
    if not marker.exists():
        home.mkdir(parents=True, exist_ok=True)
        new = home / f".{MARKER}-{uuid.uuid4().hex}"
        new.write_text(uuid.uuid4().hex)
        with suppress(FileExistsError):
            marker.hardlink_to(new)
        new.unlink()
    return marker.read_text()


def host_without_home(setup: Setup) -> str:
    """On a worker: the name of its host where it cannot read the driver's home, else "".

    Nothing is checked without `Setup.home_id`.
    """
    found = ""
    with suppress(OSError):
        found = (home_of(setup) / MARKER).read_text()
    return platform.node() if found != setup.home_id and setup.home_id else ""


def without_home(host: str, home: Path) -> str:
    """The warning."""
    return (
        f"workers on {host} cannot read {home} of this machine: the checkpoints and logs of their trials stay there. "
        "Such a trial is trained again from epoch 1 if another node continues it, and `best` and `evaluate` have no "
        "model of it. Set HPSEARCH_HOME to a folder that all nodes share"
    )
