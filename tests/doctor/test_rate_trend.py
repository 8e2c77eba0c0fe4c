"""In which direction results improve, and how sure that is."""

import math
import random

import pytest

from hpsearch.doctor.rate_trend import trend

PLACES = [float(place) for place in range(12)]


def test_results_that_improve_up_to_an_end() -> None:
    assert trend(PLACES, [12 - place for place in PLACES]) == 1
    assert trend(PLACES, list(PLACES)) == -1


def test_an_optimum_inside_is_none() -> None:
    assert trend(PLACES, [(place - 6) ** 2 for place in PLACES]) == 0
    assert trend(PLACES, [(place - 9) ** 2 for place in PLACES]) == 0


def test_too_few_or_equal_places_show_nothing() -> None:
    assert trend(PLACES[:5], [5.0, 4.0, 3.0, 2.0, 1.0]) == 0
    assert trend([1.0] * 8, PLACES[:8]) == 0
    assert trend(PLACES, [1.0] * 12) == 0


def test_one_exploded_loss_counts_as_one_bad_rank() -> None:
    losses = [12 - place for place in PLACES]
    assert trend(PLACES, [math.inf, 1e300, *losses[2:]]) == 1


@pytest.mark.parametrize("count", [6, 24])
def test_noise_is_rarely_a_trend(count: int) -> None:
    """2.5 standard errors: by Student's t about 7% of draws with four degrees of freedom, 2% with 22."""
    draw = random.Random(count)
    found = [trend([draw.random() for _ in range(count)], [draw.random() for _ in range(count)]) for _ in range(300)]
    assert sum(map(bool, found)) <= 300 * (0.12 if count == 6 else 0.05)
