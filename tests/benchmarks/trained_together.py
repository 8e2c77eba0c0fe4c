"""Learning curves of small networks on real data, recorded for `bench_search`: hundreds of random configurations of one
family are trained at once, in batched matrices.

    python -m tests.benchmarks.trained_together $HPSEARCH_DATA/trainings      about 10 minutes on one core

No setting of a search was chosen on them, except on `rnn-digits-constant`.
"""

import argparse
import csv
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tests.benchmarks.curve_tasks import folder
from tests.benchmarks.processes import progress

EPOCHS = 50


class Range(NamedTuple):
    low: float
    high: float
    log: bool = True

    @property
    def table(self) -> dict[str, float | bool]:
        """As in a study file."""
        return {"low": self.low, "high": self.high} | ({"log": True} if self.log else {})


ADAM = {
    "learning_rate": Range(1e-8, 10),
    "one_minus_beta1": Range(1e-4, 1),
    "one_minus_beta2": Range(1e-6, 1),
    "epsilon": Range(1e-10, 1e3),
    "l1": Range(1e-8, 10),
    "l2": Range(1e-8, 10),
}
"""Wide, as in TaskSet: most configurations do not learn."""


def sgd(width: int) -> Mapping[str, Range]:
    return {
        "learning_rate": Range(1e-5, 1.0),
        "momentum": Range(0.0, 0.99, log=False),
        "weight_decay": Range(1e-6, 0.1),
        "dropout": Range(0.0, 0.7, log=False),
        "width": Range(4, width),
        "gain": Range(0.1, 10),
    }


class Rows(NamedTuple):
    inputs: Tensor
    targets: Tensor
    val_inputs: Tensor
    val_targets: Tensor
    classes: int
    batch: int


def digits() -> Rows:
    from sklearn.datasets import load_digits

    data = load_digits()
    order = np.random.default_rng(0).permutation(len(data.target))[:800]
    x, y = torch.tensor(data.data[order] / 16, dtype=torch.float32), torch.tensor(data.target[order])
    return Rows(x[:512], y[:512], x[512:], y[512:], 10, 64)


def heart() -> Rows:
    with (folder("heart_disease") / "heart_cleveland.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.reader(file) if row[0].replace(".", "").isdigit()]
    table = np.array([[float(one) if one not in ("?", "") else np.nan for one in row] for row in rows])
    x, y = table[:, :-1], (table[:, -1] > 0).astype(int)
    x = np.where(np.isnan(x), np.nanmedian(x, 0), x)
    order = np.random.default_rng(0).permutation(len(y))
    inputs, targets = torch.tensor(((x - x.mean(0)) / x.std(0))[order], dtype=torch.float32), torch.tensor(y[order])
    count = int(0.65 * len(y)) // 16 * 16
    return Rows(inputs[:count], targets[:count], inputs[count:], targets[count:], 2, 16)


@dataclass(frozen=True)
class Family:
    """cosine: the learning rate is annealed over all epochs. hidden: units of a layer, or the largest width."""

    network: str
    data: Callable[[], Rows]
    cosine: bool
    space: Mapping[str, Range]
    count: int
    seed: int
    hidden: int


FAMILIES = {
    "rnn-digits-constant": Family("rnn", digits, False, ADAM, 400, 1, 24),
    "irnn-digits-constant": Family("irnn", digits, False, ADAM, 1200, 3, 24),
    "mlp-heart-constant": Family("mlp", heart, False, ADAM, 500, 4, 24),
    "mlp-digits-cosine": Family("mlp", digits, True, sgd(32), 1600, 2, 32),
    "mlp-heart-cosine": Family("mlp", heart, True, sgd(48), 400, 1, 48),
}


class Networks:
    """All networks of a family. Their parameters have a first axis of networks."""

    def __init__(self, family: Family, rows: Rows):
        self.family, self.rows, count, hidden = family, rows, family.count, family.hidden
        self.generator = torch.Generator().manual_seed(family.seed)
        generator = np.random.default_rng(family.seed)
        self.settings = {name: _drawn(one, count, generator) for name, one in family.space.items()}
        if "width" in self.settings:
            self.settings["width"] = self.settings["width"].round()
        self.by_network = {name: one.view(count, 1, 1) for name, one in self.settings.items()}
        inputs = rows.inputs.shape[1]
        bias = partial(torch.zeros, count, 1)
        if family.network == "mlp":
            first, second = self._weights(inputs, hidden), self._weights(hidden, hidden)
            parameters = [first, bias(hidden), second, bias(hidden), self._weights(hidden, rows.classes)]
        else:
            is_identity = family.network == "irnn"
            second = torch.eye(hidden).repeat(count, 1, 1) if is_identity else self._weights(hidden, hidden)
            first = self._weights(8, hidden) * (0.1 if is_identity else 1)
            parameters = [first, second, bias(hidden), self._weights(hidden, rows.classes)]
        parameters.append(bias(rows.classes))
        if "gain" in self.settings:
            gain = self.by_network["gain"].sqrt()
            parameters = [one * gain if one.shape[1] > 1 else one for one in parameters]
        self.parameters = [one.requires_grad_() for one in parameters]

    def _weights(self, inputs: int, outputs: int) -> Tensor:
        return torch.randn(self.family.count, inputs, outputs, generator=self.generator) / math.sqrt(inputs)

    def losses(self, x: Tensor, y: Tensor, is_training: bool) -> Tensor:
        """The mean cross-entropy of each network."""
        outputs = self._mlp(x, is_training) if self.family.network == "mlp" else self._recurrent(x)
        of_target = outputs.gather(-1, y.expand(len(outputs), -1)[..., None])[..., 0]
        return (torch.logsumexp(outputs, -1) - of_target).mean(1)

    def _recurrent(self, x: Tensor) -> Tensor:
        """The rows of an image, one after another."""
        first, second, bias, last, last_bias = self.parameters
        activation = torch.relu if self.family.network == "irnn" else torch.tanh
        state = torch.zeros(len(first), len(x), self.family.hidden)
        for row in x.view(len(x), 8, 8).unbind(1):
            state = activation(row @ first + state @ second + bias)
        return state @ last + last_bias

    def _mlp(self, x: Tensor, is_training: bool) -> Tensor:
        activation = torch.relu if self.family.cosine else torch.tanh
        state = x.expand(self.family.count, -1, -1)
        for place in (0, 2):
            state = activation(state @ self.parameters[place] + self.parameters[place + 1])
            if "width" in self.settings:
                state = state * (torch.arange(self.family.hidden) < self.by_network["width"])
            if is_training and "dropout" in self.settings:
                kept = 1 - self.by_network["dropout"]
                state = state * (torch.rand(state.shape, generator=self.generator) < kept) / kept
        return state @ self.parameters[4] + self.parameters[5]

    def curves(self) -> NDArray[np.float64]:
        """The validation losses (networks, epochs + 1) before the training and after each epoch."""
        rows, found = self.rows, [self._validated()]
        steps, step = len(rows.inputs) // rows.batch, 0
        first, second = ([torch.zeros_like(one) for one in self.parameters] for _ in range(2))
        for epoch in range(EPOCHS):
            order = torch.randperm(len(rows.inputs), generator=self.generator)
            for batch in torch.split(order[: steps * rows.batch], rows.batch):
                loss = self.losses(rows.inputs[batch], rows.targets[batch], is_training=True).sum()
                gradients = torch.autograd.grad(loss, self.parameters)
                step += 1
                annealed = 0.5 * (1 + math.cos(math.pi * step / (steps * EPOCHS))) if self.family.cosine else 1.0
                self._update(gradients, first, second, step, annealed)
            found.append(self._validated())
            progress(f"{self.family.network}, epoch {epoch + 1}")
        return np.stack(found, 1)

    def _validated(self) -> NDArray[np.float64]:
        with torch.no_grad():
            return self.losses(self.rows.val_inputs, self.rows.val_targets, is_training=False).double().numpy()

    @torch.no_grad()
    def _update(
        self, gradients: Sequence[Tensor], first: list[Tensor], second: list[Tensor], step: int, annealed: float
    ) -> None:
        """SGD with momentum, or Adam. first, second: the moments of each parameter."""
        own = self.by_network
        rate = own["learning_rate"] * annealed
        for parameter, gradient, mean, square in zip(self.parameters, gradients, first, second, strict=True):
            if "momentum" in own:
                mean.mul_(own["momentum"]).add_(gradient + own["weight_decay"] * parameter)
                parameter -= rate * mean
                continue
            slope = gradient + own["l1"] * parameter.sign() + own["l2"] * parameter
            new1, new2 = own["one_minus_beta1"], own["one_minus_beta2"]
            mean += new1 * (slope - mean)
            square += new2 * (slope * slope - square)
            deviation = (square / (1 - (1 - new2) ** step)).sqrt()
            parameter -= rate * (mean / (1 - (1 - new1) ** step)) / (deviation + own["epsilon"])


def _drawn(one: Range, count: int, generator: np.random.Generator) -> Tensor:
    if one.log:
        return torch.tensor(np.exp(generator.uniform(np.log(one.low), np.log(one.high), count)), dtype=torch.float32)
    return torch.tensor(generator.uniform(one.low, one.high, count), dtype=torch.float32)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.trained_together", description=__doc__)
    parser.add_argument("folder", type=Path, help="a file for each family is written there")
    parser.add_argument("--families", nargs="+", choices=list(FAMILIES), default=list(FAMILIES))
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    for name in args.families:
        networks = Networks(FAMILIES[name], FAMILIES[name].data())
        settings = {key: one.numpy() for key, one in networks.settings.items()}
        np.savez(args.folder / f"{name}.npz", curves=networks.curves(), **settings)


if __name__ == "__main__":
    main()
