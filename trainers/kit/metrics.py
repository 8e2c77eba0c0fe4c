"""Metrics of the outputs, computed by torchmetrics.

Its functions treat logits between 0 and 1 as probabilities, so they are called with classes, or with scores in that
range. Accuracy and F1 use one confusion matrix, which takes a third of the time of separate functions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan
from statistics import fmean

import torch
from torch import Tensor
from torchmetrics.functional.classification import binary_auroc, multiclass_confusion_matrix
from torchmetrics.functional.regression import mean_squared_error, r2_score

Metrics = Mapping[str, float]


@dataclass(frozen=True)
class Confusion:
    """counts[i][j]: number of examples of class i that were predicted as class j."""

    counts: Sequence[Sequence[int]]

    @classmethod
    def of(cls, chosen: Tensor, right: Tensor, classes: int) -> "Confusion":
        return cls(multiclass_confusion_matrix(chosen, right, classes, validate_args=False).tolist())

    @property
    def accuracy(self) -> float:
        return sum(row[label] for label, row in enumerate(self.counts)) / sum(map(sum, self.counts))

    @property
    def f1(self) -> list[float]:
        """For each class, the harmonic mean of precision and recall; NaN if it is in neither targets nor
        predictions."""
        both = zip(map(sum, self.counts), map(sum, zip(*self.counts, strict=True)), strict=True)
        return [2 * self.counts[label][label] / (n + m) if n + m else nan for label, (n, m) in enumerate(both)]


@dataclass(frozen=True)
class Classes:
    """Of logits (n, classes) and class numbers (n); the class with the highest output is predicted."""

    classes: int

    def accuracy(self, outputs: Tensor, targets: Tensor) -> Metrics:
        return {"accuracy": Confusion.of(outputs.argmax(1), targets, self.classes).accuracy}

    def __call__(self, outputs: Tensor, targets: Tensor) -> Metrics:
        """accuracy; f1: the mean over the classes that occur (macro)."""
        confusion = Confusion.of(outputs.argmax(1), targets, self.classes)
        return {"accuracy": confusion.accuracy, "f1": fmean(f1 for f1 in confusion.f1 if not isnan(f1))}


def binary_accuracy(outputs: Tensor, targets: Tensor) -> Metrics:
    """The fraction of correct classes; a logit > 0 is class 1; both (n, 1)."""
    return {"accuracy": _of_two(outputs, targets).accuracy}


def binary(outputs: Tensor, targets: Tensor) -> Metrics:
    """accuracy; auroc; f1 of class 1; logits and targets (n, 1)."""
    confusion = _of_two(outputs, targets)
    return {"accuracy": confusion.accuracy, "auroc": auroc(outputs, targets), "f1": confusion.f1[1]}


def _of_two(outputs: Tensor, targets: Tensor) -> Confusion:
    return Confusion.of((outputs > 0).long().flatten(), targets.long().flatten(), 2)


def auroc(outputs: Tensor, targets: Tensor) -> float:
    """Probability that a positive example has a higher output than a negative one; ties count half; both (n, 1).

    This is the area under the ROC curve (Hanley and McNeil 1982, Radiology 143). NaN without both classes, or if an
    output is not finite.
    """
    scores, right = outputs.flatten().double(), targets.long().flatten()
    low, high = scores.aminmax()
    positive = int(right.sum())
    if not 0 < positive < len(right) or not torch.isfinite(high - low):
        return nan
    return binary_auroc((scores - low) / (high - low).clamp_min(1e-300), right, validate_args=False).item()


@dataclass(frozen=True)
class Regression:
    """Of predictions and targets (n, 1). unit: the value of 1 in the units of the data set."""

    unit: float

    def rmse(self, outputs: Tensor, targets: Tensor) -> Metrics:
        """The root of the mean squared error, in the units of the data set."""
        return {"rmse": mean_squared_error(outputs, targets, squared=False).item() * self.unit}

    def __call__(self, outputs: Tensor, targets: Tensor) -> Metrics:
        """rmse; r2: 1 - squared error / squared error of the targets' mean: at most 1; 0 for the mean."""
        return {**self.rmse(outputs, targets), "r2": r2_score(outputs, targets).item()}
