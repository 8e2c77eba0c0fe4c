"""Orders to a worker as a pool sends them, and the contents of its checkpoint stores."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from hpsearch.core.messages import Reported, Start
from hpsearch.core.trial import Params
from hpsearch.workers.checkpoints import CheckpointStore
from hpsearch.workers.isolation.isolated_worker import IsolatedWorker
from hpsearch.workers.worker import Worker

EPOCHS = 6


def start(number: int = 0, params: Params | None = None, *, until: int = EPOCHS, **changes: Any) -> Start:
    return Start(**{"number": number, "params": params or {}, "seed": 3, "until": until, "epochs": EPOCHS, **changes})


def train(worker: Worker | IsolatedWorker, order: Start) -> Reported:
    """All reports after an order, until the trial ends or reaches the epoch `until`, as one event."""
    came = [worker.start(order)]
    while not (came[-1].ended or came[-1].failure or _is_at(order.until, came[-1])):
        came.append(worker.advance())
    reports = tuple(report for reported in came for report in reported.reports)
    notes = tuple(note for reported in came for note in reported.notes)
    return replace(came[-1], reports=reports, notes=notes)


def _is_at(epoch: int, reported: Reported) -> bool:
    return bool(reported.reports) and reported.reports[-1].step >= epoch


def train_and_release(worker: Worker | IsolatedWorker, order: Start) -> Reported:
    reported = train(worker, order)
    worker.release()
    return reported


def store_of(work: Path, number: int = 0) -> CheckpointStore:
    return CheckpointStore(work / "checkpoints" / f"{number:05d}", f"u/{number}")


def checkpoint_files(work: Path, number: int = 0) -> list[str]:
    return sorted(path.name for path in store_of(work, number).folder.glob("*.pt"))
