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

from hpsearch import Part, Predictions, Report, Run
from trainers.kit import augment, folds, losses, models, predicting, training
from trainers.kit.data import Data, Examples, Indices, sealed_test, splits
from trainers.kit.knobs import Positive
from trainers.kit.training import Training


@dataclass(frozen=True)
class Params(training.Knobs, models.ImageKnobs, augment.Knobs):
    """Here is what has another default than in the kit; every other knob is in the three that this is made of."""

    model: Literal["linear", "mlp", "cnn", "resnet"] = "mlp"
    lr: Positive = 1e-2


def train(params: Params, run: Run) -> Iterator[Report]:
    trainings = begin(params, run)
    run.track(**folds.tracked(trainings))
    for epoch in run.epochs():
        yield Report(epoch, folds.epoch(trainings, epoch))


def predict(params: Params, run: Run, part: Part, *, augmented: int = 0) -> Predictions:
    return predicting.predict(begin(params, run), run, part, lambda: held_out(params.folds), augmented)


def snapshots(params: Params, run: Run, part: Part) -> list[Predictions]:
    return predicting.snapshots(begin(params, run), run, part, lambda: held_out(params.folds))


def score(predictions: Predictions) -> Mapping[str, float]:
    return predicting.score(predictions, losses.classification(Params(), classes=10))


def begin(params: Params, run: Run) -> list[Training]:
    """One network, or one for each fold, before its first epoch."""
    goal = losses.classification(params, classes=10)
    return [Training(params, build(params), data, goal, run, fold) for fold, data in enumerate(load(params.folds))]


def build(params: Params) -> nn.Module:
    """(batch, 1, 8, 8) -> (batch, 10) logits."""
    return models.images(8, 1, 10, params)


@cache
def load(folds: int = 0) -> list[Data]:
    """One split, or one for each fold."""
    return [Data.of(examples(rows.train), rows) for rows in splits(load_digits().target, folds)]


def held_out(folds: int = 0) -> list[Examples]:
    """The test's, as the network of each fold is given them. Raises Sealed, except when the study is evaluated."""
    strata = load_digits().target
    rows = sealed_test(strata)
    return [examples(seen.train).at(rows) for seen in splits(strata, folds)]


def examples(train: Indices) -> Examples:
    """Images (n, 1, 8, 8), of mean 0 and standard deviation 1 over the pixels of those trained on; classes (n)."""
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1)
    images = (images - images[train].mean()) / images[train].std()
    return Examples(images, torch.tensor(digits.target, dtype=torch.int64))
