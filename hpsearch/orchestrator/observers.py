"""Observers of the loop, and the turn that they are shown: notes for the user, the tracker, the record of rounds."""

from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from hpsearch.core.decisions import Decision, Verdict
from hpsearch.core.errors import JournalUnavailable
from hpsearch.core.history import History
from hpsearch.core.messages import Order, Provenance
from hpsearch.core.trial import EPOCH, Report, Trial
from hpsearch.orchestrator.held_study import HeldStudy
from hpsearch.orchestrator.run_result import RunResult
from hpsearch.records.preflight_record import keep
from hpsearch.samplers.base import Sampler, SearchesInRounds
from hpsearch.samplers.recipe import history_of_rounds
from hpsearch.study.definition import Study
from hpsearch.tracking.base import Sync, Tracker


class Observer:
    """Callbacks of the loop. They are called after the event was recorded, on the loop's thread, so they must return
    quickly. Here they do nothing; a subclass overrides those that it needs.
    """

    def study_started(self, study: Study) -> None:
        """A run begins; the workers are started next."""

    def retried(self, count: int) -> None:
        """count: the number of failures, in all runs of the study, after which a trial was or will be tried again."""

    def unsaved(self, why: str) -> None:
        """Trials of this trainer have no checkpoints. Called once per run, for the first trial without one."""

    def warned(self, text: str) -> None:
        """A warning about the trainer that was found while a trial trained."""

    def trial_started(self, trial: Trial, notes: Sequence[str]) -> None:
        """A worker starts it. notes: decisions about the whole search that were made with it."""

    def reported(self, trial: Trial) -> None:
        """Its curve has a new last epoch."""

    def judged(self, trial: Trial, verdict: Verdict) -> None:
        """The verdict on its last report."""

    def ended(self, trial: Trial) -> None:
        """It is COMPLETE, PRUNED, INFEASIBLE, FAILED or PAUSED."""

    def turn_ended(self, history: History, running: Collection[int]) -> None:
        """Called several times a second, after decisions are recorded and carried out. running: trials on workers."""

    def study_ended(self, result: RunResult) -> None:
        """The run has ended, for any reason."""

    def show_line(self, text: str) -> None:
        """Show a line to the user permanently."""


@dataclass
class Turn:
    """The decisions of one turn. They are recorded, then carried out, then shown.

    unsaved: why trials of this trainer have no checkpoints, if it was found in this turn. warnings: about the trainer.
    """

    trials: dict[int, Trial] = field(default_factory=dict)
    reports: list[tuple[int, Report]] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    provenance: list[tuple[int, Provenance]] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    judged: list[tuple[Trial, Verdict]] = field(default_factory=list)
    ended: list[Trial] = field(default_factory=list)
    started: list[tuple[Trial, tuple[str, ...]]] = field(default_factory=list)
    unsaved: str = ""
    warnings: list[str] = field(default_factory=list)

    def show(self, observers: Sequence[Observer]) -> None:
        """Notify the observers, after the decisions were recorded and carried out."""
        for one in observers if self.unsaved else ():
            one.unsaved(self.unsaved)
        for warning in self.warnings:
            for one in observers:
                one.warned(warning)
        for trial, verdict in self.judged:
            for one in observers:
                one.reported(trial)
                one.judged(trial, verdict)
        for trial in self.ended:
            for one in observers:
                one.ended(trial)
        for trial, notes in self.started:
            for one in observers:
                one.trial_started(trial, notes)


class Notes(Observer):
    """Lines for the user. A signal handler or another thread may add one; it is shown after the next turn.

    resumes: whether this run may resume trials, so that missing checkpoints make it longer. unit: see `Objective.unit`.
    """

    def __init__(self, say: Callable[[str], None]):
        self._say, self.resumes, self.unit = say, True, EPOCH
        self._left: deque[str] = deque()
        self.add = self._left.append
        self._warned = set[str]()

    def unsaved(self, why: str) -> None:
        cannot, again = f"trials of this trainer cannot be continued: {why}", f"trains again from {self.unit} 1"
        if not self.resumes:
            self.add(f"note: {cannot}. An interrupted trial (after Ctrl-C) {again}")
            return
        self.add(
            f"warning: {cannot}. A resumed trial (after Ctrl-C, after a lost worker, in a later round) {again}, and "
            f"the repeated {self.unit}s count in limits"
        )

    def warned(self, text: str) -> None:
        """Shown once: several trials may have the same."""
        if text not in self._warned:
            self._warned.add(text)
            self.add(f"warning: {text}")

    def turn_ended(self, history: History, running: Collection[int]) -> None:  # noqa: ARG002
        self.show_all()

    def show_all(self) -> None:
        while self._left:
            self._say(self._left.popleft())


class Tracking(Observer):
    """Starts the tracker with the first result, so that a study that fails earlier is not in MLflow.

    Only its first problem is shown while the study runs; the number of unsent events is reported at the end.
    """

    def __init__(self, note: Callable[[str], None]):
        self._note = note
        self._noted = False
        self._started: Tracker | None = None
        self.tracker: Tracker | None = None

    def note(self, problem: str) -> None:
        if not self._noted:
            self._note(f"note: {problem}")
        self._noted = True

    def turn_ended(self, history: History, running: Collection[int]) -> None:  # noqa: ARG002
        self.follow(history)
        if self._started is not None and self._started.problem:
            self.note(self._started.problem)

    def follow(self, history: History) -> None:
        if self._started is None and self.tracker is not None and has_results(history):
            self._started = self.tracker
            self._started.start()

    def close(self, timeout: float) -> Sync:
        if self._started is None:
            return Sync(0, 0)
        try:
            return self._started.close(timeout)
        except KeyboardInterrupt:
            return self._started.close(0.0)


def has_results(history: History) -> bool:
    return history.epochs > 0 or history.ended > 0


class RoundsRecord(Observer):
    """Records the rounds of a search in the journal at the start of each round."""

    def __init__(self, held: HeldStudy, sampler: Sampler, history: History, note: Callable[[str], None]):
        self._held, self._sampler, self._history, self._note = held, sampler, history, note

    def trial_started(self, trial: Trial, notes: Sequence[str]) -> None:  # noqa: ARG002
        if notes:
            documents = self._record("").get(history_of_rounds.KIND)
            for line in history_of_rounds.outline(documents["rounds"][-1]) if documents else notes:
                self._note(line)

    def end(self, over: str) -> None:
        """Record and draw the rounds (about 1 s). over: why no further round follows."""
        if documents := self._record(over):
            keep(self._held.folder, documents)

    def _record(self, over: str) -> Mapping[str, Any]:
        """The documents by kind; none for a search without rounds. Not written while the database is unavailable."""
        if not isinstance(self._sampler, SearchesInRounds) or len(self._history.of_search) == 0:
            return {}
        documents = {history_of_rounds.KIND: history_of_rounds.document(self._sampler, self._history.of_search, over)}
        with suppress(JournalUnavailable):
            self._held.put_documents(documents)
        return documents
