"""The program in docs/ask-and-tell.md, as it is printed there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from hpsearch.core.trial import State
from hpsearch.journal import Journal

ROOT = Path(__file__).parents[3]


@pytest.mark.slow
def test_the_program_searches_and_resumes(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    (program,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "ask-and-tell.md").read_text(), re.DOTALL)
    (tmp_path / "own.py").write_text(program)
    environment = {"PYTHONPATH": str(ROOT), "HPSEARCH_HOME": str(tmp_path / "home"), "PATH": ""}
    done = subprocess.run(
        [sys.executable, "own.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "BestTrial" in done.stdout
    with Journal.open(f"sqlite:///{tmp_path / 'home' / 'journal.db'}", create=False) as journal:
        (record,) = journal.studies()
        trials = journal.trials(record.id)
    assert record.state == "COMPLETE"
    assert {trial.state for trial in trials} <= {State.COMPLETE, State.PAUSED, State.PRUNED}
    resumed = [trial for trial in trials if trial.round == 2 and trial.number < 6]
    assert resumed
    assert all(trial.epoch == 8 or trial.state is State.PRUNED for trial in resumed)
