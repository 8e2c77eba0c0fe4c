"""Values and comparisons that conditions name."""

import pytest

from hpsearch.study.conditions import exclude_each_other, holds, matches


@pytest.mark.parametrize(
    ("value", "allowed"),
    [
        (3, ">= 3"), (2.5, "<= 2.5"), (3, "> 2"), (3, "<4"), (1e-4, "< 1e-3"), (-1, "> -1.5"), (3, "!= 2"),
        (2, 2), (2.0, 2), (2, 2.0), (True, True), ("a", "a"), ([1], [1]), ({"a": 1}, {"a": 1}), (">= 3", ">= 3"),
        (3, ">= 2 and <= 4"), (3, ">2, <4"), (2, "== 2"),
    ],
)  # fmt: skip
def test_match(value, allowed):
    assert matches(value, allowed)


@pytest.mark.parametrize(
    ("value", "allowed"),
    [
        (2, ">= 3"), (3, "> 3"), (2, "!= 2"), (1, True), (True, 1), (True, ">= 0"), ([1], [1.0]), ([1], [True]),
        ("3", ">= 3"), (3, "at least 3"), (3, "=> 3"), ([3], ">= 3"), ("a", "A"),
        (5, ">= 2 and <= 4"), (1, ">= 2 and <= 4"), (3, ">= 2 or <= 4"), (3, ">= 2 and"),
    ],
)  # fmt: skip
def test_do_not_match(value, allowed):
    assert not matches(value, allowed)


def test_all_named_parameters_count():
    when = {"depth": (">= 3",), "kind": ("a", "b")}
    assert holds(when, {"depth": 4, "kind": "b"})
    assert not holds(when, {"depth": 4, "kind": "c"})
    assert not holds(when, {"depth": 2, "kind": "a"})
    assert not holds(when, {"depth": 4})


@pytest.mark.parametrize(
    ("one", "other", "exclude"),
    [
        (("sgd",), ("adam",), True),
        (("sgd", "adam"), ("adam",), False),
        ((">= 3",), ("< 3",), True),
        ((">= 3",), ("<= 3",), False),
        (("> 3",), ("< 5",), False),
        ((1, 2), (">= 3",), True),
        ((1, 3), (">= 3",), False),
        ((True,), (1,), True),
        (([64],), ([64, 64],), True),
        ((">= 2 and < 4",), (">= 4",), True),
        ((">= 2 and < 4",), ("3",), True),
        ((">= 2 and < 4",), ("> 3.5 and < 9",), False),
    ],
)
def test_exclude_each_other(one, other, exclude):
    assert exclude_each_other({"x": one}, {"x": other}) is exclude
    assert exclude_each_other({"x": other, "y": (1,)}, {"x": one, "z": (1,)}) is exclude


def test_conditions_on_different_parameters_do_not_exclude_each_other():
    assert not exclude_each_other({"x": (1,)}, {"y": (2,)})
