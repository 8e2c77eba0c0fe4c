"""The mean training loss that hpsearch measures in `backward` (`trainer/measurements/backward_losses.py`)."""

import math
from collections.abc import Iterable, Sequence

from hpsearch.core.metric_names import PREFIX
from hpsearch.core.trial import Trial

MEAN, LAST = f"{PREFIX}mean_loss", f"{PREFIX}last_loss"

SAME = 1e-4
"""Two values are equal if they differ by less than this fraction: reports may be rounded."""

ALIKE = 3.0
"""Two losses can be the same quantity if their first values differ by less than this factor."""

ENOUGH = 4
"""The fewest reports in which a loss must be that of the last batch, and differ from the mean."""


def is_of_last_batch(name: str, trials: Iterable[Trial]) -> bool:
    """Whether the metric is the loss of the last batch before each report, and not the mean over all batches."""
    rows = [one.metrics for trial in trials for one in trial.curve if one.metrics.keys() >= {name, LAST, MEAN}]
    finite = [one for one in rows if math.isfinite(one[name])]
    same = all(_is_same(one[name], one[LAST]) for one in finite)
    return same and sum(not _is_same(one[name], one[MEAN]) for one in finite) >= ENOUGH


def can_be_compared(name: str, trials: Sequence[Trial]) -> bool:
    """Whether the metric can be the measured loss on another split: their first values are of the same size. A loss
    that is divided for gradient accumulation, or has further terms, is another quantity."""
    pairs = [
        (one.metrics[MEAN], one.metrics[name])
        for trial in trials
        for one in trial.curve[:1]
        if one.metrics.keys() >= {name, MEAN}
    ]
    return bool(pairs) and all(0 < a < ALIKE * b and b < ALIKE * a for a, b in pairs if math.isfinite(a + b))


def _is_same(one: float, other: float) -> bool:
    return abs(one - other) <= SAME * max(abs(one), abs(other))
