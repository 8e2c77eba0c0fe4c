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

MIN_DIGITS: Final = 8
"""The fewest digits of a value of the curve. Two accuracies over 50 examples may be equal by chance."""


class EqualCurves(Observer):
    """Warns once per run if two trials have the same values to the last digit. note: is called with the warning."""

    def __init__(self, history: History, note: Callable[[str], None]):
        self._note, self._is_said = note, False
        self._trials: dict[int, Trial] = {}
        for trial in history:
            if not trial.superseded:
                self._trials.setdefault(hash(_curve(trial)), trial)

    def ended(self, trial: Trial) -> None:
        curve = _curve(trial)
        other = self._trials.setdefault(hash(curve), trial)
        is_other = other.number != trial.number and key_of(other.params) != key_of(trial.params)
        if self._is_said or not is_other or not _is_distinctive(trial) or _curve(other) != curve:
            return
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


def _is_distinctive(trial: Trial) -> bool:
    """Whether it is unlikely that another curve is equal by chance."""
    values = {value for report in trial.curve for value in _reported(report).values()}
    return len(values) >= MIN_VALUES and any(len(repr(value)) > MIN_DIGITS for value in values)
