"""Examples as tensors; the split into training, validation and test for all trials; the seal of the test set."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from hpsearch import Fold, check_unsealed

SPLIT_SEED = 0
"""One split for all trials, independent of the trial's seed: otherwise the search would select lucky splits."""

TEST, VALIDATION = 0.2, 0.2
"""Fractions of all examples; the rest, 60%, is for training."""

Indices = np.ndarray[tuple[int], np.dtype[np.int64]]
Strata = np.ndarray[tuple[int], np.dtype[np.int64]]
"""The stratum of each example; every part of a split has the same fraction of each stratum."""

Numbers = np.ndarray[tuple[int], np.dtype[np.float64]]
Columns = np.ndarray[tuple[int, int], np.dtype[np.float64]]


# Examples ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Scaling:
    """mean, std: of the training examples, in a shape that broadcasts over a batch of inputs."""

    mean: Tensor
    std: Tensor

    @classmethod
    def of(cls, pixels: Tensor) -> "Scaling":
        """Of images (n, channels, side, side), channel by channel; a constant channel's std is 1."""
        mean = torch.stack([channel.float().mean() for channel in pixels.unbind(1)]).view(-1, 1, 1)
        std = torch.stack([channel.float().std() for channel in pixels.unbind(1)]).view(-1, 1, 1)
        return cls(mean, torch.where(std > 0, std, 1.0))

    def __call__(self, inputs: Tensor) -> Tensor:
        return (inputs.float() - self.mean) / self.std

    def to(self, device: str) -> "Scaling":
        return Scaling(self.mean.to(device), self.std.to(device))


@dataclass(frozen=True)
class Examples:
    """inputs: (n, …); targets: as the loss takes them, n first. Both are on the same device.

    scaling: of inputs stored as bytes (a quarter of the memory), which are converted to floats batch by batch.
    """

    inputs: Tensor
    targets: Tensor
    scaling: Scaling | None = None

    def __len__(self) -> int:
        return len(self.inputs)

    def to(self, device: str) -> "Examples":
        scaling = self.scaling.to(device) if self.scaling is not None else None
        return Examples(self.inputs.to(device), self.targets.to(device), scaling)

    def at(self, rows: Indices) -> "Examples":
        """The examples at these rows, in this order."""
        return replace(self, inputs=self.inputs[rows], targets=self.targets[rows])

    def shuffled(self, generator: torch.Generator) -> "Examples":
        """A shuffled copy, by a CPU generator: one gather per epoch is cheaper than one per batch."""
        order = torch.randperm(len(self), generator=generator).to(self.inputs.device)
        return replace(self, inputs=self.inputs[order], targets=self.targets[order])

    def batches(self, size: int) -> "Batches":
        """Inputs and targets of every example once; the last batch may be smaller, or larger by one.

        A single remaining example joins the previous batch: batch normalisation needs two.
        """
        return Batches(self, batch_sizes(len(self), size))


@dataclass(frozen=True)
class Batches:
    """Minibatches with these sizes. They have a length, so the preflight can measure the progress of an epoch."""

    examples: Examples
    sizes: Sequence[int]

    def __len__(self) -> int:
        return len(self.sizes)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        all_of, sizes = self.examples, list(self.sizes)
        pairs = zip(torch.split(all_of.inputs, sizes), torch.split(all_of.targets, sizes), strict=True)
        if (scaling := all_of.scaling) is None:
            return pairs
        return ((scaling(inputs), targets) for inputs, targets in pairs)


def batch_sizes(examples: int, size: int) -> list[int]:
    full, left = divmod(examples, size)
    if left == 1 and full:
        return [size] * (full - 1) + [size + 1]
    return [size] * full + ([left] if left else [])


@dataclass(frozen=True)
class Data:
    """The part of a data set that a search may use: without the test split."""

    train: Examples
    validation: Examples

    @classmethod
    def of(cls, whole: Examples, rows: "Rows") -> "Data":
        """The examples of a whole data set at these rows."""
        return cls(whole.at(rows.train), whole.at(rows.validation))

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """All tensors for training and validation."""
        return self.train.inputs, self.train.targets, self.validation.inputs, self.validation.targets

    def to(self, device: str) -> "Data":
        return Data(self.train.to(device), self.validation.to(device))


def photographs(images: Tensor, labels: Tensor, fold: Fold | None) -> Data:
    """From images (n, channels, side, side) as bytes and their classes (n), without the test images."""
    rows = split(labels.numpy(), fold, test=0)
    return Data.of(Examples(images, labels, Scaling.of(images[rows.train])), rows)


def standardized(columns: Columns, train: Indices) -> Tensor:
    """(n, columns), each with mean 0 and standard deviation 1 over the training rows (0 for a constant column)."""
    mean, std = columns[train].mean(axis=0), columns[train].std(axis=0)
    return torch.tensor((columns - mean) / np.where(std > 0, std, 1.0), dtype=torch.float32)


# Splits ──────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Rows:
    """The indices of the training and of the validation examples."""

    train: Indices
    validation: Indices


def split(strata: Strata, fold: Fold | None = None, *, test: float = TEST, seed: int = SPLIT_SEED) -> Rows:
    """The single split, or the split of a fold: over all folds, each example outside the test set is validated once.

    The fraction `test` is set aside first, the same for every number of folds. ValueError for more folds than examples
    in a stratum.
    """
    parts = [_Stratum(rows, test) for rows in _shuffled(strata, seed)]
    if fold is None:
        return Rows(_together([part.train for part in parts]), _together([part.validation for part in parts]))
    least = min(len(part.seen) for part in parts)
    if fold.of > least:
        raise ValueError(f"there can be 2 to {least} folds here, got {fold.of}")
    return _dealt(np.concatenate([part.seen for part in parts]), fold)


def strata_of(values: Numbers, bins: int = 10) -> Strata:
    """For a regression: the decile of each value."""
    edges = np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1])
    return np.searchsorted(edges, values, side="right").astype(np.int64)


def _shuffled(strata: Strata, seed: int) -> list[Indices]:
    generator = np.random.default_rng(seed)
    return [generator.permutation(np.flatnonzero(strata == stratum)) for stratum in np.unique(strata)]


@dataclass(frozen=True)
class _Stratum:
    """rows: of one stratum, in random order: training, then validation, then test."""

    rows: Indices
    test_share: float

    @property
    def seen(self) -> Indices:
        return self.rows[: self._cut(1 - self.test_share)]

    @property
    def test(self) -> Indices:
        return self.rows[self._cut(1 - self.test_share) :]

    @property
    def train(self) -> Indices:
        return self.rows[: self._cut(1 - self.test_share - VALIDATION)]

    @property
    def validation(self) -> Indices:
        return self.seen[self._cut(1 - self.test_share - VALIDATION) :]

    def _cut(self, share: float) -> int:
        return round(share * len(self.rows))


def _dealt(seen: Indices, fold: Fold) -> Rows:
    """Every k-th example, stratum by stratum: the sizes of folds, and of their strata, differ by at most one."""
    chosen = np.arange(len(seen)) % fold.of == fold.number - 1
    return Rows(np.sort(seen[~chosen]), np.sort(seen[chosen]))


def _together(parts: Sequence[Indices]) -> Indices:
    return np.sort(np.concatenate(parts))


# The seal ────────────────────────────────────────────────────────────────────────────────────────


def sealed_test(strata: Strata, *, test: float = TEST, seed: int = SPLIT_SEED) -> Indices:
    """The test examples of `split`. Raises Sealed, except inside `unsealed`."""
    check_unsealed()
    return _together([_Stratum(rows, test).test for rows in _shuffled(strata, seed)])
