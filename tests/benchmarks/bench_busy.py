"""The share of their time that workers spend inside trainers: with a slow sampler and a slow MLflow server too.

busy = seconds inside trainers / (workers x wall clock from the first trial's start to the last one's end).
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from tests.benchmarks import recorded, slow_mlflow
from tests.benchmarks.processes import progress
from tests.benchmarks.searches import Search, folder, run, run_file
from tests.benchmarks.table import Row, Table
from tests.benchmarks.trainers import rounds_for

KNOWN = 100
LATENCY = 5.0


def tables() -> Iterator[Table]:
    scales = [(0.1, 50, 4), (1.0, 20, 2)]
    columns = ("", *(f"epochs of {seconds * 1e3:,.0f} ms" for seconds, _, _ in scales))
    both = [_fractions(seconds, epochs, trials) for seconds, epochs, trials in scales]
    rows: Sequence[Row] = [(short[0], short[1], long[1]) for short, long in zip(*both, strict=True)]
    cut = ", ".join(f"{trials} trials of {epochs} epochs of {seconds:g} s" for seconds, epochs, trials in scales)
    note = f"2 workers; bounded in time: {cut}; a start of a second counts the more the shorter a run is"
    yield Table("Busy fraction", columns, rows, note)


def _fractions(seconds: float, epochs: int, trials: int) -> Iterator[tuple[str, float]]:
    sleeper = Search("sleeper", trials, epochs, options={"seconds": seconds})
    spinner = Search("spinner", trials, epochs, options={"rounds": rounds_for(seconds)})

    def announced(name: str) -> str:
        progress(f"{name}, epochs of {seconds:g} s")
        return name

    yield announced("random, sleeping trainer"), run(sleeper).busy_fraction
    yield announced("random, trainer on its core"), run(spinner).busy_fraction
    yield announced(f"Gaussian process after {KNOWN} trials, on its core"), _gaussian_process(spinner)
    with slow_mlflow.server(LATENCY) as uri:
        name = announced(f"MLflow server that takes {LATENCY:g} s a call, sleeping")
        yield name, run(replace(sleeper, mlflow=uri)).busy_fraction


def _gaussian_process(search: Search) -> float:
    """Goes on with a study that has `KNOWN` finished trials."""
    search = replace(search, sampler="gp", trials=KNOWN + search.trials)
    with folder() as place:
        path: Path = search.write(place)
        recorded.write(path, KNOWN)
        return run_file(path).busy_fraction
