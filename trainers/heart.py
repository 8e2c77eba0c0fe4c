"""Cleveland heart disease: 303 patients, 13 features, sick or healthy; a network of 497 parameters.

The data is UCI repository id 45 (Janosi, Steinbrunn, Pfisterer, Detrano; CC BY 4.0): heart_disease/heart_cleveland.csv
in the folder of HPSEARCH_DATA, else downloaded once.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import nn

from hpsearch import Fold, Part, Predictions, Report, Run
from trainers.kit import cleveland, losses, models, predicting, training
from trainers.kit.data import Data, Examples, Indices, sealed_test, split
from trainers.kit.ranges import PositiveInt
from trainers.kit.training import Training


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
    table = cleveland.table(run.data_dir)
    return predicting.predict(begin(params, run), part, lambda: held_out(table, run.fold), augmented)


def snapshots(params: Params, run: Run, part: Part) -> list[Predictions]:
    table = cleveland.table(run.data_dir)
    return predicting.snapshots(begin(params, run), part, lambda: held_out(table, run.fold))


def score(predictions: Predictions) -> Mapping[str, float]:
    return predicting.score(predictions, losses.binary(Params()))


def begin(params: Params, run: Run) -> Training:
    """The training before its first epoch."""
    data = load(cleveland.table(run.data_dir), run.fold)
    return Training(params, build(params), data, losses.binary(params), run)


def build(params: Params) -> nn.Module:
    """(batch, 29) -> (batch, 1) logits; with the defaults 29 x 16 + 16 + 16 + 1 = 497 parameters."""
    return models.table(cleveland.INPUTS, 1, params)


def load(table: cleveland.Table, fold: Fold | None = None) -> Data:
    """The single split, or the split of a fold."""
    rows = split(cleveland.sick(table), fold)
    return Data.of(examples(table, rows.train), rows)


def held_out(table: cleveland.Table, fold: Fold | None = None) -> Examples:
    """The test examples, scaled as for this fold's network. Raises Sealed, except during an evaluation."""
    strata = cleveland.sick(table)
    return examples(table, split(strata, fold).train).at(sealed_test(strata))


def examples(table: cleveland.Table, train: Indices) -> Examples:
    """Inputs (n, 29), targets (n, 1) of 0 and 1; the encoding is fitted on the training rows only."""
    encoding = cleveland.Encoding.of(table[train])
    inputs = torch.tensor(encoding.inputs(table), dtype=torch.float32)
    return Examples(inputs, torch.tensor(cleveland.sick(table), dtype=torch.float32).unsqueeze(1))
