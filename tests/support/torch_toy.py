"""A small training with all kinds of state that must be restored for a curve to continue bit for bit."""

import random
from collections.abc import Iterator

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from hpsearch import Report, Run
from hpsearch.core.trial import Params


def train(params: Params, run: Run) -> Iterator[Report]:
    inputs = torch.randn(48, 6)
    data = TensorDataset(inputs, inputs.sum(1, keepdim=True).sin())
    shuffle = torch.Generator().manual_seed(run.seed)
    noise = np.random.default_rng(run.seed)
    model = nn.Sequential(nn.Linear(6, 12), nn.BatchNorm1d(12), nn.ReLU(), nn.Dropout(0.3), nn.Linear(12, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=float(params["lr"]))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=run.max_epochs)
    run.track(model=model, optimizer=optimizer, schedule=schedule, shuffle=shuffle, noise=noise)
    for epoch in run.epochs():
        for batch, wanted in DataLoader(data, batch_size=16, shuffle=True, generator=shuffle):
            scale = random.uniform(0.9, 1.1) + 0.01 * np.random.normal()  # noqa: NPY002 -- it must be restored too
            shaken = scale * batch + torch.from_numpy(noise.normal(0, 0.01, batch.shape)).float()
            loss = nn.functional.mse_loss(model(shaken), wanted)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step()
        yield Report(
            epoch, {"train_loss": loss.item(), "val_loss": _validate(model, data), "lr": schedule.get_last_lr()[0]}
        )


@torch.no_grad()
def _validate(model: nn.Module, data: TensorDataset) -> float:
    model.eval()
    inputs, wanted = data.tensors
    loss = nn.functional.mse_loss(model(inputs), wanted).item()
    model.train()
    return loss
