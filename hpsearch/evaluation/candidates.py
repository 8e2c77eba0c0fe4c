"""What is compared on the test set: one model of the winner, and ensembles of what has been trained already."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Self

from hpsearch.core.replicates import ONE, Replicates
from hpsearch.core.trial import Params

MOST = 20
"""So many of the search's best trials may enter the greedy ensemble."""

SINGLE, SEEDS, TOP, GREEDY = "single", "seeds", "top", "greedy"
SNAPSHOTS, AUGMENTED = "snapshots", "augmented"

IN_WORDS = {
    SINGLE: "one model of the winner",
    SEEDS: "mean of the winner's seeds",
    TOP: "mean of the search's best trials",
    GREEDY: "greedy ensemble (Caruana 2004)",
    SNAPSHOTS: "snapshot ensemble of one training",
    AUGMENTED: "one model, augmented at test time",
}


@dataclass(frozen=True, slots=True)
class Member:
    """A model that was trained: the state of a trial at the end of one epoch.

    name: how messages call it. number: of the trial, in the study `study_uid`, whose folder is `work`. step: the epoch.
    way: what of it predicts: the model itself, its mean over augmented copies of the inputs, or its snapshot ensemble.
    replicates: that its trial has; all of them predict.
    """

    name: str
    params: Params
    seed: int
    epochs: int
    work: Path
    study_uid: str
    number: int
    step: int
    way: Literal["model", "augmented", "snapshots"] = "model"
    replicates: Replicates = ONE


Mixture = tuple[int, ...]
"""Places in a list of members, a place as often as its outputs count in the mean."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """mixtures: by the candidate's name; each has several of one sort, such as one model after another.

    greedy_from: places in `members` of which one more candidate, GREEDY, is to be found: the best mixture of them.
    """

    members: tuple[Member, ...]
    mixtures: Mapping[str, tuple[Mixture, ...]]
    greedy_from: tuple[int, ...] = ()

    @classmethod
    def of(cls, winners: Sequence[Member], others: Sequence[Member], searched: Sequence[Member], top: int) -> Self:
        """winners: the winner's models, one a seed; others: the other finalists'; searched: the search's best."""
        models = (*winners, *others, *searched)
        snapshots = tuple(replace(one, way="snapshots") for one in winners)
        augmented = tuple(replace(one, way="augmented") for one in winners)
        n, first = len(winners), len(winners) + len(others)
        ones = [(i,) for i in range(len(models) + 2 * n)]
        best = tuple(range(first, first + min(top, len(searched))))
        mixtures = {
            SINGLE: tuple(ones[:n]),
            SEEDS: (tuple(range(n)),) if n > 1 else (),
            TOP: (best,) if len(best) > 1 else (),
            SNAPSHOTS: tuple(ones[len(models) : len(models) + n]),
            AUGMENTED: tuple(ones[len(models) + n :]),
        }
        return cls((*models, *snapshots, *augmented), mixtures, tuple(range(len(models))))

    @property
    def places(self) -> set[int]:
        """In `members`, of all that predict."""
        return {*self.greedy_from, *(i for mixtures in self.mixtures.values() for mixture in mixtures for i in mixture)}

    def without(self, missing: Collection[int]) -> Self:
        """The mixtures of the members that are there; a candidate that has none left is gone."""
        left = {
            name: tuple(kept for one in mixtures if (kept := tuple(i for i in one if i not in missing)))
            for name, mixtures in self.mixtures.items()
        }
        mixtures = {name: mixtures for name, mixtures in left.items() if mixtures}
        return replace(self, mixtures=mixtures, greedy_from=tuple(i for i in self.greedy_from if i not in missing))
