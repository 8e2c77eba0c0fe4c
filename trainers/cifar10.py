"""CIFAR-10: 60,000 colour photographs of 32 x 32 pixels, ten classes (Krizhevsky 2009); the binary version.

It is cifar-10/cifar-10-binary.tar.gz, or that unpacked, in the folder that HPSEARCH_DATA names, else downloaded once
(170 MB). The batch of 10,000 that is the test's is the test's here; of the other 50,000 a fifth is validated on.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from torch import nn

from hpsearch import Report, Run
from trainers.kit import augment, cifar, folds, losses, models, training
from trainers.kit.data import Data, Examples, Scaling, check_unsealed, splits
from trainers.kit.knobs import Count
from trainers.kit.training import Training


@dataclass(frozen=True)
class Params(training.Knobs, models.ImageKnobs, augment.Knobs):
    """Here is what has another default than in the kit; every other knob is in the three that this is made of."""

    model: Literal["linear", "mlp", "cnn", "resnet"] = "resnet"
    batch_size: Count = 128


def train(params: Params, run: Run) -> Iterator[Report]:
    goal = losses.classification(params, classes=10)
    trainings = [
        Training(params, build(params), data, goal, run, fold)
        for fold, data in enumerate(load(run.data_dir, params.folds))
    ]
    run.track(**folds.tracked(trainings))
    for epoch in run.epochs():
        yield Report(epoch, folds.epoch(trainings, epoch))


def build(params: Params) -> nn.Module:
    """(batch, 3, 32, 32) -> (batch, 10) logits."""
    return models.images(32, 3, 10, params)


@cache
def load(data_dir: Path | None, folds: int = 0) -> list[Data]:
    """One split, or one for each fold: images (n, 3, 32, 32) as bytes, scaled by those trained on; classes (n)."""
    images, labels = cifar.read(data_dir, cifar.TRAINING)
    return [
        Data.of(images, labels, rows, Scaling.of(images[rows.train])) for rows in splits(labels.numpy(), folds, test=0)
    ]


def sealed_test(data_dir: Path | None, scaling: Scaling) -> Examples:
    """The 10,000. Raises Sealed, except when the study is evaluated."""
    check_unsealed()
    return Examples(*cifar.read(data_dir, cifar.TEST), scaling)
