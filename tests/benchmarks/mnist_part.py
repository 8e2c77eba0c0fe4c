"""MNIST with its first 10,000 or 2,500 images, one in five to validate on: small enough to search many times."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from hpsearch import Report, Run
from trainers import mnist
from trainers.kit import idx, losses
from trainers.kit.data import Data, photographs
from trainers.kit.training import Training

IMAGES, FEW = 10_000, 2_500


def train(params: mnist.Params, run: Run) -> Iterator[Report]:
    yield from _trained(params, run, IMAGES)


def train_on_few(params: mnist.Params, run: Run) -> Iterator[Report]:
    yield from _trained(params, run, FEW)


def _trained(params: mnist.Params, run: Run, images: int) -> Iterator[Report]:
    data = load(run.data_dir, images)
    training = Training(params, mnist.build(params), data, losses.classification(params, classes=10), run)
    run.track(**training.tracked)
    for epoch in run.epochs():
        yield Report(epoch, training.epoch(epoch))


@cache
def load(data_dir: Path | None, images: int) -> Data:
    pictures, labels = idx.images(data_dir, "train")[:images], idx.labels(data_dir, "train")[:images]
    return photographs(pictures, labels, None)
