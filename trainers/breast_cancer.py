"""Breast cancer (Wisconsin): 569 tumours, 30 numbers measured from an image of each; malignant or benign.

The data ships with scikit-learn (UCI repository id 17; Wolberg, Mangasarian, Street, Street 1993).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import torch
from sklearn.datasets import load_breast_cancer
from torch import nn

from hpsearch import Report, Run
from trainers.kit import folds, losses, models, training
from trainers.kit.data import Data, splits, standardized
from trainers.kit.knobs import Count
from trainers.kit.training import Training

MALIGNANT = 0
"""How scikit-learn writes it; here it is the class that is looked for: 1."""


@dataclass(frozen=True)
class Params(training.Knobs, models.TableKnobs):
    """Here is what has another default than in the kit; every other knob is in the two that this is made of."""

    hidden: Count = 16
    batch_size: Count = 32


def train(params: Params, run: Run) -> Iterator[Report]:
    goal = losses.binary(params)
    trainings = [Training(params, build(params), data, goal, run, fold) for fold, data in enumerate(load(params.folds))]
    run.track(**folds.tracked(trainings))
    for epoch in run.epochs():
        yield Report(epoch, folds.epoch(trainings, epoch))


def build(params: Params) -> nn.Module:
    """(batch, 30) -> (batch, 1) logits."""
    return models.table(30, 1, params)


@cache
def load(folds: int = 0) -> list[Data]:
    """One split, or one for each fold: inputs (n, 30), standardised by those trained on, targets (n, 1) of 0 and 1."""
    table = load_breast_cancer()
    malignant = torch.tensor(table.target == MALIGNANT, dtype=torch.float32).unsqueeze(1)
    return [Data.of(standardized(table.data, rows.train), malignant, rows) for rows in splits(table.target, folds)]
