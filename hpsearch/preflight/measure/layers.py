"""Monitors the gradients of a model's parameters, calls of zero_grad, and the input of the first layer."""

import math
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from hpsearch.preflight.measure.batches import leaves
from hpsearch.preflight.measure.instrumentation import Instrumentation
from hpsearch.preflight.measurements import InputStatistics, ParameterGradients
from hpsearch.trainer.measurements.layer_measurements import LayerMeasurements, largest_scale

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer


class GradientMonitor:
    """Reads the gradients of every tracked model after each call of backward."""

    def __init__(self, instruments: Instrumentation):
        self._instruments = instruments
        self._reached: set[str] = set()
        self._nonzero: set[str] = set()
        self._not_finite: set[str] = set()
        instruments.after_backward.append(self._read_gradients)

    def _read_gradients(self) -> None:
        import torch

        for name, parameter in self._named():
            if parameter.grad is None:
                continue
            gradient = parameter.grad.detach()
            if gradient.is_sparse:
                gradient = gradient.coalesce().values()
            self._reached.add(name)
            if not bool(torch.isfinite(gradient).all()):
                self._not_finite.add(name)
            if bool(gradient.any()):
                self._nonzero.add(name)

    def _named(self) -> Iterator[tuple[str, "Tensor"]]:
        """The parameters of trained models, without tracked weight averages and teacher models."""
        for name, model in self._instruments.models.items():
            if id(model) in self._instruments.called_models or any(p.grad is not None for p in model.parameters()):
                for path, parameter in model.named_parameters():
                    yield f"{name}.{path}", parameter

    def layers(self) -> ParameterGradients | None:
        """None if no model is tracked."""
        if not self._instruments.models:
            return None
        groups = [group for optimizer in self._instruments.optimizers.values() for group in optimizer.param_groups]
        optimized = {id(parameter) for group in groups for parameter in group["params"]}
        trainable = {name: parameter for name, parameter in self._named() if parameter.requires_grad}
        return ParameterGradients(
            count=len(trainable),
            without_gradient=tuple(name for name in trainable if name not in self._reached),
            zero_gradient=tuple(name for name in trainable if name in self._reached - self._nonzero),
            not_finite=tuple(name for name in trainable if name in self._not_finite),
            not_optimized=tuple(
                name
                for name in trainable
                if name in self._reached and self._instruments.optimizers and id(trainable[name]) not in optimized
            ),
            frozen=sum(not parameter.requires_grad for _, parameter in self._named()),
        )


class InitialWeights:
    """The scale of the weights of trained layers before the first call of backward after a model was tracked.

    scale: see `layer_measurements.largest_scale`; None with fewer than two layers, of which one may begin with zeros.
    detached: backward was called on a loss without a gradient.
    """

    def __init__(self, instruments: Instrumentation):
        self._instruments = instruments
        self._is_done = False
        self.scale: float | None = None
        self.detached = False
        instruments.before_backward.append(self._read)

    def _read(self, loss: "Tensor") -> None:
        self.detached = self.detached or not loss.requires_grad
        if self._is_done or not self._instruments.models:
            return
        self._is_done = True
        measured = LayerMeasurements()
        measured.tracked(self._instruments.models)
        parameters = (one for model in self._instruments.models.values() for one in model.parameters())
        layers = measured.of([one for one in parameters if one.requires_grad])
        if len(layers) > 1:
            self.scale = float(largest_scale(layers))


class LeafMonitor:
    """Finds parameters that the loss depends on and that are registered nowhere, such as layers in a plain list.

    Of the first call of backward after a model and an optimizer were tracked.
    """

    def __init__(self, instruments: Instrumentation):
        self._instruments = instruments
        self._is_done = False
        self.unregistered: tuple[tuple[int, ...], ...] = ()
        instruments.before_backward.append(self._read)

    def _read(self, loss: "Tensor") -> None:
        import torch

        seen = self._instruments
        if self._is_done or not seen.models or not seen.optimizers:
            return
        self._is_done = True
        known = {id(one) for model in seen.models.values() for one in model.parameters()}
        known |= {id(p) for one in seen.optimizers.values() for group in one.param_groups for p in group["params"]}
        self.unregistered = tuple(
            tuple(leaf.shape)
            for leaf in _leaves_of(loss.grad_fn)
            if isinstance(leaf, torch.nn.Parameter) and id(leaf) not in known
        )


def _leaves_of(root: Any) -> Iterator["Tensor"]:
    """The tensors that backward writes gradients to."""
    waiting, seen = [root], set[Any]()
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            yield node.variable
        waiting += [before for before, _ in node.next_functions]


class ZeroGradMonitor:
    """Counts the optimizer steps that were made with gradients still added up from the previous step.

    Between two steps of an optimizer, its gradients must be empty (None or zero) before at least one call of backward.
    So several calls of backward per step are allowed, and so are losses of two models that share parameters.
    """

    def __init__(self, instruments: Instrumentation):
        self._instruments = instruments
        self._clean: dict[int, bool] = {}
        self.accumulated = 0
        instruments.before_backward.append(self._backward)
        instruments.before_step.append(self._step)

    def _backward(self, _: "Tensor") -> None:
        for optimizer in self._instruments.optimizers.values():
            if not self._clean.get(id(optimizer), True) and _is_empty(optimizer):
                self._clean[id(optimizer)] = True

    def _step(self, optimizer: "Optimizer") -> None:
        if not self._clean.get(id(optimizer), True):
            self.accumulated += 1
        self._clean[id(optimizer)] = False


def _is_empty(optimizer: "Optimizer") -> bool:
    gradients = (p.grad for group in optimizer.param_groups for p in group["params"])
    return not any(gradient is not None and bool(gradient.any()) for gradient in gradients)


class WeightSums:
    """Whether the weights of the tracked models have changed since they were tracked: compares each parameter's sum."""

    def __init__(self, instruments: Instrumentation):
        self._instruments = instruments
        self._first: dict[str, float] = {}
        instruments.after_tracking.append(self._begin)

    def _begin(self) -> None:
        self._first = {**self._sums(), **self._first}

    def _sums(self) -> dict[str, float]:
        return {
            f"{name}.{path}": float(parameter.detach().double().sum())
            for name, model in self._instruments.models.items()
            for path, parameter in model.named_parameters()
        }

    @property
    def moved(self) -> bool:
        return any(value != self._first.get(name, value) for name, value in self._sums().items())


class InputMonitor:
    """Measures the input of the first layer with weights, after any preprocessing within the model."""

    def __init__(self, instruments: Instrumentation):
        self._instruments = instruments
        self._first: tuple[str, Any] | None = None
        self._count, self._total, self._squares = 0, 0.0, 0.0
        self._low, self._high = math.inf, -math.inf
        instruments.after_tracking.append(self._begin)

    def _begin(self) -> None:
        for model in self._instruments.models.values():
            for path, module in model.named_modules():
                if any(True for _ in module.parameters(recurse=False)):
                    module.register_forward_pre_hook(self._hook(path or type(module).__name__))

    def _hook(self, path: str) -> Any:
        def add_inputs(module: "nn.Module", args: Any) -> None:
            if self._first is None:
                self._first = (path, module)
            if self._first[1] is module and module.training:
                self._add(args)

        return add_inputs

    def inputs(self) -> InputStatistics | None:
        """None if there is no model, or if its first layer takes integers (an embedding) or normalises its input."""
        if self._first is None or self._count == 0 or "Norm" in type(self._first[1]).__name__:
            return None
        mean = self._total / self._count
        std = math.sqrt(max(self._squares / self._count - mean * mean, 0.0))
        path, module = self._first
        return InputStatistics(f"{path} ({type(module).__name__})", mean, std, self._low, self._high)

    def _add(self, things: Iterable[Any]) -> None:
        import torch

        for thing in things:
            if isinstance(thing, torch.Tensor) and thing.is_floating_point() and thing.numel():
                values = thing.detach().double()
                self._count += values.numel()
                self._total += float(values.sum())
                self._squares += float(values.square().sum())
                self._low, self._high = min(self._low, float(values.min())), max(self._high, float(values.max()))


class InputChanges:
    """Whether the inputs of the tracked models differ between the steps of a training on one minibatch.

    Each model's inputs are compared with those of its first call in training mode.
    """

    def __init__(self, instruments: Instrumentation):
        self._instruments = instruments
        self._first: dict[int, list[Tensor]] = {}
        self.changed = False
        instruments.after_tracking.append(self._begin)

    def _begin(self) -> None:
        for model in self._instruments.models.values():
            if id(model) not in self._first:
                self._first[id(model)] = []
                model.register_forward_pre_hook(self._compare)

    def _compare(self, model: "nn.Module", args: Any) -> None:
        import torch

        if self.changed or not (model.training and torch.is_grad_enabled()):
            return
        given, first = list(leaves(args)), self._first[id(model)]
        if not first:
            self._first[id(model)] = [tensor.detach().clone() for tensor in given]
        elif len(given) == len(first):
            self.changed = not all(torch.equal(new, old) for new, old in zip(given, first, strict=True))
