"""Measures the layers of the models that a trial tracks: initial weights, gradients, units without a gradient.

Layers are the linear, convolutional and recurrent ones. Others, such as embeddings, have no usual size of weights.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

MAX_LAYERS = 32
"""Maximum number of weight matrices that are measured, evenly spread over a model."""


class LayerMeasurements:
    """The weight matrices of all torch models among the tracked objects."""

    def __init__(self) -> None:
        self._found: dict[int, Tensor] = {}

    def tracked(self, objects: Mapping[str, Any]) -> None:
        """Add the models among these objects. torch must be imported."""
        from torch import nn

        kinds = (nn.Linear, nn.modules.conv._ConvNd, nn.RNNBase)
        for thing in objects.values():
            if isinstance(thing, nn.Module):
                layers = [layer for layer in thing.modules() if isinstance(layer, kinds)]
                weights = [one for layer in layers for one in layer.parameters(recurse=False) if one.dim() > 1]
                self._found |= {id(one): one for one in weights[:: max(1, -(-len(weights) // MAX_LAYERS))]}

    def of(self, weights: "list[Tensor]") -> "list[Tensor]":
        """The weights that belong to a layer."""
        return [one for one in weights if id(one) in self._found]


def largest_scale(layers: "list[Tensor]") -> "Tensor":
    """The largest root mean square of a layer's weights, times the square root of its inputs.

    Default and Glorot initialisations give 0.6 to 1, He's gives 1.4: the outputs are about as large as the inputs.
    """
    import torch

    norms = torch.stack([norm.double() for norm in torch._foreach_norm([one.detach() for one in layers])])
    outputs = torch.tensor([one.shape[0] for one in layers], dtype=norms.dtype, device=norms.device)
    return (norms / outputs.sqrt()).max()


def smallest_share(layers: "list[Tensor]") -> "Tensor":
    """The smallest layer's gradient over the largest's, each as a share of the layer's weights."""
    import torch

    gradients = [one.grad for one in layers if one.grad is not None]
    weights = [one.detach() for one in layers if one.grad is not None]
    norms = torch.stack([norm.double() for norm in torch._foreach_norm(gradients)])
    sizes = torch.stack([norm.double() for norm in torch._foreach_norm(weights)])
    shares = norms / sizes.clamp_min(1e-30)
    return shares.min() / shares.max().clamp_min(1e-300)


def silent_units(layers: "list[Tensor]") -> "Tensor":
    """The share of units for which the gradient of a step is exactly 0, in the layer that has most of them."""
    import torch

    found = [(one.grad.flatten(1).abs().amax(1) == 0).double().mean() for one in layers if one.grad is not None]
    return torch.stack(found).max()
