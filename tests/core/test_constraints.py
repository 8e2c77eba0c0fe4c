"""Constraints between parameters: what they may say, and for which parameters they hold."""

import pickle

import pytest

from hpsearch.core.constraints import NotComputable, read


@pytest.mark.parametrize(
    ("text", "params"),
    [
        ("a <= b", {"a": 1, "b": 1}),
        ("a + b * 2 - c / 4 <= 1", {"a": 0.25, "b": 0.25, "c": 1}),
        ("batch * accumulate == 256", {"batch": 32, "accumulate": 8}),
        ("a // 2 == 3 and a % 2 == 1", {"a": 7}),
        ("2 ** a >= 8", {"a": 3}),
        ("-a < 0 < +b", {"a": 1, "b": 1}),
        ("1 <= a < b <= 4", {"a": 1, "b": 4}),
        ("optimizer != 'sgd' or momentum > 0", {"optimizer": "adam"}),
        ("optimizer != 'sgd' or momentum > 0", {"optimizer": "sgd", "momentum": 0.5}),
        ("not (a == 1 and b == 2)", {"a": 1, "b": 3}),
        ("optimizer.lr * 10 <= 1", {"optimizer.lr": 0.1}),
        ("optimizer in ['sgd', 'adam']", {"optimizer": "sgd"}),
        ("optimizer not in ('sgd', 'adam')", {"optimizer": "lion"}),
        ("flag == true", {"flag": True}),
        ("flag or a > 3", {"flag": True, "a": 1}),
        ("momentum > 0.5", {"optimizer": "adam"}),
        ("a < 1 and momentum > 0.5", {"a": 0}),
        ("max(a, b) - min(a, b) == abs(a - b)", {"a": 1, "b": 4}),
        ("sum(layers) <= 96 and len(layers) == 2", {"layers": [64, 32]}),
        ("layers[0] >= layers[-1]", {"layers": [64, 32]}),
        ("layers[2] >= 100", {"layers": [64, 32]}),
        ("layers == [64, 32] and 64 in layers", {"layers": [64, 32]}),
    ],
)
def test_holds(text, params):
    assert read(text).holds(params)


@pytest.mark.parametrize(
    ("text", "params"),
    [
        ("a <= b", {"a": 2, "b": 1}),
        ("1 <= a < b <= 4", {"a": 1, "b": 5}),
        ("optimizer != 'sgd' or momentum > 0", {"optimizer": "sgd", "momentum": 0.0}),
        ("a < 1 and momentum > 0.5", {"a": 2}),
        ("1 / a > 0", {"a": 0}),
        ("a ** 1000 > 0", {"a": 2}),
        ("a * 1e308 * 10 < 1", {"a": 1}),
        ("a < 1", {"a": "text"}),
        ("a + 1 > 0", {"a": True}),
        ("(0 - a) ** 0.5 > 0", {"a": 2}),
        ("sum(layers) <= 96", {"layers": [64, 64]}),
        ("64 in a", {"a": 64}),
        ("len(a) > 0", {"a": 2}),
        ("max(layers) > 0", {"layers": []}),
        ("layers > 0", {"layers": [1]}),
    ],
)
def test_does_not_hold(text, params):
    assert not read(text).holds(params)


@pytest.mark.parametrize(
    "text",
    [
        "", "a", "a + b", "1 <= 2", "true", "a <", "a <= b; c", "a = b", "lambda: a > 1", "__import__('os') == 1",
        "a.__class__() == 1", "open('x') != a", "[x for x in a] == 1", "a[b] > 1", "a if b else c", "f'{a}' == b",
        "a @ b > 1", "a & b == 1", "(x := 1) > a", "a is b", "a in 'b'", "a > 1j", "a == b''", "a > ...", "{1: a} == 2",
        "a < 1" + " and a < 1" * 2_000, "(" * 300 + "a" + ")" * 300 + " > 1", "a > " + "9" * 5_000,
        "a == None", "not a(1)", "{a} == 1", "a[0:1] == 1", "a[0.5] > 1", "abs(a, b) > 1", "min() > a",
        "max(a, key=b) > 1",
        "max(*a) > 1", "abs.real > a()", "(a)(1) > 1", "sum(x for x in a) > 1",
    ],
)  # fmt: skip
def test_is_refused(text):
    with pytest.raises(ValueError, match=r"\S"):
        read(text)


def test_names():
    assert read("a.b.c + d <= 1 and opt != 'x' or flag == true").names == {"a.b.c", "d", "opt", "flag"}


def test_why_it_cannot_be_computed():
    for text in ("a / 0 > 1", "a % 0 == 1", "opt + 1 > a", "10 ** 1000 > a"):
        with pytest.raises(NotComputable):
            read(text).check({"a": 1, "opt": "sgd"})
    read("1 / a > 0 or a == 0").check({"a": 1})


def test_a_list_of_parameters():
    """A family: the trial has as many of its elements as it has layers."""
    one = read("sum(net.units) <= 100", {"net.units": ("net.units_1", "net.units_2")})
    assert one.names == {"net.units_1", "net.units_2"}
    assert one.holds({"net.units_1": 90})
    assert not one.holds({"net.units_1": 90, "net.units_2": 20})
    assert one.holds({})
    assert not pickle.loads(pickle.dumps(one)).holds({"net.units_1": 90, "net.units_2": 20})


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("a && b", "and, or, not"),
        ("!a", "and, or, not"),
        ("a => b", ">= and <="),
        ("a < = b", ">= and <="),
        ("a = b", "=="),
    ],
)
def test_operators_of_other_languages(text, hint):
    with pytest.raises(ValueError, match=hint):
        read(text)


def test_can_be_pickled():
    one = read("a <= b")
    again = pickle.loads(pickle.dumps(one))
    assert again == one
    assert not again.holds({"a": 2, "b": 1})
