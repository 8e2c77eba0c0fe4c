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
from collections.abc import Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING, Any

from hpsearch.core.metric_names import PREFIX
from hpsearch.trainer.measurements.backward_losses import BackwardLosses, collect
from hpsearch.trainer.measurements.gradient_sums import GradientSum, accumulated, sum_of
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
"""A sample takes about as long as a small network's step, so one step in 100 adds about 1% to an epoch."""

STRIDE = 37
"""It has no common factor with EVERY, so that each epoch samples another step."""

MAX_COPIED = 10_000_000
"""Maximum number of weights that are copied for a sample, evenly spread: 40 MB of memory."""

PRODUCTS = tuple(f"product{place}" for place in range(9))
"""The names of what `accumulated` needs, from a sample to the report."""

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

    def next_sample(self, after: int) -> int:
        """The next step to sample after this number of steps since the last report: one in EVERY. The first step of the
        reports 2, 4, 8, … is always sampled."""
        if after == 0 and self._step > 0 and self._step & (self._step + 1) == 0:
            return 1
        return after + 1 + (1 - STRIDE * self._step - after) % EVERY

    def take(self, step: int) -> dict[str, float]:
        """The measurements since the last call, for the report of this step."""
        self._step = step
        found: dict[str, float] = {}
        for meter in self._meters.values():
            found |= meter.take()
        return found


class _Meter:
    """Measures one optimizer.

    _samples: values with their names, as tensors (n,) until `take`, so that a GPU is synchronised once for each report.
    """

    def __init__(self, optimizer: "Optimizer", suffix: str, whole: StepMeasurements):
        self._optimizer, self._suffix, self._whole = optimizer, suffix, whole
        self._count = self._depth = self._next = 0
        self._rates: list[Any] = []
        self._before: Tensor | None = None
        self._moved: Tensor | None = None
        self._sum: GradientSum | None = None
        self._gradient: Tensor | None = None
        self._samples: list[tuple[Sequence[str], Tensor]] = []
        self._losses = BackwardLosses()
        self._is_broken = False
        optimizer.register_step_pre_hook(self._begin)
        optimizer.register_step_post_hook(self._end)

    def _begin(self, optimizer: "Optimizer", *_: Any) -> None:
        """Called before every step, so it does little unless the step, or the one before it, is sampled."""
        self._depth += 1
        if self._depth > 1:  # torch calls the hooks once more for a subclass that calls its parent
            return
        self._count += 1
        groups = optimizer.param_groups
        one = len(groups) == 1
        self._rates = [groups[0].get("lr")] if one else [group.get("lr") for group in groups[:MAX_GROUPS]]
        if self._is_broken:
            return
        try:
            self._losses.step()
            if self._count == 1:
                self._next = self._whole.next_sample(0)
                if self._whole.is_first_epoch:
                    self._add_initial(optimizer)
            if self._moved is not None:
                self._end_sample(optimizer)
            if self._count == self._next:
                self._before, self._gradient = _weights_in_one(optimizer), _norm(_gradients(optimizer))
                self._next = self._whole.next_sample(self._count)
        except Exception:  # parameters of an unusual kind: the training goes on without measurements
            self._is_broken, self._before = True, None
            self._forget()

    def _end_sample(self, optimizer: "Optimizer") -> None:
        """In the step after a sampled one."""
        assert self._moved is not None
        self._add("descent", _cosine(self._moved, optimizer))
        if self._sum is not None and (products := self._sum.end()) is not None:
            self._samples.append((PRODUCTS, products))
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
            self._sample(optimizer, self._before)
        except Exception:  # as above
            self._is_broken = True
        self._before = None

    def _sample(self, optimizer: "Optimizer", before: "Tensor") -> None:
        import torch

        assert self._gradient is not None
        with torch.no_grad():
            now = _weights_in_one(optimizer)
            self._moved = now - before
            seen = _norm([now])
            self._add("update_ratio", _norm([self._moved]) / seen.clamp_min(1e-30))
            self._add("grad_norm", self._gradient)
            self._add("weight_norm", _all(optimizer) if _stride(optimizer) > 1 else seen)
            self._sum = sum_of(_weights(optimizer))
            if layers := [one for one in self._layers() if one.grad is not None]:
                self._add_layers(layers)

    def _add_layers(self, layers: "list[Tensor]") -> None:
        shares, silent = gradient_shares(layers), silent_shares(layers)
        self._add("layer_ratio", shares.min() / shares.max().clamp_min(1e-300))
        self._add("silent_units", silent.max())
        places, names = zip(*self._whole.layers.named(layers), strict=True)
        for kind, values in (("layer_gradient", shares), ("layer_silent", silent)):
            self._samples.append(([f"{kind}/{name}" for name in names], values[list(places)]))

    def _add_initial(self, optimizer: "Optimizer") -> None:
        self._add("initial_norm", _all(optimizer))
        if len(layers := self._layers()) > 1:  # one layer may begin with zeros
            self._add("initial_scale", largest_scale(layers))

    def _layers(self) -> "list[Tensor]":
        return self._whole.layers.of(_weights(self._optimizer))

    def _add(self, name: str, value: "Tensor") -> None:
        self._samples.append(((name,), value.reshape(1)))

    def take(self) -> dict[str, float]:
        found = {f"steps{self._suffix}": float(self._count)}
        if self._count:
            rates = [rate for rate in self._rates if rate is not None]
            found |= {f"lr{self._suffix}{f'/group{i}' * (i > 0)}": float(rate) for i, rate in enumerate(rates)}
        if not self._is_broken:
            try:
                found |= {name + self._suffix: median(values) for name, values in self._read().items()}
            except Exception:  # such as losses on several devices: the training goes on without measurements
                self._is_broken = True
        # No sample extends into the next epoch, since a trial that is resumed there could not complete it.
        self._count, self._samples = 0, []
        self._forget()
        return {PREFIX + name: value for name, value in found.items() if _is_recorded(name, value)}

    def _read(self) -> dict[str, list[float]]:
        import torch

        if not self._count:  # shows whether anything else changes the weights
            self._add("weight_norm", _all(self._optimizer))
        for name, value in self._losses.take().items():
            self._add(name, value)
        found: dict[str, list[float]] = {}
        if not self._samples:
            return found
        values = iter(torch.cat([value.double() for _, value in self._samples]).tolist())
        for names, _ in self._samples:
            for name, value in zip(names, values, strict=False):
                found.setdefault(name, []).append(value)
        if PRODUCTS[0] in found:
            columns = zip(*(found.pop(name) for name in PRODUCTS), strict=True)
            found["accumulated"] = [*map(accumulated, columns)]
        return found


def _is_recorded(name: str, value: float) -> bool:
    """Finite numbers, without those of layers that have no silent units, so that reports stay short."""
    return math.isfinite(value) and (value != 0 or not name.startswith("layer_silent/"))


def _cosine(moved: "Tensor", optimizer: "Optimizer") -> "Tensor":
    """The cosine between a step and the negative gradient after it."""
    import torch

    weights, thinned = _weights(optimizer), _stride(optimizer)
    has = [weight.grad is not None and not weight.grad.is_sparse for weight in weights]
    if not all(has):
        parts = torch.split(moved, [-(-weight.numel() // thinned) for weight in weights])
        moved = torch.cat([part for part, one in zip(parts, has, strict=True) if one])
    gradients = [weight.grad for weight, one in zip(weights, has, strict=True) if one and weight.grad is not None]
    with torch.no_grad():
        gradient = _in_one(gradients, thinned)
        sizes = _norm([moved]) * _norm([gradient])
        if moved.dtype != torch.float32:
            moved, gradient = moved.double(), gradient.double()
        return -torch.dot(moved, gradient).double() / sizes.clamp_min(1e-300)


def _all(optimizer: "Optimizer") -> "Tensor":
    return _norm([weight.detach() for weight in _weights(optimizer)])


def _weights(optimizer: "Optimizer") -> "list[Tensor]":
    return [weight for group in optimizer.param_groups for weight in group["params"] if weight.requires_grad]


def _weights_in_one(optimizer: "Optimizer") -> "Tensor":
    """A copy of the weights as one vector, only a part of them if there are many."""
    return _in_one([weight.detach() for weight in _weights(optimizer)], _stride(optimizer))


def _in_one(tensors: "list[Tensor]", thinned: int) -> "Tensor":
    """One in `thinned` elements of each tensor, copied into one vector. One `cat` in place of an operation for each
    tensor: the time of a sample is that of its calls."""
    import torch

    return torch.cat([one.reshape(-1)[::thinned] if thinned > 1 else one.reshape(-1) for one in tensors])


def _stride(optimizer: "Optimizer") -> int:
    """n if one weight in n is measured."""
    return max(1, -(-sum(weight.numel() for weight in _weights(optimizer)) // MAX_COPIED))


def _gradients(optimizer: "Optimizer") -> "list[Tensor]":
    found = [weight.grad.detach() for weight in _weights(optimizer) if weight.grad is not None]
    return [one.coalesce().values() if one.is_sparse else one for one in found]


def _norm(tensors: "list[Tensor]") -> "Tensor":
    """The norm of all tensors together, as a double."""
    import torch

    if not tensors:
        return torch.zeros((), dtype=torch.float64)
    if len(tensors) == 1:
        alone: Tensor = torch.linalg.vector_norm(tensors[0]).double()
        return alone
    norms = torch.stack(torch._foreach_norm([one for one in tensors if one.numel()]))
    whole: Tensor = torch.linalg.vector_norm(norms, dtype=torch.float64)
    return whole
