"""CIFAR-10: 60,000 colour photographs of 32 x 32 pixels, ten classes (Krizhevsky 2009); the binary version.

It is cifar-10/cifar-10-binary.tar.gz, or that unpacked, in the folder that HPSEARCH_DATA names, else downloaded once
(170 MB). The batch of 10,000 that is the test's is the test's here; of the other 50,000 a fifth is validated on.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from torch import nn

from hpsearch import Part, Predictions, Report, Run, check_unsealed
from trainers.kit import augment, cifar, folds, losses, models, predicting, training
from trainers.kit.data import Data, Examples, Scaling, splits
from trainers.kit.knobs import Count
from trainers.kit.training import Training


@dataclass(frozen=True)
class Params(training.Knobs, models.ImageKnobs, augment.Knobs):
    """Here is what has another default than in the kit; every other knob is in the three that this is made of."""

    model: Literal["linear", "mlp", "cnn", "resnet"] = "resnet"
    batch_size: Count = 128


def train(params: Params, run: Run) -> Iterator[Report]:
    trainings = begin(params, run)
    run.track(**folds.tracked(trainings))
    for epoch in run.epochs():
        yield Report(epoch, folds.epoch(trainings, epoch))


def predict(params: Params, run: Run, part: Part, *, augmented: int = 0) -> Predictions:
    return predicting.predict(begin(params, run), run, part, lambda: held_out(run.data_dir, params.folds), augmented)


def snapshots(params: Params, run: Run, part: Part) -> list[Predictions]:
    return predicting.snapshots(begin(params, run), run, part, lambda: held_out(run.data_dir, params.folds))


def score(predictions: Predictions) -> Mapping[str, float]:
    return predicting.score(predictions, losses.classification(Params(), classes=10))


def begin(params: Params, run: Run) -> list[Training]:
    """One network, or one for each fold, before its first epoch."""
    goal = losses.classification(params, classes=10)
    parts = load(run.data_dir, params.folds)
    return [Training(params, build(params), data, goal, run, fold) for fold, data in enumerate(parts)]


def build(params: Params) -> nn.Module:
    """(batch, 3, 32, 32) -> (batch, 10) logits."""
    return models.images(32, 3, 10, params)


@cache
def load(data_dir: Path | None, folds: int = 0) -> list[Data]:
    """One split, or one for each fold: images (n, 3, 32, 32) as bytes, scaled by those trained on; classes (n)."""
    images, labels = cifar.read(data_dir, cifar.TRAINING)
    return [
        Data.of(Examples(images, labels, Scaling.of(images[rows.train])), rows)
        for rows in splits(labels.numpy(), folds, test=0)
    ]


def held_out(data_dir: Path | None, folds: int = 0) -> list[Examples]:
    """The test's, as the network of each fold is given them. Raises Sealed, except when the study is evaluated."""
    return [sealed_test(data_dir, data.train.scaling) for data in load(data_dir, folds)]


def sealed_test(data_dir: Path | None, scaling: Scaling | None) -> Examples:
    """The 10,000. Raises Sealed, except when the study is evaluated."""
    check_unsealed()
    return Examples(*cifar.read(data_dir, cifar.TEST), scaling)
