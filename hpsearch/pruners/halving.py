"""Asynchronous successive halving (Li et al. 2018, "A System for Massively Parallel Hyperparameter Tuning",
arXiv 1810.05934), with promotion as published, or as the variant that stops trials.
"""

import math
from dataclasses import dataclass

from hpsearch.core.decisions import Continue, Pause, Stop, Verdict
from hpsearch.core.history import History
from hpsearch.core.trial import Cause, Trial
from hpsearch.pruners.promotion import Ladder, Promotion, best_promotion, promoted
from hpsearch.pruners.ranks import has_reached_target, rank, value_text


@dataclass(frozen=True)
class Halving:
    """At each rung (epoch min_epochs x eta^k below max_epochs) a trial continues if it is among the best 1/eta.

    If the report of a rung's epoch lacks the metric, the next report with it is judged.

    The trial is compared with all trials that have reached the rung so far. Without `promote`, the best trial continues
    even if fewer than eta have reached the rung, so the first one always continues. Equal losses have equal ranks. With
    several goals, trials are compared by their Pareto ranks at the rung, see `rung_losses`.
    promote: the other trials are PAUSED, not stopped. `promotion` names a paused trial that is among the best 1/eta
    now. If trials have no checkpoints, they are stopped in any case.
    min_epochs: >= 1. eta: >= 2. max_epochs: the most epochs that a trial may train.
    """

    min_epochs: int
    eta: int
    max_epochs: int
    promote: bool = False

    def judge(self, trial: Trial, history: History) -> Verdict:
        return verdict_of(self._ladder, trial, history, self.promote)

    def promotion(self, history: History, *, at_end: bool = False) -> Promotion | None:
        """The paused trial that should continue now, see `best_promotion`."""
        return best_promotion([self._ladder], history, at_end)

    @property
    def _ladder(self) -> Ladder:
        return Ladder("halving", self.min_epochs, self.eta, self.max_epochs)


def verdict_of(ladder: Ladder, trial: Trial, history: History, promote: bool) -> Verdict:
    """The verdict on a trial by its rank among all losses at the rung that it has just reached."""
    rung = ladder.reached(trial, history.objective)
    if rung is None or has_reached_target(trial):
        return Continue()
    losses, eta, promote = ladder.losses(rung, history), ladder.eta, promote and not history.restarts
    place, of = rank(trial.number, losses), len(losses)
    count = of // eta if promote else max(1, of // eta)
    if trial.number in promoted(losses, count) if promote else place <= count:
        return Continue(f"{ladder.rule}: rank {place} of {of} at {history.objective.unit} {trial.epoch}, continues")
    value = value_text(history.objective, losses.get(trial.number, math.inf), trial.epoch)
    if history.objective.others:
        value = _front_text(losses.get(trial.number, math.inf))
    numbers = {"rank": place, "of": of, "promoted": count, "epoch": trial.epoch}
    best = "only the best continues" if count == 1 else f"the best {count} continue"
    if not count:
        best = f"waits for {eta} trials that have trained as long, or for the end of the search"
    reason = f"{ladder.rule}: rank {place} of {of} ({value}), {best}"
    return Pause(reason, Cause.PRUNED, numbers) if promote else Stop(reason, numbers=numbers)


def _front_text(loss: float) -> str:
    """A loss of `rung_losses` with several goals, as text."""
    return f"Pareto front {int(loss) + 1}" if math.isfinite(loss) else "a goal has no value or a requirement is not met"
