"""One training of a model: from its data to the metrics of each epoch."""

import time
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from hpsearch import Predictions, Run
from trainers.kit import augment, losses, optimizers, regularization, schedules, speed, test_time, watch
from trainers.kit.data import Data, Examples, batch_sizes
from trainers.kit.losses import Goal
from trainers.kit.metrics import Metrics
from trainers.kit.ranges import Conditions, Fraction
from trainers.kit.snapshots import Snapshots

CHUNK = 1024
"""Examples per batch of an evaluation: enough to use the device, few enough for its memory."""


@dataclass(frozen=True)
class Settings(
    optimizers.Settings,
    schedules.Settings,
    regularization.Settings,
    losses.Settings,
    test_time.Settings,
    speed.Settings,
):
    """The parameters that all tasks have; the network's are separate.

    weight_average: validation uses an exponential moving average of the weights with this decay per step (Polyak and
    Juditsky 1992; about 0.99). 0: the weights themselves.
    loss_smoothing: for `train_loss_smooth`; about the last 1 / (1 - loss_smoothing) batches count, see watch.Smooth.
    throughput: report `examples_per_second` too. It differs between two runs of the same trial, so comparisons bit for
    bit leave it out.
    """

    WHEN: ClassVar[Conditions] = {
        "loss_smoothing": {"study.metric": ("train_loss_smooth",)},
        "throughput": {"study.metric": ("examples_per_second",)},
    }

    weight_average: Fraction = 0.0
    loss_smoothing: Fraction = 0.98
    throughput: bool = False


Change = Callable[[Tensor], Tensor]
"""Changes a batch of inputs."""


def unchanged(inputs: Tensor) -> Tensor:
    return inputs


@dataclass(frozen=True)
class Seen:
    """A model's outputs for n examples, shape (n, …), without gradients, and its mean loss."""

    outputs: Tensor
    targets: Tensor
    loss: float


class Training:
    """One training of a model.

    The order of the examples and the augmentation have separate random generators. Initial weights and dropout use
    torch's global state. Checkpoints have both.
    """

    def __init__(self, params: Settings, model: nn.Module, data: Data, goal: Goal, run: Run):
        device = run.device
        if run.without_regularization:
            params = unregularized(params)
        self.params = params
        self.goal = goal
        self.run = run
        run.uses(f"fold {run.fold.number}" if run.fold else "data", *data.tensors)
        self.data = data.to(device)
        self.model = model.to(device)
        self._weights = list(self.model.parameters())
        self.speed = speed.Speed.of(params, device)
        self.forward = self.speed.forward_of(self.model)
        self.optimizer = optimizers.build(params, self.model.parameters())
        epochs = run.epochs_total if params.schedule in schedules.TO_THE_END else 0
        self.schedule = schedules.Schedule(params, self.optimizer, epochs)
        self.regularize = regularization.Regularizer(params, self.model, _decoupled(params))
        self.shuffle = generator(run.seed, 0)
        self.change = generator(run.seed, 1, device)
        self.augment = augmentation(params, self.data.train, self.change)
        self.average = _average(params, self.model)
        self.snapshots = Snapshots(params.snapshots)
        self.passes = test_time.Passes.of(params, run.seed)
        self.watch = watch.Watch(self.model)
        self.smooth = watch.Smooth(params.loss_smoothing)

    @property
    def tracked(self) -> dict[str, Any]:
        """The arguments of `run.track`: all objects with a state."""
        return {
            **self.weights,
            "optimizer": self.optimizer,
            "schedule": self.schedule,
            "scaler": self.speed.scaler,
            "shuffle": self.shuffle,
            "augmentation": self.change,
            "smooth": self.smooth,
        }

    @property
    def weights(self) -> dict[str, Any]:
        """The tracked objects that predictions need."""
        averaged = {} if self.average is None else {"average": self.average}
        kept = {"snapshots": self.snapshots} if self.params.snapshots else {}
        return {"model": self.model, **averaged, **kept}

    @property
    def network(self) -> nn.Module:
        """The network for validation: the model, or the moving average of its weights."""
        return self.average or self.model

    def epoch(self, number: int) -> dict[str, float]:
        """Train epoch `number`, from 1, and validate. Returns the metrics of its report."""
        began = time.perf_counter()
        trained, smooth = self._fit(number)
        seconds = time.perf_counter() - began
        validated, uncertainty = self._validate()
        self.schedule.observe(validated.loss, trained.loss)
        if schedules.ends_cycle(self.params, number):
            self.snapshots.keep(self.network)
        metrics = {
            "train_loss": trained.loss,
            **_named("train", self.goal.while_training(trained.outputs, trained.targets)),
            "val_loss": validated.loss,
            **_named("val", {**self.goal.validated(validated.outputs, validated.targets), **uncertainty}),
            "lr": self.optimizer.param_groups[0]["lr"],
            "train_loss_smooth": smooth,
            **self.watch.metrics(),
        }
        return {**metrics, "examples_per_second": len(self.data.train) / seconds} if self.params.throughput else metrics

    def predictions(self, network: nn.Module, examples: Examples, change: Change = unchanged) -> Predictions:
        """One network's predictions, as in validation. change: applied to each batch of inputs."""
        return self._predicted(network, examples, change)[0]

    def _validate(self) -> tuple[Seen, dict[str, float]]:
        """The validation outputs; with samples of dropout, also {"uncertainty": …}."""
        examples = self.data.validation
        if self.passes.is_one:
            return evaluate(self.network, examples, self.goal.loss, self.speed), {}
        found, spread = self._predicted(self.network, examples, unchanged)
        outputs, targets = (part.float().to(self.run.device) for part in self.goal.link.outputs(found))
        targets = targets.to(examples.targets.dtype)
        seen = Seen(outputs, targets, self.goal.loss(outputs, targets).item())
        return seen, {} if spread is None else {"uncertainty": spread}

    def _predicted(self, network: nn.Module, examples: Examples, change: Change) -> tuple[Predictions, float | None]:
        def once(view: Change) -> Predictions:
            seen = evaluate(
                network,
                examples,
                self.goal.loss,
                self.speed,
                lambda inputs: view(change(inputs)),
                self.passes.samples > 0,
            )
            return self.goal.link.predictions(seen.outputs, seen.targets)

        return self.passes.mean(once)

    def _fit(self, number: int) -> tuple[Seen, float]:
        """Train one epoch. Returns the outputs and loss computed before each step, and the smoothed loss."""
        self.model.train()
        shuffled = self.data.train.shuffled(self.shuffle)
        steps = len(batch_sizes(len(shuffled), self.params.batch_size))
        outputs, found = [], []
        for done, (inputs, targets) in enumerate(self.run.batches(shuffled.batches(self.params.batch_size))):
            self.schedule.set(number - 1 + done / steps)
            output, loss = self._step(self.augment(inputs), targets, watched=done == steps - 1)
            outputs.append(output)
            found.append(loss)
        each = torch.stack(found).float().tolist()
        mean = sum(loss * len(output) for loss, output in zip(each, outputs, strict=True)) / len(shuffled)
        together = torch.cat(outputs).float()
        if self.goal.minimized is not self.goal.loss:
            mean = self.goal.loss(together, shuffled.targets).item()
        return Seen(together, shuffled.targets, mean), self.smooth.add(each)

    def _step(self, inputs: Tensor, targets: Tensor, watched: bool) -> tuple[Tensor, Tensor]:
        for weight in self._weights:  # as optimizer.zero_grad(), eight times as fast
            weight.grad = None
        with self.speed.precision():
            output = self.forward(inputs)
            loss = self.goal.minimized(output, targets)
        self.speed.backward(loss, self.optimizer)
        if watched:
            self.watch.before()
        self.regularize(self.optimizer)
        self.speed.step(self.optimizer)
        if watched:
            self.watch.after()
        if self.average is not None:
            self.average.update_parameters(self.model)
        return output.detach(), loss.detach()


@torch.no_grad()
def evaluate(
    model: nn.Module,
    examples: Examples,
    loss: losses.Loss,
    precision: speed.Speed,
    change: Change = unchanged,
    dropout: bool = False,
) -> Seen:
    """The model's outputs for the examples, without training. change: applied to each batch of inputs. dropout: keep it
    on."""
    model.eval()
    for layer in model.modules() if dropout else ():
        layer.train(isinstance(layer, nn.Dropout))
    with precision.precision():
        outputs = torch.cat([model(change(inputs)).float() for inputs, _ in examples.batches(CHUNK)])
    return Seen(outputs, examples.targets, loss(outputs, examples.targets).item())


def _decoupled(params: Settings) -> bool:
    return params.decoupled or params.optimizer == "adamw"


def generator(seed: int, stream: int, device: str = "cpu") -> torch.Generator:
    """The random generator of one stream; streams of a seed are independent."""
    words = np.random.SeedSequence(seed, spawn_key=(0, stream)).generate_state(2)
    return torch.Generator(device).manual_seed(int(words[0]) << 31 | int(words[1]) >> 1)


def _named(part: str, metrics: Metrics) -> dict[str, float]:
    return {f"{part}_{name}": value for name, value in metrics.items()}


def augmentation(params: Settings, train: Examples, draws: torch.Generator) -> Change:
    """The augmentation of a batch of inputs. Black is the minimum of each channel in training."""
    if not isinstance(params, augment.Settings):
        return unchanged
    black = train.inputs.amin((0, 2, 3)).view(-1, 1, 1)
    return augment.Augmentation(params, train.scaling(black) if train.scaling else black, draws)


def unregularized(params: Settings) -> Settings:
    """The parameters without penalties, label smoothing and augmentation. Dropout stays: it is a layer of the model."""
    off = dict.fromkeys(("weight_decay", "l1", "label_smoothing"), 0.0)
    if isinstance(params, augment.Settings):
        off |= {field.name: type(getattr(params, field.name))(0) for field in fields(augment.Settings)}
    return replace(params, **off)  # type: ignore[arg-type]


def _average(params: Settings, model: nn.Module) -> AveragedModel | None:
    if not params.weight_average:
        return None
    mean = get_ema_multi_avg_fn(params.weight_average)  # type: ignore[no-untyped-call]
    return AveragedModel(model, multi_avg_fn=mean, use_buffers=True)
