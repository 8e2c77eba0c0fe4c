"""How many trials and reports a second, on two workers, with trainers that do nothing: the cost of the machinery."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from tests.benchmarks.processes import measured, progress
from tests.benchmarks.searches import Search, run
from tests.benchmarks.table import Row, Table

EPOCHS = 200
SECONDS = 4
LIMIT, TUNE, TUNE_BARE = "bare Ray actors, a call each", "Ray Tune", "Ray Tune without loggers"
TUNE_FRESH = "Ray Tune, a new actor a trial"
ISOLATED, SHARED = 'hpsearch, isolation = "process"', 'hpsearch, isolation = "none"'


def tables() -> Iterator[Table]:
    progress(LIMIT)
    limit = measured("peers.bare_actors", 4000)
    yield _trials(limit)
    yield _reports(limit)


def _trials(limit: float) -> Table:
    rates = {LIMIT: limit}
    for name, isolation in ((SHARED, "none"), (ISOLATED, "process")):
        progress(f"trials: {name}")
        rates[name] = run(Search("noop", epochs=1, seconds=SECONDS, isolation=isolation)).trials_per_second
    for name, trials, loggers, actors in (
        (TUNE, 200, "default", "reuse"),
        (TUNE_BARE, 200, "none", "reuse"),
        (TUNE_FRESH, 20, "default", "fresh"),
    ):
        progress(f"trials: {name}")
        rates[name] = measured("peers.tune", trials, 1, loggers, actors)["trials"]
    return _compared("No-op trials per second", rates, "1 epoch each, 2 workers; Ray Tune reuses its actors but once")


def _reports(limit: float) -> Table:
    search = Search("noop", EPOCHS, seconds=SECONDS, prune="median")
    progress("reports: hpsearch")
    rates = {LIMIT: limit, "hpsearch": run(search).reports_per_second}
    progress("reports: hpsearch, a call each")
    one_by_one = replace(search, options={"slice": 0.0})
    rates["hpsearch, a call each (slices of 0 s)"] = run(one_by_one).reports_per_second
    for name, loggers in ((TUNE, "default"), (TUNE_BARE, "none")):
        progress(f"reports: {name}")
        rates[name] = measured("peers.tune", 10, EPOCHS, loggers, "reuse")["reports"]
    progress("reports: Optuna")
    rates["Optuna's RDBStorage on SQLite"] = measured("peers.optuna_storage", 10, 30)
    note = f"{EPOCHS} epochs a trial, every report judged (median; Tune: ASHA); hpsearch writes all of them to SQLite"
    return _compared("Reports per second", rates, note)


def _compared(title: str, rates: Mapping[str, float], note: str) -> Table:
    columns = ("", "per second", "to the limit", "to Tune", "to Tune without loggers")
    bases = (LIMIT, TUNE, TUNE_BARE)
    rows: list[Row] = [(name, value, *(value / rates[base] for base in bases)) for name, value in rates.items()]
    return Table(title, columns, rows, note)
