"""The loss and the metrics: one `Goal` for each kind of task."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, mse_loss, one_hot, sigmoid, softmax

from trainers.kit import links, metrics, ranges
from trainers.kit.ranges import Conditions, Fraction

Loss = Callable[[Tensor, Tensor], Tensor]
"""(outputs, targets) -> their mean loss, a tensor with one element."""

Measure = Callable[[Tensor, Tensor], metrics.Metrics]
"""(outputs, targets) -> name -> value."""


@dataclass(frozen=True)
class Settings(ranges.Settings):
    """loss: of a classification.
    - "cross-entropy": -log of the probability of the right class: softmax for many classes, sigmoid for two
    - "mse": the squared error of the probabilities (Brier 1950), for comparison
    label_smoothing: this fraction of the target's probability is spread over all classes (Szegedy et al. 2016,
    arXiv 1512.00567, section 7), with "cross-entropy".
    """

    WHEN: ClassVar[Conditions] = {"label_smoothing": {"loss": ("cross-entropy",)}}

    loss: Literal["cross-entropy", "mse"] = "cross-entropy"
    label_smoothing: Fraction = 0.0


@dataclass(frozen=True)
class Goal:
    """minimized: the loss of a training step. loss: the reported loss of training and validation, without label
    smoothing, so that trials can be compared. while_training, validated: the metrics of each. link: converts outputs to
    predictions that can be averaged over networks, and back.
    """

    minimized: Loss
    loss: Loss
    while_training: Measure
    validated: Measure
    link: links.Link


def classification(params: Settings, classes: int) -> Goal:
    """Outputs are logits (n, classes), targets class numbers (n)."""
    validated = metrics.Classes(classes)
    if params.loss == "mse":
        return Goal(_squared_of_classes, _squared_of_classes, validated.accuracy, validated, links.Classes())
    smoothed = _smoothed_classes(params.label_smoothing)
    return Goal(smoothed, cross_entropy, validated.accuracy, validated, links.Classes())


def binary(params: Settings) -> Goal:
    """Outputs are logits (n, 1), targets 0.0 or 1.0 (n, 1)."""
    if params.loss == "mse":
        return Goal(_squared_of_two, _squared_of_two, metrics.binary_accuracy, metrics.binary, links.Two())
    # The sigmoid and its cross-entropy in one function, which is also exact for large logits.
    loss = binary_cross_entropy_with_logits
    smoothed = _smoothed_two(params.label_smoothing)
    return Goal(smoothed, loss, metrics.binary_accuracy, metrics.binary, links.Two())


def regression(values: links.Values) -> Goal:
    """Outputs and targets (n, 1), standardised; the loss is their mean squared error. values: their scaling."""
    measured = metrics.Regression(values.unit)
    return Goal(mse_loss, mse_loss, measured.rmse, measured, values)


def _smoothed_classes(share: float) -> Loss:
    return (lambda outputs, targets: cross_entropy(outputs, targets, label_smoothing=share)) if share else cross_entropy


def _smoothed_two(share: float) -> Loss:
    plain = binary_cross_entropy_with_logits
    return (lambda outputs, targets: plain(outputs, targets * (1 - share) + share / 2)) if share else plain


def _squared_of_classes(outputs: Tensor, targets: Tensor) -> Tensor:
    return mse_loss(softmax(outputs, 1), one_hot(targets, outputs.shape[1]).to(outputs.dtype))


def _squared_of_two(outputs: Tensor, targets: Tensor) -> Tensor:
    return mse_loss(sigmoid(outputs), targets)
