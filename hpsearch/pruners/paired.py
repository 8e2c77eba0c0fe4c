"""A trial that is surely worse than the best one, and will not catch up: a paired t-test (Student 1908), one-sided.

It is over folds or repeats. Those of all trials have the same seeds and the same examples, so that what these do to
both drops out of a difference; the same comparison is at the heart of irace (López-Ibáñez et al. 2016, "The irace
package", section 3). But the test speaks of an epoch, and not of the end: a slow learner is surely worse at first. So
it says nothing in the first quarter of a training, and nothing of a trial that would have caught up by the end if it
went on as it lately did. The best of many is lucky, and each epoch is another test, so it must say the same at several
epochs in a row. docs/decisions/0006-folds.md has the numbers.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from hpsearch.core.decisions import Continue, Stop, Verdict
from hpsearch.core.history import History
from hpsearch.core.replicates import Replicate, Replicates
from hpsearch.core.trial import Objective, Report, Trial
from hpsearch.pruners.ranks import in_words, is_where_asked

WARMUP = 0.25
"""Of a whole training: the part in which a trial may be as bad as it likes."""


@dataclass(frozen=True)
class Paired:
    """Stops a trial that was hopeless at each of the last `epochs` (>= 1): worse than the best one with p < `level`.

    replicates: that every trial has; of fewer than 3 nothing can be said. whole: the epochs of a whole training.
    """

    replicates: Replicates
    whole: int
    level: float = 0.05
    epochs: int = 3

    def judge(self, trial: Trial, history: History) -> Verdict:
        first = trial.epoch - self.epochs + 1
        early = first < WARMUP * self.whole or first <= self.epochs
        if not self.replicates.can_be_compared or early or is_where_asked(trial):
            return Continue()
        chance = 0.0
        for step in range(trial.epoch, first - 1, -1):
            best = best_at(step, history)
            chance = max(chance, self._chance(trial, best, step, history.objective))
            if chance >= self.level or self._may_catch_up(trial, best, step, history):
                return Continue()
        return self._stop(trial, best_at(trial.epoch, history), chance, history.objective)

    def _chance(self, trial: Trial, best: Trial, step: int, objective: Objective) -> float:
        """The chance of being so much worse at an epoch without being worse in truth; 1 where that cannot be said."""
        own, others = trial.curve[step - 1], best.curve[step - 1]
        differences = [loss_of(one, own, objective) - loss_of(one, others, objective) for one in self.replicates]
        if best.number == trial.number or not all(map(math.isfinite, differences)):
            return 1.0
        return chance_of_more(differences)

    def _may_catch_up(self, trial: Trial, best: Trial, step: int, history: History) -> bool:
        """Whether the gap between the two would close by the end at the pace of as many epochs as are tested."""
        gap, before = (_gap(trial, best, at, history) for at in (step, step - self.epochs))
        pace = max(before - gap, 0.0) / self.epochs
        return not gap > pace * (self.whole - step)  # of what is no number nothing is known

    def _stop(self, trial: Trial, best: Trial, chance: float, objective: Objective) -> Stop:
        own, other = (in_words(objective, objective.loss_of(one.curve[trial.epoch - 1])) for one in (trial, best))
        numbers = {"epoch": trial.epoch, "best_trial": best.number, "p": chance, "epochs": self.epochs}
        return Stop(
            f"paired test: {objective.metric} {own} is worse than {other} of trial {best.number} at epoch "
            f"{trial.epoch}, and does not catch up; p <= {chance:.2g} over {self.replicates} for {self.epochs} epochs",
            numbers=numbers,
        )


def _gap(trial: Trial, best: Trial, step: int, history: History) -> float:
    losses = history.losses_at(step)
    return losses[trial.number] - losses[best.number]


def loss_of(replicate: Replicate, report: Report, objective: Objective) -> float:
    """Smaller is better."""
    value = report.metrics.get(replicate.of(objective.metric), math.nan)
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
