"""The losses of trials as parabolas of the parameters."""

import math

import pytest

from hpsearch.samplers.recipe.parabolas import parabolas
from tests.samplers.recipe.test_slopes import LOSS, bowl, trials


def test_parameters_are_fitted_together() -> None:
    done = trials(bowl(-5.0))
    places = {
        "lr": [math.log(one.params["lr"]) for one in done],
        "dropout": [float(one.params["dropout"]) for one in done],
    }
    fits = parabolas(places, [LOSS.loss(one) for one in done])
    assert fits["lr"].vertex == pytest.approx(math.log(1e-5))
    assert fits["dropout"].vertex == pytest.approx(0.3)


def test_diverged_trials_constant_losses_and_few_trials_have_no_parabola_or_no_minimum() -> None:
    places = [float(place) for place in range(10)]
    assert parabolas({"x": places}, [math.inf] * 10) == {}
    assert parabolas({"x": places[:3]}, [1.0, 0.5, 1.0]) == {}
    assert parabolas({"x": [1.0] * 10}, places) == {}
    assert parabolas({"x": places}, [1.0] * 10)["x"].bend < 2
    assert parabolas({"x": [None] * 5 + places[:5]}, places) == {}


def test_a_constant_for_each_value_of_a_choice_is_fitted_too() -> None:
    places = [place / 10 for place in range(30)]
    values = [place % 3 for place in range(30)]
    losses = [(place - 1.3) ** 2 + 5 * value for place, value in zip(places, values, strict=True)]
    assert parabolas({"x": places}, losses, {"o": values})["x"].vertex == pytest.approx(1.3)
    assert parabolas({"x": places}, losses)["x"].vertex != pytest.approx(1.3, abs=1e-3)
