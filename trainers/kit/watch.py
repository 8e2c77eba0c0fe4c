"""What one watches while a network trains: how large its gradients, weights and steps are, for next to nothing.

Names of the metrics, which curves are read by:
- `grad_norm`: of all gradients, as backpropagation leaves them; before clipping, without any penalty's part.
- `grad_norm/LAYER`: of each top-level part of the model that has parameters, from the input to the output. Where it
  falls or grows by orders of magnitude from one to the next, gradients vanish or explode.
- `weight_norm`: of all parameters.
- `update_ratio`: how far the step moved the parameters, over `weight_norm`; about 1e-3 is usual (Karpathy, CS231n).
- `train_loss_smooth`: a moving average of the batches' losses, see `Smooth`.
- `examples_per_second`: trained on, in the epoch's training part.

All norms are Euclidean (that of all parameters together) and of the epoch's last step: one step in an epoch costs
little, all of them a tenth of a small network's time.
"""

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn


class Watch:
    """Looks at one step: `before` it, with the gradients there, and `after` it."""

    def __init__(self, model: nn.Module):
        named = [(name, weight) for name, weight in model.named_parameters() if weight.requires_grad]
        self._weights = [weight for _, weight in named]
        self._layers: dict[str, list[int]] = {}
        for position, (name, _) in enumerate(named):
            self._layers.setdefault(name.partition(".")[0], []).append(position)

    @torch.no_grad()
    def before(self) -> None:
        """Backpropagation is done, nothing has changed the gradients yet."""
        zero = self._weights[0].new_zeros(())
        self._grads = [zero if w.grad is None else torch.linalg.vector_norm(w.grad) for w in self._weights]
        self._old = self._together()

    @torch.no_grad()
    def after(self) -> None:
        """The step is done."""
        new = self._together()
        step, size = torch.linalg.vector_norm(new - self._old), torch.linalg.vector_norm(new)
        self._norms = torch.stack([step, size, *self._grads])
        self._old = new[:0]

    def metrics(self) -> dict[str, float]:
        """Of the last step that was watched. inf and NaN stay what they are, and show that training has diverged."""
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

    The first ones are not drawn towards 0: it is divided by 1 - beta^batches, as Adam's averages are (Kingma and Ba
    2015, arXiv 1412.6980, section 3). beta in [0, 1): about the last 1 / (1 - beta) batches count.
    """

    def __init__(self, beta: float):
        self.beta = beta
        self._average = 0.0
        self._share = 0.0

    def add(self, losses: Iterable[float]) -> float:
        """Take in an epoch's batch losses, in their order; the average after the last of them."""
        for loss in losses:
            self._average = self.beta * self._average + (1 - self.beta) * loss
            self._share = self.beta * self._share + (1 - self.beta)
        return self._average / self._share

    def state_dict(self) -> dict[str, Any]:
        return {"average": self._average, "share": self._share}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._average, self._share = state["average"], state["share"]
