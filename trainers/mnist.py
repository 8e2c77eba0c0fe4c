"""MNIST: 70,000 handwritten digits of 28 x 28 pixels, ten classes (LeCun, Bottou, Bengio, Haffner 1998).

The files are mnist/train-images-idx3-ubyte.gz and its kin in the folder that HPSEARCH_DATA names, else downloaded once
(11 MB). The 10,000 images that are the test's since 1998 are the test's here; a fifth of the others is validated on.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from torch import nn

from hpsearch import Part, Predictions, Report, Run, check_unsealed
from trainers.kit import augment, folds, idx, losses, models, predicting, training
from trainers.kit.data import Data, Examples, Scaling, splits
from trainers.kit.training import Training


@dataclass(frozen=True)
class Params(training.Knobs, models.ImageKnobs, augment.Knobs):
    """A CNN of the kit's defaults; every knob is in the three that this is made of."""


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
    """(batch, 1, 28, 28) -> (batch, 10) logits."""
    return models.images(28, 1, 10, params)


@cache
def load(data_dir: Path | None, folds: int = 0) -> list[Data]:
    """One split, or one for each fold: images (n, 1, 28, 28) as bytes, scaled by those trained on; classes (n)."""
    images, labels = idx.images(data_dir, "train"), idx.labels(data_dir, "train")
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
    return Examples(idx.images(data_dir, "t10k"), idx.labels(data_dir, "t10k"), scaling)
