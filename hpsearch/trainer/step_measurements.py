"""Measures the steps of the optimizers that a trial tracks: what the doctor compares with usual values.

Added to each report, under names of hpsearch's own, unless the trainer reports the same without the prefix:
- `hpsearch/lr`: the learning rate of the last step; of further parameter groups: `hpsearch/lr/group1`, …
- `hpsearch/steps`: the number of steps since the report before.
- `hpsearch/update_ratio`: the norm of a step over that of the weights; about 1e-3 is usual (Karpathy, CS231n).
- `hpsearch/grad_norm`, `hpsearch/weight_norm`: of all parameters together; the gradient as the step uses it.

The names of further optimizers end in the name that they are tracked with: `hpsearch/update_ratio/judge`.

Norms are medians of sampled steps, one in EVERY, so short epochs may have none. A measurement reads and never writes,
and draws no random numbers, so the training is the same without it. Which steps are sampled depends on the epoch and on
the number of the step alone: a trial that is continued or reproduced has the same values.
"""

import math
from collections.abc import Mapping
from statistics import median
from typing import TYPE_CHECKING, Any

from hpsearch.core.measured import PREFIX

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer

EVERY = 100
"""A sample takes about as long as a third of a small network's step, so this is about 1% of its epoch."""

STRIDE = 37
"""Without a common factor with EVERY: another step of each epoch is sampled."""

MAX_COPIED = 10_000_000
"""The most numbers of the weights that are copied for a sample, evenly spread: 40 MB of memory."""

MAX_GROUPS = 8
"""The most parameter groups of which the learning rate is recorded."""


class StepMeasurements:
    """Of all torch optimizers among the tracked objects."""

    def __init__(self) -> None:
        self._meters: dict[int, _Meter] = {}
        self._step = 0

    def tracked(self, objects: Mapping[str, Any]) -> None:
        import sys

        if "torch" not in sys.modules:
            return
        import torch

        for name, thing in objects.items():
            if isinstance(thing, torch.optim.Optimizer) and id(thing) not in self._meters:
                self._meters[id(thing)] = _Meter(thing, f"/{name}" if self._meters else "", self)

    def begin(self, step: int) -> None:
        """step: of the last report of a trial that continues, or 0."""
        self._step = step

    def is_sampled(self, number: int) -> bool:
        """number: of the step since the last report, from 1. The first step of the reports 2, 4, 8, … is, too."""
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
        self._suffix, self._whole = suffix, whole
        self._count = self._depth = 0
        self._rates: list[Any] = []
        self._before: list[Tensor] | None = None
        self._gradient: Tensor | None = None
        self._samples: list[Tensor] = []
        self._is_broken = False
        optimizer.register_step_pre_hook(self._begin)
        optimizer.register_step_post_hook(self._end)

    def _begin(self, optimizer: "Optimizer", *_: Any) -> None:
        self._depth += 1
        if self._depth > 1:  # torch calls the hooks once more for a subclass that calls its parent
            return
        self._count += 1
        self._rates = [group["lr"] for group in optimizer.param_groups[:MAX_GROUPS] if "lr" in group]
        if not self._is_broken and self._whole.is_sampled(self._count):
            try:
                self._before, self._gradient = _copies(optimizer), _norm(_gradients(optimizer))
            except Exception:  # parameters of an unusual kind: the training goes on without measurements
                self._is_broken, self._before = True, None

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
        with torch.no_grad():
            now = _views(optimizer)
            moved = _norm([new - old for new, old in zip(now, self._before, strict=True)])
            seen = _norm(now)
            every = _norm([weight.detach() for weight in _weights(optimizer)]) if _thinned(optimizer) > 1 else seen
            # Read in `take`: a GPU is waited for once for each report.
            self._samples.append(torch.stack([moved / seen.clamp_min(1e-30), self._gradient, every]))  # type: ignore[list-item]

    def take(self) -> dict[str, float]:
        if not self._count:
            return {}
        rates = {f"lr{self._suffix}{f'/group{i}' * (i > 0)}": float(rate) for i, rate in enumerate(self._rates)}
        found = {**rates, f"steps{self._suffix}": float(self._count)}
        if self._samples and not self._is_broken:
            columns = zip(*(one.tolist() for one in self._samples), strict=True)
            names = ("update_ratio", "grad_norm", "weight_norm")
            found |= {f"{name}{self._suffix}": median(one) for name, one in zip(names, columns, strict=True)}
        self._count, self._samples = 0, []
        return {PREFIX + name: value for name, value in found.items() if math.isfinite(value)}


def _weights(optimizer: "Optimizer") -> "list[Tensor]":
    return [weight for group in optimizer.param_groups for weight in group["params"] if weight.requires_grad]


def _views(optimizer: "Optimizer") -> "list[Tensor]":
    """The weights in one dimension, thinned out where they are many."""
    thinned = _thinned(optimizer)
    return [weight.detach().reshape(-1)[::thinned] for weight in _weights(optimizer)]


def _thinned(optimizer: "Optimizer") -> int:
    """Of so many numbers, one is measured."""
    return max(1, -(-sum(weight.numel() for weight in _weights(optimizer)) // MAX_COPIED))


def _copies(optimizer: "Optimizer") -> "list[Tensor]":
    return [view.clone() for view in _views(optimizer)]


def _gradients(optimizer: "Optimizer") -> "list[Tensor]":
    found = [weight.grad.detach() for weight in _weights(optimizer) if weight.grad is not None]
    return [one.coalesce().values() if one.is_sparse else one for one in found]


def _norm(tensors: "list[Tensor]") -> "Tensor":
    """Of all together, in double precision: a mean of many small steps must not be lost."""
    import torch

    if not tensors:
        return torch.zeros((), dtype=torch.float64)
    norms = torch._foreach_norm([one for one in tensors if one.numel()])
    whole: Tensor = torch.linalg.vector_norm(torch.stack([norm.double() for norm in norms]))
    return whole
