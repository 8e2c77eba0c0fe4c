"""Cleveland heart disease: 303 patients, 13 features, sick or not; the lectures' network of 497 parameters.

The data is UCI repository id 45 (Janosi, Steinbrunn, Pfisterer, Detrano; CC BY 4.0): heart_disease/heart_cleveland.csv
in the folder that HPSEARCH_DATA names, else downloaded once.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from hpsearch import Report, Run
from trainers.kit import cleveland, models, optimizers, schedules
from trainers.kit.data import Data, Examples, split
from trainers.kit.epoch import evaluate, fit, grad_norm, numbers
from trainers.kit.metrics import auroc, binary_accuracy


@dataclass(frozen=True)
class Params:
    """momentum: of sgd and nesterov. step_epochs, step_factor: of the step schedule."""

    hidden: int = 16
    hidden_layers: int = 1
    activation: models.Activation = "relu"
    dropout: float = 0.0
    optimizer: optimizers.Name = "adam"
    lr: float = 1e-3
    momentum: float = 0.9
    weight_decay: float = 0.0
    batch_size: int = 32
    schedule: schedules.Name = "constant"
    step_epochs: int = 10
    step_factor: float = 0.1


def train(params: Params, run: Run) -> Iterator[Report]:
    data = load(cleveland.table(run.data_dir)).to(run.device)
    model = build(params).to(run.device)
    optimizer = optimizers.build(
        params.optimizer,
        model.parameters(),
        params.lr,
        momentum=params.momentum,
        weight_decay=params.weight_decay,
    )
    schedule = schedules.build(
        params.schedule, optimizer, run.max_epochs, every=params.step_epochs, factor=params.step_factor
    )
    shuffle = torch.Generator().manual_seed(run.seed)
    run.track(model=model, optimizer=optimizer, schedule=schedule, shuffle=shuffle)

    # The sigmoid of the output and the cross-entropy of it in one function, which is exact for large logits too.
    loss = binary_cross_entropy_with_logits
    for epoch in run.epochs():
        lr = optimizer.param_groups[0]["lr"]
        trained = fit(model, data.train, loss, optimizer, params.batch_size, shuffle)
        validated = evaluate(model, data.validation, loss)
        schedule.step()
        yield Report(
            epoch,
            numbers(
                train_loss=trained.loss,
                train_accuracy=binary_accuracy(trained),
                val_loss=validated.loss,
                val_accuracy=binary_accuracy(validated),
                val_auroc=auroc(validated),
                lr=lr,
                grad_norm=grad_norm(model.parameters()),
            ),
        )


def build(params: Params) -> nn.Module:
    """(batch, 29) -> (batch, 1) logits; with the defaults 29 x 16 + 16 + 16 + 1 = 497 parameters."""
    return models.mlp(
        cleveland.INPUTS,
        1,
        hidden=params.hidden,
        layers=params.hidden_layers,
        activation=params.activation,
        dropout=params.dropout,
    )


def load(table: cleveland.Table) -> Data:
    """Inputs (n, 29), targets (n, 1) of 0 and 1; the encoding is fitted on the training rows alone."""
    sick = cleveland.sick(table)
    rows = split(sick)
    encoding = cleveland.Encoding.of(table[rows[0]])
    train, validation = (
        Examples(
            torch.tensor(encoding.inputs(table[part]), dtype=torch.float32),
            torch.tensor(sick[part], dtype=torch.float32).unsqueeze(1),
        )
        for part in rows
    )
    return Data(train, validation)
