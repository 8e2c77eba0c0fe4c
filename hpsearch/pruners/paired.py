"""Stops a trial that is significantly worse than the best one and is not expected to catch up.

The test is a one-sided paired t-test (Student 1908) over folds or repeats. All trials have the same folds and seeds, so
their effect cancels in the differences. irace compares configurations in the same way (López-Ibáñez et al. 2016, "The
irace package", section 3).

The test compares trials at one epoch, but a slow learner is worse at first. So no trial is stopped in the first quarter
of its training, or if its gap to the best trial would close by the end at the current rate. The best of many trials is
partly best by chance, and every epoch is another test. So the test must be significant in several consecutive epochs.
docs/decisions/0006-folds.md has the measurements.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from hpsearch.core.decisions import Continue, Stop, Verdict
from hpsearch.core.format import many
from hpsearch.core.history import History
from hpsearch.core.replicates import Replicate, Replicates
from hpsearch.core.trial import Objective, Report, Trial
from hpsearch.pruners.ranks import has_reached_target, metric_text

WARMUP = 0.25
"""The fraction of a full training in which no trial is stopped."""


@dataclass(frozen=True)
class Paired:
    """Stops a trial that is worse than the best one, with p < `level`, at each of the last `epochs` (>= 1) epochs.

    Epochs whose report lacks the metric do not count. If the best trial has no report at an epoch, its last earlier
    report is compared.
    replicates: the folds and repeats of every trial; with fewer than 3 no trial is stopped. max_epochs: the most epochs
    that a trial may train.
    """

    replicates: Replicates
    max_epochs: int
    level: float = 0.05
    epochs: int = 3

    def judge(self, trial: Trial, history: History) -> Verdict:
        steps = history.objective.steps(trial, 2 * self.epochs)
        early = len(steps) < 2 * self.epochs or steps[self.epochs - 1] < WARMUP * self.max_epochs
        if not self.replicates.can_be_compared or early or steps[0] < trial.epoch or has_reached_target(trial):
            return Continue()
        p = 0.0
        for step, before in zip(steps[: self.epochs], steps[self.epochs :], strict=True):
            best = best_at(step, history)
            p = max(p, self._p(trial, best, step, history.objective))
            if p >= self.level or self._may_catch_up(trial, best, step, before, history):
                return Continue()
        return self._stop(trial, p, history)

    def _p(self, trial: Trial, best: Trial, step: int, objective: Objective) -> float:
        """The p-value of the test at an epoch; 1 if there is no test."""
        own, others = (report_at(one, step, objective) for one in (trial, best))
        differences = [loss_of(one, own, objective) - loss_of(one, others, objective) for one in self.replicates]
        if best.number == trial.number or not all(map(math.isfinite, differences)):
            return 1.0
        return one_sided_p(differences)

    def _may_catch_up(self, trial: Trial, best: Trial, step: int, before: int, history: History) -> bool:
        """Whether the gap to the best trial would close by `max_epochs`, at its rate since the epoch `before`."""
        gap, gap_before = (_gap(trial, best, at, history) for at in (step, before))
        rate = max(gap_before - gap, 0.0) / (step - before)
        return not gap > rate * (self.max_epochs - step)  # also True if the gap is NaN (unknown)

    def _stop(self, trial: Trial, p: float, history: History) -> Stop:
        objective, best = history.objective, best_at(trial.epoch, history)
        reports = (report_at(one, trial.epoch, objective) for one in (trial, best))
        own, other = (metric_text(objective, objective.loss_of(report)) for report in reports)
        number = history.number_of(best.number)
        numbers = {"epoch": trial.epoch, "best_trial": number, "p": p, "epochs": self.epochs}
        return Stop(
            f"paired t-test: {objective.metric} {own} is worse than {other} (trial {number}) at {objective.unit} "
            f"{trial.epoch} and is not expected to catch up; p <= {p:.2g} over {self.replicates} in each of the last "
            f"{many(self.epochs, objective.unit)}",
            numbers=numbers,
        )


def _gap(trial: Trial, best: Trial, step: int, history: History) -> float:
    losses = history.losses_at(step)
    return losses[trial.number] - losses.get(best.number, math.nan)


def report_at(trial: Trial, step: int, objective: Objective) -> Report:
    """The last report with the metric up to an epoch; there must be one."""
    end = bisect_right(trial.curve, step, key=lambda report: report.step)
    return next(report for report in reversed(trial.curve[:end]) if objective.is_in(report))


def loss_of(replicate: Replicate, report: Report, objective: Objective) -> float:
    """Smaller is better."""
    value = report.metrics.get(replicate.of(objective.metric), math.nan)
    return value if objective.goal == "minimize" else -value


def best_at(step: int, history: History) -> Trial:
    """The trial with the best loss up to an epoch; of equals the lower number."""
    losses = history.losses_at(step)
    return history[min(losses, key=lambda number: (losses[number], number))]


def one_sided_p(differences: Sequence[float]) -> float:
    """The one-sided p-value of a paired t-test: the probability of a mean at least as large if the true mean is 0."""
    mean, error = fmean(differences), stdev(differences) / math.sqrt(len(differences))
    if mean <= 0:
        return 1.0  # p is at least 0.5, above any useful level
    from scipy.special import stdtr

    return float(stdtr(len(differences) - 1, -mean / error)) if error else 0.0
