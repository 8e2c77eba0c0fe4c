"""Trainers with one fault each. The training that they share is sound: `sound.fit`, or the loop below."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from hpsearch import Report, Run
from hpsearch.core.trial import Params
from tests.preflight.measure import data, sound
from tests.preflight.measure.data import Split
from tests.preflight.measure.sound import accuracy, fit, logits, minibatches, mlp, sides


def adam(model: nn.Module, lr: float = 1e-3) -> torch.optim.Optimizer:
    return torch.optim.Adam(model.parameters(), lr)


def shuffled(split: Split) -> Split:
    """Every label belongs to another example, in training and in validation."""
    return replace(
        split,
        targets=split.targets[torch.randperm(len(split.targets))],
        val_targets=split.val_targets[torch.randperm(len(split.val_targets))],
    )


# Labels shuffled against inputs ──────────────────────────────────────────────────────────────────


def labels_digits(params: Params, run: Run) -> Iterator[Report]:
    model = mlp(64, 10)
    yield from fit(run, shuffled(data.digits()), model, adam(model), F.cross_entropy)


def labels_cancer(params: Params, run: Run) -> Iterator[Report]:
    """Only in training, for a linear problem: the learned direction is right or wrong for all examples together."""
    model, split = nn.Linear(30, 1), data.cancer()
    split = replace(split, targets=split.targets[torch.randperm(len(split.targets))])
    yield from fit(run, split, model, torch.optim.SGD(model.parameters(), 0.1), logits, score=sides)


def labels_diabetes(params: Params, run: Run) -> Iterator[Report]:
    model = mlp(10, 1)
    yield from fit(run, shuffled(data.diabetes()), model, adam(model, 3e-3), F.mse_loss, score=sound.explained)


def labels_validation(params: Params, run: Run) -> Iterator[Report]:
    """In validation alone."""
    model, split = mlp(64, 10), data.digits()
    split = replace(split, val_targets=split.val_targets.roll(7))
    yield from fit(run, split, model, adam(model), F.cross_entropy)


# zero_grad forgotten ─────────────────────────────────────────────────────────────────────────────


def _without_zero_grad(
    run: Run, split: Split, model: nn.Module, optimizer: torch.optim.Optimizer, loss_of: Any, score: Any = accuracy
) -> Iterator[Report]:
    run.track(model=model, optimizer=optimizer)
    for epoch in run.epochs():
        model.train()
        for inputs, targets in run.batches(minibatches(split, 64)):
            loss_of(model(inputs), targets).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            yield Report(epoch, {"val_score": score(model(split.val_inputs), split.val_targets)})


def zero_grad_digits(params: Params, run: Run) -> Iterator[Report]:
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, 10))
    yield from _without_zero_grad(run, data.digits(), model, adam(model), F.cross_entropy)


def zero_grad_diabetes(params: Params, run: Run) -> Iterator[Report]:
    model = nn.Linear(10, 1)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    yield from _without_zero_grad(run, data.diabetes(), model, optimizer, F.mse_loss, sound.explained)


# A layer that learns nothing ─────────────────────────────────────────────────────────────────────


class Detached(nn.Module):
    """The first layer's output is cut off from its past."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.first, self.last = nn.Linear(inputs, 64), nn.Linear(64, outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.last(self.first(inputs).relu().detach())


def detached_digits(params: Params, run: Run) -> Iterator[Report]:
    model = Detached(64, 10)
    yield from fit(run, data.digits(), model, adam(model), F.cross_entropy)


def detached_numpy(params: Params, run: Run) -> Iterator[Report]:
    """By a detour over NumPy."""

    class Detour(Detached):
        def forward(self, inputs: Tensor) -> Tensor:
            return self.last(torch.from_numpy(self.first(inputs).relu().detach().numpy()))

    model = Detour(30, 1)
    yield from fit(run, data.cancer(), model, adam(model), logits, score=sides)


def dead_units(params: Params, run: Run) -> Iterator[Report]:
    """A bias that no input exceeds: all later activations are zero."""
    model = mlp(64, 10)
    nn.init.constant_(model[1].bias, -100.0)
    yield from fit(run, data.digits(), model, adam(model), F.cross_entropy)


def forgotten_layer(params: Params, run: Run) -> Iterator[Report]:
    """A layer that was created after the optimizer, so it is not trained."""
    model = mlp(64, 10)
    optimizer = adam(model)
    model[3] = nn.Linear(64, 10)
    yield from fit(run, data.digits(), model, optimizer, F.cross_entropy)


def other_model(params: Params, run: Run) -> Iterator[Report]:
    """The optimizer has another model's parameters."""
    model = mlp(64, 10)
    yield from fit(run, data.digits(), model, adam(mlp(64, 10)), F.cross_entropy)


# The wrong loss ──────────────────────────────────────────────────────────────────────────────────


def softmax_in_model(params: Params, run: Run) -> Iterator[Report]:
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10), nn.Softmax(dim=1))
    yield from fit(run, data.digits(), model, adam(model), F.cross_entropy)


def softmax_in_loop(params: Params, run: Run) -> Iterator[Report]:
    """Two classes: it can be learned all the same, and that much worse."""
    model = mlp(30, 2, 16)

    def loss_of(outputs: Tensor, targets: Tensor) -> Tensor:
        return F.cross_entropy(outputs.softmax(1), targets)

    yield from fit(run, data.cancer(), model, adam(model), loss_of)


def sigmoid_twice(params: Params, run: Run) -> Iterator[Report]:
    model = nn.Sequential(nn.Linear(30, 16), nn.ReLU(), nn.Linear(16, 1), nn.Sigmoid())
    yield from fit(run, data.cancer(), model, adam(model), logits, score=lambda o, t: sides(o - 0.5, t))


def negative_cross_entropy(params: Params, run: Run) -> Iterator[Report]:
    model = mlp(64, 10)
    yield from fit(run, data.digits(), model, adam(model), lambda outputs, targets: -F.cross_entropy(outputs, targets))


def negative_square(params: Params, run: Run) -> Iterator[Report]:
    """A loss that torch has no name for."""
    model = mlp(10, 1)

    def loss_of(outputs: Tensor, targets: Tensor) -> Tensor:
        return -((outputs - targets) ** 2).mean()

    yield from fit(run, data.diabetes(), model, adam(model), loss_of, score=sound.explained)


def maximized(params: Params, run: Run) -> Iterator[Report]:
    """The loss is right, and the optimizer maximises it."""
    model = mlp(64, 10)
    optimizer = torch.optim.SGD(model.parameters(), 0.05, maximize=True)
    yield from fit(run, data.digits(), model, optimizer, F.cross_entropy)


def nll_of_logits(params: Params, run: Run) -> Iterator[Report]:
    """The loss that takes logarithms of probabilities is given something else, and has no floor."""
    model = mlp(64, 10)
    yield from fit(run, data.digits(), model, adam(model), F.nll_loss)


# Inputs and metrics ──────────────────────────────────────────────────────────────────────────────


def bytes_digits(params: Params, run: Run) -> Iterator[Report]:
    """Pixels from 0 to 255."""
    split = data.digits()
    scale = lambda inputs: (inputs.clamp(-2, 2) + 2) * 63.75  # noqa: E731
    split = replace(split, inputs=scale(split.inputs), val_inputs=scale(split.val_inputs))
    model = mlp(64, 10)
    yield from fit(run, split, model, adam(model), F.cross_entropy)


def one_wild_column(params: Params, run: Run) -> Iterator[Report]:
    """A single feature in the thousands among thirty."""
    split = data.cancer()
    factor = torch.ones(30)
    factor[3] = 5000.0
    split = replace(split, inputs=split.inputs * factor, val_inputs=split.val_inputs * factor)
    model = mlp(30, 1, 16)
    yield from fit(run, split, model, adam(model), logits, score=sides)


def broadcast_targets(params: Params, run: Run) -> Iterator[Report]:
    """Outputs (n, 1), targets (n,): torch warns, too."""
    model = mlp(10, 1)
    loss = lambda out, y: F.mse_loss(out.view(-1, 1), y.view(-1))  # noqa: E731
    yield from fit(run, data.diabetes(), model, adam(model, 3e-3), loss)


def broadcast_squares(params: Params, run: Run) -> Iterator[Report]:
    model = mlp(10, 1)
    yield from fit(
        run, data.diabetes(), model, adam(model, 3e-3), lambda out, y: ((out.view(-1, 1) - y.view(-1)) ** 2).mean()
    )


class Listed(nn.Module):
    """Its hidden layers are in a plain list."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = [nn.Linear(64, 32), nn.Linear(32, 32)]
        self.out = nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.hidden:
            x = torch.relu(layer(x))
        return self.out(x)


def listed_layers(params: Params, run: Run) -> Iterator[Report]:
    model = Listed()
    yield from fit(run, data.digits(), model, adam(model), F.cross_entropy)


def rate_of_zero(params: Params, run: Run) -> Iterator[Report]:
    """A warm-up that divides integers."""
    model = mlp(64, 10)
    optimizer = adam(model)
    warmup = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: step // 100_000)
    yield from fit(run, data.digits(), model, optimizer, F.cross_entropy, schedule=warmup)


def forgotten_step(params: Params, run: Run) -> Iterator[Report]:
    model = mlp(64, 10)
    optimizer = adam(model)
    run.track(model=model, optimizer=optimizer)
    yield from without_steps(run, model, optimizer)


def step_of_another(params: Params, run: Run) -> Iterator[Report]:
    """The tracked optimizer is not the one that makes the steps."""
    model = mlp(64, 10)
    run.track(model=model, optimizer=torch.optim.SGD(model.parameters(), 0.1))
    optimizer = adam(model)
    yield from without_steps(run, model, optimizer, optimizer.step)


def without_steps(
    run: Run, model: nn.Module, optimizer: torch.optim.Optimizer, then: Callable[[], object] = lambda: None
) -> Iterator[Report]:
    split = data.digits()
    for epoch in run.epochs():
        for inputs, targets in run.batches(minibatches(split, 64)):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            then()
        yield Report(epoch, {"val_score": accuracy(model(split.val_inputs), split.val_targets)})


def nan_metric(params: Params, run: Run) -> Iterator[Report]:
    model = mlp(64, 10)
    yield from fit(run, data.digits(), model, adam(model), F.cross_entropy, score=lambda *_: float("nan"))


def nan_beside(params: Params, run: Run) -> Iterator[Report]:
    """Not the metric that the study is judged by."""
    for report in sound.digits_mlp_adam(params, run):
        yield Report(report.step, {**report.metrics, "val_f1": float("nan")})


CAUGHT = {
    labels_digits: "labels",
    labels_cancer: "labels",
    labels_diabetes: "labels",
    labels_validation: "labels",
    zero_grad_digits: "zero_grad",
    zero_grad_diabetes: "zero_grad",
    detached_digits: "gradients",
    detached_numpy: "gradients",
    dead_units: "gradients",
    forgotten_layer: "optimizer",
    other_model: "optimizer",
    forgotten_step: "optimizer",
    step_of_another: "optimizer",
    listed_layers: "optimizer",
    broadcast_squares: "outputs",
    softmax_in_model: "outputs",
    softmax_in_loop: "outputs",
    sigmoid_twice: "outputs",
    negative_cross_entropy: "loss sign",
    negative_square: "loss sign",
    maximized: "loss sign",
    nll_of_logits: "loss sign",
    bytes_digits: "inputs",
    one_wild_column: "inputs",
    nan_metric: "metrics",
    nan_beside: "metrics",
}
"""By which check."""

SAID_ONLY = (forgotten_layer, step_of_another, listed_layers, nan_beside)
"""Worth a warning: there are trainers that mean it."""

ALL = tuple(CAUGHT)
