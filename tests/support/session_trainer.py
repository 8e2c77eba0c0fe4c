"""The same training twice: as a trainer for `hpsearch run`, and as a loop that asks and reports."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from hpsearch import Report, Run, Session


def loss(params: Mapping[str, Any], seed: int, epoch: int) -> float:
    """Falls with the epochs, differently for each trial; NaN from epoch 2 on if lr > 0.5."""
    if params["lr"] > 0.5 and epoch >= 2:
        return math.nan
    return abs(math.log10(params["lr"]) + 2) + (1 + seed % 97 / 97) / epoch


def train(params: Mapping[str, Any], run: Run) -> Iterator[Report]:
    for epoch in range(1, run.max_epochs + 1):
        yield Report(epoch, {"val_loss": loss(params, run.seed, epoch), "epoch": epoch})


def drive(session: Session, trials: int = 10_000) -> list[tuple[int, range]]:
    """Train the trials of the session, each to the epoch it asks for. Returns (trial number, its epochs) in order."""
    seen = []
    while len(seen) < trials and (trial := session.ask()):
        seen.append((trial.number, trial.epochs))
        for epoch in trial.epochs:
            if not session.report(trial, epoch, {"val_loss": loss(trial.params, trial.seed, epoch), "epoch": epoch}):
                break
        session.finish(trial)
    return seen
