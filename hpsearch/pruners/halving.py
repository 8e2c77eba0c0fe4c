"""Asynchronous successive halving (Li et al. 2018, "A System for Massively Parallel Hyperparameter Tuning",
arXiv 1810.05934): with promotion as published, or in the variant that stops trials.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from hpsearch.core.decisions import Continue, Pause, Stop, Verdict
from hpsearch.core.history import History
from hpsearch.core.trial import Cause, Objective, Trial
from hpsearch.pruners.promotion import Ladder, Promotion, best_promotion, promoted
from hpsearch.pruners.ranks import has_reached_target, rank, value_text


@dataclass(frozen=True)
class Halving:
    """At each rung (epoch min_epochs x eta^k below max_epochs) a trial continues if it is among the best 1/eta.

    Where a rung's epoch has no report with the metric, the next report that has it is judged.

    It is compared with the trials that have reached the rung so far. Without `promote`, the best one continues where
    these are fewer than eta, so the first trial at a rung always does. Equal losses have equal ranks.
    promote: the others are PAUSED, not stopped, and `promotion` names one that has become one of the best 1/eta. Where
    trials have no checkpoints, they are stopped in any case.
    min_epochs >= 1, eta >= 2, max_epochs: the most epochs that a trial may train.
    """

    min_epochs: int
    eta: int
    max_epochs: int
    promote: bool = False

    def judge(self, trial: Trial, history: History) -> Verdict:
        rung = reached_rung(trial, history.objective, self.min_epochs, self.eta, self.max_epochs)
        if rung is None or has_reached_target(trial):
            return Continue()
        promote = self.promote and not history.restarts
        return verdict_at_rung("halving", trial, history.losses_from(rung), self.eta, history, promote)

    def promotion(self, history: History, *, at_end: bool = False) -> Promotion | None:
        """The paused trial that is to continue now, see `best_promotion`."""
        return best_promotion([Ladder("halving", self.min_epochs, self.eta, self.max_epochs)], history, at_end)


def reached_rung(trial: Trial, objective: Objective, first: int, eta: int, end: int) -> int | None:
    """The highest rung (first x eta^k for some k >= 0, below `end`) that a trial has reached with its last report that
    has the metric and not with the one before; None where there is none, or its last report lacks the metric."""
    epoch, before = (*objective.steps(trial, 2), 0, 0)[:2]
    if epoch < max(first, trial.epoch):
        return None
    rung = first
    while rung * eta <= min(epoch, end - 1):
        rung *= eta
    return rung if before < rung < end else None


def verdict_at_rung(
    rule: str, trial: Trial, losses: Mapping[int, float], eta: int, history: History, promote: bool
) -> Verdict:
    """The verdict on a trial by its rank among the losses recorded at a rung, its own included."""
    place, of = rank(trial.number, losses), len(losses)
    count = of // eta if promote else max(1, of // eta)
    if trial.number in promoted(losses, count) if promote else place <= count:
        return Continue(f"{rule}: rank {place} of {of} at {history.objective.unit} {trial.epoch}, continues")
    value = value_text(history.objective, losses.get(trial.number, math.inf), trial.epoch)
    numbers = {"rank": place, "of": of, "promoted": count, "epoch": trial.epoch}
    best = "only the best continues" if count == 1 else f"the best {count} continue"
    if not count:
        best = f"waits until {eta} trials have trained as long"
    reason = f"{rule}: rank {place} of {of} ({value}), {best}"
    return Pause(reason, Cause.PRUNED, numbers) if promote else Stop(reason, numbers=numbers)
