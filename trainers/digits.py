"""Handwritten digits: 1,797 images of 8 x 8 pixels, ten classes; logistic regression, an MLP, a CNN or a ResNet.

The data ships with scikit-learn (UCI "Optical Recognition of Handwritten Digits", Alpaydin and Kaynak 1998).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

import torch
from sklearn.datasets import load_digits
from torch import nn

from hpsearch import Report, Run
from trainers.kit import augment, folds, losses, models, training
from trainers.kit.data import Data, Rows, splits
from trainers.kit.knobs import Positive
from trainers.kit.training import Training


@dataclass(frozen=True)
class Params(training.Knobs, models.ImageKnobs, augment.Knobs):
    """Here is what has another default than in the kit; every other knob is in the three that this is made of."""

    model: Literal["linear", "mlp", "cnn", "resnet"] = "mlp"
    lr: Positive = 1e-2


def train(params: Params, run: Run) -> Iterator[Report]:
    goal = losses.classification(params, classes=10)
    trainings = [Training(params, build(params), data, goal, run, fold) for fold, data in enumerate(load(params.folds))]
    run.track(**folds.tracked(trainings))
    for epoch in run.epochs():
        yield Report(epoch, folds.epoch(trainings, epoch))


def build(params: Params) -> nn.Module:
    """(batch, 1, 8, 8) -> (batch, 10) logits."""
    return models.images(8, 1, 10, params)


@cache
def load(folds: int = 0) -> list[Data]:
    """One split, or one for each fold."""
    return [part(rows) for rows in splits(load_digits().target, folds)]


def part(rows: Rows) -> Data:
    """Images (n, 1, 8, 8), of mean 0 and standard deviation 1 over the pixels of those trained on; classes (n)."""
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1)
    images = (images - images[rows.train].mean()) / images[rows.train].std()
    labels = torch.tensor(digits.target, dtype=torch.int64)
    return Data.of(images, labels, rows)
