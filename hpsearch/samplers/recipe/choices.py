"""Drops values of categorical parameters that rank significantly worse, so that later rounds do not try them."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from hpsearch.core.trial import Params, Trial, Value, identical
from hpsearch.study.space import Choice, Space

MIN_TRIALS = 5
"""A value is tested when at least this many trials have it and as many have another value."""

SIGNIFICANCE = 0.01
"""Significance level of the test: a value is dropped if p is smaller."""

MAX_NUMBERS = 8
"""The most trial numbers in a note."""


def without_worse_values(
    space: Space, trials: Sequence[Trial], loss: Callable[[Trial], float], best: Params
) -> tuple[Space, list[str]]:
    """The space without the values whose trials rank worse than the others, and a note for each dropped value.

    trials: all trials of equal length, including failed and diverged ones with an infinite loss. The test is the
    one-sided rank test of Mann and Whitney (1947) on the losses. The value in `best` is never dropped.
    """
    notes: list[str] = []
    kept = {}
    for parameter in space.parameters:
        if isinstance(parameter, Choice):
            having = [trial for trial in trials if parameter.is_in(trial.params)]
            own = best if parameter.is_in(best) else {}
            worse = [value for value in parameter.values if _is_worse(parameter.name, value, having, loss, own)]
            notes += [_note(parameter.key, parameter.name, value, having) for value in worse]
            kept[parameter.key] = _without(parameter, worse)
    return (space.narrowed(kept) if notes else space), notes


def _without(choice: Choice, worse: Sequence[Value]) -> Choice:
    left = [i for i, value in enumerate(choice.values) if not any(identical(value, one) for one in worse)]
    names = tuple(choice.names[i] for i in left) if choice.names else ()
    return replace(choice, values=tuple(choice.values[i] for i in left), names=names)


def _has(params: Params, name: str, value: Value) -> bool:
    return name in params and identical(params[name], value)


def _is_worse(name: str, value: Value, trials: Sequence[Trial], loss: Callable[[Trial], float], best: Params) -> bool:
    if _has(best, name, value):
        return False
    own = [loss(trial) for trial in trials if _has(trial.params, name, value)]
    others = [loss(trial) for trial in trials if name in trial.params and not _has(trial.params, name, value)]
    if len(own) < MIN_TRIALS or len(others) < MIN_TRIALS or not any(map(math.isfinite, others)):
        return False
    from scipy.stats import mannwhitneyu

    return float(mannwhitneyu(own, others, alternative="greater").pvalue) < SIGNIFICANCE


def _note(key: str, name: str, value: Value, trials: Sequence[Trial]) -> str:
    numbers = [trial.number for trial in trials if _has(trial.params, name, value)]
    shown = ", ".join(map(str, numbers[:MAX_NUMBERS])) + (", …" if len(numbers) > MAX_NUMBERS else "")
    with_it = f"{len(numbers)} trials with it ({shown})"
    return f"{key}: {value!r} is dropped, because the {with_it} rank worse (p < {SIGNIFICANCE:g})"
