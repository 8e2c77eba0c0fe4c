"""MNIST: 70,000 handwritten digits of 28 x 28 pixels, ten classes (LeCun, Bottou, Bengio, Haffner 1998).

The files are mnist/train-images-idx3-ubyte.gz and its kin in the folder that HPSEARCH_DATA names, else downloaded once
(11 MB). The 10,000 images that are the test's since 1998 are the test's here; a fifth of the others is validated on.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from torch import nn

from hpsearch import Fold, Part, Predictions, Report, Run, check_unsealed
from trainers.kit import augment, idx, losses, models, predicting, training
from trainers.kit.data import Data, Examples, photographs
from trainers.kit.training import Training


@dataclass(frozen=True)
class Params(training.Knobs, models.ImageKnobs, augment.Knobs):
    """A CNN of the kit's defaults; every knob is in the three that this is made of."""


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
    """Before its first epoch."""
    data = load(run.data_dir, run.fold)
    return Training(params, build(params), data, losses.classification(params, classes=10), run)


def build(params: Params) -> nn.Module:
    """(batch, 1, 28, 28) -> (batch, 10) logits."""
    return models.images(28, 1, 10, params)


@cache
def load(data_dir: Path | None, fold: Fold | None = None) -> Data:
    """Of the one split, or of a fold: images (n, 1, 28, 28) as bytes, scaled by those trained on; classes (n)."""
    return photographs(idx.images(data_dir, "train"), idx.labels(data_dir, "train"), fold)


def held_out(data_dir: Path | None, fold: Fold | None = None) -> Examples:
    """The 10,000, as the network of this fold is given them. Raises Sealed, except when the study is evaluated."""
    check_unsealed()
    return Examples(idx.images(data_dir, "t10k"), idx.labels(data_dir, "t10k"), load(data_dir, fold).train.scaling)
