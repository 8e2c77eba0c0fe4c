"""Norms of gradients, weights and steps of a network in training, at little cost.

The metrics have these names, which `hpsearch doctor` uses:
- `grad_norm`: of all gradients after backpropagation; before clipping and penalties.
- `grad_norm/LAYER`: of each top-level part of the model that has parameters, from the input to the output. If it
  falls or grows by orders of magnitude between parts, gradients vanish or explode.
- `weight_norm`: of all parameters.
- `update_ratio`: norm of the step / `weight_norm`; about 1e-3 is usual (Karpathy, CS231n).
- `train_loss_smooth`: a moving average of the batches' losses, see `Smooth`.
- `examples_per_second`: training throughput, without validation.

All norms are Euclidean and of the epoch's last step: measuring one step per epoch costs little; measuring all steps
would take a tenth of a small network's time.
"""

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn


class Watch:
    """Measures one step: call `before` when the gradients are computed, and `after` the step."""

    def __init__(self, model: nn.Module):
        named = [(name, weight) for name, weight in model.named_parameters() if weight.requires_grad]
        self._weights = [weight for _, weight in named]
        self._layers: dict[str, list[int]] = {}
        for position, (name, _) in enumerate(named):
            self._layers.setdefault(name.partition(".")[0], []).append(position)

    @torch.no_grad()
    def before(self) -> None:
        """Call after backpropagation, before the gradients are changed."""
        zero = self._weights[0].new_zeros(())
        self._grads = [zero if w.grad is None else torch.linalg.vector_norm(w.grad) for w in self._weights]
        self._old = self._together()

    @torch.no_grad()
    def after(self) -> None:
        """Call after the step."""
        new = self._together()
        step, size = torch.linalg.vector_norm(new - self._old), torch.linalg.vector_norm(new)
        self._norms = torch.stack([step, size, *self._grads])
        self._old = new[:0]

    def metrics(self) -> dict[str, float]:
        """The norms of the last measured step. inf and NaN are reported: the training has diverged."""
        step, size, *grads = self._norms.tolist()
        layers = {
            f"grad_norm/{layer}": math.hypot(*(grads[position] for position in positions))
            for layer, positions in self._layers.items()
        }
        ratio = step / size if size else 0.0
        return {"grad_norm": math.hypot(*grads), **layers, "weight_norm": size, "update_ratio": ratio}

    def _together(self) -> Tensor:
        return torch.cat([weight.flatten() for weight in self._weights])


class Smooth:
    """An exponential moving average of the batches' losses, which are noisy: average ← beta·average + (1 - beta)·loss.

    Bias-corrected: it is divided by 1 - beta^batches, as in Adam (Kingma and Ba 2015, arXiv 1412.6980,
    section 3). beta in [0, 1): about the last 1 / (1 - beta) batches count.
    """

    def __init__(self, beta: float):
        self.beta = beta
        self._average = 0.0
        self._share = 0.0

    def add(self, losses: Iterable[float]) -> float:
        """Add an epoch's batch losses in order. Returns the average after the last one."""
        for loss in losses:
            self._average = self.beta * self._average + (1 - self.beta) * loss
            self._share = self.beta * self._share + (1 - self.beta)
        return self._average / self._share

    def state_dict(self) -> dict[str, Any]:
        return {"average": self._average, "share": self._share}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._average, self._share = state["average"], state["share"]
