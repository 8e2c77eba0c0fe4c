"""Measures the layers of the models that a trial tracks: initial weights, gradients, units without a gradient.

Layers are the linear, convolutional and recurrent ones. Others, such as embeddings, have no usual size of weights.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

MAX_LAYERS = 32
"""Maximum number of weight matrices that are measured, evenly spread over a model."""


MAX_NAMED = 12
"""Maximum number of layers that are reported one by one: the first, the last, and others evenly spread."""


class LayerMeasurements:
    """The weight matrices of all torch models among the tracked objects, with the names of their layers."""

    def __init__(self) -> None:
        self._found: dict[int, tuple[Tensor, str]] = {}

    def tracked(self, objects: Mapping[str, Any]) -> None:
        """Add the models among these objects. torch must be imported."""
        from torch import nn

        kinds = (nn.Linear, nn.modules.conv._ConvNd, nn.RNNBase)
        models = {name: thing for name, thing in objects.items() if isinstance(thing, nn.Module)}
        for name, model in models.items():
            prefix = f"{name}." if len(models) > 1 or self._found else ""
            weights = [
                (one, f"{prefix}{layer}".strip(".") or type(module).__name__)
                for layer, module in model.named_modules()
                if isinstance(module, kinds)
                for one in module.parameters(recurse=False)
                if one.dim() > 1
            ]
            self._found |= {id(one[0]): one for one in weights[:: max(1, -(-len(weights) // MAX_LAYERS))]}

    def of(self, weights: "list[Tensor]") -> "list[Tensor]":
        """The weights that belong to a layer."""
        return [one for one in weights if id(one) in self._found]

    def named(self, layers: "list[Tensor]") -> "list[tuple[int, str]]":
        """The place and the name of at most MAX_NAMED of these layers. A layer with several matrices has one place."""
        names = {self._found[id(one)][1]: place for place, one in enumerate(layers)}
        found = [(place, name) for name, place in names.items()]
        if len(found) <= MAX_NAMED:
            return found
        return [found[round(place * (len(found) - 1) / (MAX_NAMED - 1))] for place in range(MAX_NAMED)]


def largest_scale(layers: "list[Tensor]") -> "Tensor":
    """The largest root mean square of a layer's weights, times the square root of its inputs.

    Default and Glorot initialisations give 0.6 to 1, He's gives 1.4: the outputs are about as large as the inputs.
    """
    import torch

    norms = torch.stack(torch._foreach_norm([one.detach() for one in layers])).double()
    outputs = torch.tensor([one.shape[0] for one in layers], dtype=norms.dtype, device=norms.device)
    return (norms / outputs.sqrt()).max()


def gradient_shares(layers: "list[Tensor]") -> "Tensor":
    """The norm of each layer's gradient, as a share of the norm of its weights. All layers must have a gradient."""
    import torch

    norms = torch.stack(torch._foreach_norm([one.grad for one in layers if one.grad is not None])).double()
    sizes = torch.stack(torch._foreach_norm([one.detach() for one in layers])).double()
    return norms / sizes.clamp_min(1e-30)


def silent_shares(layers: "list[Tensor]") -> "Tensor":
    """For each layer the share of units for which the gradient of a step is exactly 0."""
    import torch

    gradients = [one.grad.flatten(1) for one in layers if one.grad is not None]
    learning = torch.stack([one.any(1).sum() for one in gradients])
    units = torch.tensor([len(one) for one in gradients], dtype=torch.float64, device=learning.device)
    return 1 - learning / units
