"""A random study of 10,000 no-op trials in one process: what a trial costs must not grow with those before it."""

from collections.abc import Iterator
from statistics import median

from tests.benchmarks.processes import measured, progress, python, seconds
from tests.benchmarks.searches import Search, folder
from tests.benchmarks.table import Table

TRIALS = 10_000


def tables() -> Iterator[Table]:
    with folder() as place:
        study = Search("noop", epochs=1, trials=TRIALS, address="none").write(place)
        progress(f"{TRIALS} trials")
        driver = measured("timed_driver", study)
        progress("hpsearch status")
        status = median(seconds(python("-m", "hpsearch", "status", study)) for _ in range(3))
    rows = [
        (f"{1000 * place:,} to {1000 * (place + 1):,}", *(1e3 * one for one in (ask, write, ask + write, whole)))
        for place, (ask, write, whole) in enumerate(driver["thousands"])
    ]
    columns = ("trials", "ask, CPU ms", "journal, CPU ms", "ask + journal, CPU ms", "all, wall ms")
    note = "in process, random, 1 epoch, SQLite; medians of each thousand; waiting for the disk is wall clock only"
    yield Table(f"A study of {TRIALS:,} trials, per trial", columns, rows, note)
    answers = [("driver's peak memory, MiB", driver["peak_mib"]), ("`hpsearch status`, s", status)]
    yield Table(f"A study of {TRIALS:,} trials, in all", ("", "measured"), answers)
