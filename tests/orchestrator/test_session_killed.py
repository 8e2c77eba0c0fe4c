"""SIGKILL to a program that asks for trials: what it has reported stands, and the next one goes on."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hpsearch import Session
from hpsearch.core.trial import State
from tests.support.asking import Desk, comparable
from tests.support.told import drive

ROOT = Path(__file__).parents[2]
ROUNDS = {"method": "coarse-to-fine", "rounds": [{"trials": 5, "epochs": 2}, {"trials": 3, "epochs": 5}]}


@pytest.mark.parametrize("reports", [(1, 3, 4), (2, 9, 1)])
def test_the_search_comes_to_what_it_would_have_come_to(desk: Desk, tmp_path: Path, reports: tuple[int, ...]) -> None:
    with Session(desk.study(ROUNDS, "unbroken")) as session:
        drive(session)
    study = tmp_path / "study.json"
    study.write_text(json.dumps(desk.sections(ROUNDS)))
    trained = 0
    for count in reports:
        command = [sys.executable, "-m", "tests.support.asker", str(study), str(tmp_path), "--reports", str(count)]
        killed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
        assert killed.returncode == -9, killed.stderr
        trained += count
        assert sum(trial.epoch for trial in desk.trials()) == trained, "every report stands"
    with Session(desk.study(ROUNDS)) as session:
        drive(session)
    assert [comparable(trial) for trial in desk.trials()] == [comparable(trial) for trial in desk.trials("unbroken")]
    assert desk.state() == desk.state("unbroken")
    assert {trial.state for trial in desk.trials()} <= {State.COMPLETE, State.PAUSED, State.PRUNED}
