"""Networks, built from names and numbers that a study file can search."""

from itertools import pairwise
from typing import Literal

from torch import nn

Activation = Literal["relu", "tanh", "sigmoid", "gelu"]

ACTIVATIONS: dict[Activation, type[nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "gelu": nn.GELU,
}


def mlp(
    inputs: int, outputs: int, *, hidden: int, layers: int, activation: Activation = "relu", dropout: float = 0.0
) -> nn.Sequential:
    """`layers` hidden layers of `hidden` units, dropout in [0, 1) after each; (batch, …inputs) -> (batch, outputs).

    With no hidden layer it is logistic (or linear) regression.
    """
    widths = [inputs] + [hidden] * layers
    parts: list[nn.Module] = [nn.Flatten()]
    for before, after in pairwise(widths):
        parts += [nn.Linear(before, after), ACTIVATIONS[activation](), *_dropout(dropout)]
    return nn.Sequential(*parts, nn.Linear(widths[-1], outputs))


def cnn(
    side: int,
    outputs: int,
    *,
    channels: int = 1,
    filters: int = 16,
    hidden: int = 64,
    activation: Activation = "relu",
    dropout: float = 0.0,
) -> nn.Sequential:
    """Two blocks of 3x3 convolution and 2x2 pooling, then one hidden layer; (batch, channels, side, side) in.

    The second block has twice the filters. side: pixels, a multiple of 4.
    """
    blocks: list[nn.Module] = []
    for before, after in ((channels, filters), (filters, 2 * filters)):
        blocks += [nn.Conv2d(before, after, 3, padding=1), ACTIVATIONS[activation](), nn.MaxPool2d(2)]
    flat = 2 * filters * (side // 4) ** 2
    head = mlp(flat, outputs, hidden=hidden, layers=1, activation=activation, dropout=dropout)
    return nn.Sequential(*blocks, *head)


def _dropout(share: float) -> list[nn.Module]:
    return [nn.Dropout(share)] if share else []
