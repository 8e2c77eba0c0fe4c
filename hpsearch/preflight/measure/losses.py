"""The kind of loss that a trainer minimises, read from the autograd graph.

The graph has the name of every operation, and the tensors that backward needs, such as log probabilities and targets.
torch's node names end in a number, such as NllLossBackward0.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hpsearch.preflight.measurements import LossKind

if TYPE_CHECKING:
    from torch import Tensor

NEAR = 200
"""The most operations before the loss that are searched; earlier ones belong to the model."""

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
"""Losses that are never negative. `_written_out` recognises those computed from squares and absolute values."""

OTHERS = frozenset({"CtcLossBackward", "LogsumexpBackward"})
"""Operations that combine log probabilities in another way than cross entropy: alignments and mixtures."""

REDUCTIONS = ("Mean", "Sum", "Div", "Mul")
"""Operations between the squared or absolute errors and the loss. Mul, Div: by a number."""

_SHAPES = ("View", "Reshape", "Unsqueeze", "Squeeze", "Transpose", "Permute", "T", "Select", "Clone", "ToCopy", "Alias")
"""Operations that change only the shape, not the values."""


@dataclass(frozen=True)
class Loss:
    """kind, chance, classes, probabilities: see FirstSteps. accuracy: of the batch, in [0, 1].

    wrong: the places of the wrongly classified examples; None if it is not a classification.
    broadcast: each output is compared with every target, (n, 1) with (n,). floor: the lowest possible value, such as
    the entropy of targets that are probabilities; None if the loss has several terms or is of an unknown kind.
    """

    value: float
    kind: LossKind = ""
    chance: float | None = None
    classes: int | None = None
    probabilities: bool = False
    accuracy: float | None = None
    wrong: tuple[int, ...] | None = None
    broadcast: bool = False
    floor: float | None = None


def read(loss: "Tensor", outputs: "Tensor | None" = None) -> Loss:
    """The loss. Call this before backward, which frees the graph. outputs: the model's last output."""
    value = float(loss.detach())
    nodes = list(_near(loss.grad_fn))
    found = [node for node in nodes if _name(node) in KINDS]
    if not found and any(_name(node) in OTHERS for node in nodes):
        return Loss(value)
    softmax = next((node for node in nodes if _name(node) == LOG_SOFTMAX), None)
    classes = _classes(softmax) if softmax is not None else None
    errors = _written_out(loss.grad_fn) if not found and softmax is None else None
    node = errors[1] if errors is not None else found[0] if len(found) == 1 else None
    if node is not None and _is_broadcast(node, outputs):
        return Loss(value, broadcast=True)
    if errors is not None:
        return _of_errors(value, errors, outputs)
    if len(found) > 1 or (not found and softmax is None):
        kinds = {KINDS[_name(node)] for node in found}  # several losses of one kind have the same sign
        doubled = any(_doubled(node, outputs) for node in nodes)
        return Loss(value, kinds.pop() if len(kinds) == 1 else "", probabilities=doubled)
    node = found[0] if found else softmax
    kind = KINDS[_name(node)] if found else "cross entropy"
    twice = any(_doubled(one, outputs) for one in (node, softmax) if one is not None)
    right = _right(kind, node)
    accuracy = float(right[1].float().mean()) if right is not None and right[1].numel() else None
    wrong = None
    if right is not None and right[0].dim():
        wrong = tuple((~right[0].reshape(len(right[0]), -1).all(1)).nonzero().flatten().tolist())
    chance, floor = _chance(kind, node, classes), None
    if not found and any(_name(one) == "SubBackward" for one in nodes[: nodes.index(softmax)]):
        chance = None  # a divergence: the entropy of the targets is subtracted
    if (factor := _factor(value, loss.grad_fn, node)) is not None:
        chance, floor = factor * chance if chance is not None else None, factor * _floor(node)
    elif kind != "cross entropy" and not _is_nearly(value, node):
        chance = None
    return Loss(value, kind, chance, classes, twice, accuracy, wrong, floor=floor)


def _near(root: Any) -> Iterator[Any]:
    """The operations before the loss, nearest first."""
    waiting, seen = [root], set[Any]()
    while waiting and len(seen) < NEAR:
        node = waiting.pop(0)
        if node is None or node in seen:
            continue
        seen.add(node)
        yield node
        waiting += [before for before, _ in node.next_functions]


def _behind_reductions(root: Any) -> Any:
    """The operation that computes the errors of a loss with one term: behind means, sums, and factors. None if there
    are several terms."""
    node = root
    while node is not None and _name(node).removesuffix("Backward").endswith((*REDUCTIONS, *_SHAPES)):
        if len(node.next_functions) > 1 and node.next_functions[1][0] is not None:
            return None
        node = _before(node)
    return node


def _factor(value: float, root: Any, node: Any) -> float | None:
    """The loss, divided by the mean of its errors: the number of errors where it is their sum. None if it has further
    terms. node: the operation that computes the errors."""
    mean = _mean_of(node)
    if _behind_reductions(root) is not node or mean is None or mean <= 0 or value <= 0:
        return None
    return value / mean


def _is_nearly(value: float, node: Any) -> bool:
    """Whether further terms, such as a penalty, change the loss by less than half."""
    mean = _mean_of(node)
    return mean is None or abs(value - mean) <= 0.5 * abs(mean)


def _mean_of(node: Any) -> float | None:
    """The mean error over all targets."""
    from torch.nn import functional

    outputs, targets = _saved(node, "self"), _saved(node, "target")
    if outputs is None or targets is None:
        return None
    outputs, targets = outputs.detach(), targets.detach()
    match _name(node):
        case "NllLossBackward" | "NllLoss2DBackward" if outputs.dim() > 1:
            known = targets >= 0
            picked = -outputs.gather(1, targets.clamp_min(0).unsqueeze(1)).squeeze(1)[known]
            return float(picked.mean()) if picked.numel() else None
        case "BinaryCrossEntropyWithLogitsBackward":
            return float(functional.binary_cross_entropy_with_logits(outputs, targets))
        case "BinaryCrossEntropyBackward":
            return float(functional.binary_cross_entropy(outputs, targets))
        case "MseLossBackward":
            return float((outputs - targets).square().mean())
        case "HuberLossBackward":
            return float(functional.huber_loss(outputs, targets, delta=float(node._saved_delta)))
        case "SmoothL1LossBackward":
            return float(functional.smooth_l1_loss(outputs, targets, beta=float(node._saved_beta)))
    return None


def _floor(node: Any) -> float:
    """The mean error of the best possible outputs: above 0 where targets are probabilities between 0 and 1."""
    targets = _saved(node, "target")
    if targets is None or not _name(node).startswith("BinaryCrossEntropy"):
        return 0.0
    shares = targets.detach().float()
    return -float((shares.xlogy(shares) + (1 - shares).xlogy(1 - shares)).mean())


def _written_out(root: Any) -> tuple[LossKind, Any] | None:
    """The kind of a loss such as `((outputs - targets) ** 2).mean()`, and the operation that computes the square or the
    absolute value of the errors. None for another loss, such as a sum of several."""
    node = _behind_reductions(root)
    if node is None:
        return None
    kind: LossKind = ""
    if _name(node) == "AbsBackward":
        kind = "absolute error"
    elif _name(node) == "PowBackward" and getattr(node, "_saved_exponent", None) == 2:
        kind = "squared error"
    difference = _behind_shapes(_before(node)) if kind else None
    if difference is None or _name(difference) != "SubBackward":
        return None
    return kind, node


def _of_errors(value: float, errors: tuple[LossKind, Any], outputs: "Tensor | None") -> Loss:
    """The loss. Its chance level is known if one side of the difference is the model's output, and the other is
    data."""
    kind, node = errors
    difference = _behind_shapes(_before(node))
    sides = [_behind_shapes(one) for one, _ in difference.next_functions]
    found, own = _saved(node, "self"), _behind_shapes(outputs.grad_fn) if outputs is not None else None
    if found is None or outputs is None or own is None or own not in sides or outputs.numel() != found.numel():
        return Loss(value, kind if None in sides and value >= 0 else "")
    if sides[1 - sides.index(own)] is not None:
        return Loss(value)
    shift = found.detach().reshape(outputs.shape)
    targets = outputs.detach() - shift if sides[0] is own else outputs.detach() + shift
    size = float((shift.float().square() if kind == "squared error" else shift.float().abs()).mean())
    if size <= 0 or value < 0:
        return Loss(value)
    return Loss(value, kind, value / size * _of_constant(kind, targets), floor=0.0)


def _is_broadcast(node: Any, outputs: "Tensor | None") -> bool:
    """node: the operation that squares the errors, or takes their absolute values."""
    found, targets = _saved(node, "self"), _saved(node, "target")
    if found is None or found.dim() != 2 or outputs is None or not 1 < outputs.numel() == len(outputs):
        return False
    if targets is None:  # written out, where one side of the difference is given
        difference = _behind_shapes(_before(node))
        given = difference is not None and any(one is None for one, _ in difference.next_functions)
    else:
        given = not targets.requires_grad
    return given and found.shape[0] == found.shape[1] == len(outputs)


def _of_constant(kind: LossKind, targets: "Tensor") -> float:
    """The mean error over the batch of the best constant prediction: the variance, or the distance to the median."""
    values = targets.detach().float()
    if kind == "squared error":
        return float(values.var(0, unbiased=False).mean())
    return float((values - values.median(0).values).abs().mean())


def _name(node: Any) -> str:
    return type(node).__name__.rstrip("0123456789")


def _before(node: Any) -> Any:
    """The operation whose output is the first input of this one; None if there is none."""
    return node.next_functions[0][0] if node.next_functions else None


def _behind_shapes(node: Any) -> Any:
    """The operation, or the nearest one before it that changes values and not only the shape; None if there is none."""
    while node is not None and _name(node).removesuffix("Backward").endswith(_SHAPES):
        node = _before(node)
    return node


def _classes(softmax: Any) -> int | None:
    result, dim = _saved(softmax, "result"), int(softmax._saved_dim)
    dim = dim if dim < 2**32 else dim - 2**64  # autograd stores a negative dimension as an unsigned integer
    return int(result.shape[dim]) if result is not None else None


def _doubled(node: Any, outputs: "Tensor | None") -> bool:
    """Whether probabilities are passed to a loss that expects logits."""
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
    """About half of all logits are negative, so 16 values within [0, 1] are very unlikely to be logits."""
    values = outputs.detach()
    return values.numel() >= 16 and bool(values.min() >= 0) and bool(values.max() <= 1)


def _chance(kind: LossKind, node: Any, classes: int | None) -> float | None:
    """The loss at chance level; None if it is unknown."""
    match kind:
        case "cross entropy":
            return math.log(classes) if classes is not None and classes > 1 else None
        case "binary cross entropy":
            return math.log(2)
        case "squared error":
            targets = _saved(node, "target")
            return _of_constant(kind, targets) if targets is not None else None
        case "absolute error":
            return _of_constant_huber(node)
    return None


def _of_constant_huber(node: Any) -> float | None:
    """The Huber or smooth L1 loss of a constant prediction, the median."""
    from torch.nn.functional import huber_loss, smooth_l1_loss

    targets = _saved(node, "target")
    if targets is None or not targets.dim():
        return None
    values = targets.detach().float()
    constant = values.median(0, keepdim=True).values.expand_as(values)
    if _name(node) == "HuberLossBackward":
        return float(huber_loss(constant, values, delta=float(getattr(node, "_saved_delta", 1.0))))
    return float(smooth_l1_loss(constant, values, beta=float(getattr(node, "_saved_beta", 1.0))))


def _right(kind: LossKind, node: Any) -> "tuple[Tensor, Tensor] | None":
    """Whether each target is predicted right: first with targets that the loss ignores as right, then without them."""
    outputs, targets = _saved(node, "self"), _saved(node, "target")
    if outputs is None or targets is None:
        return None
    if kind == "cross entropy" and targets.dim() == outputs.dim() - 1:
        known = targets >= 0  # ignore_index is negative
        same = outputs.argmax(1 if outputs.dim() > 1 else 0) == targets
        return same | ~known, same[known]
    if kind == "binary cross entropy":
        if not bool(((targets == 0) | (targets == 1)).all()):
            return None  # of shares, such as grey pixels
        between = 0.0 if "Logits" in _name(node) else 0.5
        same = (outputs > between) == (targets > 0.5)
        return same, same
    return None


def _saved(node: Any, name: str) -> "Tensor | None":
    """A tensor that autograd saved for the operation; None if there is none with this name, or it was freed."""
    try:
        return getattr(node, f"_saved_{name}", None)
    except RuntimeError:
        return None
