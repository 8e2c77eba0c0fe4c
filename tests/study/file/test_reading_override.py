"""`--set`: what it changes, and what it cannot."""
# ruff: noqa: E501 (one fault, one line)

import pytest

from hpsearch.study.file import search_sections
from hpsearch.study.plan import proposals
from hpsearch.study.space import Choice, Float
from tests.support.study_text import RANDOM, ROUNDS, make_study, study_file_errors


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_set_changes_a_value():
    overrides = (
        "space.lr.low=1e-4",
        "study.name = other name",
        "search.trials=9",
        "limits.study=6h",
        'space.opt=["sgd"]',
        "space.units=32",
        "space.lr.step=0.5",
        "space.lr.log=false",
        "space.lr.low=0",
        "resources.per_trial.memory=1GiB",
        'trainer.options."layers"=3',
    )
    study = make_study(overrides=overrides)
    assert study.space["lr"] == Float("lr", 0.0, 1.0, step=0.5)
    assert study.space["opt"] == Choice("opt", ("sgd",))
    assert study.space.fixed == {"units": 32}
    assert study.study.name == "other name"
    assert study.search == search_sections.Random(method="random", trials=9)
    assert study.limits.study == 21600.0
    assert study.resources.per_trial.memory == 2**30
    assert study.trainer.options == {"layers": 3}


def test_set_reaches_into_a_list():
    change = (RANDOM, ROUNDS + "[{ trials = 3, epochs = 4 }]")
    assert proposals(make_study(change, overrides=["search.rounds.0.trials=8"])) == 8


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("space.lrr.low=1", "--set space.lrr.low: there is no `lrr` in space; did you mean `lr`?"),
        ("space.new=1", "--set space.new: there is no `new` in space"),
        ("trainer.options.layer=1", "--set trainer.options.layer: there is no `layer` in trainer.options; did you mean `layers`?"),
        ("space.lr.lwo=1", "--set space.lr.lwo: unknown key `lwo`; did you mean `low`?"),
        ("serach.trials=1", "--set serach.trials serach: unknown key `serach`; did you mean `search`?"),
        ("search.trils=1", "--set search.trils: unknown key `trils`; did you mean `trials`?"),
        ("limits.stdy=1h", "--set limits.stdy: unknown key `stdy`; did you mean `study`?"),
        ("study.name.first=1", "--set study.name.first: `study.name` is a value, not a table"),
        ("space.opt.7=1", "--set space.opt.7: `space.opt` has elements 0 to 1, got `7`"),
        ("space.opt.x=1", "--set space.opt.x: `space.opt` has elements 0 to 1, got `x`"),
        ("space.lr.low=x", '--set space.lr.low: must be a finite number, got "x"'),
        ("search.trials=99999999999999999999", '--set search.trials: must be a whole number, got "99999999999999999999"'),
        ("limits.study=5", '--set limits.study: must be a duration such as "5s" or "1h30m", got 5'),
        ("limits=5", "--set limits: must be a table, [limits], got 5"),
        ("space.lr.low", "--set space.lr.low: must be KEY=VALUE, such as --set space.lr.low=1e-4"),
        ("=5", "--set : must be KEY=VALUE, such as --set space.lr.low=1e-4"),
        ("a b=5", "--set a b: must be KEY=VALUE, such as --set space.lr.low=1e-4"),
        ("a" * 200 + ".b" * 40 + "=5", f"--set {'a' * 60}: must be KEY=VALUE, such as --set space.lr.low=1e-4"),
    ],
)  # fmt: skip
def test_a_set_that_cannot_be(override, message):
    assert study_file_errors(overrides=[override]) == [message]


def test_what_a_set_makes_wrong_elsewhere_is_told_of_that_place():
    (fault,) = study_file_errors(overrides=["space.lr.low=0"])
    assert fault.startswith("study.toml:10 space.lr: ")
    assert fault.endswith("low = 0")
