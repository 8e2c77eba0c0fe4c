"""Penalties on weights, and gradient clipping. Dropout and batch normalisation are layers: kit.layers."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn
from torch.optim import Optimizer

from trainers.kit import ranges
from trainers.kit.ranges import Conditions, NonNegativeFloat


@dataclass(frozen=True)
class Settings(ranges.Settings):
    """Penalties on the weights of linear and convolution layers; never on biases, norms and PReLU's slopes.

    weight_decay: λ. Coupled, it is L2 (ridge): λ/2·‖w‖² on the loss, so λ·w on the gradient (Hoerl and Kennard 1970).
    decoupled: weight_decay shrinks the weights apart from the gradient, w ← w - lr·λ·w (Loshchilov and Hutter 2019,
    arXiv 1711.05101); always with the optimizer "adamw". With plain SGD both are the same.
    l1: λ₁·‖w‖₁ on the loss, so λ₁·sign(w) on the gradient (lasso, Tibshirani 1996). Both together are the elastic net
    (Zou and Hastie 2005).
    clip_norm: gradients are scaled down to this norm of all of them together (Pascanu et al. 2013, arXiv 1211.5063).
    clip_value: each gradient is clipped to ± this. 0: off. The loss's gradient is clipped, before the penalties.
    """

    WHEN: ClassVar[Conditions] = {
        "decoupled": [
            {
                "weight_decay": "nonzero",
                "optimizer": ("momentum", "nesterov", "adagrad", "adadelta", "rmsprop", "adam"),
            },
            {"weight_decay": "nonzero", "optimizer": ("sgd",), "momentum": "nonzero"},
        ]
    }

    weight_decay: NonNegativeFloat = 0.0
    decoupled: bool = False
    l1: NonNegativeFloat = 0.0
    clip_norm: NonNegativeFloat = 0.0
    clip_value: NonNegativeFloat = 0.0


class Regularizer:
    """Call it between backpropagation and the optimizer's step. decoupled: of weight_decay."""

    def __init__(self, params: Settings, model: nn.Module, decoupled: bool):
        self._all = list(model.parameters())
        self._weights = [weight for weight in self._all if weight.ndim > 1]
        self._clip_norm, self._clip_value = params.clip_norm, params.clip_value
        self._l1 = params.l1
        self._l2 = 0.0 if decoupled else params.weight_decay
        self._decay = params.weight_decay if decoupled else 0.0
        self._idle = not any((self._clip_norm, self._clip_value, self._l1, self._l2, self._decay))

    @torch.no_grad()
    def __call__(self, optimizer: Optimizer) -> None:
        if self._idle:
            return
        if self._clip_value:
            nn.utils.clip_grad_value_(self._all, self._clip_value)
        if self._clip_norm:
            nn.utils.clip_grad_norm_(self._all, self._clip_norm)
        lr = optimizer.param_groups[0]["lr"]
        for weight in self._weights:
            if self._l2:
                _grad(weight).add_(weight, alpha=self._l2)
            if self._l1:
                _grad(weight).add_(weight.sign(), alpha=self._l1)
            if self._decay:
                weight.mul_(1 - lr * self._decay)


def _grad(weight: nn.Parameter) -> torch.Tensor:
    """The gradient of a weight; zero if the loss does not depend on it, so that the penalty applies to all."""
    if weight.grad is None:
        weight.grad = torch.zeros_like(weight)
    return weight.grad
