"""The duration of one proposal of a sampler, by the number of finished trials."""

import time
from collections.abc import Iterator
from statistics import median

from hpsearch.orchestrator import build
from hpsearch.study.definition import Study
from tests.benchmarks import recorded
from tests.benchmarks.processes import progress
from tests.benchmarks.searches import Search, folder
from tests.benchmarks.table import Row, Table

ASKS = 5


def tables() -> Iterator[Table]:
    cases = [("random", 100), ("random", 10_000), ("tpe", 100), ("tpe", 1000), ("gp", 100), ("cmaes", 100)]
    rows = [_row(sampler, known) for sampler, known in cases]
    yield Table("Asks", ("sampler", "trials known", "ms an ask"), rows, f"4 parameters; median of {ASKS} asks")


def _row(sampler: str, known: int) -> Row:
    progress(f"{sampler} after {known} trials")
    with folder() as place:
        study = Study.load(Search("noop", epochs=1, sampler=sampler).write(place))
    asked, history, took = build.sampler(study), recorded.history(study, known), []
    for _ in range(ASKS + 1):
        began = time.perf_counter()
        asked.ask(history)
        took.append(time.perf_counter() - began)
    return sampler, known, 1e3 * median(took[1:])  # the first one imports
