"""Earlier results in a space that has changed since."""

import pytest

from hpsearch.study.earlier_results import LeftOut, Unusable, Why, counted, fitted, ignored
from hpsearch.study.file.faults import Faults
from hpsearch.study.file.lines import Lines
from hpsearch.study.file.space import space_section

BEFORE = {"lr": 0.1, "hid": 4, "opt": "sgd", "momentum": 0.5, "batch": 64}


def space(**entries):
    table = {"lr": {"low": 0.01, "high": 1.0}, "hid": {"low": 1, "high": 8}, "opt": ["sgd", "adam"]}
    table |= {"momentum": {"low": 0.0, "high": 0.9, "when": {"opt": "sgd"}}, "batch": 64, **entries}
    found = space_section.parse({key: one for key, one in table.items() if one is not None}, Faults("here", Lines()))
    assert found is not None
    return found


def why(space, params, searched=None):
    found = fitted(space, params, searched)
    assert isinstance(found, Unusable)
    return found.kind, found.about


def test_an_unchanged_space():
    assert fitted(space(), BEFORE) == BEFORE


def test_a_wider_range():
    assert fitted(space(lr={"low": 1e-3, "high": 2.0}), BEFORE) == BEFORE


def test_a_narrower_range():
    assert why(space(lr={"low": 0.2, "high": 1.0}), BEFORE) == (Why.OUTSIDE, "lr")


def test_a_parameter_added():
    """Without `was` it is not known which value the code had; with it, the result counts there."""
    assert why(space(dropout={"low": 0.0, "high": 0.5}), BEFORE) == (Why.MISSING, "dropout")
    added = space(dropout={"low": 0.0, "high": 0.5, "was": 0})
    assert fitted(added, BEFORE) == {**BEFORE, "dropout": 0.0}
    assert fitted(added, {**BEFORE, "dropout": 0.3}) == {**BEFORE, "dropout": 0.3}


def test_a_choice_and_a_list_added():
    chosen = space(act={"values": ["relu", "gelu"], "was": "relu"})
    assert fitted(chosen, BEFORE) == {**BEFORE, "act": "relu"}
    members = space(n={"low": 1, "high": 2, "was": 1}, units={"count": "n", "low": 8, "high": 64, "was": 16})
    assert fitted(members, BEFORE) == {**BEFORE, "n": 1, "units_1": 16}


def test_a_parameter_added_under_a_condition():
    """It is missing only where it would be active."""
    beta = space(beta={"low": 0.0, "high": 0.9, "when": {"opt": "adam"}})
    assert fitted(beta, BEFORE) == BEFORE
    assert why(beta, {"lr": 0.1, "hid": 4, "opt": "adam", "batch": 64}) == (Why.MISSING, "beta")


def test_a_parameter_removed():
    assert fitted(space(hid=None), BEFORE) == {key: value for key, value in BEFORE.items() if key != "hid"}
    assert ignored(space(hid=None), BEFORE) == ["hid"]
    assert ignored(space(), BEFORE) == []


def test_a_parameter_renamed():
    named = space(hid=None, hidden={"low": 1, "high": 8, "renamed": "hid"})
    assert fitted(named, BEFORE) == {**{key: value for key, value in BEFORE.items() if key != "hid"}, "hidden": 4}
    assert ignored(named, BEFORE) == []


def test_a_list_renamed():
    named = space(n=2, widths={"count": "n", "low": 8, "high": 64, "renamed": "units"})
    found = fitted(named, {**BEFORE, "n": 2, "units_1": 8, "units_2": 9})
    assert found == {**BEFORE, "n": 2, "widths_1": 8, "widths_2": 9}


def test_a_choice_added_and_one_dropped():
    assert fitted(space(opt=["sgd", "adam", "lion"]), BEFORE) == BEFORE
    assert why(space(opt=["adam", "lion"], momentum=None), BEFORE) == (Why.DROPPED, "opt")


def test_a_parameter_fixed():
    """Only results with that value are results of this space; what was fixed throughout may differ."""
    assert why(space(hid=5), BEFORE, ["lr", "hid"]) == (Why.FIXED, "hid")
    assert fitted(space(hid=4), BEFORE, ["lr", "hid"]) == BEFORE
    assert fitted(space(batch=128), BEFORE, ["lr", "hid"]) == {**BEFORE, "batch": 128}
    assert why(space(batch=128), BEFORE) == (Why.FIXED, "batch")


def test_a_fixed_value_is_searched_now():
    assert fitted(space(batch=[32, 64]), BEFORE) == BEFORE


def test_another_kind_and_a_constraint():
    assert why(space(hid=["small", "large"]), BEFORE) == (Why.DROPPED, "hid")
    assert why(space(), {**BEFORE, "hid": 2.5}) == (Why.KIND, "hid")
    assert why(space(constraints=["lr * hid < 0.1"]), BEFORE) == (Why.CONSTRAINT, "lr * hid < 0.1")


def test_ranges_under_conditions_have_one_name():
    two = [
        {"when": {"opt": "sgd"}, "low": 0.0, "high": 1.0, "renamed": "rate"},
        {"when": {"opt": "adam"}, "low": 0.0, "high": 0.01},
    ]
    rate = {"rate": 0.5, "hid": 4, "opt": "sgd", "momentum": 0.5, "batch": 64}
    assert fitted(space(lr=two), rate) == {**BEFORE, "lr": 0.5}
    assert fitted(space(lr=two), {**rate, "lr (opt = sgd)": 0.25}) == {**BEFORE, "lr": 0.25}


def test_reasons_are_counted_the_most_frequent_first():
    one, two = Unusable(Why.MISSING, "a"), Unusable(Why.OUTSIDE, "b", "[0, 1]")
    assert counted([two, one, one]) == (LeftOut(one, 2), LeftOut(two, 1))
    assert counted([two])[0].document() == {"reason": "outside", "about": "b", "trials": 1}


@pytest.mark.parametrize("why", Why)
def test_every_reason_has_a_sentence(why):
    assert Unusable(why, "lr", "[0, 1]").text
