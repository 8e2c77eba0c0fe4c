"""Detects equal curves of trials with different parameters, or of trainings with different seeds: the parameters, or
the seed, may have no effect on the training."""

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

NO_SEED: Final = (
    "the trainer does not depend on run.seed (it sets a seed of its own, or draws no random numbers), so several seeds "
    "measure nothing"
)


class EqualCurves(Observer):
    """Warns once per run if two trials have the same values to the last digit, and once if several seeds have. note: is
    called with the warning."""

    def __init__(self, history: History, note: Callable[[str], None]):
        self._note, self._is_said, self._is_seed_said = note, False, False
        self._trials: dict[int, list[Trial]] = {}
        for trial in history:
            if not trial.superseded:
                self._trials.setdefault(hash(_curve(trial)), []).append(trial)

    def ended(self, trial: Trial) -> None:
        if not _is_distinctive(trial, max(MIN_LENGTH)):
            return
        if _has_equal_repeats(trial) and _is_distinctive(trial, 2):
            self._warn_of_seeds(f"the repeats of trial {trial.number}")
        curve, own = _curve(trial), key_of(trial.params)
        known = self._trials.setdefault(hash(curve), [])
        equal = [one for one in known if one.number != trial.number and _curve(one) == curve]
        known.append(trial)
        same = next((one for one in equal if one.seed != trial.seed and key_of(one.params) == own), None)
        if same is not None and _is_distinctive(trial, 2):
            self._warn_of_seeds(f"{named(sorted([same.number, trial.number]))}, with the same parameters,")
        others = {key: one for one in equal if (key := key_of(one.params)) != own}
        if others and not self._is_said and _is_distinctive(trial, len(others) + 1):
            self._warn_of_parameters(trial, min(others.values(), key=lambda one: one.number))

    def _warn_of_seeds(self, trainings: str) -> None:
        if not self._is_seed_said:
            self._note(f"warning: {trainings} have different seeds and the same curve to the last digit: {NO_SEED}")
        self._is_seed_said = True

    def _warn_of_parameters(self, trial: Trial, other: Trial) -> None:
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


def _has_equal_repeats(trial: Trial) -> bool:
    """Whether trainer.repeats has trained it with several seeds, and all have reported the same values."""
    groups: dict[tuple[int, str], set[float]] = {}
    repeats = 0
    for report in trial.curve:
        for name, value in report.metrics.items():
            metric, found, number = name.rpartition("_repeat")
            if found and number.isdecimal():
                groups.setdefault((report.step, metric), set()).add(value)
                repeats = max(repeats, int(number))
    return repeats > 1 and all(len(values) == 1 for values in groups.values())


def _is_distinctive(trial: Trial, trials: int) -> bool:
    """Whether it is unlikely that so many trials have an equal curve by chance."""
    values = {value for report in trial.curve for value in _reported(report).values()}
    shortest = MIN_LENGTH[min(trials, max(MIN_LENGTH))]
    return len(values) >= MIN_VALUES and any(len(repr(value)) >= shortest for value in values)
