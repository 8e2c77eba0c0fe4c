"""torch's optimizers by name, and the learning rate by batch size."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import optim
from torch.nn import Parameter

from trainers.kit import ranges
from trainers.kit.ranges import Conditions, Fraction, NonNegativeInt, PositiveFloat, PositiveInt

Name = Literal["sgd", "momentum", "nesterov", "adagrad", "adadelta", "rmsprop", "adam", "adamw"]


@dataclass(frozen=True)
class Settings(ranges.Settings):
    """The optimizer and its parameters.

    optimizer:
    - "sgd": w ← w - lr·g (Robbins and Monro 1951)
    - "momentum": v ← momentum·v + g, w ← w - lr·v (Polyak 1964)
    - "nesterov": the gradient is taken after the momentum step (Nesterov 1983; in the form of Sutskever et al. 2013)
    - "adagrad": g over the root of the sum of all g² so far (Duchi et al. 2011)
    - "adadelta": g divided by its moving root mean square, times the moving root mean square of the steps (Zeiler 2012,
    arXiv 1212.5701); lr near 1
    - "rmsprop": g over a moving root mean square (Hinton 2012, lecture 6e)
    - "adam": a moving average of g over a moving root mean square (Kingma and Ba 2015, arXiv 1412.6980)
    - "adamw": Adam with decoupled weight_decay (Loshchilov and Hutter 2019, arXiv 1711.05101)

    lr: the learning rate, before the schedule.
    lr_for_batch: the batch size that lr is for; lr is multiplied by batch_size / lr_for_batch, the linear rule
    (Goyal et al. 2017, arXiv 1706.02677). 0: lr does not depend on the batch size.
    momentum: None is 0.9, and 0 with sgd and rmsprop.
    beta1, beta2: of adam and adamw.
    rho: decay rate of the mean square; None is 0.9 with adadelta, 0.99 with rmsprop.
    eps: the constant in the denominator; None is torch's default.
    """

    WHEN: ClassVar[Conditions] = {
        "momentum": {"optimizer": ("sgd", "momentum", "nesterov", "rmsprop")},
        "beta1": {"optimizer": ("adam", "adamw")},
        "beta2": {"optimizer": ("adam", "adamw")},
        "rho": {"optimizer": ("adadelta", "rmsprop")},
        "eps": {"optimizer": ("adagrad", "adadelta", "rmsprop", "adam", "adamw")},
    }

    optimizer: Name = "adam"
    lr: PositiveFloat = 1e-3
    batch_size: PositiveInt = 64
    lr_for_batch: NonNegativeInt = 0
    momentum: Fraction | None = None
    beta1: Fraction = 0.9
    beta2: Fraction = 0.999
    rho: Fraction | None = None
    eps: PositiveFloat | None = None


def build(params: Settings, parameters: Iterable[Parameter]) -> optim.Optimizer:
    """Without weight decay, which kit.regularization applies for all optimizers.

    The fused Adam computes the same in one pass: on a CPU a small network's epoch takes a third less time.
    """
    lr = rate(params)
    match params.optimizer:
        case "sgd":
            return optim.SGD(parameters, lr, momentum=params.momentum or 0.0)
        case "momentum":
            return optim.SGD(parameters, lr, momentum=_momentum(params))
        case "nesterov":
            # Without momentum, Nesterov's step is plain SGD, and torch raises an error.
            return optim.SGD(parameters, lr, momentum=_momentum(params), nesterov=_momentum(params) > 0)
        case "adagrad":
            return optim.Adagrad(parameters, lr, eps=_or(params.eps, 1e-10))
        case "adadelta":
            return optim.Adadelta(parameters, lr, rho=_or(params.rho, 0.9), eps=_or(params.eps, 1e-6))
        case "rmsprop":
            alpha, eps = _or(params.rho, 0.99), _or(params.eps, 1e-8)
            return optim.RMSprop(parameters, lr, alpha=alpha, eps=eps, momentum=params.momentum or 0.0)
        case "adam" | "adamw":
            betas = (params.beta1, params.beta2)
            return optim.Adam(parameters, lr, betas=betas, eps=_or(params.eps, 1e-8), fused=True)


def rate(params: Settings) -> float:
    """The learning rate before the schedule, for this batch size."""
    return params.lr * params.batch_size / params.lr_for_batch if params.lr_for_batch else params.lr


def _momentum(params: Settings) -> float:
    return _or(params.momentum, 0.9)


def _or(given: float | None, usual: float) -> float:
    return usual if given is None else given
