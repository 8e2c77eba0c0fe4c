"""Who watches a study run, and what a run does beside its loop, each an observer of it."""

from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any

from hpsearch.core.decisions import Verdict
from hpsearch.core.errors import JournalUnavailable
from hpsearch.core.history import History
from hpsearch.core.trial import Trial
from hpsearch.orchestrator.held_study import HeldStudy
from hpsearch.orchestrator.run_result import RunResult
from hpsearch.records.preflight_record import keep
from hpsearch.samplers.base import Sampler, SearchesInRounds
from hpsearch.samplers.recipe import history_of_rounds
from hpsearch.study.definition import Study
from hpsearch.tracking.base import Sync, Tracker


class Observer:
    """Learns what was done when it is in the journal, on the thread of the loop, so it must return soon.

    A subclass has the callbacks that it needs; the others do nothing, so this one watches in silence.
    """

    def study_started(self, study: Study) -> None:
        """A run of it begins: its workers are started next."""

    def retried(self, count: int) -> None:
        """So many failures, of all runs of the study, were no end: the trial is tried again, or was."""

    def trial_started(self, trial: Trial, notes: Sequence[str]) -> None:
        """It is given to a worker. notes: what was decided with it about the search as a whole."""

    def reported(self, trial: Trial) -> None:
        """One epoch more is on its curve: the last one."""

    def judged(self, trial: Trial, verdict: Verdict) -> None:
        """What follows from its last report."""

    def ended(self, trial: Trial) -> None:
        """It is COMPLETE, PRUNED, FAILED or PAUSED."""

    def turn_ended(self, history: History, running: Collection[int]) -> None:
        """All that was decided is recorded and done; several times a second. running: trials that are on a worker."""

    def study_ended(self, result: RunResult) -> None:
        """The run is at its end, whatever ended it."""

    def say(self, text: str) -> None:
        """A line for the user that stays."""


class Notes(Observer):
    """Lines for the user, which a signal handler or another thread may add at any time; said after the next turn."""

    def __init__(self, say: Callable[[str], None]):
        self._say = say
        self._left: deque[str] = deque()
        self.add = self._left.append

    def turn_ended(self, history: History, running: Collection[int]) -> None:  # noqa: ARG002
        self.say_all()

    def say_all(self) -> None:
        while self._left:
            self._say(self._left.popleft())


class Tracking(Observer):
    """The tracker, started when there is something to show: what is found wrong before leaves no trace in MLflow.

    Of its problems the user is told once, however often they come and go; what is left to do is said at the end.
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
    """Keeps the story of a search in rounds in the journal, up to date with every round that begins."""

    def __init__(self, held: HeldStudy, sampler: Sampler, history: History, note: Callable[[str], None]):
        self._held, self._sampler, self._history, self._note = held, sampler, history, note

    def trial_started(self, trial: Trial, notes: Sequence[str]) -> None:  # noqa: ARG002
        if notes:
            told = self._record("").get(history_of_rounds.KIND)
            for line in history_of_rounds.outline(told["rounds"][-1]) if told else notes:
                self._note(line)

    def end(self, over: str) -> None:
        """Now they are drawn too, which takes a second, and nobody waits for that any more. over: why none follows."""
        if told := self._record(over):
            keep(self._held.folder, told)

    def _record(self, over: str) -> Mapping[str, Any]:
        """By kind; nothing of a search without rounds. Where the database is away: when the next round begins."""
        if not isinstance(self._sampler, SearchesInRounds) or len(self._history) == 0:
            return {}
        told = {history_of_rounds.KIND: history_of_rounds.document(self._sampler, self._history, over)}
        with suppress(JournalUnavailable):
            self._held.put_documents(told)
        return told
