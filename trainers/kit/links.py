"""Conversion of a network's outputs to predictions that can be averaged over networks, and back for the metrics.

Probabilities can be averaged, logits cannot. (The link functions of generalised linear models: McCullagh and Nelder
1989.) The functions compute in float64, so that a probability of 1e-300 is above 0.
"""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from hpsearch import Predictions


class Link(Protocol):
    """The two methods are inverse to each other."""

    def predictions(self, outputs: Tensor, targets: Tensor) -> Predictions:
        """From a network's outputs and its loss's targets, on any device."""
        ...

    def outputs(self, predictions: Predictions) -> tuple[Tensor, Tensor]:
        """Outputs and targets, as the task's loss takes them."""
        ...


class Classes:
    """Of logits (n, classes) and class numbers (n): the softmax."""

    def predictions(self, outputs: Tensor, targets: Tensor) -> Predictions:
        return Predictions(outputs.double().softmax(1).cpu().numpy(), targets.cpu().numpy())

    def outputs(self, predictions: Predictions) -> tuple[Tensor, Tensor]:
        return _log(predictions), torch.from_numpy(predictions.targets)


class Two:
    """Logits (n, 1) and targets (n, 1) of 0.0 and 1.0 become (n, 2), the probabilities of 0 and 1.

    Both are stored, because 1 - p loses all digits for p near 1.
    """

    def predictions(self, outputs: Tensor, targets: Tensor) -> Predictions:
        logits = outputs.double()
        both = torch.cat([(-logits).sigmoid(), logits.sigmoid()], dim=1)
        return Predictions(both.cpu().numpy(), targets.long().flatten().cpu().numpy())

    def outputs(self, predictions: Predictions) -> tuple[Tensor, Tensor]:
        zero, one = _log(predictions).unbind(1)
        return (one - zero).unsqueeze(1), torch.from_numpy(predictions.targets).double().unsqueeze(1)


@dataclass(frozen=True)
class Values:
    """A regression on standardised targets (n, 1): the values (n) in the units of the data.

    mean, unit: mean and standard deviation of the training targets.
    """

    mean: float
    unit: float

    def predictions(self, outputs: Tensor, targets: Tensor) -> Predictions:
        values, right = ((part.double().flatten() * self.unit + self.mean).cpu() for part in (outputs, targets))
        return Predictions(values.numpy(), right.numpy())

    def outputs(self, predictions: Predictions) -> tuple[Tensor, Tensor]:
        values, right = (torch.from_numpy(part) for part in (predictions.outputs, predictions.targets))
        return ((values - self.mean) / self.unit).unsqueeze(1), ((right - self.mean) / self.unit).unsqueeze(1)


def _log(predictions: Predictions) -> Tensor:
    """The logarithm of probabilities; 0 is replaced by the smallest positive number, so that a loss is finite."""
    probabilities = torch.from_numpy(predictions.outputs)
    return probabilities.clamp_min(torch.finfo(torch.float64).tiny).log()
