"""CIFAR-10: 60,000 colour photographs of 32 x 32 pixels, ten classes (Krizhevsky 2009); the binary version.

The file is cifar-10/cifar-10-binary.tar.gz, or its content, in the folder of HPSEARCH_DATA; otherwise it is downloaded
once (170 MB). The test batch of 10,000 is the test set. A fifth of the other 50,000 is for validation.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from torch import nn

from hpsearch import Fold, Part, Predictions, Report, Run, check_unsealed
from trainers.kit import augment, cifar, losses, models, predicting, test_time, training
from trainers.kit.data import Data, Examples, photographs
from trainers.kit.ranges import PositiveInt
from trainers.kit.training import Training


@dataclass(frozen=True)
class Params(training.Settings, models.ImageSettings, augment.Settings, test_time.ImageSettings):
    """Defaults that differ from the kit's. The four base classes have all other parameters."""

    model: Literal["linear", "mlp", "cnn", "resnet"] = "resnet"
    batch_size: PositiveInt = 128


def train(params: Params, run: Run) -> Iterator[Report]:
    begun = begin(params, run)
    run.track(**begun.tracked)
    for epoch in run.epochs():
        yield Report(epoch, begun.epoch(epoch))


def predict(params: Params, run: Run, part: Part, *, augmented: int = 0) -> Predictions:
    return predicting.predict(begin(params, run), part, lambda: held_out(run.data_dir, run.fold), augmented)


def snapshots(params: Params, run: Run, part: Part) -> list[Predictions]:
    return predicting.snapshots(begin(params, run), part, lambda: held_out(run.data_dir, run.fold))


def score(predictions: Predictions) -> Mapping[str, float]:
    return predicting.score(predictions, losses.classification(Params(), classes=10))


def begin(params: Params, run: Run) -> Training:
    """The training before its first epoch."""
    data = load(run.data_dir, run.fold)
    return Training(params, build(params), data, losses.classification(params, classes=10), run)


def build(params: Params) -> nn.Module:
    """(batch, 3, 32, 32) -> (batch, 10) logits."""
    return models.images(32, 3, 10, params)


@cache
def load(data_dir: Path | None, fold: Fold | None = None) -> Data:
    """The single split or a fold: images (n, 3, 32, 32) as bytes, with the training images' scaling; classes (n)."""
    return photographs(*cifar.read(data_dir, cifar.TRAINING), fold)


def held_out(data_dir: Path | None, fold: Fold | None = None) -> Examples:
    """The 10,000 test images, scaled as for this fold's network. Raises Sealed, except during an evaluation."""
    check_unsealed()
    return Examples(*cifar.read(data_dir, cifar.TEST), load(data_dir, fold).train.scaling)
