import math

import numpy as np
import pytest

from hpsearch.samplers.freeze_thaw.curve_kernel import CurveKernel, Points
from hpsearch.samplers.freeze_thaw.curve_process import CurveProcess, log_expected_improvement
from tests.samplers.freeze_thaw.test_curve_kernel import some_points


def process() -> CurveProcess:
    return CurveProcess(CurveKernel.prior(3), some_points(), np.random.default_rng(2).standard_normal(20) / 3)


def test_far_from_all_curves_it_is_the_prior_and_at_one_it_is_sure() -> None:
    known = process()
    at, sd_at = known.predict(some_points())
    assert np.abs(at - known.z).mean() < 0.2
    _, sd_elsewhere = known.predict(some_points(seed=5))
    assert sd_at.mean() < sd_elsewhere.mean()


def test_a_new_trial_beside_a_known_one_is_no_chance_of_improvement() -> None:
    """Otherwise a search proposes its best point again and again."""
    x = np.array([[0.2, 0.2], [0.8, 0.8]])
    known = CurveProcess(CurveKernel.prior(2), Points(x, np.ones(2), np.arange(2)), np.array([-1.0, 1.0]))
    new = Points(np.array([[0.2001, 0.2], [0.2, 0.35]]), np.ones(2), np.full(2, 2))
    beside, farther = known.log_expected_improvement(new, -1.0)
    assert beside < farther - 1


def test_a_longer_training_of_a_good_curve_is_expected_to_be_better_than_that_of_a_bad_one() -> None:
    x = np.array([[0.1], [0.9]])
    known = CurveProcess(CurveKernel.prior(1), Points(x, np.zeros(2), np.arange(2)), np.array([-1.0, 1.0]))
    mean, _ = known.predict(Points(x, np.ones(2), np.arange(2)))
    assert mean[0] < mean[1]


@pytest.mark.parametrize("u", [2.0, 0.0, -3.0, -4.99, -5.01, -30.0])
def test_expected_improvement_also_where_it_is_tiny(u: float) -> None:
    grid = np.linspace(-60, 60, 2_000_001)
    density = np.exp(-((grid - (-u)) ** 2) / 2) / math.sqrt(2 * math.pi)
    exact = float(np.sum(np.maximum(-grid, 0) * density) * (grid[1] - grid[0]))
    found = float(log_expected_improvement(0.0, np.array([-u]), np.array([1.0]))[0])
    assert found == pytest.approx(math.log(exact) if exact else -455, abs=0.15)


def test_a_curve_is_predicted_from_all_others_as_if_it_had_not_been_seen() -> None:
    known = process()
    values, means = known.without_own_curve()
    for place, trial in enumerate(np.unique(known.points.trial)):
        own = known.points.trial == trial
        rest = Points(known.points.x[~own], known.points.tau[~own], known.points.trial[~own])
        first = int(np.argmin(np.where(own, known.points.tau, np.inf)))
        at = Points(known.points.x[[first]], known.points.tau[[first]], known.points.trial[[first]])
        mean, _ = CurveProcess(known.kernel, rest, known.z[~own]).predict(at)
        assert values[place] == known.z[first]
        assert means[place] == pytest.approx(mean[0])
