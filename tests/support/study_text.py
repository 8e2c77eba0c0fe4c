"""A study file for tests, and functions that replace parts of it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from hpsearch.core.errors import StudyFileError
from hpsearch.study.definition import Study

FILE = """\
[study]
name = "digits"
metric = "val_loss"
goal = "minimize"
[trainer]
use = "trainers.digits:train"
epochs = 9
options = { layers = 2 }
[space]
lr = { low = 1e-5, high = 1.0, log = true }
opt = ["sgd", "adam"]
units = { low = 16, high = 256, log = true }
[search]
method = "random"
trials = 5
"""
"""Fifteen lines; appended text begins on line 16."""

# Parts of FILE, and beginnings of replacements.
LR = "{ low = 1e-5, high = 1.0, log = true }"
RANDOM = '"random"\ntrials = 5'
ROUNDS = '"coarse-to-fine"\nrounds = '
SETS = '"list"\nsets = '

NOTHING: Mapping[str, str] = {}


def make_study(
    *changes: tuple[str, str], environment: Mapping[str, str] = NOTHING, overrides: Sequence[str] = ()
) -> Study:
    """The study of FILE in the current folder, with parts replaced; "" stands for the end of the file."""
    text = FILE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1) if old else text + new
    Path("study.toml").write_text(text)
    return Study.load("study.toml", overrides, environment)


def study_file_errors(
    *changes: tuple[str, str], environment: Mapping[str, str] = NOTHING, overrides: Sequence[str] = ()
) -> list[str]:
    """The lines of the error message for a changed FILE."""
    with pytest.raises(StudyFileError) as problem:
        make_study(*changes, environment=environment, overrides=overrides)
    assert problem.value.exit_code == 2
    return str(problem.value).split("\n")
