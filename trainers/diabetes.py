"""Diabetes: how far the disease has gone in a year, from 10 numbers of 442 patients; linear regression is hard to beat.

The data ships with scikit-learn (Efron, Hastie, Johnstone, Tibshirani 2004, Annals of Statistics 32).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from sklearn.datasets import load_diabetes
from torch import nn

from hpsearch import Part, Predictions, Report, Run
from trainers.kit import folds, losses, models, predicting, training
from trainers.kit.data import Data, Examples, Indices, Strata, sealed_test, splits, standardized, strata_of
from trainers.kit.knobs import Count
from trainers.kit.links import Values
from trainers.kit.training import Training


@dataclass(frozen=True)
class Params(training.Knobs, models.TableKnobs):
    """Here is what has another default than in the kit; every other knob is in the two that this is made of."""

    hidden: Count = 16
    batch_size: Count = 32


def train(params: Params, run: Run) -> Iterator[Report]:
    trainings = begin(params, run)
    run.track(**folds.tracked(trainings))
    for epoch in run.epochs():
        yield Report(epoch, folds.epoch(trainings, epoch))


def predict(params: Params, run: Run, part: Part, *, augmented: int = 0) -> Predictions:
    return predicting.predict(begin(params, run), run, part, lambda: held_out(params.folds), augmented)


def snapshots(params: Params, run: Run, part: Part) -> list[Predictions]:
    return predicting.snapshots(begin(params, run), run, part, lambda: held_out(params.folds))


def score(predictions: Predictions) -> Mapping[str, float]:
    """The loss is in the units of the one split, of which those of folds differ a little."""
    ((_, values),) = load()
    return predicting.score(predictions, losses.regression(values))


def begin(params: Params, run: Run) -> list[Training]:
    """One network, or one for each fold, before its first epoch."""
    return [
        Training(params, build(params), data, losses.regression(values), run, fold)
        for fold, (data, values) in enumerate(load(params.folds))
    ]


def build(params: Params) -> nn.Module:
    """(batch, 10) -> (batch, 1)."""
    return models.table(10, 1, params)


@cache
def load(folds: int = 0) -> list[tuple[Data, Values]]:
    """One split, or one for each fold, with what its targets stand for.

    scikit-learn's own scaling is left out: it is of all patients, the test's included.
    """
    return [(Data.of(examples(rows.train), rows), values(rows.train)) for rows in splits(strata(), folds)]


def held_out(folds: int = 0) -> list[Examples]:
    """The test's, as the network of each fold is given them. Raises Sealed, except when the study is evaluated."""
    rows = sealed_test(strata())
    return [examples(seen.train).at(rows) for seen in splits(strata(), folds)]


def strata() -> Strata:
    return strata_of(load_diabetes(scaled=False).target)


def examples(train: Indices) -> Examples:
    """Inputs (n, 10) and targets (n, 1), standardised by those trained on."""
    patients = load_diabetes(scaled=False)
    return Examples(standardized(patients.data, train), standardized(patients.target[:, None], train))


def values(train: Indices) -> Values:
    target = load_diabetes(scaled=False).target[train]
    return Values(float(target.mean()), float(target.std()))
