"""Detects trials with different parameters and equal curves: the parameters may have no effect on the training."""

from collections.abc import Callable, Mapping
from typing import Final

from hpsearch.core.format import named, quoted
from hpsearch.core.history import History
from hpsearch.core.measured import is_measured
from hpsearch.core.trial import Report, Trial, identical, key_of
from hpsearch.orchestrator.observers import Observer

MIN_VALUES: Final = 3
"""The fewest distinct values of a curve. Two trials that learn nothing may both report a constant."""

MIN_LENGTH: Final = {2: 9, 3: 6}
"""The fewest characters of a value of the curve, by the number of trials that have it. Two accuracies over 50 examples
may be equal by chance; losses that a program prints as 0.1234 are hardly equal in three trials."""


class EqualCurves(Observer):
    """Warns once per run if two trials have the same values to the last digit. note: is called with the warning."""

    def __init__(self, history: History, note: Callable[[str], None]):
        self._note, self._is_said = note, False
        self._trials: dict[int, list[Trial]] = {}
        for trial in history:
            if not trial.superseded:
                self._trials.setdefault(hash(_curve(trial)), []).append(trial)

    def ended(self, trial: Trial) -> None:
        if self._is_said or not _is_distinctive(trial, max(MIN_LENGTH)):
            return
        curve = _curve(trial)
        equal = self._trials.setdefault(hash(curve), [])
        own = key_of(trial.params)
        others = {key: one for one in equal if (key := key_of(one.params)) != own and _curve(one) == curve}
        equal.append(trial)
        if not others or not _is_distinctive(trial, len(others) + 1):
            return
        other = min(others.values(), key=lambda one: one.number)
        names = sorted(trial.params.keys() | other.params.keys())
        different = [name for name in names if not identical(trial.params.get(name), other.params.get(name))]
        self._is_said = True
        self._note(
            f"warning: {named(sorted([other.number, trial.number]))} have the same curve to the last digit, but differ "
            f"in {quoted(different)}: does the trainer use these parameters?"
        )


def _curve(trial: Trial) -> tuple[object, ...]:
    return tuple((report.step, *sorted(_reported(report).items())) for report in trial.curve)


def _reported(report: Report) -> Mapping[str, float]:
    return {name: value for name, value in report.metrics.items() if not is_measured(name)}


def _is_distinctive(trial: Trial, trials: int) -> bool:
    """Whether it is unlikely that so many trials have an equal curve by chance."""
    values = {value for report in trial.curve for value in _reported(report).values()}
    shortest = MIN_LENGTH[min(trials, max(MIN_LENGTH))]
    return len(values) >= MIN_VALUES and any(len(repr(value)) >= shortest for value in values)
