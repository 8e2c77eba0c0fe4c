"""How long a user waits for the commands that train nothing: whole processes, from the shell and back."""

import json
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from tests.benchmarks.processes import output, progress, python, seconds
from tests.benchmarks.searches import Search, folder
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


def _row(*arguments: str | Path) -> Row:
    progress(f"hpsearch {arguments[0]}")
    took = median(seconds(python("-m", "hpsearch", *arguments)) for _ in range(5))
    said = output(python("-c", LIST_IMPORTS, json.dumps(HEAVY), *arguments))
    found = json.loads(said.strip().rpartition("\n")[2])
    return f"hpsearch {arguments[0]}", took, ", ".join(found) or "none"
