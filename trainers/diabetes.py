"""Diabetes: progression of the disease in a year, from 10 numbers of 442 patients; linear regression is hard to beat.

The data ships with scikit-learn (Efron, Hastie, Johnstone, Tibshirani 2004, Annals of Statistics 32).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

from sklearn.datasets import load_diabetes
from torch import nn

from hpsearch import Fold, Part, Predictions, Report, Run
from trainers.kit import losses, models, predicting, training
from trainers.kit.data import Data, Examples, Indices, Strata, sealed_test, split, standardized, strata_of
from trainers.kit.links import Values
from trainers.kit.ranges import Conditions, PositiveInt
from trainers.kit.training import Training


@dataclass(frozen=True)
class Params(training.Settings, models.TableSettings):
    """Defaults that differ from the kit's. The two base classes have all other parameters."""

    WHEN: ClassVar[Conditions] = {"loss": [], "label_smoothing": []}

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
    """The loss is in the units of the single split. Those of folds differ slightly."""
    _, values = load()
    return predicting.score(predictions, losses.regression(values))


def begin(params: Params, run: Run) -> Training:
    """The training before its first epoch."""
    data, values = load(run.fold)
    return Training(params, build(params), data, losses.regression(values), run)


def build(params: Params) -> nn.Module:
    """(batch, 10) -> (batch, 1)."""
    return models.table(10, 1, params)


@cache
def load(fold: Fold | None = None) -> tuple[Data, Values]:
    """The single split or a fold, and the scaling of its targets.

    scikit-learn's scaling is not used: it includes the test patients.
    """
    rows = split(strata(), fold)
    return Data.of(examples(rows.train), rows), values(rows.train)


def held_out(fold: Fold | None = None) -> Examples:
    """The test examples, scaled as for this fold's network. Raises Sealed, except during an evaluation."""
    return examples(split(strata(), fold).train).at(sealed_test(strata()))


def strata() -> Strata:
    return strata_of(load_diabetes(scaled=False).target)


def examples(train: Indices) -> Examples:
    """Inputs (n, 10) and targets (n, 1), standardised with the training rows."""
    patients = load_diabetes(scaled=False)
    return Examples(standardized(patients.data, train), standardized(patients.target[:, None], train))


def values(train: Indices) -> Values:
    target = load_diabetes(scaled=False).target[train]
    return Values(float(target.mean()), float(target.std()))
