"""Options that make a training faster on a CUDA GPU; on other devices they have no effect."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import ClassVar, cast

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from trainers.kit import ranges
from trainers.kit.ranges import Conditions


@dataclass(frozen=True)
class Settings(ranges.Settings):
    """amp: automatic mixed precision: bfloat16 if the GPU supports it, else float16 with a scaled loss (Micikevicius et
    al. 2018, arXiv 1710.03740). Weights, losses and metrics stay float32.
    channels_last: images and convolutions with their channels innermost, for tensor cores.
    compiled: torch.compile; the first epoch takes up to a minute longer.
    """

    WHEN: ClassVar[Conditions] = {
        "amp": {"run.device": ("cuda",)},
        "channels_last": {"run.device": ("cuda",)},
        "compiled": {"run.device": ("cuda",)},
    }

    amp: bool = False
    channels_last: bool = False
    compiled: bool = False


class Speed:
    """kind: of the device, such as "cuda". half: the type for computations, None for float32.

    scaler: of float16's gradients, which vanish otherwise; track it. For other types it has no effect.
    """

    def __init__(
        self, kind: str, *, half: torch.dtype | None = None, channels_last: bool = False, compiled: bool = False
    ):
        self._kind = kind
        self._half = half
        self._channels_last = channels_last
        self._compiled = compiled
        self.scaler = torch.amp.GradScaler(kind, enabled=half is torch.float16)

    @classmethod
    def of(cls, params: Settings, device: str) -> "Speed":
        """The options on "cuda" (or "cuda:1"); none on other devices."""
        kind = device.partition(":")[0]
        if kind != "cuda":
            return cls(kind)
        half = torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
        return cls(
            kind,
            half=half if params.amp else None,
            channels_last=params.channels_last,
            compiled=params.compiled,
        )

    def forward_of(self, model: nn.Module) -> Callable[[Tensor], Tensor]:
        """A callable that replaces the model's forward pass; parameters and state stay in the model."""
        if self._channels_last:
            model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        called = torch.compile(model) if self._compiled else model
        return self._with_channels_last(called) if self._channels_last else called

    def _with_channels_last(self, called: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        return lambda images: called(images.contiguous(memory_format=torch.channels_last))

    def precision(self) -> AbstractContextManager[object]:
        """For the forward pass and the loss."""
        if self._half is None:
            return nullcontext()
        return cast(AbstractContextManager[object], torch.autocast(self._kind, self._half))

    def backward(self, loss: Tensor, optimizer: Optimizer) -> None:
        """Computes the gradients, without the scale."""
        torch.autograd.backward(self.scaler.scale(loss))
        self.scaler.unscale_(optimizer)

    def step(self, optimizer: Optimizer) -> None:
        """The optimizer's step; skipped if a gradient in float16 is infinite."""
        self.scaler.step(optimizer)
        self.scaler.update()
