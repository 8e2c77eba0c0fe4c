"""What it costs to have every curve in MLflow: the same study with its store and without, in turn."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from statistics import median

from tests.benchmarks.processes import progress, rate
from tests.benchmarks.searches import Ran, Search, run
from tests.benchmarks.table import Row, Table
from tests.benchmarks.trainers import rounds_for

EPOCH = 0.02
COMING_UP = 8.0
"""Seconds in which MLflow is imported and its store made; a cost that a study has once."""


def tables() -> Iterator[Table]:
    training = Search("spinner", trials=30, epochs=50, options={"rounds": rounds_for(EPOCH)})
    rows = [
        _row("no-op trials", Search("noop", trials=4000, epochs=1), lambda ran: ran.trials_per_second),
        _row("no-op reports", Search("noop", trials=100, epochs=200), lambda ran: ran.reports_per_second),
        *_training(training),
    ]
    note = (
        f"local SQLite store; epochs of {EPOCH * 1e3:.0f} ms are a fixed amount of work for a core, so a core that "
        "the tracker takes is seen; medians of runs in turn"
    )
    yield Table("What MLflow costs", ("per second", "without", "with MLflow", "cost in %"), rows, note)


def _training(search: Search) -> list[Row]:
    """The first seconds and what comes after them, from the same runs."""
    pairs = [_pair(f"training, {turn} of 2", search) for turn in (1, 2)]

    def compared(name: str, value: Callable[[Ran], float]) -> Row:
        without, with_ = (median(value(pair[place]) for pair in pairs) for place in (0, 1))
        return name, without, with_, cost(without, with_)

    what = f"epochs of {EPOCH * 1e3:.0f} ms"
    return [
        compared(f"{what}, the first {COMING_UP:.0f} s", lambda ran: _epochs_per_second(ran, 0.0, COMING_UP)),
        compared(f"{what}, from then on", lambda ran: _epochs_per_second(ran, COMING_UP, float("inf"))),
    ]


def _row(name: str, search: Search, value: Callable[[Ran], float]) -> Row:
    without, with_ = map(value, _pair(name, search))
    return name, without, with_, cost(without, with_)


def _pair(name: str, search: Search) -> tuple[Ran, Ran]:
    progress(f"{name}: without MLflow")
    without = run(search)
    progress(f"{name}: with MLflow")
    return without, run(replace(search, mlflow=""))


def _epochs_per_second(ran: Ran, after: float, before: float) -> float:
    """Between two moments of a run, in seconds since its first report; before one worker has run out of trials."""
    both_busy = sorted(trial.ended_at for trial in ran.trials)[-2] / 1000
    first = ran.reports[0]
    return rate([at for at in ran.reports if after <= at - first < before and at <= both_busy])


def cost(without: float, with_: float) -> float:
    """Percent of the speed that is lost."""
    return 100.0 * (1.0 - with_ / without)
