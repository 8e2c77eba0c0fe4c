"""Findings about a trainer while trials train: no checkpoints, parameters that it never reads, its warnings."""

from collections.abc import Iterator, Mapping

from hpsearch.core.decisions import RESTARTS
from hpsearch.core.errors import TrainerError
from hpsearch.core.format import quoted
from hpsearch.core.history import History
from hpsearch.core.messages import Reported, Unread
from hpsearch.core.trial import State, Trial
from hpsearch.orchestrator.turn import Turn
from hpsearch.trainer.arguments import head

Finding = tuple[str, str, Trial | None]
"""Kind and reason of a decision, and its trial; None for the study."""

MAX_METRIC_NAMES = 5_000
"""The most distinct metrics of one study: each becomes a column of its tables."""


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
