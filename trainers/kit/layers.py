"""Layers of networks: activations, normalisation, dropout, and the initial weights."""

import math
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeVar

import torch
from torch import Tensor, nn

from trainers.kit import ranges
from trainers.kit.ranges import Conditions, Fraction, PositiveFloat

Activation = Literal["sigmoid", "tanh", "relu", "leaky_relu", "prelu", "gelu"]

ACTIVATIONS: dict[Activation, type[nn.Module]] = {
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "prelu": nn.PReLU,
    "gelu": nn.GELU,
}

LEAK = 0.01
"""The usual slope of a leaky ReLU below 0 (Maas et al. 2013)."""

GAINS: dict[Activation, float] = {
    "sigmoid": 1.0,
    "tanh": 5 / 3,
    "relu": math.sqrt(2),
    "leaky_relu": nn.init.calculate_gain("leaky_relu", LEAK),
    "prelu": nn.init.calculate_gain("leaky_relu", 0.25),
    "gelu": math.sqrt(2),
}
"""Gains of the Kaiming initialisation, as in torch's calculate_gain, which has no GELU."""

Model = TypeVar("Model", bound=nn.Module)

Init = Literal["torch", "xavier", "kaiming", "zeros", "gaussian"]


@dataclass(frozen=True)
class Settings(ranges.Settings):
    """activation: between layers.
    - "sigmoid": 1 / (1 + e^-x); its gradient is at most 1/4 and vanishes over many layers
    - "tanh"
    - "relu": max(0, x) (Nair and Hinton 2010)
    - "leaky_relu": leaky_slope·x below 0 (Maas et al. 2013)
    - "prelu": a learnt slope below 0, initially 0.25 (He et al. 2015, arXiv 1502.01852)
    - "gelu": x·Φ(x) (Hendrycks and Gimpel 2016, arXiv 1606.08415)

    init: of the weights of linear and convolution layers; biases are initially 0, except with "torch".
    - "kaiming": normal, of standard deviation gain/√inputs (He et al. 2015); the gain is the activation's
    - "xavier": uniform in ±√(6 / (inputs + outputs)) (Glorot and Bengio 2010)
    - "torch": torch's own, uniform in ±1/√inputs: signals shrink in deep networks
    - "zeros": all hidden units stay equal
    - "gaussian": normal, of standard deviation init_std; a large one saturates units, and the initial loss is huge
    dropout: the fraction of a hidden layer's units that is dropped in a step (Srivastava et al. 2014).
    batch_norm: normalises each unit over the batch (Ioffe and Szegedy 2015, arXiv 1502.03167); ResNets always do.
    """

    WHEN: ClassVar[Conditions] = {
        "leaky_slope": {"activation": ("leaky_relu",)},
        "init_std": {"init": ("gaussian",)},
    }

    activation: Activation = "relu"
    leaky_slope: Fraction = LEAK
    init: Init = "kaiming"
    init_std: PositiveFloat = 1.0
    dropout: Fraction = 0.0
    batch_norm: bool = False


def activation(params: Settings) -> nn.Module:
    return nn.LeakyReLU(params.leaky_slope) if params.activation == "leaky_relu" else ACTIVATIONS[params.activation]()


def gain(params: Settings) -> float:
    """Of the Kaiming initialisation."""
    if params.activation == "leaky_relu":
        return nn.init.calculate_gain("leaky_relu", params.leaky_slope)
    return GAINS[params.activation]


def dropout(params: Settings) -> list[nn.Module]:
    return [nn.Dropout(params.dropout)] if params.dropout else []


def norm(params: Settings, units: int) -> list[nn.Module]:
    """For vectors of `units` features."""
    return [nn.BatchNorm1d(units)] if params.batch_norm else []


@torch.no_grad()
def initialized(params: Settings, model: Model) -> Model:
    """The model itself, with its weights drawn as `init` says, from torch's global random state."""
    if params.init == "torch":
        return model
    for layer in model.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            _draw(params, layer.weight)
            if layer.bias is not None:
                layer.bias.zero_()
    return model


def _draw(params: Settings, weight: Tensor) -> None:
    match params.init:
        case "xavier":
            nn.init.xavier_uniform_(weight)
        case "kaiming":
            fan_in = weight[0].numel()
            nn.init.normal_(weight, std=gain(params) / math.sqrt(fan_in))
        case "zeros":
            nn.init.zeros_(weight)
        case "gaussian":
            nn.init.normal_(weight, std=params.init_std)
