"""[space]: lists, tables, "none" and names with dots."""

import json

import pytest

from hpsearch.study.file.space import space_section
from hpsearch.study.space import Choice, Float
from tests.study.file.space.test_space_section import parsed
from tests.support.study_text import make_study, study_file_errors

OPT = 'opt = ["sgd", "adam"]'


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_lists_and_tables_are_values():
    space = make_study((OPT, "opt = [[64], [64, 64], { units = 64, act = 'relu' }]")).space
    assert space["opt"] == Choice("opt", ([64], [64, 64], {"units": 64, "act": "relu"}))


def test_a_condition_names_a_list():
    study = make_study((OPT, "opt = [[64], [64, 64]]"), ("units = { ", "units = { when = { opt = [[64, 64]] }, "))
    assert study.space["units"].when == {"opt": ([64, 64],)}
    assert {"units" in study.space.from_unit([0.5, u, 0.5]) for u in (0.1, 0.9)} == {True, False}


@pytest.mark.parametrize(
    "space",
    [
        {"layers": [[64], [64, 64], [True], [1]]},
        {"clip": ["none", 0.5, 1, True]},
        {"clip": {"values": ["none", 0.5], "none": True}},
        {
            "size": {
                "values": [{"a": [1, {"b": 2.5}]}, {"a": []}],
                "names": ["small", "none"],
                "when": {"fixed": [1]},
            },
            "fixed": 1,
        },
        {"o.lr": {"low": 0.1, "high": 0.2, "when": {"o.name": ["sgd"]}}, "o.name": ["sgd", "a"]},
    ],
)
def test_is_recorded_as_it_is_read(space):
    found = parsed(space)
    assert found is not None
    assert json.loads(json.dumps(space_section.written(found))) == space


def test_none_of_python_is_the_text():
    assert parsed({"clip": [None, 0.5]}) == parsed({"clip": {"values": ["none", 0.5], "none": True}})


@pytest.mark.parametrize("values", ["[[64], [64]]", "[1, 1.0]", "[true, true]", "[{ a = 1, b = 2 }, { b = 2, a = 1 }]"])
def test_values_must_differ(values):
    assert study_file_errors((OPT, f"opt = {values}"))[0].startswith("study.toml:11 space.opt:")


@pytest.mark.parametrize("values", ["[0, false]", "[1, true]", "[[1], [true]]", '[1, "1"]', "[1, 2, 1.5]"])
def test_values_of_different_types_differ(values):
    space = make_study((OPT, f"opt = {values}")).space
    drawn = [space.from_unit([0.5, u, 0.5])["opt"] for u in (0.1, 0.5, 0.9)]
    assert len({repr(one) for one in drawn}) >= 2
    assert [space["opt"].from_unit(space["opt"].to_unit(one)) for one in drawn] == drawn


def test_faults_of_a_choice():
    found = study_file_errors(
        (
            OPT,
            'a = { values = [[1], [2]], names = ["one"] }\nb = { values = [1, 2], names = ["x", "x"] }\n'
            'c = { values = [1, 2], none = true }\nd = { values = [1, 2], nmes = ["x", "y"] }\n'
            'e = { values = [[1], [2]], names = ["x", ""] }\n'
            "f = [[2000-01-01], [1]]\ng = { values = [1, nan] }\nshape = [[64]]",
        ),
        ("units = { ", "units = { when = { shape = [[32]] }, "),
    )
    assert [line.partition(": ")[0] for line in found] == [
        *("study.toml:11 space.a", "study.toml:12 space.b", "study.toml:13 space.c", "study.toml:14 space.d.nmes"),
        *("study.toml:15 space.e", "study.toml:16 space.f", "study.toml:17 space.g.values.1"),
        "study.toml:19 space.units.when.shape",
    ]
    assert "did you mean `names`?" in found[3]


def test_a_condition_on_a_list_that_is_not_a_value():
    (found,) = study_file_errors((OPT, "shape = [[64]]"), ("units = { ", "units = { when = { shape = [[32]] }, "))
    assert found.startswith("study.toml:12 space.units.when.shape:")


class TestNamesWithDots:
    def test_are_written_in_three_ways(self):
        dots = make_study((OPT, "optimizer.lr = { low = 1, high = 3 }")).space
        quoted = make_study((OPT, '"optimizer.lr" = { low = 1, high = 3 }')).space
        tables = make_study(("[search]", "[space.optimizer]\nlr = { low = 1, high = 3 }\n[search]"), (OPT + "\n", ""))
        assert dots == quoted
        assert tables.space["optimizer.lr"] == dots["optimizer.lr"]

    def test_a_whole_number_with_an_exponent(self):
        assert make_study((OPT, "a.b = { low = 1, high = 1e3 }")).space["a.b"].high == 1000

    def test_a_condition_has_whole_names(self):
        space = make_study(
            (OPT, 'o.name = ["sgd", "adam"]\no.p.momentum = { low = 0.0, high = 0.9, when = { o.name = "sgd" } }')
        ).space
        assert space["o.p.momentum"] == Float("o.p.momentum", 0.0, 0.9, when={"o.name": ("sgd",)})

    def test_fixed_values_beside_searched_ones(self):
        study = make_study((OPT, "o.lr = [0.1, 0.2]\no.nesterov = true"))
        assert study.space.fixed == {"o.nesterov": True}

    def test_faults_have_the_line_and_the_key_as_written(self):
        found = study_file_errors(
            (OPT, "o.lr = { low = 3, high = 1 }\n[space.m]\nwidth = { lo = 1, high = 3 }\ndepth = [1, 1]"),
            ("\nunits = ", "\nm.units = "),
        )
        assert [line.partition(": ")[0] for line in found] == [
            "study.toml:11 space.o.lr", "study.toml:13 space.m.width.low", "study.toml:13 space.m.width.lo",
            "study.toml:14 space.m.depth",
        ]  # fmt: skip

    @pytest.mark.parametrize(
        "entry", ["lr = { vals = [1, 2] }", "lr = { lo = 1, hi = 2 }", "lr = { choices = [1, 2] }"]
    )
    def test_a_parameter_with_wrong_keys_is_no_table_of_parameters(self, entry):
        assert study_file_errors((OPT, entry.replace("lr", "rate")))[0].startswith("study.toml:11 space.rate")

    def test_names_that_are_keys_of_other_tools(self):
        entries = (
            'o.type = ["a", "b"]',
            "o.max = { low = 1, high = 3 }",
            "m.scale = [1, 2]",
            "d.choices = [1]",
            "d.n.values = [3]",
        )
        space = make_study((OPT, "\n".join(entries))).space
        assert {"o.type", "o.max", "m.scale", "d.choices", "d.n"} <= {one.name for one in space.parameters}

    def test_is_changed_by_an_option(self):
        study = make_study((OPT, "o.lr = { low = 1, high = 3 }"), overrides=["space.o.lr.high=7"])
        assert study.space["o.lr"].high == 7

    def test_nested_refuses_a_table_that_is_a_parameter(self):
        found = study_file_errors(
            ("options = { layers = 2 }", "options = { o = 2 }\nnested = true"), (OPT, "o.lr = [1, 2]")
        )
        assert [line.partition(": ")[0] for line in found] == ["study.toml:12 space.o.lr"]
