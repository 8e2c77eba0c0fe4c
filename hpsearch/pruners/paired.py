"""A trial that is surely worse than the best one: a paired t-test (Student 1908) over its folds or repeats, one-sided.

Those of all trials have the same seeds and the same examples, so that what these do to both drops out of a difference;
the same comparison is at the heart of irace (López-Ibáñez et al. 2016, "The irace package", section 3). The best of
many is lucky, and each epoch is another test: both make errors commoner than `level`. That the test must say the same
at several epochs in a row makes them rare again: docs/decisions/0004-repeats.md and 0006-folds.md have the numbers.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from hpsearch.copies import Copies, Copy
from hpsearch.history import History
from hpsearch.pruners.ranks import in_words, is_where_asked
from hpsearch.trial import GoOn, Objective, Report, Stop, Trial, Verdict


@dataclass(frozen=True)
class Paired:
    """Stops a trial that is worse than the best one at each of the last `epochs` (>= 1), with p < `level` each time.

    copies: that every trial has; of fewer than 3 nothing can be said.
    """

    copies: Copies
    level: float = 0.05
    epochs: int = 3

    def judge(self, trial: Trial, history: History) -> Verdict:
        if not self.copies.can_be_compared or trial.epoch < self.epochs or is_where_asked(trial):
            return GoOn()
        chance = 0.0
        for report in trial.curve[: -self.epochs - 1 : -1]:
            chance = max(chance, self._chance(trial, report, history))
            if chance >= self.level:
                return GoOn()
        objective, best = history.objective, best_at(trial.epoch, history)
        own, other = (in_words(objective, objective.loss_of(one.curve[trial.epoch - 1])) for one in (trial, best))
        return Stop(
            f"paired test: {objective.metric} {own} is worse than {other} of trial {best.number} at epoch "
            f"{trial.epoch}; p <= {chance:.2g} over {self.copies} for {self.epochs} epochs"
        )

    def _chance(self, trial: Trial, report: Report, history: History) -> float:
        """The chance of being so much worse at an epoch without being worse in truth; 1 where that cannot be said."""
        best = best_at(report.step, history)
        own = self._losses(report, history.objective)
        others = self._losses(best.curve[report.step - 1], history.objective)
        differences = [mine - other for mine, other in zip(own, others, strict=True)]
        if best.number == trial.number or not all(map(math.isfinite, differences)):
            return 1.0
        return chance_of_more(differences)

    def _losses(self, report: Report, objective: Objective) -> list[float]:
        return [loss_of(copy, report, objective) for copy in self.copies]


def loss_of(copy: Copy, report: Report, objective: Objective) -> float:
    """Smaller is better."""
    value = report.metrics.get(copy.of(objective.metric), math.nan)
    return value if objective.goal == "minimize" else -value


def best_at(step: int, history: History) -> Trial:
    """The trial that is best up to an epoch, the earlier of equals."""
    losses = history.losses_at(step)
    return history[min(losses, key=lambda number: (losses[number], number))]


def chance_of_more(differences: Sequence[float]) -> float:
    """The one-sided p of a paired t-test: of a mean so far above zero, or farther, where the true mean is zero."""
    mean, error = fmean(differences), stdev(differences) / math.sqrt(len(differences))
    if mean <= 0:
        return 1.0  # at least a half, which no level asks for
    from scipy.special import stdtr

    return float(stdtr(len(differences) - 1, -mean / error)) if error else 0.0
