"""Collects the losses on which a trainer calls backward, so that their mean over the steps of a report is known.

`torch.autograd.backward`, which `Tensor.backward` calls too, is replaced once in a process. The losses of a thread are
kept until an optimizer makes a step in it: they belong to that optimizer.
"""

import threading
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

MAX_PENDING = 1000
"""The most losses that are kept without a step of an optimizer that is measured."""


NOTHING = (None, None)


class _OfThread(threading.local):
    """pending: losses since the last step. scaled: the result of a GradScaler, and the loss that it was given."""

    def __init__(self) -> None:
        self.pending: list[Tensor] = []
        self.scaled: tuple[Any, Any] = NOTHING


_thread = _OfThread()


@cache
def collect() -> None:
    """Begin to collect losses in this process. torch must be imported."""
    import torch

    backward, scale = torch.autograd.backward, torch.amp.GradScaler.scale
    of_thread, is_tensor, most = _thread, torch.Tensor, MAX_PENDING

    def collected(tensors: Any, *args: Any, **options: Any) -> None:
        if isinstance(tensors, is_tensor) and tensors.numel() == 1:
            pending, (result, loss) = of_thread.pending, of_thread.scaled
            if len(pending) >= most:
                pending.clear()
            pending.append((loss if tensors is result else tensors).detach())
        backward(tensors, *args, **options)

    def scaled(scaler: Any, outputs: Any) -> Any:
        result = scale(scaler, outputs)
        of_thread.scaled = (result, outputs) if isinstance(outputs, is_tensor) else NOTHING
        return result

    torch.autograd.backward = collected
    torch.amp.GradScaler.scale = scaled  # type: ignore[assignment, method-assign]


class BackwardLosses:
    """The losses of one optimizer since the last report."""

    def __init__(self) -> None:
        """Losses of before are those of another training in this thread: a preflight, a trial, a pretraining."""
        _thread.pending.clear()
        _thread.scaled = NOTHING
        self._kept: list[Tensor] = []
        self._totals: list[Tensor] = []
        self._count = 0

    def step(self) -> None:
        """The optimizer makes a step: the losses of this thread are its own."""
        thread = _thread
        if pending := thread.pending:
            self._kept += pending
            pending.clear()
            if thread.scaled is not NOTHING:
                thread.scaled = NOTHING
            if len(self._kept) > MAX_PENDING:
                self._add_up(self._kept[:-1])
                self._kept = self._kept[-1:]

    def _add_up(self, losses: "list[Tensor]") -> None:
        import torch

        try:
            values = torch.stack(losses)
        except RuntimeError:  # of different shapes, () and (1,)
            values = torch.stack([one.reshape(()) for one in losses])
        self._totals.append(values.double().sum())
        self._count += len(losses)

    def take(self) -> "dict[str, Tensor]":
        """`mean_loss` and `last_loss`; nothing without a call of backward."""
        import torch

        if not self._kept:
            return {}
        self._add_up(self._kept)
        found = {"mean_loss": torch.stack(self._totals).sum() / self._count, "last_loss": self._kept[-1].reshape(())}
        self._kept, self._totals, self._count = [], [], 0
        return found
