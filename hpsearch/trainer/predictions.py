"""Predictions of a trained model on a data split, as numbers that can be averaged over models."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[tuple[int, ...], np.dtype[Any]]

Part = Literal["validation", "test"]
"""The split of the data. "test" can be read inside `seal.unsealed` only."""


@dataclass(frozen=True)
class Predictions:
    """outputs: (n, classes) probabilities, or (n,) or (n, k) values of a regression in the units of the data.

    targets: (n,) class numbers, or values as the outputs are; the same examples in the same order for every model.
    """

    outputs: "Array"
    targets: "Array"

    def __len__(self) -> int:
        return len(self.targets)
