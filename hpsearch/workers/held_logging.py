"""Keeps in a file what a trainer logs to an MLflow server that does not answer. The tracker sends it later.

Only metrics and parameters of a started run are kept. Starting a run and logging an artifact need the server.
"""

import functools
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpsearch.core.folders import make_private

SERVER_ERROR = 500
"""HTTP status: the server or a proxy failed. MLflow also raises it if there is no server. With a lower status, a later
attempt would fail too."""


@dataclass(frozen=True)
class HeldBatch:
    """One call of `log_batch`. metrics: name, value, timestamp, step; params, tags: name and value."""

    run: str
    metrics: Sequence[tuple[str, float, int, int]]
    params: Sequence[tuple[str, str]]
    tags: Sequence[tuple[str, str]]


def held_folder(work: Path) -> Path:
    """The folder of these files, one for each trial. work: the study's folder."""
    return work / "held"


def hold_unsent(file: Path) -> None:
    """From now on, write to the file what this process cannot send to an MLflow server; MLflow still raises its error.
    No effect if MLflow is not imported."""
    store = getattr(sys.modules.get("mlflow.store.tracking.rest_store"), "RestStore", None)
    original = getattr(store, "log_batch", None)
    if original is None or hasattr(original, "__wrapped__"):
        return

    @functools.wraps(original)
    def log_batch(self: Any, run_id: str, metrics: Any, params: Any, tags: Any) -> Any:
        try:
            return original(self, run_id, metrics, params, tags)
        except Exception as problem:
            status: Callable[[], int] = getattr(problem, "get_http_status_code", lambda: SERVER_ERROR)
            if status() >= SERVER_ERROR:
                _write(file, run_id, metrics, params, tags)
            raise

    setattr(store, "log_batch", log_batch)  # noqa: B010  # of a class that is not imported here


def _write(file: Path, run: str, metrics: Any, params: Any, tags: Any) -> None:
    pairs = [[[one.key, str(one.value)] for one in given] for given in (params, tags)]
    points = [[one.key, one.value, one.timestamp, one.step] for one in metrics]
    with suppress(OSError, ValueError, TypeError):
        make_private(file.parent)
        with file.open("a") as written:
            written.write(json.dumps([run, points, *pairs]) + "\n")


def held_files(work: Path) -> list[Path]:
    """The files with values to send. A process may still write to its file, so each file is renamed; the process then
    writes to a new one."""
    for path in held_folder(work).glob("*.jsonl"):
        sending = path.with_suffix(".sending")
        if not sending.exists():  # else that one is sent first
            path.rename(sending)
    return sorted(held_folder(work).glob("*.sending"))


def held_batches(path: Path) -> Iterator[HeldBatch]:
    for line in path.read_text().splitlines():
        with suppress(ValueError, TypeError):  # the process was killed while it wrote the last line
            run, metrics, params, tags = json.loads(line)
            yield HeldBatch(run, *([tuple(one) for one in given] for given in (metrics, params, tags)))
