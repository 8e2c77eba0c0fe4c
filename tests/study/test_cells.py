"""Values of parameters as tables, MLflow and JSON have them."""

import math

import pytest

from hpsearch.study.cells import number_of, value_of
from hpsearch.study.space import Choice, Float, Int

LR, DEPTH = Float("lr", 0.0, 1.0), Int("depth", 1, 8)
OPT = Choice("opt", ("sgd", "adam"))
MIXED = Choice("mixed", (1, True, "none", 0.5, "1e-3"))
LISTS = Choice("layers", ([64], [64, 32]), names=("small", "large"))


@pytest.mark.parametrize(
    ("parameter", "cell", "value"),
    [
        (LR, "1e-3", 0.001),
        (LR, 2, 2.0),
        (LR, "0,5", None),
        (LR, "", None),
        (LR, True, None),
        (LR, math.nan, None),
        (DEPTH, "3", 3),
        (DEPTH, 3.0, 3),
        (DEPTH, "3.5", None),
        (DEPTH, 10**400, 10**400),
        (OPT, "adam", "adam"),
        (OPT, "Adam", None),
        (MIXED, "true", True),
        (MIXED, "1.0", 1),
        (MIXED, None, "none"),
        (MIXED, "None", "none"),
        (MIXED, 0.001, None),
        (MIXED, "1e-3", "1e-3"),
        (LISTS, "[64, 32]", [64, 32]),
        (LISTS, "[64,32]", [64, 32]),
        (LISTS, "(64, 32)", [64, 32]),
        (LISTS, [64], [64]),
        (LISTS, "large", [64, 32]),
        (LISTS, "[64", None),
    ],
)
def test_the_value_that_a_cell_means(parameter, cell, value):
    found = value_of(parameter, cell)
    assert found == value
    assert type(found) is type(value)


def test_a_cell_as_a_number():
    assert number_of("-inf") == -math.inf
    assert math.isnan(number_of("nan") or 0.0)
    assert (number_of(None), number_of("x"), number_of(True), number_of([1])) == (None, None, None, None)
