"""Cross-validation inside one trial: k models, each validated on another k-th of the examples, trained side by side.

They go epoch by epoch together and an epoch's report is their mean, so that a curve means what it always does: it is
judged at its best epoch, the same for all folds, and a pruner can end all k after a few epochs. One fold after another
would train the first to its end before a pruner could act. The price is k times the memory.

Every name that begins with val_ has its standard error beside it, `val_loss_se` of `val_loss`: the standard deviation
over the folds over √k. Folds share what they are trained on, so that is somewhat too small (Bengio and Grandvalet 2004,
JMLR 5: there is no unbiased estimate).
"""

from collections.abc import Mapping, Sequence
from math import sqrt
from statistics import fmean
from typing import Any

from trainers.kit.training import Training


def tracked(trainings: Sequence[Training]) -> dict[str, Any]:
    """For `run.track`: "model", "optimizer", …; with folds "fold1_model", "fold2_model", …"""
    return _named([training.tracked for training in trainings])


def weights(trainings: Sequence[Training]) -> dict[str, Any]:
    """Of what is tracked, by the same names, that which predicts."""
    return _named([training.weights for training in trainings])


def _named(each: Sequence[dict[str, Any]]) -> dict[str, Any]:
    if len(each) == 1:
        return each[0]
    return {f"fold{number}_{name}": thing for number, one in enumerate(each, start=1) for name, thing in one.items()}


def epoch(trainings: Sequence[Training], number: int) -> dict[str, float]:
    """Train every fold for one epoch: the mean of what they report. Without folds, what the one training reports."""
    reports = [training.epoch(number) for training in trainings]
    return reports[0] if len(reports) == 1 else mean(reports)


def mean(reports: Sequence[Mapping[str, float]]) -> dict[str, float]:
    means = {name: fmean(report[name] for report in reports) for name in reports[0]}
    errors = {
        f"{name}_se": standard_error([report[name] for report in reports]) for name in means if name.startswith("val_")
    }
    return {**means, **errors}


def standard_error(values: Sequence[float]) -> float:
    """Of the mean of n >= 2 values: their standard deviation (over n - 1) over √n."""
    middle = fmean(values)
    return sqrt(sum((value - middle) * (value - middle) for value in values) / (len(values) - 1) / len(values))
