"""Whether a training learns what carries over to other examples, or only what shuffled labels would teach it as well.

The yardstick is measured, not guessed: the same training, from the same beginning, on the same inputs in the same
order, with the labels of each minibatch given to others of its examples. Two things are compared with it.

- The loss of every minibatch, as the trainer minimises it, before the step. Where the labels were shuffled to begin
  with, both are alike: what can be learned of either is to know single examples again.
- The study's metric at the best epoch. It may be better by luck where the labels are shuffled in training alone (what
  is learned is one direction, and that lies right or wrong for all examples together): so it is not enough by itself.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from hpsearch.core.trial import Objective
from hpsearch.preflight.measurements import TrainedEpochs

SURE = 3.0
"""Standard errors."""

DOUBT = 2 / 3
"""Two standard errors in place of three."""

SMALLEST = 0.02
"""What is better by less than this part of the yardstick is no better, however sure."""


@dataclass(frozen=True)
class ChanceComparison:
    """value, chance: the study's metric at the best epoch, and what shuffled labels give, both in its own sign.

    margin: what a difference must exceed. learns: the losses are better. better, worse: the metric is.
    gain: the part by which the mean loss is lower. possible: the best value there is would exceed the margin.
    doubtful: the metric is better than all of the yardstick, and not by the margin: the examples are too few to tell.
    """

    value: float
    chance: float
    margin: float
    gain: float
    learns: bool
    better: bool
    worse: bool
    possible: bool = True
    doubtful: bool = False


def compare(objective: Objective, trained: TrainedEpochs, shuffled: Sequence[TrainedEpochs]) -> ChanceComparison:
    """shuffled: trainings of as many epochs on labels that belong to other examples, at least one."""
    own, arms = _best(objective, trained), [_best(objective, arm) for arm in shuffled]
    chance, is_proportion = fmean(arms), _is_proportion(objective, shuffled)
    margin = max(SMALLEST * abs(chance), max(arms) - min(arms))
    if is_proportion and trained.validated:
        margin = max(SMALLEST * abs(chance), SURE * math.sqrt(abs(chance) * (1 - abs(chance)) / trained.validated))
    sign = 1.0 if objective.goal == "minimize" else -1.0
    gain, surely = _gain(trained, shuffled)
    return ChanceComparison(
        sign * own,
        sign * chance,
        margin,
        gain,
        learns=surely and gain > SMALLEST,
        better=math.isfinite(own) and own < chance - margin,
        worse=math.isfinite(own) and own > chance + margin,
        possible=not is_proportion or 1 - abs(chance) > margin,
        doubtful=is_proportion and own < min(arms) and chance - margin <= own < chance - DOUBT * margin,
    )


def _gain(trained: TrainedEpochs, shuffled: Sequence[TrainedEpochs]) -> tuple[float, bool]:
    """How much lower the losses are, as a part of those on shuffled labels, and whether that is no accident.

    Neighbouring steps are alike, so a standard error of independent ones is too small: twice it must be exceeded twice.
    """
    arms = [fmean(losses) for losses in zip(*(arm.losses for arm in shuffled), strict=False)]
    differences = [other - own for own, other in zip(trained.losses, arms, strict=False)]
    differences = [one for one in differences if math.isfinite(one)]
    if len(differences) < 3:
        return 0.0, False
    mean, error = fmean(differences), 2 * stdev(differences) / math.sqrt(len(differences))
    yardstick = abs(fmean(arms[: len(differences)]))
    return (mean / yardstick if yardstick else 0.0), mean > 2 * error


def _best(objective: Objective, trained: TrainedEpochs) -> float:
    """Smaller is better."""
    return min((objective.loss_of(report) for report in trained.reports), default=math.inf)


def _is_proportion(objective: Objective, shuffled: Sequence[TrainedEpochs]) -> bool:
    """Something between 0 and 1 that is maximised: an accuracy, an area under a curve."""
    values = [report.metrics[objective.metric] for arm in shuffled for report in arm.reports]
    return objective.goal == "maximize" and all(0 <= value <= 1 for value in values)
