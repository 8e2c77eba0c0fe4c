"""[space]: several ranges of one name, comparisons, families."""

import json

import pytest

from hpsearch.study.families import Family
from hpsearch.study.file.space import space_section
from hpsearch.study.grid_counts import grid_size
from hpsearch.study.space import Choice, Float, Int, Space
from tests.study.file.space.test_space_section import parsed
from tests.support.study_text import LR, make_study, study_file_errors

OPT = 'opt = ["sgd", "adam"]'
TWO = (
    '[{ when = { opt = "sgd" }, low = 1e-3, high = 1.0, log = true }, '
    '{ when = { opt = "adam" }, values = [1e-4, 1e-3] }]'
)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def keys(*changes):
    return [line.partition(": ")[0].removeprefix("study.toml:") for line in study_file_errors(*changes)]


def test_one_name_has_several_ranges():
    space = make_study((LR, TWO)).space
    assert space.parameters[0] == Choice("opt", ("sgd", "adam"))
    assert {one.key for one in space.parameters if one.name == "lr"} == {"lr (opt = sgd)", "lr (opt = adam)"}
    for u in (0.0, 0.3, 0.7, 1.0):
        for v in (0.1, 0.9):
            params = space.from_unit([u, v, v, v])
            assert (params["lr"] >= 1e-3) if params["opt"] == "sgd" else params["lr"] in (1e-4, 1e-3)
            assert space.contains(params)
            assert space.from_unit([0.5 if one is None else one for one in space.to_unit(params)]) == params


@pytest.mark.parametrize(
    "space",
    [
        {
            "a": ["x", "y"],
            "b": [{"low": 1, "high": 2, "when": {"a": ["x"]}}, {"low": 5, "high": 6, "when": {"a": ["y"]}}],
        },
        {"d": {"low": 1, "high": 5}, "b": {"low": 1, "high": 2, "when": {"d": [">= 3"]}}},
        {"d": {"low": 0.0, "high": 5.0, "step": 1.0}, "b": {"low": 1, "high": 2, "when": {"d": [">= 3", 1.0]}}, "c": 1},
        {"n": {"low": 0, "high": 3}, "units": {"count": "n", "low": 16, "high": 256}},
        {"n": [1, 4], "units": {"count": "n", "values": [[1], [2]], "when": {"k": [1]}}, "k": [1, 2]},
    ],
)
def test_is_recorded_as_it_is_read(space):
    found = parsed(space)
    assert found is not None
    table = json.loads(json.dumps(space_section.written(found)))
    assert table == space
    assert parsed(table) == found


def test_a_comparison():
    space = make_study(
        ("units = { ", 'units = { when = { depth = ">= 3" }, '), (OPT, "depth = { low = 1, high = 4 }")
    ).space
    counts = {depth: "units" in space.from_unit([0.5, (depth - 0.5) / 4, 0.5]) for depth in (1, 2, 3, 4)}
    assert counts == {1: False, 2: False, 3: True, 4: True}


def test_all_values_but_one():
    space = make_study(
        ("units = { ", 'units = { when = { opt = "!= sgd" }, '), (OPT, 'opt = ["sgd", "adam", "lion"]')
    ).space
    assert space["units"].when == {"opt": ("adam", "lion")}


def test_a_grid_with_comparisons():
    space = Space(
        (Int("d", 1, 4), Choice("k", ("a", "b"), when={"d": (">= 3",)}), Int("m", 0, 2, when={"d": ("< 2",)}))
    )
    points = list(space.grid())
    assert len(points) == grid_size(space) == 3 + 1 + 2 + 2
    assert all(space.contains(point) for point in points)


def test_a_family():
    space = make_study(
        (OPT, "n_layers = { low = 1, high = 3 }"), ("units = { ", 'units = { count = "n_layers", ')
    ).space
    assert space.families == (Family("units", "n_layers", ("units_1", "units_2", "units_3")),)
    assert {one.name: dict(one.when) for one in space.parameters if one.name.startswith("units")} == {
        "units_1": {}, "units_2": {"n_layers": (">= 2",)}, "units_3": {"n_layers": (">= 3",)},
    }  # fmt: skip


def test_a_family_of_a_conditional_or_fixed_count():
    space = parsed(
        {"k": [1, 2], "n": {"low": 0, "high": 2, "when": {"k": [1]}}, "u": {"count": "n", "values": ["a", "b"]}}
    )
    assert space is not None
    assert set(space.middle()) in ({"k"}, {"k", "n", "u_1"})
    assert space["u_1"].when == {"n": (">= 1",)}
    fixed = parsed({"n": 2, "u": {"count": "n", "low": 0.0, "high": 1.0}})
    assert fixed is not None
    assert [one for one in fixed.parameters] == [Float("u_1", 0.0, 1.0), Float("u_2", 0.0, 1.0)]  # noqa: C416


class TestFaults:
    def test_of_alternatives(self):
        assert keys(
            (
                LR,
                '[{ low = 1, high = 2 }, { when = { opt = "sgd" }, low = 3, high = 2 }, '
                '{ when = { opt = "rmsprop" }, low = 1, high = 2 }, { when = { opt = "adam" }, lo = 1, high = 2 }]',
            )
        ) == ["10 space.lr.0", "10 space.lr.1", "10 space.lr.3.low", "10 space.lr.3.lo", "10 space.lr.2.when.opt"]

    def test_of_conditions_that_do_not_exclude_each_other(self):
        one = '{ when = { opt = "sgd" }, low = 1, high = 2 }'
        assert keys((LR, f"[{one}, {one}]")) == ["10 space.lr.1.when"]
        assert keys((LR, f"[{one}, {one.replace('opt', 'units').replace('sgd', '>= 20')}]")) == ["10 space.lr.1.when"]

    @pytest.mark.parametrize(
        "allowed",
        [
            '">= 300"',
            '"< 16"',
            '"=> 17"',
            '"at least 17"',
            '"> 256"',
            '"> 17.1 and < 17.9"',
            '"> 9 or < 3"',
            '"== 300"',
        ],
    )
    def test_of_comparisons(self, allowed):
        assert keys((OPT, f'opt = {{ values = ["sgd"], when = {{ units = {allowed} }} }}')) == [
            "11 space.opt.when.units"
        ]

    def test_of_a_comparison_with_texts(self):
        assert keys((LR, LR.replace("}", ', when = { opt = ">= 1" } }'))) == ["10 space.lr.when.opt"]

    @pytest.mark.parametrize(
        ("count", "n"),
        [
            ('"m"', "{ low = 1, high = 3 }"),
            ('"n"', "{ low = 0.5, high = 3.0 }"),
            ('"n"', '["a", "b"]'),
            ('"n"', "{ low = -1, high = 3 }"),
            ('"n"', "{ low = 1, high = 3000 }"),
            ("3", "{ low = 1, high = 3 }"),
            ('"units"', "{ low = 1, high = 3 }"),
        ],
    )
    def test_of_the_count_of_a_family(self, count, n):
        assert keys((OPT, f"n = {n}"), ("units = { ", f"units = {{ count = {count}, ")) == ["12 space.units.count"]

    def test_of_a_family(self):
        family = ("units = { low = 16, high = 256, log = true }", 'units = { count = "n", low = 3, high = 1, stp = 2 }')
        assert keys((OPT, "n = { low = 1, high = 3 }"), family) == ["12 space.units.stp", "12 space.units"]
        assert keys((OPT, "n = { low = 3, high = 1 }"), family) == [
            "11 space.n",
            "12 space.units.stp",
            "12 space.units",
        ]

    def test_of_a_member_that_is_a_parameter(self):
        assert keys((OPT, "n = 3\nunits_2 = [1, 2]"), ("units = { ", 'units = { count = "n", ')) == ["13 space.units"]

    def test_of_a_cycle_through_alternatives(self):
        assert keys(
            (LR, '[{ when = { opt = "sgd" }, low = 1, high = 2 }, { when = { opt = "adam" }, low = 5, high = 6 }]'),
            (OPT, 'opt = { values = ["sgd", "adam"], when = { lr = 1 } }'),
        ) == ["10 space.lr.when"]
