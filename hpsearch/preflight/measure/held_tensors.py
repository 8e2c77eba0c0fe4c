"""Repeats the first minibatch of a trainer that takes its batches by itself, such as slices of a tensor."""

import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

from hpsearch.preflight.measure.batches import changed, leaves
from hpsearch.preflight.measure.instrumentation import Instrumentation

if TYPE_CHECKING:
    from torch import Tensor
    from torch.overrides import TorchFunctionMode

Place = tuple[Callable[..., Any], CodeType, int, int]
"""A call of a torch function: the function, the trainer's code and instruction, and which call of it in this step."""

SETTERS = ("__set__", "backward", "requires_grad_")
"""Functions that compute nothing from their arguments."""


class HeldTensors:
    """While the trainer runs, every step computes with the data of the first one.

    Data are tensors without gradient that enter a computation with gradients: the inputs of a model, targets, masks.
    Each is replaced by the one that was first at the same place of the trainer's code, or by a part of it for a smaller
    batch. So it also works where the trainer makes its batches, and random noise is the same in every step.

    differentiated: the trainer differentiates by a tensor that is no weight, such as the points of a differential
    equation. Such tensors are not replaced, so the steps have different data.
    """

    def __init__(self, seen: Instrumentation):
        import torch

        self._seen = seen
        self._torch = str(Path(torch.__file__).parent)
        self._held: dict[tuple[Place, int], Tensor] = {}
        self._calls: Counter[tuple[Callable[..., Any], CodeType, int]] = Counter()
        self.differentiated = False
        self._mode = seen.within = _mode(self.called)
        seen.after_tracking.append(self._tracked)
        seen.before_step.append(lambda _: self._calls.clear())

    @property
    def works(self) -> bool:
        return bool(self._held) and not self.differentiated

    def _tracked(self) -> None:
        """Calls before the training, such as one to find a layer's size, are forgotten."""
        from torch.overrides import _get_current_function_mode_stack

        self._held.clear()
        self._calls.clear()
        if self._mode not in _get_current_function_mode_stack():  # type: ignore[no-untyped-call]
            self._mode.__enter__()  # type: ignore[no-untyped-call]  # in the thread of a function, which it ends with

    def called(self, func: Callable[..., Any], args: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
        """Calls a torch function with the data of the first step."""
        import torch

        given = (args, dict(options))
        if torch.is_grad_enabled() and getattr(func, "__name__", "") not in SETTERS:
            tensors = [*leaves(given)]
            learnt = [one for one in tensors if one.requires_grad]
            if learnt and len(learnt) < len(tensors) and (place := self._place(func)) is not None:
                given = self._replaced(given, place)
            self.differentiated |= any(one.is_leaf and not self._is_weight(one) for one in learnt)
        return func(*given[0], **given[1])

    def _replaced(self, given: Any, place: Place) -> Any:
        count = 0

        def held(tensor: "Tensor") -> "Tensor":
            nonlocal count
            if tensor.requires_grad:
                return tensor
            count += 1
            kept = self._held.setdefault((place, count), tensor.detach().clone())
            smaller = tensor.dim() > 0 and tensor.shape[1:] == kept.shape[1:] and len(tensor) < len(kept)
            return kept[: len(tensor)] if smaller else kept

        return changed(given, held)

    def _place(self, func: Callable[..., Any]) -> Place | None:
        """None for a call by a GradScaler, whose scale changes."""
        frame: FrameType | None = sys._getframe(3)
        while frame is not None and frame.f_code.co_filename.startswith(self._torch):
            if Path(frame.f_code.co_filename).parent.name == "amp":
                return None
            frame = frame.f_back
        if frame is None:
            return None
        call = (func, frame.f_code, frame.f_lasti)
        self._calls[call] += 1
        return (*call, self._calls[call])

    def _is_weight(self, tensor: "Tensor") -> bool:
        from torch import nn

        return isinstance(tensor, nn.Parameter) or any(
            tensor is one for optimizer in self._seen.optimizers.values() for one in leaves(optimizer.param_groups)
        )


def _mode(called: Callable[..., Any]) -> "TorchFunctionMode":
    """A context in which `called` is called in place of every torch function."""
    from torch.overrides import TorchFunctionMode

    class Mode(TorchFunctionMode):
        def __torch_function__(
            self,
            func: Callable[..., Any],
            types: Sequence[type],
            args: tuple[Any, ...] = (),
            kwargs: Mapping[str, Any] | None = None,
        ) -> Any:
            return called(func, args, kwargs or {})

    return Mode()
