"""Handwritten digits: 1,797 images of 8 x 8 pixels, ten classes; an MLP or a small CNN.

The data ships with scikit-learn (UCI "Optical Recognition of Handwritten Digits", Alpaydin and Kaynak 1998).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn.functional import cross_entropy

from hpsearch import Report, Run
from trainers.kit import models, optimizers, schedules
from trainers.kit.data import Data, Examples, split
from trainers.kit.epoch import evaluate, fit, grad_norm, numbers
from trainers.kit.metrics import accuracy


@dataclass(frozen=True)
class Params:
    """hidden, hidden_layers: the MLP's units and layers; the CNN has `filters` in its first block and one layer.

    momentum: of sgd and nesterov. step_epochs, step_factor: of the step schedule.
    """

    model: Literal["mlp", "cnn"] = "mlp"
    hidden: int = 64
    hidden_layers: int = 1
    filters: int = 16
    activation: models.Activation = "relu"
    dropout: float = 0.0
    optimizer: optimizers.Name = "adam"
    lr: float = 1e-2
    momentum: float = 0.9
    weight_decay: float = 0.0
    batch_size: int = 64
    schedule: schedules.Name = "constant"
    step_epochs: int = 10
    step_factor: float = 0.1


def train(params: Params, run: Run) -> Iterator[Report]:
    data = load().to(run.device)
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

    for epoch in run.epochs():
        lr = optimizer.param_groups[0]["lr"]
        trained = fit(model, data.train, cross_entropy, optimizer, params.batch_size, shuffle)
        validated = evaluate(model, data.validation, cross_entropy)
        schedule.step()
        yield Report(
            epoch,
            numbers(
                train_loss=trained.loss,
                train_accuracy=accuracy(trained),
                val_loss=validated.loss,
                val_accuracy=accuracy(validated),
                lr=lr,
                grad_norm=grad_norm(model.parameters()),
            ),
        )


def build(params: Params) -> nn.Module:
    """(batch, 1, 8, 8) -> (batch, 10) logits."""
    if params.model == "cnn":
        return models.cnn(
            8,
            10,
            filters=params.filters,
            hidden=params.hidden,
            activation=params.activation,
            dropout=params.dropout,
        )
    return models.mlp(
        64,
        10,
        hidden=params.hidden,
        layers=params.hidden_layers,
        activation=params.activation,
        dropout=params.dropout,
    )


@cache
def load() -> Data:
    """Images (n, 1, 8, 8), of mean 0 and standard deviation 1 over the pixels of the training split; classes (n)."""
    digits = load_digits()
    train, validation = split(digits.target)
    images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1)
    images = (images - images[train].mean()) / images[train].std()
    labels = torch.tensor(digits.target, dtype=torch.int64)
    return Data(Examples(images[train], labels[train]), Examples(images[validation], labels[validation]))
