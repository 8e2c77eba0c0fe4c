"""Cleveland heart disease: 303 patients, 13 features, sick or not; the lectures' network of 497 parameters.

The data is UCI repository id 45 (Janosi, Steinbrunn, Pfisterer, Detrano; CC BY 4.0): heart_disease/heart_cleveland.csv
in the folder that HPSEARCH_DATA names, else downloaded once.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn

from hpsearch import Report, Run
from trainers.kit import cleveland, folds, losses, models, training
from trainers.kit.data import Data, Rows, splits
from trainers.kit.knobs import Count
from trainers.kit.training import Training


@dataclass(frozen=True)
class Params(training.Knobs, models.TableKnobs):
    """Here is what has another default than in the kit; every other knob is in the two that this is made of."""

    hidden: Count = 16
    batch_size: Count = 32


def train(params: Params, run: Run) -> Iterator[Report]:
    goal = losses.binary(params)
    table = cleveland.table(run.data_dir)
    trainings = [
        Training(params, build(params), data, goal, run, fold) for fold, data in enumerate(load(table, params.folds))
    ]
    run.track(**folds.tracked(trainings))
    for epoch in run.epochs():
        yield Report(epoch, folds.epoch(trainings, epoch))


def build(params: Params) -> nn.Module:
    """(batch, 29) -> (batch, 1) logits; with the defaults 29 x 16 + 16 + 16 + 1 = 497 parameters."""
    return models.table(cleveland.INPUTS, 1, params)


def load(table: cleveland.Table, folds: int = 0) -> list[Data]:
    """One split, or one for each fold."""
    return [part(table, rows) for rows in splits(cleveland.sick(table), folds)]


def part(table: cleveland.Table, rows: Rows) -> Data:
    """Inputs (n, 29), targets (n, 1) of 0 and 1; the encoding is fitted on the training rows alone."""
    encoding = cleveland.Encoding.of(table[rows.train])
    inputs = torch.tensor(encoding.inputs(table), dtype=torch.float32)
    sick = torch.tensor(cleveland.sick(table), dtype=torch.float32).unsqueeze(1)
    return Data.of(inputs, sick, rows)
