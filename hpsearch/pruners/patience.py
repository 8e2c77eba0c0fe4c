"""A trial that no longer improves: as a rule that prunes. As a rule that ends a trial in honour: early_stopping.py."""

import math
from dataclasses import dataclass

from hpsearch.core.decisions import Continue, Stop, Verdict
from hpsearch.core.history import History
from hpsearch.core.trial import Objective, Trial
from hpsearch.pruners.ranks import in_words, is_where_asked


@dataclass(frozen=True)
class Patience:
    """Stops a trial that has not improved for `patience` epochs (>= 1) by more than `min_delta` (>= 0)."""

    patience: int
    min_delta: float = 0.0

    def judge(self, trial: Trial, history: History) -> Verdict:
        stalled = standstill(trial, history.objective, self.patience, self.min_delta)
        return Stop(f"patience: {stalled}") if stalled and not is_where_asked(trial) else Continue()


def standstill(trial: Trial, objective: Objective, patience: int, min_delta: float) -> str:
    """In words since when a trial has not improved, "" while it does. NaN and infinity are no improvement."""
    best, at = math.inf, 0
    for report in trial.curve:
        loss = objective.loss_of(report)
        if loss < best - min_delta:
            best, at = loss, report.step
    if trial.epoch - at < patience:
        return ""
    if at == 0:
        return f"no finite {objective.metric} for {trial.epoch} epochs"
    return f"no better {objective.metric} than {in_words(objective, best)} (epoch {at}) for {trial.epoch - at} epochs"
