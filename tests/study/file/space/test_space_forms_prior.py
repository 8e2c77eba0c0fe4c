"""The key `prior` in [space]."""

import pytest

from hpsearch.study.file.space import space_section
from hpsearch.study.priors import Prior
from tests.study.file.space.test_space_section import parsed
from tests.support.study_text import LR, study_file_errors


def test_is_read_and_written():
    table = {
        "lr": {"low": 1e-5, "high": 1, "log": True, "prior": {"value": 1e-3, "weight": "strong"}},
        "layers": {"low": 1, "high": 4, "prior": {"value": 2, "weight": "weak"}},
        "optimizer": {"values": ["sgd", "adam"], "prior": {"value": "adam", "weight": "weak"}},
    }
    space = parsed(table)
    assert space["lr"].prior == Prior(1e-3, "strong")
    assert space["layers"].prior == Prior(2, "weak")
    assert parsed(space_section.written(space)) == space
    assert space_section.written(space)["optimizer"] == table["optimizer"]


def test_the_weight_is_weak_and_a_whole_number_is_a_float():
    prior = parsed({"lr": {"low": 0.5, "high": 2.0, "prior": {"value": 1}}})["lr"].prior
    assert prior == Prior(1.0, "weak")
    assert type(prior.value) is float


@pytest.mark.parametrize(
    ("entry", "key"),
    [
        ("{ low = 0.1, high = 1.0, prior = { value = 2.0 } }", "space.lr.prior.value"),
        ('{ low = 0.1, high = 1.0, prior = { value = "0.3" } }', "space.lr.prior.value"),
        ("{ low = 1, high = 9, prior = { value = 2.5 } }", "space.lr.prior.value"),
        ('{ values = ["a", "b"], prior = { value = "c" } }', "space.lr.prior.value"),
        ('{ low = 0.1, high = 1.0, prior = { value = 0.3, weight = "stong" } }', "space.lr.prior.weight"),
        ("{ low = 0.1, high = 1.0, prior = { value = 0.3, wieght = 1 } }", "space.lr.prior.wieght"),
        ("{ low = 0.1, high = 1.0, prior = { } }", "space.lr.prior.value"),
        ("{ low = 0.1, high = 1.0, prior = 0.3 }", "space.lr.prior"),
        ("{ low = 0.1, high = 0.1, prior = { value = 0.1 } }", "space.lr.prior"),
        ("{ low = 0.1, high = 1.0, prior = { value = nan } }", "space.lr.prior.value"),
    ],
)
def test_wrong_forms(entry, key, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (error,) = study_file_errors((LR, entry))
    assert error.startswith(f"study.toml:10 {key}: ")
