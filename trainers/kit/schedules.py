"""The learning rate over the epochs: a factor on the first one, a function of how many epochs are done."""

import math
from typing import Literal

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

Name = Literal["constant", "cosine", "step"]


def build(name: Name, optimizer: Optimizer, epochs: int, *, every: int = 10, factor: float = 0.1) -> LambdaLR:
    """To be stepped after every epoch. epochs: over which the cosine falls; every, factor: of "step"."""
    match name:
        case "constant":
            return LambdaLR(optimizer, lambda _done: 1.0)
        case "cosine":
            return LambdaLR(optimizer, lambda done: cosine(done, epochs))
        case "step":
            return LambdaLR(optimizer, lambda done: factor ** (done // every))


def cosine(done: int, epochs: int) -> float:
    """From 1 towards 0, where it stays (Loshchilov and Hutter 2017, arXiv 1608.03983, equation 5, no restart)."""
    return (1 + math.cos(math.pi * min(done / epochs, 1.0))) / 2
