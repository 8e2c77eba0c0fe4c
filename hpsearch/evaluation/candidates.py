"""The candidates for the test set: single models of the winner, and ensembles of trained models."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Self

from hpsearch.core.replicates import SINGLE_TRAINING, Replicates
from hpsearch.core.trial import Params
from hpsearch.workers.checkpoints import BEST, CheckpointStore

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
    """A trained model: the state of a trial at the end of one epoch.

    name: for messages. number: of the trial in the study `study_uid`, which has the folder `work`. step: the epoch.
    way: how it predicts: as one model, as the mean over augmented copies of the inputs, or as its snapshot ensemble.
    replicates: the trial's replicates; all of them predict.
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
    replicates: Replicates = SINGLE_TRAINING

    @property
    def has_checkpoint(self) -> bool:
        """Whether its best checkpoint is in the folder."""
        return (CheckpointStore.of(self.work, self.study_uid, self.number).folder / BEST).exists()


Mixture = tuple[int, ...]
"""Indices into a list of members; an index that occurs n times has weight n in the mean."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """mixtures: by the candidate's name. A candidate may have several mixtures, such as each model of the winner alone.

    greedy_from: indices of the members from which the candidate GREEDY is selected.
    """

    members: tuple[Member, ...]
    mixtures: Mapping[str, tuple[Mixture, ...]]
    greedy_from: tuple[int, ...] = ()

    @classmethod
    def of(cls, winners: Sequence[Member], others: Sequence[Member], searched: Sequence[Member], top: int) -> Self:
        """winners: the winner's models, one per seed. others: the other finalists' models. searched: the search's best
        models."""
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
    def indices(self) -> set[int]:
        """The indices of the members that predict."""
        return {*self.greedy_from, *(i for mixtures in self.mixtures.values() for mixture in mixtures for i in mixture)}

    def without(self, missing: Collection[int]) -> Self:
        """The candidates without some members; a candidate without members is left out."""
        left = {
            name: tuple(kept for one in mixtures if (kept := tuple(i for i in one if i not in missing)))
            for name, mixtures in self.mixtures.items()
        }
        mixtures = {name: mixtures for name, mixtures in left.items() if mixtures}
        return replace(self, mixtures=mixtures, greedy_from=tuple(i for i in self.greedy_from if i not in missing))
