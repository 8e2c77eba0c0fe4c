"""Diabetes: how far the disease has gone in a year, from 10 numbers of 442 patients; linear regression is hard to beat.

The data ships with scikit-learn (Efron, Hastie, Johnstone, Tibshirani 2004, Annals of Statistics 32).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from sklearn.datasets import load_diabetes
from torch import nn

from hpsearch import Fold, Part, Predictions, Report, Run
from trainers.kit import losses, models, predicting, training
from trainers.kit.data import Data, Examples, Indices, Strata, sealed_test, split, standardized, strata_of
from trainers.kit.knobs import Count
from trainers.kit.links import Values
from trainers.kit.training import Training


@dataclass(frozen=True)
class Params(training.Knobs, models.TableKnobs):
    """Here is what has another default than in the kit; every other knob is in the two that this is made of."""

    hidden: Count = 16
    batch_size: Count = 32


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
    """The loss is in the units of the one split, from which those of folds differ a little."""
    _, values = load()
    return predicting.score(predictions, losses.regression(values))


def begin(params: Params, run: Run) -> Training:
    """Before its first epoch."""
    data, values = load(run.fold)
    return Training(params, build(params), data, losses.regression(values), run)


def build(params: Params) -> nn.Module:
    """(batch, 10) -> (batch, 1)."""
    return models.table(10, 1, params)


@cache
def load(fold: Fold | None = None) -> tuple[Data, Values]:
    """Of the one split, or of a fold; and what its targets stand for.

    scikit-learn's own scaling is left out: it is of all patients, the test's included.
    """
    rows = split(strata(), fold)
    return Data.of(examples(rows.train), rows), values(rows.train)


def held_out(fold: Fold | None = None) -> Examples:
    """The test's, as the network of this fold is given them. Raises Sealed, except when the study is evaluated."""
    return examples(split(strata(), fold).train).at(sealed_test(strata()))


def strata() -> Strata:
    return strata_of(load_diabetes(scaled=False).target)


def examples(train: Indices) -> Examples:
    """Inputs (n, 10) and targets (n, 1), standardised by those trained on."""
    patients = load_diabetes(scaled=False)
    return Examples(standardized(patients.data, train), standardized(patients.target[:, None], train))


def values(train: Indices) -> Values:
    target = load_diabetes(scaled=False).target[train]
    return Values(float(target.mean()), float(target.std()))
