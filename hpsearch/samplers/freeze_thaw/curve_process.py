"""A Gaussian process over learning curves, given some of their values, and its expected improvement."""

import math

import numpy as np

from hpsearch.samplers.freeze_thaw.curve_kernel import Array, CurveKernel, Points


class CurveProcess:
    """The posterior given the values z at `points`."""

    def __init__(self, kernel: CurveKernel, points: Points, z: Array):
        self.kernel, self.points, self.z = kernel, points, z
        k = kernel.between(points, points) + kernel.noise * np.eye(len(z))
        self._inverse_factor = np.linalg.inv(np.linalg.cholesky(k))
        self._alpha = self._inverse_factor.T @ (self._inverse_factor @ z)

    def predict(self, points: Points) -> tuple[Array, Array]:
        """Mean and standard deviation of each point, without noise."""
        k = self.kernel.between(points, self.points)
        explained = ((k @ self._inverse_factor.T) ** 2).sum(1)
        return k @ self._alpha, np.sqrt(np.maximum(self.kernel.variance(points.tau) - explained, 1e-6))

    def without_own_curve(self) -> tuple[Array, Array]:
        """For the first point of each curve: its value, and its mean as predicted from all other curves.

        Leave-one-out in blocks (Rasmussen and Williams 2006, "Gaussian Processes for Machine Learning", section 5.4.2,
        with a block in place of one value).
        """
        precision = self._inverse_factor.T @ self._inverse_factor
        values, means = [], []
        for trial in np.unique(self.points.trial):
            own = np.flatnonzero(self.points.trial == trial)
            first = int(np.argmin(self.points.tau[own]))
            off = np.linalg.solve(precision[np.ix_(own, own)], self._alpha[own])
            values.append(self.z[own[first]])
            means.append(self.z[own[first]] - off[first])
        return np.array(values), np.array(means)

    def log_expected_improvement(self, points: Points, bound: float) -> Array:
        """log E[max(bound - f, 0)] for each point."""
        return log_expected_improvement(bound, *self.predict(points))


def log_expected_improvement(bound: float, mean: Array, sd: Array) -> Array:
    """Numerically stable for tiny improvements (Ament et al. 2023, arXiv 2310.20708)."""
    from scipy.special import ndtr

    u = (bound - mean) / sd
    near = np.log(np.maximum(u * ndtr(u) + np.exp(-u * u / 2) / math.sqrt(2 * math.pi), 1e-300))
    far = -u * u / 2 - 0.5 * math.log(2 * math.pi) - 2 * np.log(np.maximum(-u, 1.0))
    improvement: Array = np.log(sd) + np.where(u > -5, near, far)
    return improvement


def rank_correlation(one: Array, other: Array) -> float:
    """Spearman's rank correlation; 0 if all values of one argument are equal."""
    from scipy.stats import rankdata

    ranks = np.array([rankdata(one), rankdata(other)])
    return float(np.corrcoef(ranks)[0, 1]) if np.all(np.ptp(ranks, axis=1) > 0) else 0.0
