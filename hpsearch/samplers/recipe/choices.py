"""Which values of a choice have lost, so that later rounds need not try them again."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from hpsearch.core.trial import Params, Plain, Trial
from hpsearch.study.space import Choice, Space

FEWEST = 5
"""A value is judged when so many trials have had it, and as many have not."""

DOUBT = 0.01
"""It is dropped where the ranks of its trials would be as bad by chance with less than this probability."""

MOST_NAMED = 8


def without_losers(
    space: Space, trials: Sequence[Trial], loss: Callable[[Trial], float], best: Params
) -> tuple[Space, list[str]]:
    """The space with those values left out whose trials are worse than the rest, and for each why.

    trials: all that were trained as long, failed and diverged ones too: their loss is infinite. A one-sided test of
    Mann and Whitney (1947) on the losses; the value in `best` always stays.
    """
    notes: list[str] = []
    kept = {}
    for parameter in space.parameters:
        if isinstance(parameter, Choice):
            lost = [value for value in parameter.values if _has_lost(parameter.name, value, trials, loss, best)]
            notes += [_note(parameter.name, value, trials) for value in lost]
            kept[parameter.name] = replace(parameter, values=tuple(v for v in parameter.values if v not in lost))
    return (space.narrowed(kept) if notes else space), notes


def _has_lost(name: str, value: Plain, trials: Sequence[Trial], loss: Callable[[Trial], float], best: Params) -> bool:
    if best.get(name) == value:
        return False
    own = [loss(trial) for trial in trials if trial.params.get(name) == value]
    others = [loss(trial) for trial in trials if name in trial.params and trial.params[name] != value]
    if len(own) < FEWEST or len(others) < FEWEST or not any(map(math.isfinite, others)):
        return False
    from scipy.stats import mannwhitneyu

    return float(mannwhitneyu(own, others, alternative="greater").pvalue) < DOUBT


def _note(name: str, value: Plain, trials: Sequence[Trial]) -> str:
    numbers = [trial.number for trial in trials if trial.params.get(name) == value]
    shown = ", ".join(map(str, numbers[:MOST_NAMED])) + (", …" if len(numbers) > MOST_NAMED else "")
    return f"{name}: {value!r} is left out: its {len(numbers)} trials ({shown}) rank below the others (p < {DOUBT:g})"
