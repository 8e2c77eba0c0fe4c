"""Detects a missing zero_grad: whether the gradient of a step still contains the previous step's gradient.

Between two steps a hook adds up the gradients that backward computes for one weight matrix. The second step uses either
this sum, or the sum plus the gradient of the first step. Clipping multiplies both by a factor, so directions are
compared, by the products of the three vectors.
"""

import math
from collections.abc import Sequence
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
        self._sum: Tensor | None = None
        self._hook = weight.register_hook(self._add)  # type: ignore[no-untyped-call]

    def end(self) -> "Tensor | None":
        """What `accumulated` needs, as a tensor (9,), so that a GPU is not synchronised. None if backward was not
        called, as in a step with a closure. Call it before the second step."""
        import torch

        self._hook.remove()
        if self._weight.grad is None or self._sum is None:
            return None
        vectors = torch.stack([self._thinned(self._weight.grad), self._sum, self._previous])
        products: Tensor = vectors @ vectors.T
        return products.reshape(-1)

    def drop(self) -> None:
        self._hook.remove()

    def _add(self, gradient: "Tensor") -> None:
        thinned = self._thinned(gradient)
        self._sum = thinned if self._sum is None else self._sum + thinned

    def _thinned(self, gradient: "Tensor") -> "Tensor":
        import torch

        thinned: Tensor = gradient.detach().reshape(-1)[:: self._every].to(torch.float64, copy=True)
        return thinned


def accumulated(products: Sequence[float]) -> float:
    """1 if the gradient of a step contains the previous step's gradient, else 0.

    products: of three vectors with each other (3 x 3, row by row): the gradient of the step, the sum of the gradients
    since the previous step, and the previous step's gradient.
    """
    (uu, us, up), (_, ss, sp), (*_, pp) = products[:3], products[3:6], products[6:]
    is_the_sum = _distance(us, uu, ss) < DIFFERENT
    is_more = _distance(us + up, uu, ss + 2 * sp + pp) < EQUAL
    return float(is_more and not is_the_sum and ss > 0)


def _distance(product: float, one: float, other: float) -> float:
    """The sine of the angle between two vectors, from 0 to 1; NaN if a vector is 0 or has NaN, so that no comparison is
    true. product: of both; one, other: of each with itself."""
    if not one * other > 0:
        return math.nan
    return math.sqrt(max(0.0, 1 - product * product / (one * other)))


def sum_of(weights: "list[Tensor]") -> GradientSum | None:
    """For the last weight matrix with a gradient: the output layer's, in most models."""
    known = (one for one in reversed(weights) if one.dim() > 1 and one.grad is not None and not one.grad.is_sparse)
    chosen = next(known, None)
    return GradientSum(chosen) if chosen is not None else None
