"""A study without [space], whose trainer is an objective of Optuna's: the message has the section to paste."""

import tomllib
from pathlib import Path

import pytest

from hpsearch.core.errors import StudyFileError
from hpsearch.study.definition import Study
from hpsearch.study.file import suggestions

OBJECTIVE = """
import nowhere_to_be_found
LOW = 1

def objective(trial):
    lr = trial.suggest_float("lr", 1e-4, 1e-1, log=True)
    hidden = trial.suggest_int("hidden", low=4, high=64, step=1)
    wide = trial.suggest_int("wide", 4, 64, step=4)
    old = trial.suggest_loguniform("old", 1, 10) + trial.suggest_discrete_uniform("q", 0, 1, 0.5)
    act = trial.suggest_categorical("act", ["relu", True, 3])
    again = trial.suggest_float("lr", 0, 1)
    odd = trial.suggest_categorical("odd", [None, "x"])
    free = trial.suggest_int("free", LOW, 3)
    for i in range(3):
        trial.suggest_int(f"units_{i}", 4, 8)
"""

SPACE = """
lr = { low = 0.0001, high = 0.1, log = true }
hidden = { low = 4, high = 64 }
wide = { low = 4, high = 64, step = 4 }
old = { low = 1.0, high = 10.0, log = true }
q = { low = 0.0, high = 1.0, step = 0.5 }
act = ["relu", true, 3]
odd = ["None", "x"]
"""

STUDY = {
    "study": {"name": "one", "metric": "val_loss", "goal": "minimize"},
    "trainer": {"use": "train:objective", "epochs": 1},
    "search": {"method": "random", "trials": 1},
}


def test_the_lines_of_all_calls() -> None:
    lines = suggestions.entries(OBJECTIVE)
    text = "\n".join(lines.values())
    assert tomllib.loads(text) == tomllib.loads(SPACE)
    comments = [name for name, line in lines.items() if line.startswith("#")]
    assert comments == ["free", "suggest_int(f'units_{i}', 4, 8)"]


@pytest.mark.parametrize("space", [{}, {"space": {}}])
@pytest.mark.parametrize("use", ["train:objective", "train.py:objective"])
def test_they_stand_in_the_message(tmp_path: Path, space: dict[str, object], use: str) -> None:
    (tmp_path / "train.py").write_text(OBJECTIVE)
    study = {**STUDY, **space, "trainer": {"use": use, "epochs": 1}}
    with pytest.raises(StudyFileError) as refused:
        Study.from_dict(study, folder=tmp_path)
    section = (
        str(refused.value).partition("[space]\n")[2] if not space else str(refused.value).rpartition("[space]\n")[2]
    )
    assert tomllib.loads(section) == tomllib.loads(SPACE)


@pytest.mark.parametrize("source", ["def train(params, run): ...", "def train(", "\0"])
def test_other_trainers_ask_for_nothing(tmp_path: Path, source: str) -> None:
    (tmp_path / "train.py").write_text(source)
    assert suggestions.hint("train:objective", tmp_path) == ""
    assert suggestions.hint("nowhere:objective", tmp_path) == ""
    assert suggestions.hint(3, tmp_path) == ""
