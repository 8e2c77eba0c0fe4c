"""Diabetes: how far the disease has gone in a year, from 10 numbers of 442 patients; linear regression is hard to beat.

The data ships with scikit-learn (Efron, Hastie, Johnstone, Tibshirani 2004, Annals of Statistics 32).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from sklearn.datasets import load_diabetes
from torch import nn

from hpsearch import Report, Run
from trainers.kit import folds, losses, models, training
from trainers.kit.data import Columns, Data, Rows, splits, standardized, strata_of
from trainers.kit.knobs import Count
from trainers.kit.training import Training


@dataclass(frozen=True)
class Params(training.Knobs, models.TableKnobs):
    """Here is what has another default than in the kit; every other knob is in the two that this is made of."""

    hidden: Count = 16
    batch_size: Count = 32


def train(params: Params, run: Run) -> Iterator[Report]:
    trainings = [
        Training(params, build(params), data, losses.regression(unit), run, fold)
        for fold, (data, unit) in enumerate(load(params.folds))
    ]
    run.track(**folds.tracked(trainings))
    for epoch in run.epochs():
        yield Report(epoch, folds.epoch(trainings, epoch))


def build(params: Params) -> nn.Module:
    """(batch, 10) -> (batch, 1)."""
    return models.table(10, 1, params)


@cache
def load(folds: int = 0) -> list[tuple[Data, float]]:
    """One split, or one for each fold, with how much of the disease one unit of the targets is.

    Inputs (n, 10) and targets (n, 1) are standardised by those trained on. scikit-learn's own scaling is left out: it
    is of all patients, the test's included.
    """
    patients = load_diabetes(scaled=False)
    return [part(patients.data, patients.target[:, None], rows) for rows in splits(strata_of(patients.target), folds)]


def part(inputs: Columns, targets: Columns, rows: Rows) -> tuple[Data, float]:
    data = Data.of(standardized(inputs, rows.train), standardized(targets, rows.train), rows)
    return data, float(targets[rows.train].std())
