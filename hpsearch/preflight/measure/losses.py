"""What kind of loss a trainer minimises, read from the graph that autograd has built for it.

The graph names the operations, however they were called, and keeps what they need for the way back: the logarithms of
the probabilities, the targets. (torch's node names end in a number: NllLossBackward0.)
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hpsearch.preflight.measurements import LossKind

if TYPE_CHECKING:
    from torch import Tensor

NEAR = 200
"""So many operations before the loss are looked at: what is farther away is the model."""

LOG_SOFTMAX, SOFTMAX, SIGMOID = "LogSoftmaxBackward", "SoftmaxBackward", "SigmoidBackward"

KINDS: dict[str, LossKind] = {
    "NllLossBackward": "cross entropy",
    "NllLoss2DBackward": "cross entropy",
    "BinaryCrossEntropyWithLogitsBackward": "binary cross entropy",
    "BinaryCrossEntropyBackward": "binary cross entropy",
    "MseLossBackward": "squared error",
    "SmoothL1LossBackward": "absolute error",
    "HuberLossBackward": "absolute error",
}
"""Losses that are never negative. PyTorch's L1 is the mean of an absolute difference, which is too common a thing."""

_SHAPES = ("View", "Reshape", "Unsqueeze", "Squeeze", "Transpose", "Permute", "T", "Select", "Clone", "ToCopy", "Alias")
"""Operations that move numbers about and leave them as they are."""


@dataclass(frozen=True)
class Loss:
    """value: a number. kind, chance, classes, probabilities: as of FirstSteps. accuracy: in [0, 1], of a batch."""

    value: float
    kind: LossKind = ""
    chance: float | None = None
    classes: int | None = None
    probabilities: bool = False
    accuracy: float | None = None


def read(loss: "Tensor", outputs: "Tensor | None" = None) -> Loss:
    """Before backward is called on it. outputs: what the model gave last."""
    value = float(loss.detach())
    nodes = list(_near(loss.grad_fn))
    found = [node for node in nodes if _name(node) in KINDS]
    softmax = next((node for node in nodes if _name(node) == LOG_SOFTMAX), None)
    classes = _classes(softmax) if softmax is not None else None
    if len(found) > 1 or (not found and softmax is None):
        kinds = {KINDS[_name(node)] for node in found}  # several losses of one kind are all of the same sign
        doubled = any(_doubled(node, outputs) for node in nodes)
        return Loss(value, kinds.pop() if len(kinds) == 1 else "", probabilities=doubled)
    node = found[0] if found else softmax
    kind = KINDS[_name(node)] if found else "cross entropy"
    twice = any(_doubled(one, outputs) for one in (node, softmax) if one is not None)
    return Loss(value, kind, _chance(kind, node, classes), classes, twice, _accuracy(kind, node))


def _near(root: Any) -> Iterator[Any]:
    """The operations before the loss, the nearest first."""
    waiting, seen = [root], set[Any]()
    while waiting and len(seen) < NEAR:
        node = waiting.pop(0)
        if node is None or node in seen:
            continue
        seen.add(node)
        yield node
        waiting += [before for before, _ in node.next_functions]


def _name(node: Any) -> str:
    return type(node).__name__.rstrip("0123456789")


def _before(node: Any) -> Any:
    """The operation whose result goes into this one; None where there is none."""
    return node.next_functions[0][0] if node.next_functions else None


def _behind_shapes(node: Any) -> Any:
    """The operation itself, or where it changes the shape alone, the one before that does more; None: there is none."""
    while node is not None and _name(node).removesuffix("Backward").endswith(_SHAPES):
        node = _before(node)
    return node


def _classes(softmax: Any) -> int | None:
    result, dim = _saved(softmax, "result"), int(softmax._saved_dim)
    dim = dim if dim < 2**32 else dim - 2**64  # autograd keeps a negative dimension as if it had no sign
    return int(result.shape[dim]) if result is not None else None


def _doubled(node: Any, outputs: "Tensor | None") -> bool:
    """Whether a loss that takes logits is given probabilities."""
    makes = {LOG_SOFTMAX: SOFTMAX, "BinaryCrossEntropyWithLogitsBackward": SIGMOID}.get(_name(node))
    if makes is None:
        return False
    before = _behind_shapes(_before(node))
    if before is not None and _name(before) == makes:
        return True
    if outputs is None or outputs.grad_fn is None or before is not _behind_shapes(outputs.grad_fn):
        return False
    return _sum_to_one(outputs) if makes == SOFTMAX else _within_one(outputs)


def _sum_to_one(outputs: "Tensor") -> bool:
    if outputs.dim() < 2 or outputs.shape[1] < 2:
        return False
    values = outputs.detach().float()
    off = (values.sum(1) - 1).abs().max()
    return bool(values.min() >= 0) and bool(off < 1e-3)


def _within_one(outputs: "Tensor") -> bool:
    """Of logits about half are negative: 16 that are not can hardly be chance."""
    values = outputs.detach()
    return values.numel() >= 16 and bool(values.min() >= 0) and bool(values.max() <= 1)


def _chance(kind: LossKind, node: Any, classes: int | None) -> float | None:
    """What the loss is where the outputs say nothing about the targets."""
    match kind:
        case "cross entropy":
            return math.log(classes) if classes is not None and classes > 1 else None
        case "binary cross entropy":
            return math.log(2)
        case "squared error":
            targets = _saved(node, "target")
            return float(targets.float().var(0, unbiased=False).mean()) if targets is not None else None
    return None


def _accuracy(kind: LossKind, node: Any) -> float | None:
    outputs, targets = _saved(node, "self"), _saved(node, "target")
    if outputs is None or targets is None:
        return None
    if kind == "cross entropy" and targets.dim() == outputs.dim() - 1:
        known = targets >= 0  # an index that is to be ignored is negative
        right = (outputs.argmax(1 if outputs.dim() > 1 else 0) == targets)[known]
    elif kind == "binary cross entropy":
        between = 0.0 if "Logits" in _name(node) else 0.5
        right = (outputs > between) == (targets > 0.5)
    else:
        return None
    return float(right.float().mean()) if right.numel() else None


def _saved(node: Any, name: str) -> "Tensor | None":
    """A tensor that the operation keeps; None where it keeps none of that name, or has let it go."""
    try:
        return getattr(node, f"_saved_{name}", None)
    except RuntimeError:
        return None
