"""Student's t against tables, and against itself."""

import math

import pytest

from hpsearch import student

TABLE = {
    (0.95, 1): 12.7062,
    (0.95, 2): 4.3027,
    (0.95, 3): 3.1824,
    (0.95, 4): 2.7764,
    (0.95, 9): 2.2622,
    (0.95, 30): 2.0423,
    (0.95, 120): 1.9799,
    (0.9, 5): 2.0150,
    (0.99, 10): 3.1693,
}
"""Two-sided, as in Abramowitz and Stegun 1964, table 26.10."""


@pytest.mark.parametrize(("probability", "freedom"), TABLE)
def test_quantiles_are_those_of_the_table(probability: float, freedom: int) -> None:
    assert student.quantile(probability, freedom) == pytest.approx(TABLE[probability, freedom], abs=6e-5)


@pytest.mark.parametrize("freedom", range(1, 40))
def test_a_quantile_is_where_the_probability_is_reached(freedom: int) -> None:
    for probability in (0.01, 0.5, 0.95, 0.999):
        assert student.within(student.quantile(probability, freedom), freedom) == pytest.approx(probability, abs=1e-12)


def test_one_degree_of_freedom_is_cauchys() -> None:
    assert student.within(1.0, 1) == pytest.approx(0.5)
    assert student.within(0.0, 1) == 0.0


def test_many_degrees_of_freedom_are_the_normals() -> None:
    assert student.within(1.5, 5000) == pytest.approx(math.erf(1.5 / math.sqrt(2)), abs=1e-4)
