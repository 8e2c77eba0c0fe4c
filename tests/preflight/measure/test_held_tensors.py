"""Trainers that take slices of tensors as their batches."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from hpsearch import Report, Run
from hpsearch.core.trial import Objective, Params
from hpsearch.preflight.judge.check import Check
from hpsearch.preflight.judge.checklist import judge
from hpsearch.preflight.measure.learning import LearningMeasurement
from tests.preflight.measure import data
from tests.preflight.measure.helpers import context


def slices(run: Run, inputs: Tensor, targets: Tensor, model: nn.Module, loss_of: object) -> Iterator[float]:
    """The last batch is smaller. Yields the mean loss of each epoch."""
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    model(torch.zeros(1, inputs.shape[1]))
    run.track(model=model, optimizer=optimizer)
    for _ in run.epochs():
        losses = []
        order = torch.randperm(len(inputs))
        for place in range(0, len(order), 50):
            rows = order[place : place + 50]
            outputs = model(inputs[rows])
            loss = loss_of(outputs.view(len(rows), -1), targets[rows])  # type: ignore[operator]
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        yield sum(losses) / len(losses)


def classes(params: Params, run: Run) -> Iterator[Report]:
    """Noise in the inputs, and a loss that is imported by its name."""
    split = data.digits()
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))

    def loss_of(outputs: Tensor, targets: Tensor) -> Tensor:
        return F.cross_entropy(outputs + 0.1 * torch.randn_like(outputs), targets)

    for epoch, loss in enumerate(slices(run, split.inputs[:320], split.targets[:320], model, loss_of), start=1):
        yield Report(epoch, {"val_loss": loss})


def function(params: Params, run: Run) -> None:
    """In a thread of its own."""
    for report in classes(params, run):
        run.report(report.step, report.metrics)


def raw_targets(params: Params, run: Run) -> Iterator[Report]:
    inputs = torch.rand(320, 8)
    targets = 5000 + 3000 * inputs.sum(1, keepdim=True)
    model = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 1))
    for epoch, loss in enumerate(slices(run, inputs, targets, model, F.mse_loss), start=1):
        yield Report(epoch, {"val_loss": loss})


def written_out(params: Params, run: Run) -> Iterator[Report]:
    """A linear model, which cannot memorise a minibatch."""
    split = data.diabetes()
    model = nn.Linear(split.features, 1)

    def loss_of(outputs: Tensor, targets: Tensor) -> Tensor:
        return ((outputs - targets) ** 2).mean()

    for epoch, loss in enumerate(slices(run, split.inputs, split.targets, model, loss_of), start=1):
        yield Report(epoch, {"val_loss": loss})


def equation(params: Params, run: Run) -> Iterator[Report]:
    """u' = u, on other points in every step."""
    model = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    run.track(model=model, optimizer=optimizer)
    for epoch in run.epochs():
        for _ in range(10):
            points = torch.rand(32, 1, requires_grad=True)
            values = model(points)
            (slope,) = torch.autograd.grad(values.sum(), points, create_graph=True)
            loss = F.mse_loss(slope - values, torch.zeros(32, 1))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        yield Report(epoch, {"val_loss": loss.item()})


@pytest.mark.parametrize(
    ("trainer", "outcome", "says"),
    [
        (classes, "passed", "overfits (memorises) one minibatch: the loss falls from"),
        (function, "passed", "overfits (memorises) one minibatch: the loss falls from"),
        (written_out, "passed", "learns the first minibatch when it is repeated: its loss falls from"),
        (raw_targets, "failed", "scale the targets, for example to mean 0 and standard deviation 1"),
        (equation, "skipped", "the trainer takes its batches neither from run.batches"),
    ],
)
def test_overfits_without_batches_of_hpsearch(trainer: object, outcome: str, says: str) -> None:
    objective = Objective("val_loss", "minimize")
    order = LearningMeasurement({}, 0, 3, skip=("labels",))
    measured = order.measure(context(trainer, objective))  # type: ignore[arg-type]
    found = overfits(judge(measured, objective, ("labels",)))
    assert (found.outcome, says in found.says) == (outcome, True), found.says


def overfits(checks: tuple[Check, ...]) -> Check:
    return next(one for one in checks if one.name == "overfits")
