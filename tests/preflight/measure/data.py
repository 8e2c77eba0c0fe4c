"""Small data sets that are there already, split once and scaled as one does."""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from torch import Tensor


@dataclass(frozen=True)
class Split:
    """inputs (n, features) or (n, 1, 8, 8); targets: classes (n), or numbers (n, 1)."""

    inputs: Tensor
    targets: Tensor
    val_inputs: Tensor
    val_targets: Tensor

    @property
    def classes(self) -> int:
        return int(self.targets.max()) + 1

    @property
    def features(self) -> int:
        return self.inputs[0].numel()


@cache
def digits() -> Split:
    """1,797 images, ten classes."""
    found = load_digits()
    return _split(found.data, torch.tensor(found.target))


@cache
def images() -> Split:
    flat = digits()
    return replace(flat, inputs=flat.inputs.view(-1, 1, 8, 8), val_inputs=flat.val_inputs.view(-1, 1, 8, 8))


@cache
def cancer() -> Split:
    """569 cases, 30 features, two classes."""
    found = load_breast_cancer()
    return _split(found.data, torch.tensor(found.target))


@cache
def wine() -> Split:
    """178 wines, 13 features, three classes."""
    found = load_wine()
    return _split(found.data, torch.tensor(found.target))


@cache
def diabetes() -> Split:
    """442 patients, 10 features, one number, of mean 0 and standard deviation 1."""
    found = load_diabetes()
    target = torch.tensor(found.target, dtype=torch.float32).unsqueeze(1)
    return _split(found.data, (target - target.mean()) / target.std())


@cache
def spirals() -> Split:
    """1,000 points of two spirals, with noise: no line divides them."""
    draws = np.random.default_rng(0)
    angle = np.sqrt(draws.random(1000)) * 3 * np.pi
    side = draws.integers(0, 2, 1000)
    turn = angle + np.pi * side
    points = np.stack([angle * np.cos(turn), angle * np.sin(turn)], 1) + draws.normal(0, 0.2, (1000, 2))
    return _split(points, torch.tensor(side))


@cache
def sine() -> Split:
    """1,000 points of a noisy function of four numbers."""
    draws = np.random.default_rng(1)
    inputs = draws.uniform(-1, 1, (1000, 4))
    values = np.sin(3 * inputs[:, 0]) + inputs[:, 1] * inputs[:, 2] + draws.normal(0, 0.1, 1000)
    return _split(inputs, torch.tensor(values, dtype=torch.float32).unsqueeze(1))


@cache
def words() -> Split:
    """2,000 texts of twelve words out of fifty: which half of the words is the more common."""
    draws = np.random.default_rng(2)
    side = draws.integers(0, 2, 2000)
    common = np.where(draws.random((2000, 12)) < 0.75, side[:, None], 1 - side[:, None])
    texts = torch.tensor(draws.integers(0, 25, (2000, 12)) + 25 * common)
    return Split(texts[:1500], torch.tensor(side[:1500]), texts[1500:], torch.tensor(side[1500:]))


def _split(inputs: np.ndarray, targets: Tensor) -> Split:
    order = np.random.default_rng(0).permutation(len(inputs))
    train, val = order[: int(0.75 * len(order))], order[int(0.75 * len(order)) :]
    numbers = torch.tensor(inputs, dtype=torch.float32)
    mean, std = numbers[train].mean(0), numbers[train].std(0)
    scaled = (numbers - mean) / torch.where(std > 0, std, torch.ones_like(std))
    return Split(scaled[train], targets[train], scaled[val], targets[val])
