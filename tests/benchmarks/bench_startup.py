"""How long a user waits: for the commands that train nothing, from the shell and back, and for a study's first epoch.

The first epoch is compared with a program that trains the same network without hpsearch, in rounds: each program runs
once in each round, so other work on the machine hits all of them.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from tests.benchmarks.processes import measured, output, progress, python, seconds
from tests.benchmarks.searches import Search, folder, run
from tests.benchmarks.table import Row, Table

HEAVY = ("ray", "torch", "mlflow", "optuna", "sqlalchemy", "sklearn", "pandas")

LIST_IMPORTS = """
import json, sys
from hpsearch.cli.main import main
try:
    main(sys.argv[2:])
except SystemExit:
    pass
print()
print(json.dumps([name for name in json.loads(sys.argv[1]) if name in sys.modules]))
"""


def tables() -> Iterator[Table]:
    with folder() as place:
        study = Search("noop", epochs=1).write(place)
        rows = [_row("--help"), _row("check", study)]
    columns = ("", "seconds", "heavy imports")
    yield Table("Start", columns, rows, f"median of 5 processes; looked for: {', '.join(HEAVY)}")
    yield _first_epochs()


ROUNDS = 5

PLAIN = "a program without hpsearch"

STUDIES = {
    'address = "none"': Search("train", epochs=1, trials=1, module="torch_trainer", address="none"),
    'Ray, isolation = "none"': Search("train", epochs=1, trials=1, module="torch_trainer"),
    'Ray, isolation = "process"': Search("train", epochs=1, trials=1, module="torch_trainer", isolation="process"),
}


def _first_epochs() -> Table:
    took: dict[str, list[float]] = {name: [] for name in (PLAIN, *STUDIES)}
    for number in range(ROUNDS):
        progress(f"first epochs, round {number + 1} of {ROUNDS}")
        began = time.time()
        took[PLAIN].append(measured("torch_trainer") - began)
        for name, search in STUDIES.items():
            began = time.time()
            took[name].append(run(search).reports[0] - began)
    rows: list[Row] = [
        (name, median(times), min(times), median(one - plain for one, plain in zip(times, took[PLAIN], strict=True)))
        for name, times in took.items()
    ]
    columns = ("from the command to the first epoch", "seconds, median", "least", "more than the program, median")
    return Table("First epoch", columns, rows, f"a small network on torch; {ROUNDS} rounds, each with all four")


def _row(*arguments: str | Path) -> Row:
    progress(f"hpsearch {arguments[0]}")
    took = median(seconds(python("-m", "hpsearch", *arguments)) for _ in range(5))
    said = output(python("-c", LIST_IMPORTS, json.dumps(HEAVY), *arguments))
    found = json.loads(said.strip().rpartition("\n")[2])
    return f"hpsearch {arguments[0]}", took, ", ".join(found) or "none"
