"""Asynchronous successive halving (Li et al. 2018, "A System for Massively Parallel Hyperparameter Tuning",
arXiv 1810.05934), in the variant that stops trials and never waits for others.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from hpsearch.core.decisions import Continue, Stop, Verdict
from hpsearch.core.history import History
from hpsearch.core.trial import Objective, Trial
from hpsearch.pruners.ranks import has_reached_target, rank, value_text


@dataclass(frozen=True)
class Halving:
    """At each rung (epoch min_epochs x eta^k below max_epochs) a trial continues if it is among the best 1/eta.

    Where a rung's epoch has no report with the metric, the next report that has it is judged.

    It is compared with the trials that have reached the rung so far. Where these are fewer than eta, the best one
    continues, so the first trial at a rung always does. Equal losses have equal ranks.
    min_epochs >= 1, eta >= 2, max_epochs: the most epochs that a trial may train.
    """

    min_epochs: int
    eta: int
    max_epochs: int

    def judge(self, trial: Trial, history: History) -> Verdict:
        rung = reached_rung(trial, history.objective, self.min_epochs, self.eta, self.max_epochs)
        if rung is None or has_reached_target(trial):
            return Continue()
        return verdict_at_rung("halving", trial, history.losses_from(rung), self.eta, history)


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


def verdict_at_rung(rule: str, trial: Trial, losses: Mapping[int, float], eta: int, history: History) -> Verdict:
    """The verdict on a trial by its rank among the losses recorded at a rung, its own included."""
    place, of = rank(trial.number, losses), len(losses)
    promoted = max(1, of // eta)
    if place <= promoted:
        return Continue(f"{rule}: rank {place} of {of} at epoch {trial.epoch}, continues")
    value = value_text(history.objective, losses.get(trial.number, math.inf), trial.epoch)
    best = "only the best continues" if promoted == 1 else f"the best {promoted} continue"
    numbers = {"rank": place, "of": of, "promoted": promoted, "epoch": trial.epoch}
    return Stop(f"{rule}: rank {place} of {of} ({value}), {best}", numbers=numbers)
