"""MNIST: 70,000 handwritten digits of 28 x 28 pixels, ten classes (LeCun, Bottou, Bengio, Haffner 1998).

The files are mnist/train-images-idx3-ubyte.gz and three others in the folder of HPSEARCH_DATA; otherwise they are
downloaded once (11 MB). MNIST's 10,000 test images are the test set. A fifth of the others is for validation.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from torch import nn

from hpsearch import Fold, Part, Predictions, Report, Run, check_unsealed
from trainers.kit import augment, idx, losses, models, predicting, test_time, training
from trainers.kit.data import Data, Examples, photographs
from trainers.kit.training import Training


@dataclass(frozen=True)
class Params(training.Settings, models.ImageSettings, augment.Settings, test_time.ImageSettings):
    """A CNN with the kit's defaults. The four base classes have all parameters."""


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
    """(batch, 1, 28, 28) -> (batch, 10) logits."""
    return models.images(28, 1, 10, params)


@cache
def load(data_dir: Path | None, fold: Fold | None = None) -> Data:
    """The single split or a fold: images (n, 1, 28, 28) as bytes, with the training images' scaling; classes (n)."""
    return photographs(idx.images(data_dir, "train"), idx.labels(data_dir, "train"), fold)


def held_out(data_dir: Path | None, fold: Fold | None = None) -> Examples:
    """The 10,000 test images, scaled as for this fold's network. Raises Sealed, except during an evaluation."""
    check_unsealed()
    return Examples(idx.images(data_dir, "t10k"), idx.labels(data_dir, "t10k"), load(data_dir, fold).train.scaling)
