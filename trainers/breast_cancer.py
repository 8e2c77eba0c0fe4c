"""Breast cancer (Wisconsin): 569 tumours, 30 numbers measured from an image of each; malignant or benign.

The data ships with scikit-learn (UCI repository id 17; Wolberg, Mangasarian, Street, Street 1993).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import torch
from sklearn.datasets import load_breast_cancer
from torch import nn

from hpsearch import Fold, Part, Predictions, Report, Run
from trainers.kit import losses, models, predicting, training
from trainers.kit.data import Data, Examples, Indices, sealed_test, split, standardized
from trainers.kit.ranges import PositiveInt
from trainers.kit.training import Training

MALIGNANT = 0
"""scikit-learn's label of the class; here malignant is 1."""


@dataclass(frozen=True)
class Params(training.Settings, models.TableSettings):
    """Defaults that differ from the kit's. The two base classes have all other parameters."""

    hidden: PositiveInt = 16
    batch_size: PositiveInt = 32


def train(params: Params, run: Run) -> Iterator[Report]:
    begun = begin(params, run)
    run.track(**begun.tracked)
    for epoch in run.epochs():
        yield Report(epoch, begun.epoch(epoch))


def predict(params: Params, run: Run, part: Part, *, augmented: int = 0) -> Predictions:
    return predicting.predict(begin(params, run), part, lambda: held_out(run.fold), augmented)


def snapshots(params: Params, run: Run, part: Part) -> list[Predictions]:
    return predicting.snapshots(begin(params, run), part, lambda: held_out(run.fold))


def score(predictions: Predictions) -> Mapping[str, float]:
    return predicting.score(predictions, losses.binary(Params()))


def begin(params: Params, run: Run) -> Training:
    """The training before its first epoch."""
    return Training(params, build(params), load(run.fold), losses.binary(params), run)


def build(params: Params) -> nn.Module:
    """(batch, 30) -> (batch, 1) logits."""
    return models.table(30, 1, params)


@cache
def load(fold: Fold | None = None) -> Data:
    """The single split, or the split of a fold."""
    rows = split(load_breast_cancer().target, fold)
    return Data.of(examples(rows.train), rows)


def held_out(fold: Fold | None = None) -> Examples:
    """The test examples, scaled as for this fold's network. Raises Sealed, except during an evaluation."""
    strata = load_breast_cancer().target
    return examples(split(strata, fold).train).at(sealed_test(strata))


def examples(train: Indices) -> Examples:
    """Inputs (n, 30), standardised with the training rows; targets (n, 1) of 0 and 1."""
    table = load_breast_cancer()
    malignant = torch.tensor(table.target == MALIGNANT, dtype=torch.float32).unsqueeze(1)
    return Examples(standardized(table.data, train), malignant)
