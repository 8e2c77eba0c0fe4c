"""Compares a training with the same training on shuffled labels: does it learn more than single examples?

The baseline is a training with the same initial weights, on the same inputs in the same order, but with the labels
permuted within each minibatch. Two quantities are compared.

- The training loss of every minibatch before the step. If the labels of the data do not fit the inputs, both trainings
  have similar losses, because both can only memorise single examples.
- The study's metric at the best epoch. With shuffled training labels it can be better by chance, because the learned
  direction is right or wrong for all examples together. So the metric alone is not sufficient.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from hpsearch.core.trial import Objective
from hpsearch.preflight.measurements import TrainedEpochs

SIGNIFICANT = 3.0
"""A difference of this many standard errors is significant."""

FLAT = 0.05
"""A training loss that falls by a smaller fraction of its initial value says nothing about the labels."""

DOUBT = 2 / 3
"""The fraction of the margin from which on a difference is in doubt: two standard errors in place of three."""

MIN_DIFFERENCE = 0.02
"""The smallest relative difference from the baseline that counts, even if a smaller one is significant."""


@dataclass(frozen=True)
class ChanceComparison:
    """value, chance: the study's metric at the best epoch, with the original and with shuffled labels; not negated.

    margin: a difference must be larger than this. learns: the losses are lower than with shuffled labels.
    better, worse: the metric is better or worse. gain: the relative difference of the mean losses.
    possible: the best possible value of the metric would exceed the margin. doubtful: the metric is better than in
    every training on shuffled labels, but by less than the margin, because there are too few validation examples.
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
    """shuffled: at least one training on shuffled labels with the same number of epochs."""
    own, baselines = _best(objective, trained), [_best(objective, one) for one in shuffled]
    chance, is_proportion = fmean(baselines), _is_proportion(objective, shuffled)
    margin = max(MIN_DIFFERENCE * abs(chance), max(baselines) - min(baselines))
    if is_proportion and trained.validated:
        margin = max(
            MIN_DIFFERENCE * abs(chance), SIGNIFICANT * math.sqrt(abs(chance) * (1 - abs(chance)) / trained.validated)
        )
    sign = 1.0 if objective.goal == "minimize" else -1.0
    gain, is_significant = _gain(trained, shuffled)
    return ChanceComparison(
        sign * own,
        sign * chance,
        margin,
        gain,
        learns=is_significant and gain > MIN_DIFFERENCE,
        better=math.isfinite(own) and own < chance - margin,
        worse=math.isfinite(own) and own > chance + margin,
        possible=not is_proportion or 1 - abs(chance) > margin,
        doubtful=is_proportion and own < min(baselines) and chance - margin <= own < chance - DOUBT * margin,
    )


def hardly_falls(trained: TrainedEpochs) -> tuple[float, float] | None:
    """The means of the first and of the last losses if they are nearly equal, otherwise None."""
    count = max(1, len(trained.losses) // 5)
    first, last = fmean(trained.losses[:count]), fmean(trained.losses[-count:])
    return (first, last) if first - last < FLAT * abs(first) else None


def _gain(trained: TrainedEpochs, shuffled: Sequence[TrainedEpochs]) -> tuple[float, bool]:
    """How much lower the losses are than on shuffled labels (relative), and whether the difference is significant.

    The losses of consecutive steps are correlated. So the standard error for independent losses is doubled, and the
    difference must exceed twice this value.
    """
    baseline = [fmean(losses) for losses in zip(*(one.losses for one in shuffled), strict=False)]
    differences = [other - own for own, other in zip(trained.losses, baseline, strict=False)]
    differences = [one for one in differences if math.isfinite(one)]
    if len(differences) < 3:
        return 0.0, False
    mean, error = fmean(differences), 2 * stdev(differences) / math.sqrt(len(differences))
    scale = abs(fmean(baseline[: len(differences)]))
    return (mean / scale if scale else 0.0), mean > 2 * error


def _best(objective: Objective, trained: TrainedEpochs) -> float:
    """The loss at the best epoch; infinite if nothing was reported."""
    return min((objective.loss_of(report) for report in trained.reports), default=math.inf)


def _is_proportion(objective: Objective, shuffled: Sequence[TrainedEpochs]) -> bool:
    """Whether the metric is maximised and between 0 and 1, such as an accuracy or an area under a curve."""
    reports = (report for one in shuffled for report in one.reports)
    values = [report.metrics[objective.metric] for report in reports if objective.is_in(report)]
    return objective.goal == "maximize" and all(0 <= value <= 1 for value in values)
