"""Detects a missing zero_grad: whether the gradient of a step still contains the previous step's gradient.

Between two steps a hook adds up the gradients that backward computes for one weight matrix. The second step uses either
this sum, or the sum plus the gradient of the first step. Clipping multiplies both by a factor, so directions are
compared.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

MAX_ELEMENTS = 10_000
"""Maximum number of the matrix's elements that are compared, evenly spread."""

EQUAL, DIFFERENT = 1e-3, 1e-2
"""Two directions are equal below the first distance, and different from the second one on (see `_distance`)."""


class GradientSum:
    """The gradients of one weight matrix, from one step to the next."""

    def __init__(self, weight: "Tensor"):
        assert weight.grad is not None
        self._weight = weight
        self._every = max(1, -(-weight.numel() // MAX_ELEMENTS))
        self._previous = self._thinned(weight.grad)
        self._sum = self._previous.new_zeros(self._previous.shape)
        self._hook = weight.register_hook(self._add)  # type: ignore[no-untyped-call]

    def end(self) -> "Tensor":
        """1 if the gradient contains the previous step's gradient, else 0. Call it before the second step."""
        self._hook.remove()
        if self._weight.grad is None:
            return self._sum.new_zeros(())
        used = self._thinned(self._weight.grad)
        is_the_sum = _distance(used, self._sum) < DIFFERENT
        is_more = _distance(used, self._sum + self._previous) < EQUAL
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
    """The sine of the angle between two vectors, from 0 to 1. NaN if one of them has NaN, so that no comparison is
    true."""
    cosine = (one @ other) / (one.norm() * other.norm())
    distance: Tensor = (1 - cosine.square()).clamp_min(0).sqrt()
    return distance


def sum_of(weights: "list[Tensor]") -> GradientSum | None:
    """For the last weight matrix with a gradient: the output layer's, in most models."""
    known = (one for one in reversed(weights) if one.dim() > 1 and one.grad is not None and not one.grad.is_sparse)
    chosen = next(known, None)
    return GradientSum(chosen) if chosen is not None else None
