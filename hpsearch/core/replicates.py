"""The replicates of a trial, trained in parallel: one for each fold of a cross-validation, each seed, or both."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any


@dataclass(frozen=True, slots=True)
class Fold:
    """Fold `number`, from 1, of a cross-validation with `of` folds (Stone 1974, JRSS B 36).

    The trial trains on the other folds and validates on this one. ValueError if there is no such fold.
    """

    number: int
    of: int

    def __post_init__(self) -> None:
        if not (self.of >= 2 and 1 <= self.number <= self.of):
            raise ValueError(f"there is no fold {self.number} of {self.of}")

    @classmethod
    def each(cls, of: int) -> list["Fold"]:
        """All folds, in order."""
        return [cls(number, of) for number in range(1, of + 1)]


@dataclass(frozen=True, slots=True)
class Replicate:
    """One training of a trial. name: "fold2", "repeat3", "fold2_repeat3". place: its index, from 0."""

    name: str
    place: int
    fold: Fold | None

    def of(self, metric: str) -> str:
        """The name of this replicate's own value of a metric in a report; `metric` itself is the mean over all."""
        return f"{metric}_{self.name}"


@dataclass(frozen=True, slots=True)
class Replicates:
    """folds: of a cross-validation; 0 (none) or >= 2. repeats: the number of seeds, >= 1, for each fold."""

    folds: int = 0
    repeats: int = 1

    @classmethod
    def recorded(cls, trainer: Mapping[str, Any]) -> "Replicates":
        """From [trainer] of a recorded study."""
        return cls(trainer.get("validation", {}).get("folds", 0), trainer.get("repeats", 1))

    @property
    def can_be_compared(self) -> bool:
        """Whether there are enough replicates for a statistical test."""
        return len(self) >= 3

    def __len__(self) -> int:
        return max(self.folds, 1) * self.repeats

    def __iter__(self) -> Iterator[Replicate]:
        """All folds of the first seed, all of the second, …"""
        folds: list[Fold | None] = [*Fold.each(self.folds)] or [None]
        for place, (repeat, fold) in enumerate(product(range(1, self.repeats + 1), folds)):
            yield Replicate(self._name(fold, repeat), place, fold)

    def _name(self, fold: Fold | None, repeat: int) -> str:
        names = [f"fold{fold.number}"] if fold else []
        return "_".join([*names, f"repeat{repeat}"] if self.repeats > 1 else names)

    def __str__(self) -> str:
        """ "5 folds", "3 repeats", "5 folds x 3 repeats"; "" for a single training."""
        words = [f"{self.folds} folds"] if self.folds else []
        return " x ".join([*words, f"{self.repeats} repeats"] if self.repeats > 1 else words)


SINGLE_TRAINING = Replicates()
"""The replicates of a trial with a single training."""
