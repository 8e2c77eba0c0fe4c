"""MNIST with its first 10,000 images, 8,000 to train on and 2,000 to validate on: small enough to search many times."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from hpsearch import Report, Run
from trainers import mnist
from trainers.kit import idx, losses
from trainers.kit.data import Data, photographs
from trainers.kit.training import Training

IMAGES = 10_000


def train(params: mnist.Params, run: Run) -> Iterator[Report]:
    training = Training(params, mnist.build(params), load(run.data_dir), losses.classification(params, classes=10), run)
    run.track(**training.tracked)
    for epoch in run.epochs():
        yield Report(epoch, training.epoch(epoch))


@cache
def load(data_dir: Path | None) -> Data:
    images, labels = idx.images(data_dir, "train")[:IMAGES], idx.labels(data_dir, "train")[:IMAGES]
    return photographs(images, labels, None)
