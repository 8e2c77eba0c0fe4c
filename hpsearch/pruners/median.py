"""Median stopping rule (Golovin et al. 2017, "Google Vizier", KDD, section 3.2.2), with the best loss so far in place
of the running average."""

import math
from dataclasses import dataclass
from statistics import median

from hpsearch.core.decisions import Continue, Stop, Verdict
from hpsearch.core.history import History
from hpsearch.core.trial import Trial
from hpsearch.pruners.ranks import has_reached_target, metric_text, value_text


@dataclass(frozen=True)
class Median:
    """Stops a trial that is worse than the median of the other trials at the same epoch.

    startup_trials: how many other trials (at least 1) must have trained to the epoch and reported the metric by then.
    warmup_epochs: epochs without pruning. From the next one on, every `interval`-th epoch (>= 1) is judged, or the
    first report after it that has the metric.
    """

    startup_trials: int = 5
    warmup_epochs: int = 0
    interval: int = 1

    def judge(self, trial: Trial, history: History) -> Verdict:
        epoch, before = (*history.objective.steps(trial, 2), 0, 0)[:2]
        since = epoch - self.warmup_epochs - 1
        is_due = since // self.interval > max(before - self.warmup_epochs - 1, -1) // self.interval
        if epoch < trial.epoch or since < 0 or not is_due or has_reached_target(trial):
            return Continue()
        losses = history.losses_at(trial.epoch)
        others = [loss for number, loss in losses.items() if number != trial.number]
        if len(others) < max(self.startup_trials, 1):
            return Continue()
        own, middle = losses.get(trial.number, math.inf), median(others)
        if own <= middle:
            return Continue()
        value = value_text(history.objective, own, trial.epoch)
        worse = f"is worse than {metric_text(history.objective, middle)}, the median of {len(others)} other trials"
        of_others = middle if history.objective.goal == "minimize" else -middle
        numbers = {"epoch": trial.epoch, "median": of_others, "others": len(others)}
        return Stop(f"median: {value} {worse}", numbers=numbers)
