import numpy as np

from hpsearch.samplers.freeze_thaw.curve_kernel import Array, CurveKernel, Points, negative_log_posterior


def some_points(count: int = 20, columns: int = 3, seed: int = 0) -> Points:
    generator = np.random.default_rng(seed)
    x = np.clip(generator.random((count, columns)), 1e-4, 1 - 1e-4)
    return Points(x, generator.random(count), generator.integers(0, 6, count))


def other_theta(columns: int = 3) -> Array:
    prior = CurveKernel.prior(columns).theta
    moved: Array = prior + 0.2 * np.random.default_rng(1).standard_normal(len(prior))
    return moved


def test_the_gradient_is_that_of_the_density() -> None:
    points, theta = some_points(), other_theta()
    loss = negative_log_posterior(points, np.random.default_rng(2).standard_normal(20))
    steps = 1e-5 * np.eye(len(theta))
    differences = np.array([(loss(theta + step)[0] - loss(theta - step)[0]) / 2e-5 for step in steps])
    assert np.allclose(loss(theta)[1], differences, atol=1e-5)


def test_the_density_is_that_of_the_normal_distribution() -> None:
    points, z = some_points(), np.random.default_rng(2).standard_normal(20)
    kernel = CurveKernel.prior(3)
    k = kernel.between(points, points) + kernel.noise * np.eye(20)
    _, log_determinant = np.linalg.slogdet(k)
    value, _ = negative_log_posterior(points, z)(kernel.theta)
    assert np.isclose(value, 0.5 * z @ np.linalg.solve(k, z) + 0.5 * log_determinant)


def test_the_covariance_is_symmetric_and_has_the_prior_variance_on_its_diagonal() -> None:
    points, kernel = some_points(), CurveKernel(other_theta())
    k = kernel.between(points, points)
    assert np.allclose(k, k.T)
    assert np.allclose(np.diagonal(k), kernel.variance(points.tau))
    assert np.linalg.eigvalsh(k).min() > -1e-9


def test_a_fit_finds_the_column_that_matters() -> None:
    generator = np.random.default_rng(0)
    points = Points(np.clip(generator.random((40, 2)), 1e-4, 1 - 1e-4), np.ones(40), np.arange(40))
    z = 4 * (points.x[:, 0] - 0.4) ** 2
    fitted = CurveKernel.prior(2).fitted(points, (z - z.mean()) / z.std(), steps=40)
    lengths = np.exp(fitted.theta[:2])
    assert lengths[1] > 2 * lengths[0]
