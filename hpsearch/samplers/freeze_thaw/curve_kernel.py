"""The covariance of learning curves over configurations and epochs, and its fit.

Freeze-thaw Bayesian optimization (Swersky, Snoek and Adams 2014, arXiv 1406.3896) models all curves with one Gaussian
process. Here the epochs enter through a kernel of their logarithm, in place of a kernel of exponential decays, and the
inputs are warped (Snoek et al. 2014, arXiv 1402.0929, with the distribution function of Kumaraswamy).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Loss = Callable[[Array], tuple[float, Array]]

JITTER = 1e-4
"""Added to the variance of the noise."""

NEAR = 0.05
"""The distance in the unit cube over which configurations share their deviation. With a deviation for each trial in
place of this, a search may propose one point again and again: each new trial there could be better by its own
deviation."""

OWN_RANGE = 0.5
"""The length scale of the deviation of one configuration, in units of tau."""

TREND_RANGE = 0.3
"""The length scale of changes that all curves have in common, in units of tau."""

SCALES = ("quality", "change", "change_range", "head_start", "own", "noise", "trend")
"""The parameters of the kernel besides lengths and warps."""


class Points(NamedTuple):
    """x: configurations in the unit cube (points, columns). tau: log(epoch) / log(last epoch), in [0, 1]. trial: a
    number that is equal for points of one curve; the covariance does not depend on it."""

    x: Array
    tau: Array
    trial: npt.NDArray[np.int64]


@dataclass(frozen=True)
class CurveKernel:
    """k((x, t), (x', t')), with t = tau and M a Matern 5/2 kernel with a length for each column of the warped x:

    quality     quality^2 M (1 + change RBF(t - t')) / (1 + change)   lasting and changing effects of the configuration
    head start  head_start^2 M (1 - t)(1 - t')                        effects at first that vanish at the end
    trend       trend^2 (1 + (1 - t)(1 - t') + RBF / 10)              common shape of all curves
    own         own^2 near(x, x') exp(-|t - t'| / 0.5)                deviation of a configuration, of curves nearby

    theta: the logarithms of the lengths, of `SCALES`, and of the two exponents of each column's warp.
    """

    theta: Array

    @classmethod
    def prior(cls, columns: int) -> "CurveKernel":
        return cls(np.log(np.r_[np.full(columns, 0.6), 1, 0.3, 0.4, 0.7, 0.2, 0.05, 1, np.ones(2 * columns)]))

    @cached_property
    def columns(self) -> int:
        return (len(self.theta) - len(SCALES)) // 3

    @cached_property
    def scales(self) -> dict[str, float]:
        return dict(zip(SCALES, np.exp(self.theta[self.columns :][: len(SCALES)]).tolist(), strict=True))

    @property
    def noise(self) -> float:
        """The variance of the noise."""
        return self.scales["noise"] ** 2 + JITTER

    def variance(self, tau: Array) -> Array:
        """The prior variance."""
        s, early = self.scales, (1 - tau) ** 2
        varying: Array = s["head_start"] ** 2 * early + s["trend"] ** 2 * (1.1 + early)
        return s["quality"] ** 2 + s["own"] ** 2 + varying

    def between(self, one: Points, other: Points) -> Array:
        """The covariance matrix."""
        s, dt = self.scales, np.abs(one.tau[:, None] - other.tau[None])
        early = (1 - one.tau)[:, None] * (1 - other.tau)[None]
        k: Array = self._matern(one.x, other.x) * self._over_epochs(dt, early)
        k += s["trend"] ** 2 * (1 + early + 0.1 * np.exp(-0.5 * (dt / TREND_RANGE) ** 2))
        k += s["own"] ** 2 * near(one.x, other.x) * np.exp(-dt / OWN_RANGE)
        return k

    def warped(self, x: Array) -> Array:
        """The columns after the warp, each divided by its length."""
        p, q = self._exponents
        scaled: Array = (1 - (1 - x**p) ** q) / np.exp(self.theta[: self.columns])
        return scaled

    @property
    def _exponents(self) -> tuple[Array, Array]:
        start = self.columns + len(SCALES)
        return np.exp(self.theta[start : start + self.columns]), np.exp(self.theta[start + self.columns :])

    def _over_epochs(self, dt: Array, early: Array) -> Array:
        s = self.scales
        changing = (1 + s["change"] * np.exp(-0.5 * (dt / s["change_range"]) ** 2)) / (1 + s["change"])
        factor: Array = s["quality"] ** 2 * changing + s["head_start"] ** 2 * early
        return factor

    def _matern(self, one: Array, other: Array) -> Array:
        r = math.sqrt(5) * np.sqrt(_squared_distances(self.warped(one), self.warped(other)))
        matern: Array = _polynomial(r) * np.exp(-r)
        return matern

    def fitted(self, points: Points, z: Array, steps: int) -> "CurveKernel":
        """The kernel with the largest posterior density (normal priors on theta), found by L-BFGS from this one."""
        from scipy.optimize import minimize

        prior, spread = CurveKernel.prior(self.columns).theta, prior_spread(self.columns)
        bounds = list(zip(prior - 3 * spread, prior + 3 * spread, strict=True))
        found = minimize(
            negative_log_posterior(points, z),
            self.theta,
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={"maxiter": steps, "maxfun": steps + 5},
        )
        return CurveKernel(np.asarray(found.x, float))


def prior_spread(columns: int) -> Array:
    """The standard deviations of the normal priors of theta. With them, the first fit needs only a few points."""
    spread: Array = np.r_[np.full(columns, 0.8), 0.7, 0.7, 0.5, 0.7, 0.7, 1, 0.7, np.full(2 * columns, 0.5)]
    return spread


def negative_log_posterior(points: Points, z: Array) -> Loss:
    """theta -> the negative logarithm of its density given the observations z, and its gradient.

    Factors that only depend on the epochs are computed once for each pair of distinct epochs. Matrices are summed over
    these pairs before they are multiplied with these factors.
    """
    columns = points.x.shape[1]
    prior, spread = CurveKernel.prior(columns).theta, prior_spread(columns)
    taus, place = np.unique(points.tau, return_inverse=True)
    pair = place[:, None] * len(taus) + place[None]
    group = np.equal(place[:, None], np.arange(len(taus))).astype(float)
    dt, early = np.abs(taus[:, None] - taus[None]), (1 - taus)[:, None] * (1 - taus)[None]
    own = near(points.x, points.x) * np.exp(-dt / OWN_RANGE).take(pair)
    trend = 1 + early + 0.1 * np.exp(-0.5 * (dt / TREND_RANGE) ** 2)
    diagonal = np.diag_indices(len(z))

    def loss(theta: Array) -> tuple[float, Array]:
        kernel = CurveKernel(theta)
        s = kernel.scales
        w = kernel.warped(points.x)
        r = _squared_distances(w, w)
        r *= 5
        np.sqrt(r, out=r)
        decay = np.exp(-r)
        matern = _polynomial(r)
        matern *= decay
        over_epochs = kernel._over_epochs(dt, early).take(pair)
        k = matern * over_epochs
        k += (s["trend"] ** 2 * trend).take(pair)
        k += s["own"] ** 2 * own
        k[diagonal] += kernel.noise
        inverse, log_determinant = _inverse(k)
        if inverse is None:  # not positive definite here: the line search steps back
            return 1e10, np.zeros_like(theta)
        alpha, off = inverse @ z, (theta - prior) / spread
        value = 0.5 * (z @ alpha + log_determinant + off @ off)
        by_k = inverse - np.outer(alpha, alpha)
        by_k *= 0.5
        changing, c = np.exp(-0.5 * (dt / s["change_range"]) ** 2), s["change"]
        by_pair = group.T @ (by_k * matern) @ group
        quality = by_pair * s["quality"] ** 2 / (1 + c)
        by_scale = [
            2 * (quality * (1 + c * changing)).sum(),
            c * (quality * (changing - 1)).sum() / (1 + c),
            c * (quality * changing * (dt / s["change_range"]) ** 2).sum(),
            2 * s["head_start"] ** 2 * (by_pair * early).sum(),
            2 * s["own"] ** 2 * np.vdot(by_k, own),
            2 * s["noise"] ** 2 * by_k.trace(),
            2 * s["trend"] ** 2 * (group.T @ by_k @ group * trend).sum(),
        ]
        r += 1
        r *= decay
        r *= over_epochs
        by_distance = r * by_k
        by_distance *= -5 / 6
        by_w = 4 * (by_distance.sum(1)[:, None] * w - by_distance @ w)
        by_length, by_p, by_q = _by_warp(kernel, points.x, w, by_w)
        return float(value), np.r_[by_length, by_scale, by_p, by_q] + off / spread

    return loss


def _inverse(k: Array) -> tuple[Array | None, float]:
    """The inverse of a symmetric matrix, which is overwritten, and the logarithm of its determinant. None if it is not
    positive definite."""
    from scipy.linalg.lapack import dpotrf, dpotri

    factor, failed = dpotrf(k.T, lower=1, overwrite_a=1)
    if failed:
        return None, 0.0
    log_determinant = 2 * float(np.log(np.diagonal(factor)).sum())
    half = dpotri(factor, lower=1, overwrite_c=1)[0]
    return np.where(np.tri(len(k), dtype=bool), half, half.T), log_determinant


def _by_warp(kernel: CurveKernel, x: Array, w: Array, by_w: Array) -> tuple[Array, Array, Array]:
    """The derivatives by the logarithms of the lengths and of the exponents of the warp."""
    (p, q), length = kernel._exponents, np.exp(kernel.theta[: kernel.columns])
    power = x**p
    rest = 1 - power
    by_p = by_w * q * rest ** (q - 1) * power * np.log(x) * p / length
    by_q = -by_w * rest**q * np.log(rest) * q / length
    return -(by_w * w).sum(0), by_p.sum(0), by_q.sum(0)


def near(one: Array, other: Array) -> Array:
    """1 for equal configurations, 0 for distant ones."""
    found: Array = np.exp(_squared_distances(one, other) * (-0.5 / NEAR**2))
    return found


def _polynomial(r: Array) -> Array:
    """1 + r + r^2 / 3, the factor of the Matern kernel, with few temporary matrices."""
    found: Array = r / 3
    found += 1
    found *= r
    found += 1
    return found


def _squared_distances(one: Array, other: Array) -> Array:
    squares: Array = (one * one).sum(1)[:, None] + (other * other).sum(1)[None] - 2 * one @ other.T
    positive: Array = np.maximum(squares, 1e-18)
    return positive
