"""A trial that no longer improves: as a rule that prunes, and as one that ends a trial in honour."""

import math
from dataclasses import dataclass

from hpsearch.core.decisions import Continue, Finish, Stop, Verdict
from hpsearch.core.history import History
from hpsearch.core.trial import Cause, Numbers, Objective, Trial
from hpsearch.pruners.ranks import in_words, is_where_asked


@dataclass(frozen=True)
class Patience:
    """Stops a trial that has not improved for `patience` epochs (>= 1) by more than `min_delta` (>= 0)."""

    patience: int
    min_delta: float = 0.0

    def judge(self, trial: Trial, history: History) -> Verdict:
        stalled, numbers = standstill(trial, history.objective, self.patience, self.min_delta)
        if not stalled or is_where_asked(trial):
            return Continue()
        return Stop(f"patience: {stalled}", Cause.PATIENCE, numbers)


@dataclass(frozen=True)
class EarlyStopping:
    """Finishes a trial (COMPLETE) that has not improved for `patience` epochs (>= 1) by more than `min_delta`: it is
    done, with its best epoch (Prechelt 1998, "Early Stopping, but when?", in Neural Networks: Tricks of the Trade)."""

    patience: int
    min_delta: float = 0.0

    def judge(self, trial: Trial, history: History) -> Verdict:
        stalled, numbers = standstill(trial, history.objective, self.patience, self.min_delta)
        return Finish(f"early stop: {stalled}", Cause.PATIENCE, numbers) if stalled else Continue()


def standstill(trial: Trial, objective: Objective, patience: int, min_delta: float) -> tuple[str, Numbers]:
    """In words since when a trial has not improved, "" while it does. NaN and infinity are no improvement.

    The numbers: epochs, since when; best (the metric in its own sign) and epoch, where it was, if it ever was finite.
    """
    best, at = math.inf, 0
    for report in trial.curve:
        loss = objective.loss_of(report)
        if loss < best - min_delta:
            best, at = loss, report.step
    if trial.epoch - at < patience:
        return "", {}
    numbers = {"epochs": trial.epoch - at}
    if at == 0:
        return f"no finite {objective.metric} for {trial.epoch} epochs", numbers
    words = f"no better {objective.metric} than {in_words(objective, best)} (epoch {at}) for {trial.epoch - at} epochs"
    return words, {**numbers, "best": best if objective.goal == "minimize" else -best, "epoch": at}
