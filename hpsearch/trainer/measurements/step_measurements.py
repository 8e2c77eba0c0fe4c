"""Measures the steps of the optimizers that a trial tracks. The doctor compares them with usual values.

The measurements are added to each report, unless the trainer reports the same name without the prefix:
- `hpsearch/lr`: the learning rate of the last step; for further parameter groups: `hpsearch/lr/group1`, …
- `hpsearch/steps`: the number of optimizer steps since the last report.
- `hpsearch/update_ratio`: the norm of a step divided by the norm of the weights; about 1e-3 is usual (Karpathy,
CS231n).
- `hpsearch/grad_norm`, `hpsearch/weight_norm`: of all parameters together; the gradient as the step uses it.
- `hpsearch/descent`: the cosine between a step and the negative gradient of the step after it. Above 0, a larger step
  would have lowered the loss further; below 0, the step was too large (Baydin et al., arXiv 1703.04782).
- `hpsearch/accumulated`: 1 if the gradient of a step contains the gradient of the step before, else 0.
- `hpsearch/initial_norm`: the norm of the weights before the first step; in the first report.
- `hpsearch/initial_scale`, `hpsearch/layer_ratio`, `hpsearch/silent_units`: see `layer_measurements`.
- `hpsearch/layer_gradient/LAYER`: a layer's gradient, as a share of its weights. `hpsearch/layer_silent/LAYER`: its
  share of silent units, if it has any.
- `hpsearch/mean_loss`, `hpsearch/last_loss`: the mean and the last one of the losses on which backward was called since
  the last report. Many trainers report only the last one, which varies from batch to batch.

For further optimizers, the names end with the name in `run.track`: `hpsearch/update_ratio/judge`.

Norms are medians over the sampled steps (one step in EVERY), so short epochs may have none. A measurement changes no
values and draws no random numbers, so the training is the same without it. Only the epoch and the number of the step
determine which steps are sampled: a trial that is resumed or reproduced has the same values.
"""

import math
from collections.abc import Mapping
from statistics import median
from typing import TYPE_CHECKING, Any

from hpsearch.core.metric_names import PREFIX
from hpsearch.trainer.measurements.backward_losses import BackwardLosses, collect
from hpsearch.trainer.measurements.gradient_sums import GradientSum, sum_of
from hpsearch.trainer.measurements.layer_measurements import (
    LayerMeasurements,
    gradient_shares,
    largest_scale,
    silent_shares,
)

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer

EVERY = 100
"""A sample takes about a third of a small network's step, so one step in 100 adds less than 1% to an epoch."""

STRIDE = 37
"""It has no common factor with EVERY, so that each epoch samples another step."""

MAX_COPIED = 10_000_000
"""Maximum number of weights that are copied for a sample, evenly spread: 40 MB of memory."""

MAX_GROUPS = 8
"""Maximum number of parameter groups with a recorded learning rate."""


class StepMeasurements:
    """The measurements of all torch optimizers among the tracked objects."""

    def __init__(self) -> None:
        self._meters: dict[int, _Meter] = {}
        self._step = 0
        self.layers = LayerMeasurements()

    def tracked(self, objects: Mapping[str, Any]) -> None:
        import sys

        if "torch" not in sys.modules:
            return
        import torch

        self.layers.tracked(objects)
        for name, thing in objects.items():
            if isinstance(thing, torch.optim.Optimizer) and id(thing) not in self._meters:
                self._meters[id(thing)] = _Meter(thing, f"/{name}" if self._meters else "", self)
                collect()

    @property
    def is_first_epoch(self) -> bool:
        return self._step == 0

    def begin(self, step: int) -> None:
        """step: of the last report of a trial that is resumed, or 0."""
        self._step = step

    def is_sampled(self, number: int) -> bool:
        """number: of the step since the last report, from 1. The first step of the reports 2, 4, 8, … is always
        sampled."""
        return (number + STRIDE * self._step) % EVERY == 2 or (
            number == 1 and self._step > 0 and self._step & (self._step + 1) == 0
        )

    def take(self, step: int) -> dict[str, float]:
        """The measurements since the last call, for the report of this step."""
        self._step = step
        found: dict[str, float] = {}
        for meter in self._meters.values():
            found |= meter.take()
        return found


class _Meter:
    """Measures one optimizer."""

    def __init__(self, optimizer: "Optimizer", suffix: str, whole: StepMeasurements):
        self._optimizer, self._suffix, self._whole = optimizer, suffix, whole
        self._count = self._depth = 0
        self._rates: list[Any] = []
        self._before: list[Tensor] | None = None
        self._moved: list[Tensor] | None = None
        self._sum: GradientSum | None = None
        self._gradient: Tensor | None = None
        self._samples: dict[str, list[Tensor]] = {}
        self._losses = BackwardLosses()
        self._is_broken = False
        optimizer.register_step_pre_hook(self._begin)
        optimizer.register_step_post_hook(self._end)

    def _begin(self, optimizer: "Optimizer", *_: Any) -> None:
        self._depth += 1
        if self._depth > 1:  # torch calls the hooks once more for a subclass that calls its parent
            return
        self._count += 1
        self._rates = [group["lr"] for group in optimizer.param_groups[:MAX_GROUPS] if "lr" in group]
        if self._is_broken:
            return
        try:
            self._losses.step()
            if self._count == 1 and self._whole.is_first_epoch:
                self._add_initial(optimizer)
            if self._moved is not None:
                self._add("descent", _cosine(self._moved, optimizer))
            if self._sum is not None:
                self._add("accumulated", self._sum.end())
            if self._whole.is_sampled(self._count):
                self._before, self._gradient = _copies(optimizer), _norm(_gradients(optimizer))
        except Exception:  # parameters of an unusual kind: the training goes on without measurements
            self._is_broken, self._before = True, None
        self._forget()

    def _forget(self) -> None:
        """Discard what a sample needs in the next step."""
        if self._sum is not None:
            self._sum.drop()
        self._moved = self._sum = None

    def _end(self, optimizer: "Optimizer", *_: Any) -> None:
        self._depth -= 1
        if self._depth or self._before is None:
            return
        try:
            self._sample(optimizer)
        except Exception:  # as above
            self._is_broken = True
        self._before = None

    def _sample(self, optimizer: "Optimizer") -> None:
        import torch

        assert self._before is not None
        assert self._gradient is not None
        with torch.no_grad():
            now = _views(optimizer)
            self._moved = [new - old for new, old in zip(now, self._before, strict=True)]
            seen = _norm(now)
            self._add("update_ratio", _norm(self._moved) / seen.clamp_min(1e-30))
            self._add("grad_norm", self._gradient)
            self._add("weight_norm", _all(optimizer) if _stride(optimizer) > 1 else seen)
            self._sum = sum_of(_weights(optimizer))
            if layers := [one for one in self._layers() if one.grad is not None]:
                self._add_layers(layers)

    def _add_layers(self, layers: "list[Tensor]") -> None:
        shares, silent = gradient_shares(layers), silent_shares(layers)
        self._add("layer_ratio", shares.min() / shares.max().clamp_min(1e-300))
        self._add("silent_units", silent.max())
        for place, name in self._whole.layers.named(layers):
            self._add(f"layer_gradient/{name}", shares[place])
            self._add(f"layer_silent/{name}", silent[place])

    def _add_initial(self, optimizer: "Optimizer") -> None:
        self._add("initial_norm", _all(optimizer))
        if len(layers := self._layers()) > 1:  # one layer may begin with zeros
            self._add("initial_scale", largest_scale(layers))

    def _layers(self) -> "list[Tensor]":
        return self._whole.layers.of(_weights(self._optimizer))

    def _add(self, name: str, value: "Tensor") -> None:
        """Keep the value as a tensor until `take`, so that a GPU is synchronised once for each report."""
        self._samples.setdefault(name, []).append(value.double())

    def take(self) -> dict[str, float]:
        found = {f"steps{self._suffix}": float(self._count)}
        if self._count:
            found |= {f"lr{self._suffix}{f'/group{i}' * (i > 0)}": float(rate) for i, rate in enumerate(self._rates)}
        if not self._is_broken:
            try:
                found |= {name + self._suffix: median(values) for name, values in self._read().items()}
            except Exception:  # such as losses on several devices: the training goes on without measurements
                self._is_broken = True
        # No sample extends into the next epoch, since a trial that is resumed there could not complete it.
        self._count, self._samples = 0, {}
        self._forget()
        return {PREFIX + name: value for name, value in found.items() if _is_recorded(name, value)}

    def _read(self) -> dict[str, list[float]]:
        import torch

        if not self._count:  # shows whether anything else changes the weights
            self._add("weight_norm", _all(self._optimizer))
        for name, value in self._losses.take().items():
            self._add(name, value)
        if not self._samples:
            return {}
        values = torch.stack([one for column in self._samples.values() for one in column]).tolist()
        return {name: [values.pop(0) for _ in column] for name, column in self._samples.items()}


def _is_recorded(name: str, value: float) -> bool:
    """Finite numbers, without those of layers that have no silent units, so that reports stay short."""
    return math.isfinite(value) and (value != 0 or not name.startswith("layer_silent/"))


def _cosine(moved: "list[Tensor]", optimizer: "Optimizer") -> "Tensor":
    """The cosine between a step and the negative gradient after it."""
    import torch

    thinned = _stride(optimizer)
    pairs = [
        (step, weight.grad.reshape(-1)[::thinned])
        for step, weight in zip(moved, _weights(optimizer), strict=True)
        if weight.grad is not None and not weight.grad.is_sparse
    ]
    with torch.no_grad():
        products = [torch.dot(step.double(), gradient.double()) for step, gradient in pairs]
        sizes = _norm([step for step, _ in pairs]) * _norm([gradient for _, gradient in pairs])
        return -torch.stack(products).sum() / sizes.clamp_min(1e-300)


def _all(optimizer: "Optimizer") -> "Tensor":
    return _norm([weight.detach() for weight in _weights(optimizer)])


def _weights(optimizer: "Optimizer") -> "list[Tensor]":
    return [weight for group in optimizer.param_groups for weight in group["params"] if weight.requires_grad]


def _views(optimizer: "Optimizer") -> "list[Tensor]":
    """The weights in one dimension, only a part of them if there are many."""
    thinned = _stride(optimizer)
    return [weight.detach().reshape(-1)[::thinned] for weight in _weights(optimizer)]


def _stride(optimizer: "Optimizer") -> int:
    """n if one weight in n is measured."""
    return max(1, -(-sum(weight.numel() for weight in _weights(optimizer)) // MAX_COPIED))


def _copies(optimizer: "Optimizer") -> "list[Tensor]":
    return [view.clone() for view in _views(optimizer)]


def _gradients(optimizer: "Optimizer") -> "list[Tensor]":
    found = [weight.grad.detach() for weight in _weights(optimizer) if weight.grad is not None]
    return [one.coalesce().values() if one.is_sparse else one for one in found]


def _norm(tensors: "list[Tensor]") -> "Tensor":
    """The norm of all tensors together, in double precision."""
    import torch

    if not tensors:
        return torch.zeros((), dtype=torch.float64)
    norms = torch._foreach_norm([one for one in tensors if one.numel()])
    whole: Tensor = torch.linalg.vector_norm(torch.stack([norm.double() for norm in norms]))
    return whole
