"""Compares a training with the same training on shuffled labels: does it learn more than single examples?

The baseline is measured: the same training, with the same initial weights, on the same inputs in the same order, with
the labels permuted within each minibatch. Two quantities are compared with it.

- The loss of every minibatch, as the trainer minimises it, before the step. Where the labels of the data were already
  shuffled, both trainings have similar losses: both can only memorise single examples.
- The study's metric at the best epoch. Where only the training labels are shuffled, it can be better by chance: the
  learned direction is right or wrong for all examples together. So the metric alone is not sufficient.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from hpsearch.core.trial import Objective
from hpsearch.preflight.measurements import TrainedEpochs

SIGNIFICANT = 3.0
"""Standard errors of a significant difference."""

DOUBT = 2 / 3
"""A fraction of the margin: two standard errors in place of three."""

MIN_DIFFERENCE = 0.02
"""The smallest relative difference from the baseline that counts, however significant."""


@dataclass(frozen=True)
class ChanceComparison:
    """value, chance: the study's metric at the best epoch, and with shuffled labels; neither is negated.

    margin: a difference must be larger than this. learns: the losses are lower. better, worse: the metric is.
    gain: the relative difference of the mean losses. possible: the best value of the metric would exceed the margin.
    doubtful: the metric is better than in every training on shuffled labels, but not by the margin: there are too few
    validation examples for a significant difference.
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
    """shuffled: trainings of as many epochs on shuffled labels, at least one."""
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


def _gain(trained: TrainedEpochs, shuffled: Sequence[TrainedEpochs]) -> tuple[float, bool]:
    """By how much the losses are lower, relative to those on shuffled labels, and whether that is significant.

    The losses of neighbouring steps are correlated, so the standard error for independent ones is doubled, and the
    difference must exceed twice that.
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
    """The loss at the best epoch; infinite where nothing was reported."""
    return min((objective.loss_of(report) for report in trained.reports), default=math.inf)


def _is_proportion(objective: Objective, shuffled: Sequence[TrainedEpochs]) -> bool:
    """Whether the metric is maximised and between 0 and 1, such as an accuracy or an area under a curve."""
    reports = (report for one in shuffled for report in one.reports)
    values = [report.metrics[objective.metric] for report in reports if objective.is_in(report)]
    return objective.goal == "maximize" and all(0 <= value <= 1 for value in values)
