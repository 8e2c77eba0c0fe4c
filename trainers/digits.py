"""Handwritten digits: 1,797 images of 8 x 8 pixels, ten classes; logistic regression, an MLP, a CNN or a ResNet.

The data ships with scikit-learn (UCI "Optical Recognition of Handwritten Digits", Alpaydin and Kaynak 1998).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

import torch
from sklearn.datasets import load_digits
from torch import nn

from hpsearch import Fold, Part, Predictions, Report, Run
from trainers.kit import augment, losses, models, predicting, test_time, training
from trainers.kit.data import Data, Examples, Indices, sealed_test, split
from trainers.kit.ranges import PositiveFloat
from trainers.kit.training import Training


@dataclass(frozen=True)
class Params(training.Settings, models.ImageSettings, augment.Settings, test_time.ImageSettings):
    """Defaults that differ from the kit's. The four base classes have all other parameters."""

    model: Literal["linear", "mlp", "cnn", "resnet"] = "mlp"
    lr: PositiveFloat = 1e-2


def train(params: Params, run: Run) -> Iterator[Report]:
    begun = begin(params, run)
    run.track(**begun.tracked)
    for epoch in run.epochs():
        yield Report(epoch, begun.epoch(epoch))


def predict(params: Params, run: Run, part: Part, *, augmented: int = 0) -> Predictions:
    return predicting.predict(begin(params, run), part, lambda: held_out(run.fold), augmented)


def snapshots(params: Params, run: Run, part: Part) -> list[Predictions]:
    return predicting.snapshots(begin(params, run), part, lambda: held_out(run.fold))


def score(predictions: Predictions) -> Mapping[str, float]:
    return predicting.score(predictions, losses.classification(Params(), classes=10))


def begin(params: Params, run: Run) -> Training:
    """The training before its first epoch."""
    return Training(params, build(params), load(run.fold), losses.classification(params, classes=10), run)


def build(params: Params) -> nn.Module:
    """(batch, 1, 8, 8) -> (batch, 10) logits."""
    return models.images(8, 1, 10, params)


@cache
def load(fold: Fold | None = None) -> Data:
    """The single split, or the split of a fold."""
    rows = split(load_digits().target, fold)
    return Data.of(examples(rows.train), rows)


def held_out(fold: Fold | None = None) -> Examples:
    """The test examples, scaled as for this fold's network. Raises Sealed, except during an evaluation."""
    strata = load_digits().target
    return examples(split(strata, fold).train).at(sealed_test(strata))


def examples(train: Indices) -> Examples:
    """Images (n, 1, 8, 8), of mean 0 and standard deviation 1 over the training pixels; classes (n)."""
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1)
    images = (images - images[train].mean()) / images[train].std()
    return Examples(images, torch.tensor(digits.target, dtype=torch.int64))
