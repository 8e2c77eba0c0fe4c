"""The hypervolume of two and three goals."""

import numpy as np
import pytest

from hpsearch.core.front import hypervolume


def test_known_values() -> None:
    assert hypervolume([], (1.0, 1.0)) == 0
    assert hypervolume([(0.5, 0.5)], (1.0, 1.0)) == 0.25
    assert hypervolume([(0.0, 0.5), (0.5, 0.0)], (1.0, 1.0)) == 0.75
    assert hypervolume([(0.0, 0.5), (0.5, 0.0), (0.6, 0.6), (2.0, -1.0)], (1.0, 1.0)) == 0.75
    assert hypervolume([(0.5, 0.5, 0.5), (0.5, 0.5, 0.7)], (1.0, 1.0, 1.0)) == 0.125


def test_it_is_the_share_of_random_points_that_are_dominated() -> None:
    generator = np.random.default_rng(1)
    points = generator.random((12, 3))
    drawn = generator.random((20_000, 3))
    share = np.mean((points[None] <= drawn[:, None]).all(2).any(1))
    found = hypervolume([tuple(map(float, one)) for one in points], (1.0, 1.0, 1.0))
    assert found == pytest.approx(share, abs=0.015)  # 4 standard errors of a share in 20,000 draws
