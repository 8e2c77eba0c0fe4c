"""The schema for editors: current, and in agreement with what `load` takes and refuses."""

import json
import tomllib
from pathlib import Path

import jsonschema
import pytest

from hpsearch.study.file import json_schema
from tests.study.file.test_reading import GOOD
from tests.support.study_text import FILE

COMMITTED = Path(__file__).parents[3] / "studies" / "study.schema.json"


def test_the_committed_file_is_current():
    assert COMMITTED.read_text() == json_schema.text(), (
        "run `python -m hpsearch.study.file.json_schema studies/study.schema.json`"
    )


@pytest.mark.parametrize("text", [FILE, GOOD])
def test_it_takes_what_load_takes(text):
    jsonschema.Draft202012Validator.check_schema(json_schema.json_schema())
    jsonschema.validate(tomllib.loads(text), json_schema.json_schema())


@pytest.mark.parametrize("path", sorted(COMMITTED.parent.glob("*.toml")), ids=lambda path: path.name)
def test_it_takes_every_study_file_of_the_project(path):
    jsonschema.validate(tomllib.loads(path.read_text()), json.loads(COMMITTED.read_text()))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("metric =", "metrik ="),
        ('"minimize"', '"min"'),
        ("epochs = 9", "epochs = 0"),
        ("log = true", "lgo = true"),
        ('"random"', '"rand"'),
        ("trials = 5", "trials = 5.5"),
        ("trials = 5", "trials = 5\n[limits]\nstudy = 5"),
        ("trials = 5", "trials = 5\n[limits]\nstudy = '5'"),
        ("trials = 5", "trials = 5\n[resources]\nper_trial = { memory = '4G' }"),
        ('["sgd", "adam"]', "[]"),
        ("trials = 5", ""),
    ],
)
def test_it_refuses_what_load_refuses(old, new):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(tomllib.loads(FILE.replace(old, new, 1)), json_schema.json_schema())
