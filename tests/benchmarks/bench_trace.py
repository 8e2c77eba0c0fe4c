"""The number of files and functions that one trial of two epochs passes, from its TOML file to MLflow."""

from collections.abc import Iterator

from tests.benchmarks.processes import measured, progress
from tests.benchmarks.table import Table

BEFORE = (61, 474, 1_328, 491)
"""Of the last version that had loose modules, by the same script."""


def tables() -> Iterator[Table]:
    progress("one trial, traced")
    found = measured("traced_run")
    rows = [("before the rooms", *BEFORE), ("now", *found["all"]), ("of it in the loop", *found["loop"])]
    rows.append(("of that without calls in core/", *found["without values"]))
    yield Table("One trial of two epochs", ("", "files", "functions", "calls", "changes of file"), rows)
    yield Table("Its files, in the order of first calls", ("",), [(file,) for file in found["order"]])
