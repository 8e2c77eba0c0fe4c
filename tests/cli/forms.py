"""The same training in each form that hpsearch takes; `x` is what is searched. One line of `epoch_log` per epoch."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

import hpsearch
from hpsearch import Report, Run
from hpsearch.core.trial import Params
from tests.cli import trainers
from tests.preflight.measure import data
from tests.preflight.measure.sound import logits, minibatches
from tests.support.toys import Weight


def _trained(params: Params, epoch: int, weight: Weight) -> float:
    """An epoch: the loss falls towards x, with some luck."""
    path = Path(str(params["epoch_log"]))
    with path.open("a") as file:
        file.write(f"{epoch}\n")
    trainers.mind(path)
    weight.value += random.random() / 10
    return float(params["x"]) + 1 / epoch + weight.value


def generator(params: Params, run: Run) -> Iterator[Report]:
    weight = Weight()
    run.track(weight=weight)
    for epoch in run.epochs():
        yield Report(epoch, {"val_loss": _trained(params, epoch, weight)})


def function(params: Params, run: Run) -> None:
    weight = Weight()
    run.track(weight=weight)
    for epoch in run.epochs():
        run.report(epoch, {"val_loss": _trained(params, epoch, weight)})


def public(params: Params, run: Run) -> None:
    weight = Weight()
    run.track(weight=weight)
    for epoch in run.epochs():
        hpsearch.report(epoch, {"val_loss": _trained(params, epoch, weight)})


def by_name(x: float, epoch_log: str, run: Run) -> None:
    function({"x": x, "epoch_log": epoch_log}, run)


def config_alone(config: Params) -> None:
    weight = Weight()
    for epoch in range(1, 4):
        hpsearch.report({"val_loss": _trained(config, epoch, weight)})


def generator_of_config(config: Params) -> Iterator[dict[str, float]]:
    weight = Weight()
    for epoch in range(1, 4):
        yield {"val_loss": _trained(config, epoch, weight)}


def objective(trial: Any) -> float:
    params: dict[str, Any] = {"x": trial.suggest_float("x", 0.0, 1.0)}
    params["epoch_log"] = trial.suggest_categorical("epoch_log", [])
    weight, value = Weight(), 0.0
    for step in range(3):
        value = _trained(params, step + 1, weight)
        trial.report(value, step)
    return value


def returned(config: Params) -> float:
    return _trained(config, 1, Weight())


def wrong(params: Params, run: Run) -> tuple[int, int]:
    return (1, 2)


def folded(params: Params, run: Run) -> None:
    fold = run.fold
    for epoch in run.epochs():
        run.report(epoch, {"val_loss": _trained(params, epoch, Weight()) + (fold.number if fold else 0)})


def logistic(params: Params, run: Run) -> None:
    """For a preflight."""
    split = data.cancer()
    model = torch.nn.Linear(30, 1)
    optimizer = torch.optim.SGD(model.parameters(), float(str(params["lr"])))
    run.track(model=model, optimizer=optimizer)
    for epoch in run.epochs():
        for inputs, targets in run.batches(minibatches(split, 64)):
            optimizer.zero_grad()
            logits(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            run.report(epoch, {"val_loss": logits(model(split.val_inputs), split.val_targets)})
