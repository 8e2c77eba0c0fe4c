"""Trainers whose learning rate is a parameter."""

from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from hpsearch import Report, Run
from hpsearch.core.trial import Params
from tests.preflight.measure import data
from tests.preflight.measure.sound import explained, fit, logits, mlp, sides


def digits_sgd(params: Params, run: Run) -> Iterator[Report]:
    model = mlp(64, 10)
    yield from fit(run, data.digits(), model, torch.optim.SGD(model.parameters(), float(params["lr"])), F.cross_entropy)


def digits_momentum(params: Params, run: Run) -> Iterator[Report]:
    model = mlp(64, 10)
    optimizer = torch.optim.SGD(model.parameters(), float(params["lr"]), momentum=0.9)
    yield from fit(run, data.digits(), model, optimizer, F.cross_entropy)


def digits_adam(params: Params, run: Run) -> Iterator[Report]:
    model = mlp(64, 10)
    yield from fit(
        run, data.digits(), model, torch.optim.Adam(model.parameters(), float(params["lr"])), F.cross_entropy
    )


def images_batchnorm(params: Params, run: Run) -> Iterator[Report]:
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(128, 10)
    )
    yield from fit(run, data.images(), model, torch.optim.SGD(model.parameters(), float(params["lr"])), F.cross_entropy)


def cancer_sgd(params: Params, run: Run) -> Iterator[Report]:
    model = nn.Linear(30, 1)
    optimizer = torch.optim.SGD(model.parameters(), float(params["lr"]))
    yield from fit(run, data.cancer(), model, optimizer, logits, score=sides)


def words_adam(params: Params, run: Run) -> Iterator[Report]:
    model = nn.Sequential(nn.EmbeddingBag(50, 16), nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 2))
    yield from fit(run, data.words(), model, torch.optim.Adam(model.parameters(), float(params["lr"])), F.cross_entropy)


def diabetes_adam(params: Params, run: Run) -> Iterator[Report]:
    model = mlp(10, 1)
    optimizer = torch.optim.AdamW(model.parameters(), float(params["lr"]))
    yield from fit(run, data.diabetes(), model, optimizer, F.mse_loss, score=explained, size=32)


def sine_rmsprop(params: Params, run: Run) -> Iterator[Report]:
    model = mlp(4, 1, 32, activation=nn.Tanh)
    optimizer = torch.optim.RMSprop(model.parameters(), float(params["lr"]))
    yield from fit(run, data.sine(), model, optimizer, F.mse_loss, score=explained)


ALL = (
    digits_sgd, digits_momentum, digits_adam, images_batchnorm,
    cancer_sgd, words_adam, diabetes_adam, sine_rmsprop,
)  # fmt: skip
