"""The commands that try the doctor's advice."""

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from hpsearch.cli.text.doctor_commands import commands
from hpsearch.core.trial import Cause, State
from hpsearch.doctor.diagnosis import diagnose
from hpsearch.doctor.findings import Label
from hpsearch.doctor.study_diagnosis import Remark, StudyDiagnosis
from hpsearch.study.definition import Study
from tests.doctor.curve import LOSS, falling, trial

TEXT = """
[study]
name = "toy"
metric = "val_loss"
goal = "minimize"
[trainer]
use = "toy:train"
epochs = 20
[space]
SPACE
[search]
method = "random"
trials = 4
"""

SPACE = """
lr = { low = 1e-5, high = 1e-3, log = true }
weight_decay = { low = 1e-6, high = 1e-2, log = true }
"""


def remark(*labels: Label, best: bool = True, against: str = "") -> Remark:
    return Remark(labels, "advice", (0,), 1, best, against)


def diagnosis(*remarks: Remark) -> StudyDiagnosis:
    done = trial(0, val_loss=falling(2.3, 0.1, 20), state=State.COMPLETE, cause=Cause.DONE)
    return StudyDiagnosis([done], LOSS, {0: diagnose(done, LOSS)}, (0,), remarks)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "my study.toml"


def tried(file: Path, one: Remark, space: str = SPACE, changes: Sequence[str] = ()) -> list[str]:
    file.write_text(TEXT.replace("SPACE", space))
    (found,) = commands(diagnosis(one), "toy", "hpsearch extend toy", "my study.toml", Study.load(file, changes))
    return shlex.split(found)


@pytest.mark.parametrize(
    ("one", "changes"),
    [
        (remark(Label.LR_TOO_LOW), ["space.lr.low=0.0001", "space.lr.high=0.01"]),
        (remark(Label.DIVERGED, Label.LR_TOO_HIGH, best=False), ["space.lr.low=1e-06", "space.lr.high=0.0001"]),
        (remark(Label.OVERFITTING), ["space.weight_decay.high=0.1"]),
    ],
)
def test_a_range_that_moves(file: Path, one: Remark, changes: list[str]) -> None:
    words = [word for change in changes for word in ("--set", change)]
    assert tried(file, one) == ["hpsearch", "run", "my study.toml", "--fork", "toy-2", *words]
    assert Study.load(file, changes).space != Study.load(file).space


def test_longer_training_is_an_extension(file: Path) -> None:
    assert tried(file, remark(Label.STILL_IMPROVING)) == ["hpsearch", "extend", "toy", "--epochs", "40", "--best", "1"]


def test_no_command_where_the_study_searches_no_parameter_for_it(file: Path) -> None:
    assert tried(file, remark(Label.OVERFITTING), "x = { low = 0.0, high = 1.0 }") == []
    assert tried(file, remark(Label.LR_TOO_LOW), "x = { low = 0.0, high = 1.0 }") == []
    assert tried(file, remark(Label.LR_TOO_LOW, against="the results")) == []
    assert commands(diagnosis(remark(Label.LR_TOO_LOW)), "toy", "hpsearch extend toy", "toy", None) == [""]


def test_two_remarks_with_the_same_change_are_one_piece_of_advice() -> None:
    best, every = remark(Label.LR_TOO_LOW), remark(Label.LR_TOO_LOW, best=False)
    assert diagnosis(best, every).advice == (best,)
    assert diagnosis(best, replace(every, labels=(Label.LR_TOO_HIGH,))).advice == (
        best,
        replace(every, labels=(Label.LR_TOO_HIGH,)),
    )
