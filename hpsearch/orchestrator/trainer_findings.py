"""Findings about a trainer while trials train: no checkpoints, parameters that it never reads, equal curves of trials
with different parameters or seeds, its warnings."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from hpsearch.core.decisions import RESTARTS
from hpsearch.core.errors import TrainerError
from hpsearch.core.format import named, quoted
from hpsearch.core.history import History
from hpsearch.core.messages import Reported, Unread
from hpsearch.core.metric_names import is_measured
from hpsearch.core.trial import Report, State, Trial, identical, key_of
from hpsearch.orchestrator.observers import Observer, Turn
from hpsearch.trainer.arguments import head

Finding = tuple[str, str, Trial | None]
"""Kind and reason of a decision, and its trial; None for the study."""

MAX_METRIC_NAMES = 5_000
"""The most distinct metrics of one study: each becomes a column of its tables."""

MIN_VALUES: Final = 3
"""The fewest distinct values of a curve. Two trials that learn nothing may both report a constant."""

MIN_LENGTH: Final = {2: 9, 3: 6}
"""The fewest characters of a value of the curve, by the number of trials that have it. Two accuracies over 50 examples
may be equal by chance; losses that a program prints as 0.1234 are hardly equal in three trials."""

NO_SEED: Final = (
    "the trainer does not depend on run.seed (it sets a seed of its own, or draws no random numbers), so several seeds "
    "measure nothing"
)


class TrainerFindings:
    """epochs: maximum of one trial. unused: the parameters that the source of the trainer uses nowhere, such as one
    that is merged into a table and never read from it. error: ends the study; None: there is none."""

    def __init__(self, history: History, epochs: int, unused: Mapping[str, Unread] | None = None):
        self._history, self._epochs, self._is_unsaved, self._is_beyond = history, epochs, False, False
        self._unused = unused or {}
        ended = (trial for trial in history if trial.state is State.COMPLETE)
        self._checked = {name for trial in ended for name in trial.params}
        self._metrics = {name for trial in history for report in trial.curve for name in report.metrics}
        self.error: TrainerError | None = None

    def of(self, trial: Trial, event: Reported, turn: Turn) -> Iterator[Finding]:
        """The findings for a report, to be recorded. They are also added to the turn, for observers."""
        if event.provenance is not None:
            turn.provenance.append((trial.number, event.provenance))
        if event.unsaved and not self._is_unsaved and self._epochs > 1:
            self._is_unsaved, turn.unsaved = True, event.unsaved
            yield from self._unsaved(trial, event.unsaved)
        self._count_metrics(trial, event)
        if warning := self._first_step_beyond(trial, event):
            yield "warning", warning, trial
            turn.warnings.append(warning)
        for note in (*event.notes, *event.warnings):
            yield "note", note, trial
        turn.warnings += event.warnings
        unread = self._unread(trial, event)
        if warning := self._warning(trial, event.ended, unread):
            yield "warning", warning, None
            turn.warnings.append(warning)
            if len(trial.params) == 1 and unread.missing:
                self.error = TrainerError(f"trial {trial.number}: {warning}")

    def _first_step_beyond(self, trial: Trial, event: Reported) -> str:
        """A warning, once, if the first report of a trial is beyond the last epoch: the trainer counts steps."""
        if self._is_beyond or trial.curve or not event.reports or event.reports[0].step <= self._epochs:
            return ""
        self._is_beyond, step, unit = True, event.reports[0].step, self._history.objective.unit
        return (
            f"the first report of trial {trial.number} is of step {step}, and a trial ends at {unit} {self._epochs}: "
            "if the trainer reports steps in place of epochs, write `steps = …` in place of `epochs` in [trainer], "
            "with the number of the last step"
        )

    def _count_metrics(self, trial: Trial, event: Reported) -> None:
        before = len(self._metrics)
        for report in event.reports:
            self._metrics.update(report.metrics)
        if before < len(self._metrics) > MAX_METRIC_NAMES:
            self.error = TrainerError(
                f"trial {trial.number}: the trials of this study have reported {len(self._metrics):,} different "
                f"metrics; the maximum is {MAX_METRIC_NAMES:,}: report sums or means in place of single values, and "
                "use names without changing numbers"
            )

    def _unsaved(self, trial: Trial, why: str) -> Iterator[Finding]:
        """A trial has no checkpoint. In a new study this is recorded, since the plan of later rounds depends on it."""
        if not self._history.restarts:
            is_new = self._history.restarts = self._history.epochs == 0
            yield RESTARTS if is_new else "note", f"trials cannot be continued: {why}", trial

    def _unread(self, trial: Trial, event: Reported) -> Unread:
        """What the trial did not read, and what no trial reads."""
        found = [event.unread] if event.unread is not None else []
        if event.ended:
            unused = [self._unused[name] for name in trial.params if name in self._unused]
            tables = {name for one in found for name in one.names}
            found += [one for one in unused if head(one.names[0]) not in tables]
        names = {name for one in found for name in one.names}
        return Unread(tuple(sorted(names)), tuple(sorted({name for one in found for name in one.missing})))

    def _warning(self, trial: Trial, is_ended: bool, unread: Unread) -> str:
        """A warning for searched parameters that the trainer did not read, once for each parameter of a study."""
        new = [name for name in unread.names if not self._is_checked(name)]
        if is_ended:
            self._checked |= trial.params.keys()
        if not new:
            return ""
        text = f"the trainer never reads {quoted(new)}, so searching {'it' if len(new) == 1 else 'them'} has no effect"
        missing = unread.missing
        return f"{text}; it reads {quoted(missing)}, which the study does not have" if missing else text

    def _is_checked(self, name: str) -> bool:
        """name: as the trainer gets it: of a parameter, of the table with `NAME.lr`, or of the list with `NAME_1`."""
        return name in self._checked or any(
            own.startswith(f"{name}.") or (own.startswith(f"{name}_") and own[len(name) + 1 :].isdecimal())
            for own in self._checked
        )


class EqualCurves(Observer):
    """Warns once per run if two trials have the same values to the last digit, and once if several seeds have: the
    parameters, or the seed, may have no effect on the training. note: is called with the warning."""

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
