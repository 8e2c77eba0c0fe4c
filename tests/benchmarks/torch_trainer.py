"""A small network on torch, as a trainer and as a plain program that prints when its first epoch has ended."""

import time
from collections.abc import Iterator

import torch

from hpsearch import Report, Run
from hpsearch.core.trial import Params


def train(params: Params, run: Run) -> Iterator[Report]:
    model, optimizer = network(float(params["lr"]))
    run.track(model=model, optimizer=optimizer)
    for epoch in run.epochs():
        yield Report(epoch, {"val_loss": one_epoch(model, optimizer)})


def network(lr: float) -> tuple[torch.nn.Module, torch.optim.Optimizer]:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))
    return model, torch.optim.Adam(model.parameters(), lr)


def one_epoch(model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> float:
    inputs = torch.ones(32, 8)
    loss = (model(inputs) - 1).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


if __name__ == "__main__":
    torch.set_num_threads(1)
    one_epoch(*network(0.01))
    print(time.time())
