"""What can be planted in a training of the corpus. A trainer of it calls these where a sound one calls torch's own."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn, optim

LAYERS = (nn.Linear, nn.Conv2d)
"""A fault of the first layer is planted in the first of these."""


class Tracks(Protocol):
    """What `run.track` does with the models and optimizers of a training."""

    def tracked(self, objects: Mapping[str, Any]) -> None: ...


@dataclass(frozen=True)
class Planted:
    """One fault; the defaults are those of a sound training.

    rate: factor of the learning rate. gain: factor of the initial weights. few: the most training examples, None for
    all. width: factor of hidden sizes. decay_every: epochs after which the rate falls to a tenth, 0 for never.
    length: factor of the number of epochs. total: another number of epochs. weight_decay: added to the optimizer's.
    measurements: gets the models and optimizers. scale: factor of the inputs. detached: no gradient reaches the first
    layer. dead: nor does one that is not 0. doubled: the outputs are probabilities. maximize: the loss grows.
    paired: see `Targets`.
    """

    rate: float = 1.0
    gain: float = 1.0
    few: int | None = None
    width: float = 1.0
    decay_every: int = 0
    length: float = 1.0
    weight_decay: float = 0.0
    shuffled: bool = False
    zero_grad: bool = True
    steps: bool = True
    measurements: Tracks | None = None
    total: int | None = None
    scale: float = 1.0
    detached: bool = False
    dead: bool = False
    doubled: bool = False
    maximize: bool = False
    paired: bool = False

    def hidden(self, units: int) -> int:
        return max(1, round(units * self.width))

    def epochs(self, epochs: int) -> range:
        return range(1, (self.total or max(4, round(epochs * self.length))) + 1)

    def init(self, *models: nn.Module) -> None:
        self._track({str(number): model for number, model in enumerate(models)})
        first = next((one for one in models[0].modules() if type(one) in LAYERS), models[0])
        if self.detached:
            first.register_forward_hook(lambda *given: given[2].detach())
        if self.dead:
            first.register_forward_hook(lambda *given: torch.relu(given[2] - 1e6))
        if self.doubled:
            models[-1].register_forward_hook(lambda *given: given[2].softmax(-1))
        with torch.no_grad():
            for model in models:
                for parameter in model.parameters():
                    if parameter.dim() > 1:
                        parameter.mul_(self.gain)

    def data(self, inputs: Any, targets: Any) -> tuple[Any, Any]:
        """The training examples: fewer of them, or each with the target of another."""
        inputs, targets = inputs[: self.few], targets[: self.few]
        if self.scale != 1:
            inputs = self.scale * inputs
        targets = targets[torch.randperm(len(targets))] if self.shuffled else targets
        return inputs, targets.as_subclass(Targets) if self.paired else targets

    def optimizer(self, kind: type[optim.Optimizer], parameters: Any, lr: float, **options: Any) -> "Steps":
        decay = options.pop("weight_decay", 0.0) + self.weight_decay
        if self.maximize:
            options["maximize"] = True
        inner = kind(parameters, lr=lr * self.rate, weight_decay=decay, **options)
        self._track({kind.__name__: inner})
        return Steps(self, inner, lr * self.rate)

    def _track(self, objects: dict[str, Any]) -> None:
        if self.measurements is not None:
            self.measurements.tracked(objects)


class Targets(torch.Tensor):
    """Targets that are taken by the second part of a batch, where a batch is a pair of places of inputs and targets."""

    def __getitem__(self, rows: Any) -> Tensor:
        inputs, targets = PAIR.get()
        return self.as_subclass(Tensor)[targets if rows is inputs else rows]


@dataclass
class Steps:
    """An optimizer with what was planted."""

    planted: Planted
    inner: optim.Optimizer
    lr: float
    epoch: int = field(default=0)

    def zero_grad(self) -> None:
        if self.planted.zero_grad:
            self.inner.zero_grad()
        elif all(p.grad is None for group in self.inner.param_groups for p in group["params"]):
            return

    def step(self) -> None:
        if self.planted.steps:
            self.inner.step()

    def next_epoch(self, factor: float = 1.0) -> float:
        """The rate of the epoch that begins. factor: of the trainer's own schedule."""
        every = self.planted.decay_every
        rate = self.lr * factor * (0.1 ** (self.epoch // every) if every else 1.0)
        self.epoch += 1
        for group in self.inner.param_groups:
            group["lr"] = rate
        return rate


FEED: ContextVar[Callable[[Iterable[Tensor]], Iterable[Tensor]]] = ContextVar("FEED", default=lambda given: given)
"""`run.batches`, where a training is a trainer of a study."""


def batches(count: int, size: int) -> Iterator[Tensor]:
    yield from FEED.get()(torch.split(torch.randperm(count), size))


PAIR: ContextVar[tuple[Any, Any]] = ContextVar("PAIR", default=(None, None))
"""The places of a batch's inputs, and of its targets."""

SOUND = "none"

FAULTS: dict[str, Planted] = {
    SOUND: Planted(),
    "rate x 300": Planted(rate=300.0),
    "rate x 30": Planted(rate=30.0),
    "rate x 10": Planted(rate=10.0),
    "rate / 10": Planted(rate=1 / 10),
    "rate / 30": Planted(rate=1 / 30),
    "rate / 300": Planted(rate=1 / 300),
    "no zero_grad": Planted(zero_grad=False),
    "no step": Planted(steps=False),
    "labels shuffled": Planted(shuffled=True),
    "few examples": Planted(few=24, length=2.0),
    "one unit": Planted(width=0.001),
    "early decay": Planted(decay_every=2),
    "weights x 20": Planted(gain=20.0),
    "weights 0": Planted(gain=0.0),
    "few epochs": Planted(length=0.2),
}

FIRST_BATCH: dict[str, Planted] = {
    "inputs x 100": Planted(scale=100.0),
    "a layer detached": Planted(detached=True),
    "units dead": Planted(dead=True),
    "softmax twice": Planted(doubled=True),
    "wrong sign": Planted(maximize=True),
}
"""Further faults that the first batches show."""
