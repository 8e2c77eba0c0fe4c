"""Ends a trial that no longer improves: as pruned (`Patience`), or as complete (`EarlyStopping`)."""

import math
from bisect import bisect_left
from dataclasses import dataclass, replace

from hpsearch.core.decisions import Continue, Finish, Stop, Verdict
from hpsearch.core.format import many
from hpsearch.core.history import History
from hpsearch.core.trial import Cause, Numbers, Objective, Trial
from hpsearch.pruners.ranks import has_reached_target, has_reported, metric_text


@dataclass(frozen=True)
class Patience:
    """Stops a trial that has not improved for `patience` epochs (>= 1) by more than `min_delta` (>= 0).

    Epochs without the metric do not count.
    """

    patience: int
    min_delta: float = 0.0

    def judge(self, trial: Trial, history: History) -> Verdict:
        stalled, numbers = without_improvement(trial, history.objective, self.patience, self.min_delta)
        if not stalled or has_reached_target(trial):
            return Continue()
        return Stop(f"patience: {stalled}", Cause.PATIENCE, numbers)


@dataclass(frozen=True)
class EarlyStopping:
    """Finishes a trial (COMPLETE) that has not improved for `patience` epochs (>= 1) by more than `min_delta` (>= 0).

    Epochs without the metric do not count.
    objective: for another metric than the study's. from_epoch: earlier epochs are ignored.
    Prechelt 1998, "Early Stopping, but when?", in Neural Networks: Tricks of the Trade.
    """

    patience: int
    min_delta: float = 0.0
    objective: Objective | None = None
    from_epoch: int = 1

    def judge(self, trial: Trial, history: History) -> Verdict:
        objective = self.objective or history.objective
        first = bisect_left(trial.curve, self.from_epoch, key=lambda report: report.step)
        judged = replace(trial, curve=trial.curve[first:])
        stalled, numbers = without_improvement(judged, objective, self.patience, self.min_delta)
        return Finish(f"early stopping: {stalled}", Cause.PATIENCE, numbers) if stalled else Continue()


def without_improvement(trial: Trial, objective: Objective, patience: int, min_delta: float) -> tuple[str, Numbers]:
    """A text that says for how long a trial has not improved, and the numbers in it.

    The text is "" if the time is shorter than `patience`, or if the last report lacks the metric. Reports without the
    metric do not count. NaN and infinity do not count as improvement. Numbers: "epochs" without improvement; if the
    metric was ever finite, "best", its best value (not negated), and "epoch", the epoch of this value.
    """
    best, at, since = math.inf, 0, 0
    for report in objective.counted(trial.curve):
        since += 1
        loss = objective.loss_of(report)
        if loss < best - min_delta:
            best, at, since = loss, report.step, 0
    if since < patience or not has_reported(trial, objective):
        return "", {}
    epochs = trial.epoch - at
    numbers = {"epochs": epochs}
    long = many(epochs, objective.unit)
    if since != epochs:
        long = f"{many(since, 'evaluation')} ({long})"
    if at == 0:
        return f"no finite {objective.label} for {long}", numbers
    record = f"{metric_text(objective, best)} ({objective.unit} {at})"
    text = f"{objective.label} has not improved on {record} for {long}"
    return text, {**numbers, "best": best if objective.goal == "minimize" else -best, "epoch": at}
