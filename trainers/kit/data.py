"""Examples as tensors; the split into training, validation and test that all trials share; the test's seal."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from hpsearch import Fold, check_unsealed

SPLIT_SEED = 0
"""One split for every trial, whatever the trial's own seed: otherwise the search would pick lucky splits."""

TEST, VALIDATION = 0.2, 0.2
"""Shares of all examples; the rest, 60%, is trained on."""

Indices = np.ndarray[tuple[int], np.dtype[np.int64]]
Strata = np.ndarray[tuple[int], np.dtype[np.int64]]
"""A number for each example; every part of a split has its share of each."""

Numbers = np.ndarray[tuple[int], np.dtype[np.float64]]
Columns = np.ndarray[tuple[int, int], np.dtype[np.float64]]


# Examples ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Scaling:
    """mean, std: of the training examples, shaped so that they broadcast over a batch of inputs."""

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
    """inputs: (n, …); targets: what the loss takes for them, n first. Both live on the same device.

    scaling: of inputs that are kept as bytes, a quarter of the memory, and made floats batch by batch.
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
        """Those of the rows, in their order."""
        return replace(self, inputs=self.inputs[rows], targets=self.targets[rows])

    def shuffled(self, generator: torch.Generator) -> "Examples":
        """A copy in an order drawn from a CPU generator: one gather an epoch is cheaper than one a batch."""
        order = torch.randperm(len(self), generator=generator).to(self.inputs.device)
        return replace(self, inputs=self.inputs[order], targets=self.targets[order])

    def batches(self, size: int) -> "Batches":
        """Inputs and targets of every example once; the last batch may be smaller, or larger by one.

        A single example that is left over joins the batch before it: batch normalisation needs two.
        """
        return Batches(self, batch_sizes(len(self), size))


@dataclass(frozen=True)
class Batches:
    """Minibatches of so many examples each. Their number is known, so preflight can tell how far an epoch has come."""

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
    """What a search may see of a data set: the test split is not in it."""

    train: Examples
    validation: Examples

    @classmethod
    def of(cls, whole: Examples, rows: "Rows") -> "Data":
        """The examples that the rows name, of a whole data set's."""
        return cls(whole.at(rows.train), whole.at(rows.validation))

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """All that is trained and validated on."""
        return self.train.inputs, self.train.targets, self.validation.inputs, self.validation.targets

    def to(self, device: str) -> "Data":
        return Data(self.train.to(device), self.validation.to(device))


def photographs(images: Tensor, labels: Tensor, fold: Fold | None) -> Data:
    """Of images (n, channels, side, side) as bytes, and their classes (n), where the test's are not among them."""
    rows = split(labels.numpy(), fold, test=0)
    return Data.of(Examples(images, labels, Scaling.of(images[rows.train])), rows)


def standardized(columns: Columns, train: Indices) -> Tensor:
    """(n, columns), each of mean 0 and standard deviation 1 over the rows that are trained on (a constant: of 0)."""
    mean, std = columns[train].mean(axis=0), columns[train].std(axis=0)
    return torch.tensor((columns - mean) / np.where(std > 0, std, 1.0), dtype=torch.float32)


# Splits ──────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Rows:
    """Which examples are trained on, and which are validated on."""

    train: Indices
    validation: Indices


def split(strata: Strata, fold: Fold | None = None, *, test: float = TEST, seed: int = SPLIT_SEED) -> Rows:
    """The one split, or that of a fold: over all of them every example that is not the test's is validated on once.

    The share `test` is set aside first, the same for any number of folds, and is in none of them. ValueError for more
    folds than there are examples of some stratum.
    """
    parts = [_Stratum(rows, test) for rows in _shuffled(strata, seed)]
    if fold is None:
        return Rows(_together([part.train for part in parts]), _together([part.validation for part in parts]))
    least = min(len(part.seen) for part in parts)
    if fold.of > least:
        raise ValueError(f"there can be 2 to {least} folds here, got {fold.of}")
    return _dealt(np.concatenate([part.seen for part in parts]), fold)


def strata_of(values: Numbers, bins: int = 10) -> Strata:
    """For a regression: in which tenth of the values each lies."""
    edges = np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1])
    return np.searchsorted(edges, values, side="right").astype(np.int64)


def _shuffled(strata: Strata, seed: int) -> list[Indices]:
    generator = np.random.default_rng(seed)
    return [generator.permutation(np.flatnonzero(strata == stratum)) for stratum in np.unique(strata)]


@dataclass(frozen=True)
class _Stratum:
    """rows: of one stratum, in random order: those trained on, then those validated on, then the test's."""

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
    """Every k-th example, stratum after stratum: folds differ by one example at most, and so do their strata."""
    chosen = np.arange(len(seen)) % fold.of == fold.number - 1
    return Rows(np.sort(seen[~chosen]), np.sort(seen[chosen]))


def _together(parts: Sequence[Indices]) -> Indices:
    return np.sort(np.concatenate(parts))


# The seal ────────────────────────────────────────────────────────────────────────────────────────


def sealed_test(strata: Strata, *, test: float = TEST, seed: int = SPLIT_SEED) -> Indices:
    """The examples that `split` sets aside. Raises Sealed, except inside `unsealed`."""
    check_unsealed()
    return _together([_Stratum(rows, test).test for rows in _shuffled(strata, seed)])
