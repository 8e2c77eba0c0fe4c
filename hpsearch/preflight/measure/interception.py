"""Intercepts a trainer's calls of backward and its DataLoaders, and passes them to the instrumentation."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from hpsearch.preflight.measure.instrumentation import Instrumentation

DROPOUTS = ("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout")
"""Functions of torch.nn.functional, which dropout layers call too."""


@contextmanager
def instrumented(instruments: Instrumentation) -> Iterator[None]:
    """A context that intercepts every call of backward and every DataLoader of this process.

    Dropout is off if the instrumentation is without regularisation.
    """
    import torch
    from torch.utils.data import DataLoader

    tensor_backward: Callable[..., None] = torch.Tensor.backward
    backward: Callable[..., None] = torch.autograd.backward
    scale, load = torch.amp.GradScaler.scale, DataLoader.__iter__
    depth = 0

    def intercepted(loss: Any, call: Callable[[], None]) -> None:
        nonlocal depth
        depth += 1
        try:
            instruments.backward(loss, call) if depth == 1 else call()
        finally:
            depth -= 1

    def of_tensor(loss: Any, *args: Any, **options: Any) -> None:
        intercepted(loss, lambda: tensor_backward(loss, *args, **options))

    def of_tensors(tensors: Any, *args: Any, **options: Any) -> None:
        first = tensors if isinstance(tensors, torch.Tensor) else next(iter(tensors))
        intercepted(first, lambda: backward(tensors, *args, **options))

    def scaled(scaler: Any, outputs: Any) -> Any:
        result = scale(scaler, outputs)
        instruments.scaled(result, outputs)
        return result

    def loaded(loader: Any) -> Any:
        return instruments.loaded(load(loader), loader)

    def attend(*args: Any, **options: Any) -> Any:
        given = (*args[:4], 0.0, *args[5:]) if len(args) > 4 else args
        return attention(*given, **options if len(args) > 4 else {**options, "dropout_p": 0.0})

    functional = torch.nn.functional
    attention = functional.scaled_dot_product_attention
    regularizers = [(functional, name, _unchanged) for name in DROPOUTS]
    regularizers += [(functional, "scaled_dot_product_attention", attend)]
    with ExitStack() as stack:
        for owner, name, new in (
            *(regularizers if instruments.without_regularization else []),
            (torch.Tensor, "backward", of_tensor),
            (torch.autograd, "backward", of_tensors),
            (torch.amp.GradScaler, "scale", scaled),
            (DataLoader, "__iter__", loaded),
        ):
            stack.callback(setattr, owner, name, getattr(owner, name))
            setattr(owner, name, new)
        stack.enter_context(instruments.within)
        yield


def _unchanged(given: Any, *_: Any, **__: Any) -> Any:
    return given
