"""The trainings of the corpus as trainers of a study: `train(params, run)` with the learning rate as a parameter."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from hpsearch import Report, Run
from hpsearch.core.trial import Params
from hpsearch.trainer.open_trial import TrainerContext
from tests.corpus import planted
from tests.corpus.planted import FAULTS, FIRST_BATCH, PAIR
from tests.corpus.trainers import TRAINERS


@dataclass
class Tracked:
    """Passes what a training builds to `run.track`, and from then on its batches to `run.batches`."""

    run: Run
    labelled: bool
    count: int = 0

    def tracked(self, objects: Mapping[str, Any]) -> None:
        self.count += 1
        self.run.track(**{f"{name}_{self.count}": thing for name, thing in objects.items()})
        planted.FEED.set(self.pairs if self.labelled else self.run.batches)

    def pairs(self, given: Iterable[Tensor]) -> Iterator[Tensor]:
        """Batches of inputs and targets, which may be shuffled; both are places of examples."""
        for inputs, targets in self.run.batches([(rows, rows) for rows in given]):
            PAIR.set((inputs, targets))
            yield inputs


def train(params: Params, run: Run) -> Iterator[Report]:
    """params: `trainer`, a name of the corpus; `fault`, of FAULTS or FIRST_BATCH; `lr`."""
    trainer = next(one for one in TRAINERS if one.name == params["trainer"])
    fault = {**FAULTS, **FIRST_BATCH}[str(params["fault"])]
    labelled = trainer.name not in WITHOUT_LABELS
    given = replace(
        fault,
        rate=float(params["lr"]) / trainer.lr,
        total=run.epochs_total,
        measurements=Tracked(run, labelled),
        paired=labelled,
    )
    token = planted.FEED.set(lambda batches: batches)
    try:
        for epoch, metrics in enumerate(trainer.train(given, run.seed % 100), start=1):
            yield Report(epoch, metrics)
    finally:
        planted.FEED.reset(token)


WITHOUT_LABELS = (
    *("autoencoder", "variational", "contrastive", "equation", "two_optimizers", "denoising"),
    *("graph", "td_learning", "diffusion", "quantised"),
)
"""Trainers of these kinds have batches of inputs alone."""


def context(name: str) -> TrainerContext:
    objective = next(one for one in TRAINERS if one.name == name).objective
    return TrainerContext("tests.corpus.as_trainers:train", Path(), {}, objective)
