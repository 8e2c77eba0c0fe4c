"""[space] constraints: written, read, and their faults."""

import json
import pickle

import pytest

from hpsearch.study.file.space import space_section
from tests.study.file.space.test_space_section import parsed
from tests.support.study_text import make_study, study_file_errors

OPT = 'opt = ["sgd", "adam"]'


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def with_constraints(*texts):
    return (OPT, f"{OPT}\nx = {{ low = 0, high = 9 }}\nfixed = 3\nconstraints = {json.dumps(texts)}")


def test_are_read():
    space = make_study(with_constraints("units <= x * 100", "opt != 'sgd' or lr < 0.1", "x < fixed")).space
    assert [one.text for one in space.constraints] == ["units <= x * 100", "opt != 'sgd' or lr < 0.1", "x < fixed"]
    assert "constraints" not in {one.name for one in space.parameters} | set(space.fixed)
    assert space.allows({"units": 16, "x": 1, "opt": "adam", "lr": 1.0, "fixed": 3})
    assert not space.allows({"units": 16, "x": 3, "opt": "adam", "lr": 1.0, "fixed": 3})


@pytest.mark.parametrize(
    "text",
    [
        "x + learning-rate * 10 <= 9", "'learning-rate' < 0.5 and x < 5", "lambda < 1 and opt == 'sgd'",
        "opt in ['sgd'] and weight decay * 2 >= 1", "'in' < 1", "µ/l < 5 or model.lambda > 2", "x -learning-rate < 5",
    ],
)  # fmt: skip
def test_names_that_python_cannot_read(text):
    names = ["learning-rate", "weight decay", "lambda", "in", "µ/l", "model.lambda"]
    table = {"opt": ["sgd", "adam"], "x": {"low": 0.0, "high": 9.0}, "constraints": [text]}
    space = parsed(table | {name: {"low": 0.0, "high": 1.0} for name in names})
    assert space is not None
    low = {"opt": "sgd", "x": 0.0} | dict.fromkeys(names, 0.0) | {"weight decay": 1.0}
    assert space.constraints[0].names <= {"x", "opt", *names}
    assert pickle.loads(pickle.dumps(space)).allows(low)
    assert not space.allows({"opt": "adam", "x": 9.0} | dict.fromkeys(names, 2.0) | {"µ/l": 9.0, "weight decay": 0.1})


def test_are_recorded_as_they_are_read():
    table = {"o.lr": {"low": 0.0, "high": 1.0}, "n": [1, 2], "constraints": ["o.lr * n <= 1", "n != 2 or o.lr > 0.1"]}
    found = parsed(table)
    assert found is not None
    written = json.loads(json.dumps(space_section.written(found)))
    assert written == table
    assert parsed(written) == found


@pytest.mark.parametrize(
    "text",
    [
        "untis <= x",
        "units <=",
        "units + x",
        "opt + 1 <= x",
        "units / 0 <= x",
        "units <= x" + " and units <= x" * 2_000,
        "__import__('os').system('true') == 0",
        "units <= -1",
        "x == 'sgd'",
        "x <= 3 or opt != 'sdg'",
        "opt in ['adam', 'sdg']",
        "'sdg' == opt",
        "units ≤ 100",
    ],
)
def test_faults(text):
    (found,) = study_file_errors(with_constraints("x <= 9", text))
    assert found.startswith("study.toml:14 space.constraints.1:")
    assert ("did you mean `units`?" in found) == ("untis" in text)
    assert ('never "sdg"; did you mean `sgd`?' in found) == ("sdg" in text)
    assert ("comparisons are written >= and <=" in found) == ("≤" in text)


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ('"units <= x"', "space.constraints:"),
        ('["units <= x", 3]', "space.constraints.1:"),
        ('["units <= x", ["x > 1"]]', "space.constraints.1:"),
        ('["units = 3"]', "space.constraints.0:"),
        ('[["units <= x"]]', "space.constraints.0:"),
    ],
)
def test_wrong_forms_of_the_whole(written, path):
    """They are no parameter with the name `constraints`."""
    (found,) = study_file_errors((OPT, f"{OPT}\nx = {{ low = 0, high = 9 }}\nconstraints = {written}"))
    assert found.startswith(f"study.toml:13 {path}")
    assert ("==" in found) == ("= 3" in written)


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("a + b + c == 1", 'remove c, write "0 <= 1 - a - b <= 2", and compute c = 1 - a - b in the trainer'),
        ("2 * b == a * 3 + 0.123456", 'write "0 <= 0.061728 + 1.5 * a <= 1", and compute b = 0.061728 + 1.5 * a'),
        ("a * b * c == 0.123456789", "equal: compute one of them from the others in the trainer"),
        ("a / b == 0.123456789", "equal: compute one of them from the others in the trainer"),
    ],
)
def test_an_equation_of_real_numbers(text, advice):
    space = f"{OPT}\na = {{ low = 0.0, high = 1.0 }}\nb = {{ low = 0.0, high = 1.0 }}\nc = {{ low = 0.0, high = 2.0 }}"
    (found,) = study_file_errors((OPT, f"{space}\nconstraints = [{json.dumps(text)}]"))
    assert advice in found


def test_a_family():
    family = 'n = { low = 1, high = 3 }\nw = { count = "n", low = 1, high = 9 }'
    space = make_study((OPT, f'{family}\nconstraints = ["sum(w) <= 9", "w[0] >= w[1]"]')).space
    drawn = space.fixed | {"lr": 0.1, "units": 16, "n": 2}
    assert space.allows(drawn | {"w_1": 5, "w_2": 4})
    assert not space.allows(drawn | {"w_1": 4, "w_2": 5})
    assert not space.allows(drawn | {"w_1": 6, "w_2": 4})


def test_a_text_without_quotes():
    (found,) = study_file_errors(with_constraints("opt == sgd or x > 1"))
    assert "'sgd'" in found


def test_all_faults_at_once():
    found = study_file_errors(with_constraints("untis <= 1", "x <", "yy == 2 or zz > 1"))
    assert [line.partition(": ")[0] for line in found] == [
        "study.toml:14 space.constraints.0", "study.toml:14 space.constraints.1",
        "study.toml:14 space.constraints.2", "study.toml:14 space.constraints.2",
    ]  # fmt: skip


def test_faults_beside_those_of_a_parameter():
    found = study_file_errors(with_constraints("x < oops", "x <", "x < 3"), ("high = 256", "hihg = 256"))
    assert [line.partition(": ")[0] for line in found] == [
        "study.toml:14 space.constraints.0",
        "study.toml:14 space.constraints.1",
        "study.toml:15 space.units.high",
        "study.toml:15 space.units.hihg",
    ]


def test_constraints_that_exclude_each_other():
    (found,) = study_file_errors(with_constraints("units >= 16", "x > 5", "x < 3"))
    assert found.startswith("study.toml:14 space.constraints.1:")
