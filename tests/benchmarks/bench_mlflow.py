"""What it costs to have every curve in MLflow: the same study with its store and without it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from tests.benchmarks.processes import progress, rate
from tests.benchmarks.searches import Ran, Search, run
from tests.benchmarks.table import Row, Table
from tests.benchmarks.trainers import rounds_for

EPOCH = 0.02
COMING_UP = 8
"""Seconds in which MLflow is imported and its store made: a cost that a study has once."""


def tables() -> Iterator[Table]:
    training = Search("spinner", epochs=50, seconds=16, options={"rounds": rounds_for(EPOCH)})
    noop = Search("noop", epochs=1, seconds=12)
    note = (
        f"2 workers, a local SQLite store, which is imported and made in the first {COMING_UP} s; epochs of "
        f"{EPOCH * 1e3:.0f} ms are a fixed amount of work, so that a core which the tracker takes is seen"
    )
    rows = [
        *_rows(f"epochs of {EPOCH * 1e3:.0f} ms", training, lambda ran: ran.reports),
        *_rows("no-op trials", noop, lambda ran: ran.ends),
        *_rows("no-op reports", replace(noop, epochs=200), lambda ran: ran.reports),
    ]
    yield Table("What MLflow costs", ("per second", "without", "with MLflow", "cost in %"), rows, note)


def _rows(name: str, search: Search, moments: Callable[[Ran], Sequence[float]]) -> list[Row]:
    """The first seconds and what comes after them, from the same two runs."""
    progress(f"{name}: without MLflow")
    without = moments(run(search))
    progress(f"{name}: with MLflow")
    with_ = moments(run(replace(search, mlflow="")))
    return [
        _row(f"{name}, the first {COMING_UP} s", _part(without, 0, COMING_UP), _part(with_, 0, COMING_UP)),
        _row(f"{name}, from then on", _part(without, COMING_UP, 3600), _part(with_, COMING_UP, 3600)),
    ]


def _part(moments: Sequence[float], after: float, before: float) -> float:
    """Events per second in a part of a run, given in seconds since its first event."""
    return rate([moment for moment in moments if after <= moment - moments[0] < before])


def _row(name: str, without: float, with_: float) -> Row:
    return name, without, with_, 100 * (1 - with_ / without)
