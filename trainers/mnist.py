"""MNIST: 70,000 handwritten digits of 28 x 28 pixels, ten classes (LeCun, Bottou, Bengio, Haffner 1998).

The files are mnist/train-images-idx3-ubyte.gz and its kin in the folder that HPSEARCH_DATA names, else downloaded once
(11 MB). The 10,000 images that are the test's since 1998 are the test's here; a fifth of the others is validated on.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from torch import nn

from hpsearch import Report, Run
from trainers.kit import augment, folds, idx, losses, models, training
from trainers.kit.data import Data, Examples, Scaling, check_unsealed, splits
from trainers.kit.training import Training


@dataclass(frozen=True)
class Params(training.Knobs, models.ImageKnobs, augment.Knobs):
    """A CNN of the kit's defaults; every knob is in the three that this is made of."""


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
    """(batch, 1, 28, 28) -> (batch, 10) logits."""
    return models.images(28, 1, 10, params)


@cache
def load(data_dir: Path | None, folds: int = 0) -> list[Data]:
    """One split, or one for each fold: images (n, 1, 28, 28) as bytes, scaled by those trained on; classes (n)."""
    images, labels = idx.images(data_dir, "train"), idx.labels(data_dir, "train")
    return [
        Data.of(images, labels, rows, Scaling.of(images[rows.train])) for rows in splits(labels.numpy(), folds, test=0)
    ]


def sealed_test(data_dir: Path | None, scaling: Scaling) -> Examples:
    """The 10,000. Raises Sealed, except when the study is evaluated."""
    check_unsealed()
    return Examples(idx.images(data_dir, "t10k"), idx.labels(data_dir, "t10k"), scaling)
