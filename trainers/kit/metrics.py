"""How good the outputs are, as tensors with one element."""

import torch
from torch import Tensor

from trainers.kit.epoch import Seen


def accuracy(seen: Seen) -> Tensor:
    """The share of examples whose highest output is their class; outputs (n, classes), targets (n), class numbers."""
    return (seen.outputs.argmax(1) == seen.targets).double().mean()


def binary_accuracy(seen: Seen) -> Tensor:
    """The share of examples with a logit > 0 exactly where the target is 1; both (n, 1)."""
    return ((seen.outputs > 0) == (seen.targets > 0.5)).double().mean()


def auroc(seen: Seen) -> Tensor:
    """How often a positive example has the higher output than a negative one, ties counting half; both (n, 1).

    This is the area under the ROC curve (Hanley and McNeil 1982, Radiology 143). NaN without both classes, or where an
    output is NaN.
    """
    scores, positive = seen.outputs.flatten().double(), seen.targets.flatten() > 0.5
    negatives = scores[~positive].sort().values
    below = torch.searchsorted(negatives, scores[positive])
    up_to = torch.searchsorted(negatives, scores[positive], right=True)
    area = (below + up_to).double().mean() / (2 * len(negatives)) if len(negatives) else scores.new_tensor(torch.nan)
    return torch.where(scores.isnan().any(), torch.nan, area)
