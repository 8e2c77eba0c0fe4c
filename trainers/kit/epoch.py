"""One epoch: train on every example once, look at the validation split, say what came of it.

What is watched stays on the device until the end of the epoch, so that watching costs next to nothing.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from trainers.kit.data import Examples

Loss = Callable[[Tensor, Tensor], Tensor]
"""(outputs, targets) -> their mean loss, a tensor with one element."""

CHUNK = 4096
"""Examples that are evaluated at once: enough to keep a device busy, few enough for its memory."""


@dataclass(frozen=True)
class Seen:
    """What a model made of some examples. outputs and targets: n first, without gradients; loss: one element."""

    outputs: Tensor
    targets: Tensor
    loss: Tensor


def fit(
    model: nn.Module, examples: Examples, loss: Loss, optimizer: Optimizer, batch_size: int, shuffle: torch.Generator
) -> Seen:
    """Train for one epoch. Outputs and loss are those that the model gave on its way, before each of its steps.

    The gradients of the last batch are left in the parameters.
    """
    model.train()
    shuffled = examples.shuffled(shuffle)
    outputs, losses = [], []
    for inputs, targets in shuffled.batches(batch_size):
        optimizer.zero_grad()
        output = model(inputs)
        mean = loss(output, targets)
        torch.autograd.backward(mean)
        optimizer.step()
        outputs.append(output.detach())
        losses.append(mean.detach())
    sizes = losses[0].new_tensor([len(batch) for batch in outputs])
    return Seen(torch.cat(outputs), shuffled.targets, torch.stack(losses) @ sizes / sizes.sum())


@torch.no_grad()
def evaluate(model: nn.Module, examples: Examples, loss: Loss) -> Seen:
    """What the model makes of the examples without training on them."""
    model.eval()
    outputs = torch.cat([model(inputs) for inputs in torch.split(examples.inputs, CHUNK)])
    return Seen(outputs, examples.targets, loss(outputs, examples.targets))


def grad_norm(parameters: Iterable[nn.Parameter]) -> Tensor:
    """The Euclidean norm of all gradients together: after `fit`, of the last batch's."""
    return nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])


def numbers(**metrics: Tensor | float) -> dict[str, float]:
    """The metrics as plain floats, those on a device fetched with one transfer."""
    tensors = {name: value for name, value in metrics.items() if isinstance(value, Tensor)}
    fetched = torch.stack([value.detach().double() for value in tensors.values()]).tolist() if tensors else []
    return {**metrics, **dict(zip(tensors, fetched, strict=True))}
