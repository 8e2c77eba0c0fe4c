"""SIGKILL to a program that asks for trials: its reports are kept, and the next program continues."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hpsearch import Session
from hpsearch.core.trial import State
from tests.support.session_folder import SessionFolder, comparable
from tests.support.session_trainer import drive

ROOT = Path(__file__).parents[3]
ROUNDS = {"method": "coarse-to-fine", "rounds": [{"trials": 5, "epochs": 2}, {"trials": 3, "epochs": 5}]}


@pytest.mark.parametrize("reports", [(1, 3, 4), (2, 9, 1)])
def test_the_search_has_the_same_result_as_without_the_kill(
    session_folder: SessionFolder, tmp_path: Path, reports: tuple[int, ...]
) -> None:
    with Session(session_folder.study(ROUNDS, "unbroken")) as session:
        drive(session)
    study = tmp_path / "study.json"
    study.write_text(json.dumps(session_folder.sections(ROUNDS)))
    trained = 0
    for count in reports:
        command = [sys.executable, "-m", "tests.support.ask_and_tell_process", str(study), str(tmp_path)]
        command += ["--reports", str(count)]
        killed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
        assert killed.returncode == -9, killed.stderr
        trained += count
        assert sum(trial.epoch for trial in session_folder.trials()) == trained, "every report stands"
    with Session(session_folder.study(ROUNDS)) as session:
        drive(session)
    assert [comparable(trial) for trial in session_folder.trials()] == [
        comparable(trial) for trial in session_folder.trials("unbroken")
    ]
    assert session_folder.state() == session_folder.state("unbroken")
    assert {trial.state for trial in session_folder.trials()} <= {State.COMPLETE, State.PAUSED, State.PRUNED}
