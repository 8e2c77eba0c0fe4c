"""No thread sees a library that another thread has not finished importing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HALF_A_PANDAS = "import time; time.sleep(1.0)\nclass Series: ...\nclass Index: ...\n"

DRAWN_MEANWHILE = """
import sys, threading, time
from hpsearch.core.imports import IMPORT_LOCK
from hpsearch.plots import figures

def track():
    with IMPORT_LOCK:
        import pandas

threading.Thread(target=track).start()
while "pandas" not in sys.modules:
    time.sleep(0.01)
trial = {"trial": 0, "continued": False, "value": 0.5, "params": {"x": 0.5}}
one = {"number": 1, "epochs": 1, "trials": [trial], "best": trial, "windows": [{"name": "x", "low": 0.0, "high": 1.0}]}
page = figures.pages({"rounds": {"metric": "m", "goal": "minimize", "log": {"x": False}, "rounds": [one], "over": ""}})
assert "rounds.html" in page
"""


def test_a_plot_waits_for_the_import_of_another_thread(tmp_path: Path) -> None:
    """Plotly looks for pandas in sys.modules, and fails on half of it: `module 'pandas' has no attribute 'Series'`."""
    (tmp_path / "pandas.py").write_text(HALF_A_PANDAS)
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    ran = subprocess.run(
        [sys.executable, "-c", DRAWN_MEANWHILE],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr


STUDY = """
[study]
name = "watched"
metric = "val_loss"
goal = "minimize"
[trainer]
use = "watched_trainer:train"
epochs = 2
[space]
x = {{ low = 0.0, high = 1.0 }}
[search]
{search}
[resources]
address = "none"
"""

TRAINER = """
from hpsearch import Report

def train(params, run):
    for epoch in run.epochs():
        yield Report(epoch, {"val_loss": params["x"] / epoch})
"""

WATCHED = """
import sys
from importlib.abc import MetaPathFinder
from hpsearch.core.imports import IMPORT_LOCK

LARGE = {"mlflow", "pandas", "plotly", "optuna", "pyarrow", "torch", "narwhals"}
imported = {}

class Watch(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name in LARGE:
            imported[name] = IMPORT_LOCK._is_owned()
        return None

from hpsearch.orchestrator import loop

turn = loop.Loop.turn

def watched(self, wait=0.0):
    if not any(isinstance(one, Watch) for one in sys.meta_path):
        sys.meta_path.insert(0, Watch())
    return turn(self, wait)

loop.Loop.turn = watched
from hpsearch.cli.main import main
code = main(["run", "study.toml", "-q"])
assert code == 0, code
print(sorted(imported), file=sys.stderr)
assert imported and all(imported.values()), imported
"""


@pytest.mark.parametrize(
    ("search", "library"),
    [
        ('method = "coarse-to-fine"\nrounds = [{ trials = 4, epochs = 1 }, { trials = 2, epochs = 2 }]', "plotly"),
        pytest.param('method = "bayesian"\ntrials = 6\nstartup_trials = 2', "optuna", marks=pytest.mark.slow),
    ],
)
def test_while_the_loop_turns_nothing_large_is_imported_without_the_lock(
    tmp_path: Path, search: str, library: str
) -> None:
    (tmp_path / "study.toml").write_text(STUDY.format(search=search))
    (tmp_path / "watched_trainer.py").write_text(TRAINER)
    ran = subprocess.run([sys.executable, "-c", WATCHED], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "mlflow" in ran.stderr
    assert library in ran.stderr
