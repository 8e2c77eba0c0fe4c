"""Stops trials whose metric is outside fixed bounds."""

import math
from dataclasses import dataclass

from hpsearch.core.decisions import Continue, Stop, Verdict
from hpsearch.core.history import History
from hpsearch.core.trial import Trial
from hpsearch.pruners.ranks import has_reached_target, has_reported


@dataclass(frozen=True)
class Threshold:
    """Stops a trial whose metric (not negated) is below `lower`, above `upper`, or NaN.

    warmup_epochs: epochs without pruning.
    """

    lower: float | None = None
    upper: float | None = None
    warmup_epochs: int = 0

    def judge(self, trial: Trial, history: History) -> Verdict:
        if trial.epoch <= self.warmup_epochs or has_reached_target(trial) or not has_reported(trial, history.objective):
            return Continue()
        metric, objective = history.objective.metric, history.objective
        last = objective.judged(trial) if objective.averaged else None
        value = (last or trial.curve[-1]).metrics[metric]
        when, at = f"at {objective.unit} {trial.epoch}", {"epoch": trial.epoch}
        where = f"threshold: {metric} {value:.4g} {when}"
        if math.isnan(value):
            return Stop(f"threshold: {metric} is NaN {when}", numbers=at)
        if self.lower is not None and value < self.lower:
            return Stop(f"{where} is below {self.lower:g}", numbers={**at, "lower": self.lower})
        if self.upper is not None and value > self.upper:
            return Stop(f"{where} is above {self.upper:g}", numbers={**at, "upper": self.upper})
        return Continue()
