"""What a run does beside its loop, each an observer of it."""

from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any

from hpsearch.core.errors import JournalAway
from hpsearch.core.history import History
from hpsearch.core.trial import Trial
from hpsearch.orchestrator.held_study import HeldStudy
from hpsearch.orchestrator.observer import Observer
from hpsearch.records.preflight_record import keep
from hpsearch.samplers.base import Sampler
from hpsearch.samplers.recipe import history_of_rounds
from hpsearch.tracking.base import Sync, Tracker


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
        """By kind. Where the database is away they are recorded when the next round begins."""
        document = history_of_rounds.document(self._sampler, self._history, over)
        told = {} if document is None else {history_of_rounds.KIND: document}
        with suppress(JournalAway):
            self._held.put_documents(told)
        return told
