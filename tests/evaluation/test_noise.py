"""Estimates of noise, against calculations by hand, tables of Student's t, and simulated searches."""

import math
import random

import pytest

from hpsearch.core.trial import Objective, Plain, Report, State, Trial
from hpsearch.evaluation.noise import Noise, Spread, difference, pooled, repeated, within

LOSS = Objective("val_loss", "minimize")


def trial(number: int, value: float, state: State = State.COMPLETE, **params: Plain) -> Trial:
    return Trial(number, params, number, until=1, state=state, curve=(Report(1, {"val_loss": value}),))


def test_mean_spread_and_interval_of_five_seeds() -> None:
    spread = Spread((1.0, 2.0, 3.0, 4.0, 5.0))
    assert spread.mean == 3.0
    assert spread.sd == pytest.approx(math.sqrt(2.5))
    assert spread.margin == pytest.approx(2.7764 * math.sqrt(2.5 / 5), abs=1e-4)


def test_one_seed_has_no_spread() -> None:
    assert (Spread((0.5,)).mean, Spread((0.5,)).sd, Spread((0.5,)).margin) == (0.5, None, None)


def test_intervals_have_their_nominal_coverage() -> None:
    """2,000 samples of 4: the share's standard deviation is sqrt(0.95 * 0.05 / 2000) = 0.005; 4 of them are 0.02."""
    rng = random.Random(1)
    held = 0
    for _ in range(2000):
        spread = Spread(tuple(rng.gauss(7, 2) for _ in range(4)))
        assert spread.margin is not None
        held += abs(spread.mean - 7) <= spread.margin
    assert held / 2000 == pytest.approx(0.95, abs=0.02)


def test_noise_needs_groups_of_two_or_more() -> None:
    assert within([[1.0, 3.0]]) == Noise(math.sqrt(2.0), 1)
    assert within([[5.0], []]) is None
    found = within([[1.0, 3.0], [7.0], [4.0, 5.0, 6.0]])
    assert found is not None
    assert found.freedom == 3
    assert found.sd == pytest.approx(math.sqrt((2.0 + 2.0) / 3))


def test_equal_values_give_no_noise_estimate() -> None:
    assert within([[0.9, 0.9], [0.8, 0.8, 0.8]]) is None
    assert within([[0.9, 0.9], [0.7, 0.9]]) is not None


def test_estimates_are_weighted_by_their_degrees_of_freedom() -> None:
    both = pooled([Noise(1.0, 1), Noise(2.0, 9)])
    assert both == Noise(math.sqrt((1 + 36) / 10), 10)
    assert pooled([]) is None


def test_the_limit_is_that_of_two_values() -> None:
    assert Noise(1.0, 2).limit == pytest.approx(4.303 * math.sqrt(2), rel=1e-3), "from a table"
    assert Noise(0.0, 2).limit == 0.0


def test_two_values_that_differ_in_their_seeds_are_beyond_the_limit_in_one_case_of_twenty() -> None:
    """The part of 2,000 cases has a standard deviation of √(0.05 · 0.95 / 2000) = 0.005; allowed are four of them."""
    draw = random.Random(0)
    beyond = 0
    for _ in range(2000):
        noise = within([[draw.gauss(0, 1) for _ in range(5)]])
        assert noise is not None
        beyond += abs(draw.gauss(0, 1) - draw.gauss(0, 1)) > noise.limit
    assert 0.03 < beyond / 2000 < 0.07


def test_repeats_are_trials_of_the_same_parameters_that_came_to_their_end() -> None:
    trials = [
        trial(0, 0.1, lr=1.0),
        trial(1, 0.3, lr=1.0),
        trial(2, 9.0, State.PRUNED, lr=1.0),
        trial(3, math.nan, lr=1.0),
        trial(4, 0.7, lr=2.0),
    ]
    assert repeated(trials, LOSS) == [[0.1, 0.3]]


def test_a_difference_of_means_has_welchs_interval() -> None:
    """Variances 1 and 4 over three values each: error √(5/3), freedom (5/3)² / ((1/9 + 16/9) / 2) = 2.941."""
    apart, margin = difference(Spread((1.0, 2.0, 3.0)), Spread((4.0, 6.0, 8.0)))
    assert apart == -4.0
    assert margin == pytest.approx(3.22 * math.sqrt(5 / 3), rel=2e-3)


def test_one_value_or_equal_ones_have_no_interval() -> None:
    assert difference(Spread((1.0,)), Spread((2.0, 3.0))) == (-1.5, None)
    assert difference(Spread((2.0, 2.0)), Spread((1.0, 1.0))) == (1.0, None)


def test_two_groups_that_scatter_alike_have_an_interval_too() -> None:
    """The textbook's t test then: 4 degrees of freedom, t = 2.776, variance 2/3."""
    assert difference(Spread((1.0, 2.0, 3.0)), Spread((4.0, 5.0, 6.0))) == (-3.0, pytest.approx(2.2669, abs=1e-4))
