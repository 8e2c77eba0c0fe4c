"""The keys `was` and `renamed` of [space]: read, recorded, and their faults."""

import json

import pytest

from hpsearch.study.earlier_names import Earlier
from hpsearch.study.file.space import space_section
from tests.study.file.space.test_space_section import parsed
from tests.support.study_text import study_file_errors

TABLE = {
    "lr": {"low": 0.0, "high": 1.0, "was": 0.1},
    "opt": {"values": ["sgd", "adam"], "was": "sgd", "renamed": "optimizer"},
    "n": {"low": 1, "high": 2},
    "units": {"count": "n", "low": 1, "high": 4, "renamed": "widths"},
    "m": [
        {"when": {"opt": ["sgd"]}, "low": 0.0, "high": 0.9, "was": 0.5},
        {"when": {"opt": ["adam"]}, "low": 1, "high": 2},
    ],
}


def test_are_read_and_recorded():
    found = parsed(TABLE)
    assert found is not None
    assert found.earlier == {
        "lr": Earlier(0.1),
        "opt": Earlier("sgd", "optimizer"),
        "units": Earlier(None, "widths"),
        "m": Earlier(0.5),
    }
    written = json.loads(json.dumps(space_section.written(found)))
    assert written == TABLE
    assert parsed(written) == found


@pytest.mark.parametrize(
    ("entry", "key", "message"),
    [
        ("{ low = 0.0, high = 1.0, was = 2.0 }", "x.was", "must be a number from 0.0 to 1.0, got 2.0"),
        ('{ low = 0, high = 9, was = "none" }', "x.was", 'must be a number from 0 to 9, got "none"'),
        ("{ low = 0, high = 9, was = 0.5 }", "x.was", "must be a number from 0 to 9, got 0.5"),
        ('{ values = ["a", "b"], was = "c" }', "x.was", 'must be one of "a", "b", got "c"'),
        ('{ low = 0.0, high = 1.0, renamed = "lr" }', "x.renamed", 'is the name of another parameter, got "lr"'),
        ('{ low = 0.0, high = 1.0, renamed = "" }', "x.renamed", "a name must have 1 to 250 characters, got 0"),
        ("{ low = 0.0, high = 1.0, renamed = 3 }", "x.renamed", "must be a string, got 3"),
        ('{ low = 0.0, high = 1.0, rename = "y" }', "x.rename", "did you mean `renamed`?"),
    ],
)
def test_faults(entry, key, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    opt = 'opt = ["sgd", "adam"]'
    (error,) = study_file_errors((opt, f"{opt}\nx = {entry}"))
    assert f"space.{key}" in error
    assert message in error


def test_two_parameters_cannot_have_had_one_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    opt = 'opt = ["sgd", "adam"]'
    entry = '{ low = 0.0, high = 1.0, renamed = "z" }'
    (error,) = study_file_errors((opt, f"{opt}\nx = {entry}\ny = {entry}"))
    assert error.endswith('space.y.renamed: is the former name of `x` too, got "z"')
