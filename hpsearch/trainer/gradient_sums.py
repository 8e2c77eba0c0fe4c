"""Measures whether the gradients of a step still contain those of the step before: a call of zero_grad is missing.

Between two steps a hook adds up the gradients that backward computes for one weight matrix. The second step uses either
their sum, or the sum and the gradient that the first step has left; in both cases times a factor where it is clipped.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

MOST = 10_000
"""Numbers of the matrix that are compared, evenly spread."""

EQUAL, DIFFERENT = 1e-3, 1e-2
"""Distances of two directions, as shares of their length."""


class GradientSum:
    """Of one weight, from a step to the next."""

    def __init__(self, weight: "Tensor"):
        assert weight.grad is not None
        self._weight = weight
        self._every = max(1, -(-weight.numel() // MOST))
        self._left = self._thinned(weight.grad)
        self._sum = self._left.new_zeros(self._left.shape)
        self._hook = weight.register_hook(self._add)  # type: ignore[no-untyped-call]

    def end(self) -> "Tensor":
        """1 where the gradient contains that of the step before, else 0. To be called before the second step."""
        self._hook.remove()
        if self._weight.grad is None:
            return self._sum.new_zeros(())
        used = self._thinned(self._weight.grad)
        is_the_sum = _distance(used, self._sum) < DIFFERENT
        is_more = _distance(used, self._sum + self._left) < EQUAL
        has_sum = self._sum.norm() > 0  # not in a step with a closure
        found: Tensor = (is_more & ~is_the_sum & has_sum).double()
        return found

    def drop(self) -> None:
        self._hook.remove()

    def _add(self, gradient: "Tensor") -> None:
        self._sum += self._thinned(gradient)

    def _thinned(self, gradient: "Tensor") -> "Tensor":
        thinned: Tensor = gradient.detach().reshape(-1)[:: self._every].double().clone()
        return thinned


def _distance(one: "Tensor", other: "Tensor") -> "Tensor":
    """Between their directions, from 0 to 1; NaN, which is less than nothing, where one of them is."""
    cosine = (one @ other) / (one.norm() * other.norm())
    distance: Tensor = (1 - cosine.square()).clamp_min(0).sqrt()
    return distance


def sum_of(weights: "list[Tensor]") -> GradientSum | None:
    """Of the last matrix that has a gradient: that of the outputs, in most models."""
    known = (one for one in reversed(weights) if one.dim() > 1 and one.grad is not None and not one.grad.is_sparse)
    chosen = next(known, None)
    return GradientSum(chosen) if chosen is not None else None
