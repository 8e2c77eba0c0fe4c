"""Observes and controls one training: its batches, losses, steps and models. It ends a training that is measured."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from hpsearch.preflight.measure import batches
from hpsearch.preflight.measure.losses import Loss, read
from hpsearch.preflight.measure.modes import Modes

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer

Batch = TypeVar("Batch")

_OVERRIDDEN = ("lr", "weight_decay")
"""Settings of an optimizer's parameter groups that are replaced during a step."""


UNUSED = 100
"""Repeated batches are not repeated any more after this many without a call of backward: the trainer skips them, as
some do with incomplete batches."""

UNSTEPPED = 8
"""The most losses that are kept if the training makes no steps."""


class StopTraining(BaseException):
    """Raised inside the trainer to end a training that is measured; `except Exception` does not catch it."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the main optimizer (the first that the trainer tracks), or without one, a call of backward.

    Calls of backward before the first optimizer is tracked do not count: they belong to another training, such as a
    pretraining. rate: the learning rate of the step.
    """

    rate: float
    loss: Loss


@dataclass(frozen=True)
class LrOverride:
    """Replaces the learning rate by rate(step, own, base).

    step: from 0. own: the trainer's learning rate, by its schedule. base: the initial learning rate.
    stop_schedule: the schedule does not advance, because these are not the steps that it was made for.
    """

    rate: Callable[[int, float, float], float]
    stop_schedule: bool = False


def scaled_lr(factor: float) -> LrOverride:
    """The trainer's own learning rate, with its schedule, times a factor."""
    return LrOverride(lambda step, own, base: own * factor)  # noqa: ARG005


def constant_lr(factor: float) -> LrOverride:
    """The trainer's initial learning rate times a factor, without its schedule."""
    return LrOverride(lambda step, own, base: base * factor, stop_schedule=True)  # noqa: ARG005


class Instrumentation:
    """The `Instrument` of a training, active in `instrumented`. It raises StopTraining when `end` returns True.

    fed: the trainer has requested its batches. in_epoch: the fraction of an epoch's batches so far, None if their
    number is unknown. since, until: times of the first batch and the last backward, by time.perf_counter.
    steps: all steps so far. objects: all tracked objects. unstepped: the first losses, while no step has been made.
    validated: the number of examples on which a model was evaluated without gradients. used: ids of trained models.
    modes: see `Modes`. within: a context that is active while the trainer runs.
    """

    def __init__(
        self,
        feed: batches.BatchFilter = batches.unchanged,
        rates: LrOverride = scaled_lr(1.0),  # noqa: B008
        end: Callable[["Instrumentation"], bool] = lambda instruments: False,  # noqa: ARG005
        *,
        without_regularization: bool = False,
        deadline: float = float("inf"),
    ):
        """without_regularization: train without weight decay and dropout, which hinder memorising; see also `Run`.
        deadline: the time at which the training ends, by time.monotonic."""
        self._feed, self._rates, self._end, self._deadline = feed, rates, end, deadline
        self.without_regularization = without_regularization
        self.fed = False
        self.rows = 0
        self.in_epoch: float | None = None
        self.since = self.until = time.perf_counter()
        self.steps: list[Step] = []
        self.backwards = self._unused = 0
        self.validated = 0
        self.modes = Modes()
        self.models: dict[str, nn.Module] = {}
        self.optimizers: dict[str, Optimizer] = {}
        self.objects: dict[str, Any] = {}
        self.called_models: set[int] = set()
        self.output: Tensor | None = None
        self.before_backward: list[Callable[[Tensor], None]] = []
        self.after_backward: list[Callable[[], None]] = []
        self.before_step: list[Callable[[Optimizer], None]] = []
        self.after_tracking: list[Callable[[], None]] = []
        self.within: AbstractContextManager[Any] = nullcontext()
        self.unstepped: list[Loss] = []
        self._latest: Loss | None = None
        self._scaled: tuple[Any, Any] = (None, None)
        self._inside = False
        self._stepping: list[Optimizer] = []
        self._base: dict[int, list[float]] = {}
        self._kept: list[dict[str, Any]] = []

    @property
    def losses(self) -> list[float]:
        return [step.loss.value for step in self.steps]

    @property
    def late(self) -> bool:
        return time.monotonic() >= self._deadline

    # Instrument ─────────────────────────────────────────────────────────────────────────────────

    def batches(self, given: Iterable[Batch]) -> Iterator[Batch]:
        self.fed = True
        return self._counted(given, _length(given))

    def _counted(self, given: Iterable[Batch], count: int) -> Iterator[Batch]:
        """Counts the batches. A DataLoader that `given` iterates is not counted again."""
        self._inside = True
        try:
            self.since = time.perf_counter()
            for number, batch in enumerate(self._feed(given)):
                self._unused += 1
                endless = isinstance(self._feed, batches.RepeatedBatches) and self._unused > UNUSED
                if self.late or endless:
                    raise StopTraining
                self.rows = self.rows or batches.rows(batch)
                self.in_epoch = (number + 1) / count if count else None
                yield batch
        finally:
            self._inside = False

    def tracked(self, objects: Mapping[str, Any]) -> None:
        import torch

        self.objects.update(objects)
        for name, thing in objects.items():
            if isinstance(thing, torch.nn.Module):
                self.models[name] = thing
                thing.register_forward_hook(self._forward)
                if self.without_regularization:
                    _without_dropout(thing)
            elif isinstance(thing, torch.optim.Optimizer):
                self.optimizers[name] = thing
                self._base[id(thing)] = [float(group.get("initial_lr", group["lr"])) for group in thing.param_groups]
                thing.register_step_pre_hook(self._before_step)
                thing.register_step_post_hook(self._after_step)
                if len(self.optimizers) == 1:
                    self._forget_steps()
            elif self._rates.stop_schedule and isinstance(thing, torch.optim.lr_scheduler.LRScheduler):
                thing.step = lambda *_, **__: None  # type: ignore[method-assign]
        for callback in self.after_tracking:
            callback()

    def _forget_steps(self) -> None:
        self.steps.clear()
        self.unstepped.clear()
        self.backwards, self._latest, self.output = 0, None, None

    @property
    def base(self) -> float | None:
        """The main optimizer's learning rate before any schedule; None before an optimizer is tracked."""
        main = self._main()
        return self._base[id(main)][0] if main is not None else None

    def _main(self) -> "Optimizer | None":
        return next(iter(self.optimizers.values()), None)

    # Hooks ──────────────────────────────────────────────────────────────────────────────────────

    def _forward(self, model: "nn.Module", _: Any, output: Any) -> None:
        import torch

        first = next(batches.leaves(output), None)
        if first is None:
            return
        self.modes.called(model, torch.is_grad_enabled())
        if torch.is_grad_enabled() and model.training:
            self.output = first
            self.called_models.add(id(model))
        elif first.dim():
            self.validated += len(first)

    def backward(self, loss: "Tensor", backward: Callable[[], None]) -> None:
        """Replaces the trainer's call of backward."""
        if loss.numel() == 1:
            scaled, plain = self._scaled
            loss = plain if loss is scaled else loss
            self._latest = read(loss, self.output)
            if not self.steps and len(self.unstepped) < UNSTEPPED:
                self.unstepped.append(self._latest)
        for callback in self.before_backward:
            callback(loss)
        backward()
        self.modes.backward()
        self.until = time.perf_counter()
        self.backwards += 1
        self._unused = 0
        self.output = None
        self._scaled = (None, None)
        for done in self.after_backward:
            done()
        if not self.optimizers and self._latest is not None:
            self.steps.append(Step(0.0, self._latest))
            if self.fed or self.late:  # else the optimizer may still be tracked
                self._check_end()
        elif self.late:
            raise StopTraining

    def scaled(self, result: Any, loss: Any) -> None:
        """A GradScaler has scaled the loss to `result`, on which backward will be called."""
        self._scaled = (result, loss)

    def _before_step(self, optimizer: "Optimizer", *_: Any) -> None:
        self._stepping.append(optimizer)
        if len(self._stepping) > 1:  # torch calls the hooks once more for a subclass that calls its parent's step
            return
        for callback in self.before_step:
            callback(optimizer)
        self._kept = [{name: group[name] for name in _OVERRIDDEN if name in group} for group in optimizer.param_groups]
        for group, base in zip(optimizer.param_groups, self._base[id(optimizer)], strict=False):
            group["lr"] = self._rates.rate(len(self.steps), float(group["lr"]), base)
            if self.without_regularization and "weight_decay" in group:
                group["weight_decay"] = 0.0
        if optimizer is self._main() and self._latest is not None:
            self.steps.append(Step(float(optimizer.param_groups[0]["lr"]), self._latest))

    def _after_step(self, optimizer: "Optimizer", *_: Any) -> None:
        """Restores the optimizer's own values, which a schedule continues from."""
        self._stepping.pop()
        if self._stepping:
            return
        for group, kept in zip(optimizer.param_groups, self._kept, strict=True):
            group.update(kept)
        if optimizer is self._main():
            self._check_end()

    def _check_end(self) -> None:
        if self.late or self._end(self):
            raise StopTraining

    # DataLoaders ────────────────────────────────────────────────────────────────────────────────

    def loaded(self, given: Iterator[Any], loader: Any) -> Iterator[Any]:
        """The batches of a DataLoader, counted and filtered if the trainer trains on them.

        It trains on them if all tracked models are in training mode. Without tracked models this is unknown.
        """
        import torch

        trains = torch.is_grad_enabled() and self.models and all(model.training for model in self.models.values())
        if self._inside or not trains:
            return given
        self.fed = True
        return self._counted(given, _length(loader))


def _length(given: Any) -> int:
    try:
        return len(given)
    except TypeError:
        return 0


def _without_dropout(model: "nn.Module") -> None:
    """Set all dropout rates to 0. Dropout layers have an attribute `p`, attention and recurrent layers `dropout`."""
    for module in model.modules():
        for name in ("p", "dropout"):
            if isinstance(vars(module).get(name), float) and (name == "dropout" or "Dropout" in type(module).__name__):
                vars(module)[name] = 0.0
