"""The share of their time that workers spend inside trainers: with a slow sampler and a slow MLflow server too.

busy = seconds inside trainers / (workers x wall clock from the first trial's start to the last one's end).
"""

from collections.abc import Iterator
from dataclasses import replace

from tests.benchmarks import recorded, slow_mlflow
from tests.benchmarks.processes import progress
from tests.benchmarks.searches import Ran, Search, folder, run, run_file
from tests.benchmarks.table import Row, Table
from tests.benchmarks.trainers import rounds_for

KNOWN = 100
LATENCY = 5.0


def tables() -> Iterator[Table]:
    yield _table(0.1, epochs=50, trials=4)
    yield _table(1.0, epochs=20, trials=2)


def _table(seconds: float, epochs: int, trials: int) -> Table:
    size = f"{trials} trials of {epochs} epochs on 2 workers"
    note = (
        f"{size}, so that it is bounded in time; a start of a second counts for more than in a long study. The trainer "
        "sleeps, as on a GPU, or fills its core with work, so that whatever takes the core away makes an epoch longer"
    )
    rows = list(_rows(seconds, epochs, trials))
    return Table(f"Busy fraction, epochs of {seconds:g} s", ("", "busy", "wall, s"), rows, note)


def _rows(seconds: float, epochs: int, trials: int) -> Iterator[Row]:
    sleeper = Search("sleeper", epochs, trials, options={"seconds": seconds})
    spinner = Search("spinner", epochs, trials, options={"rounds": rounds_for(seconds)})
    progress(f"epochs of {seconds:g} s: random")
    yield _row("random, sleeping", run(sleeper))
    yield _row("random, full cores", run(spinner))
    progress(f"epochs of {seconds:g} s: Gaussian process")
    yield _row(f"Gaussian process after {KNOWN} trials, full cores", _go_on(spinner))
    progress(f"epochs of {seconds:g} s: slow MLflow server")
    with slow_mlflow.server(LATENCY) as uri:
        yield _row(f"MLflow server that takes {LATENCY:g} s a call, sleeping", run(replace(sleeper, mlflow=uri)))


def _row(name: str, ran: Ran) -> Row:
    return name, ran.busy_fraction, ran.reports[-1] - ran.reports[0]


def _go_on(search: Search) -> Ran:
    """With a study that has `KNOWN` finished trials."""
    search = replace(search, sampler="gp", trials=KNOWN + search.trials)
    with folder() as place:
        path = search.write(place)
        recorded.write(path, KNOWN)
        ran = run_file(path)
        return replace(ran, trials=ran.trials[KNOWN:])
