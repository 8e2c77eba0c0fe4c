"""Trained models, the mixtures of them that are compared, and their scores: values that travel to a worker."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from hpsearch.core.replicates import ONE, Replicates
from hpsearch.core.trial import Params


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

Contenders = Mapping[str, tuple[Mixture, ...]]
"""What is compared, by name: each several mixtures of one sort, such as one model after another."""

GREEDY = "greedy"
"""The contender that a `Predict` finds by itself."""


Scores = Mapping[str, float]
"""A metric's value by its name, which is that of the trainer's reports without their "val_"."""


def scored_as(metric: str) -> str:
    """What `score` calls a metric that the trainer reports."""
    return metric.removeprefix("val_")


@dataclass(frozen=True, slots=True)
class Scored:
    """scores: for each contender, those of its mixtures, in their order.

    problems: why a member predicts nothing, by its place; "" where there is nothing of the sort to predict with. The
    mixtures are scored without it (see `without`). greedy: the mixture that was found, () where none was asked for.
    problem: why nothing could be done at all.
    """

    scores: Mapping[str, tuple[Scores, ...]] = field(default_factory=dict)
    problems: Mapping[int, str] = field(default_factory=dict)
    greedy: Mixture = ()
    problem: str = ""


def members_of(contenders: Contenders) -> set[int]:
    return {place for mixtures in contenders.values() for one in mixtures for place in one}


def without(contenders: Contenders, missing: Collection[int]) -> Contenders:
    """The mixtures of the members that are there; what has none left is gone."""
    left = {
        name: tuple(kept for one in mixtures if (kept := tuple(i for i in one if i not in missing)))
        for name, mixtures in contenders.items()
    }
    return {name: mixtures for name, mixtures in left.items() if mixtures}
