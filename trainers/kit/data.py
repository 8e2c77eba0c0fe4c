"""Examples as tensors, and the split into training, validation and test that all trials of a study share."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

SPLIT_SEED = 0
"""One split for every trial, whatever the trial's own seed: otherwise the search would pick lucky splits."""

Indices = np.ndarray[tuple[int], np.dtype[np.int64]]
Labels = np.ndarray[tuple[int], np.dtype[np.int64]]


@dataclass(frozen=True)
class Examples:
    """inputs: (n, …); targets: what the loss takes for them, n first. Both live on the same device."""

    inputs: Tensor
    targets: Tensor

    def __len__(self) -> int:
        return len(self.inputs)

    def to(self, device: str) -> "Examples":
        return Examples(self.inputs.to(device), self.targets.to(device))

    def shuffled(self, generator: torch.Generator) -> "Examples":
        """A copy in an order drawn from a CPU generator: one gather an epoch is cheaper than one a batch."""
        order = torch.randperm(len(self), generator=generator).to(self.inputs.device)
        return Examples(self.inputs[order], self.targets[order])

    def batches(self, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Inputs and targets of every example once; the last batch may be smaller."""
        return zip(torch.split(self.inputs, size), torch.split(self.targets, size), strict=True)


@dataclass(frozen=True)
class Data:
    """What a search may see of a data set: the test split is not in it."""

    train: Examples
    validation: Examples

    def to(self, device: str) -> "Data":
        return Data(self.train.to(device), self.validation.to(device))


def split(labels: Labels, seed: int = SPLIT_SEED) -> tuple[Indices, Indices]:
    """Rows to train on (60%) and to validate on (20%), each class in these shares; the last 20% are for the test.

    The test rows are not handed out: what a search never sees, it cannot fit.
    """
    generator = np.random.default_rng(seed)
    train, validation = [], []
    for label in np.unique(labels):
        rows = generator.permutation(np.flatnonzero(labels == label))
        first, second = round(0.6 * len(rows)), round(0.8 * len(rows))
        train.append(rows[:first])
        validation.append(rows[first:second])
    return np.sort(np.concatenate(train)), np.sort(np.concatenate(validation))
