"""The pool of ask and tell: the caller's code trains the trials, and its calls become events."""

import math
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hpsearch.core.folders import make_private
from hpsearch.core.messages import Advance, Event, Failure, Kill, Order, Provenance, Release, Reported, Start
from hpsearch.core.trial import Params, Report, State


class AskedTrial:
    """One trial that `Session.ask` returned.

    number: from 0. params: the sampled parameters and the trainer's options. seed: for `random`, NumPy and torch.
    epochs: the epochs to train, from 1; for a resumed trial, from the first unreported one.
    epoch: the last reported epoch, 0 before the first.
    state, reason: RUNNING and "" during training; then the state in which it ended or was paused, and why.
    end_was_returned: `report` has returned False for it. is_finished: the caller has finished or failed it.
    """

    def __init__(self, start: Start, options: Params, folder: Path, caller: "AskAndTell"):
        self.caller = caller
        self.number, self.seed = start.number, start.seed
        self.params = {**options, **start.params}
        self.epochs = range(start.after + 1, start.epochs + 1)
        self.epoch = start.after
        self.state, self.reason = State.RUNNING, ""
        self.end_was_returned = self.is_finished = False
        self._folder = folder

    @property
    def scratch_dir(self) -> Path:
        """This trial's folder, kept between runs: for the files that the caller needs to resume it."""
        make_private(self._folder)
        return self._folder

    def __repr__(self) -> str:
        return f"<trial {self.number}, {self.state}: {self.params}>"


class Ask:
    """A request for a trial. trial: None until one is assigned."""

    trial: AskedTrial | None = None


class AskAndTell:
    """Each pending `Ask` is a free worker. Not thread-safe: `Session` holds a lock.

    work: the folder of the study. options: the trainer's. environment: returns the environment of this process; called
    once, at the first report. workers: the maximum number of trials in parallel; None: no maximum.
    running_elsewhere: how many trials of the study other programs train.
    A killed trial is released at once; its next `report` returns False.
    """

    def __init__(
        self, work: Path, options: Params, environment: Callable[[], Mapping[str, Any]], workers: int | None = None
    ):
        self._work, self._options, self._describe = work, options, environment
        self._most = math.inf if workers is None else workers
        self.running_elsewhere = 0
        self._asks: deque[Ask] = deque()
        self._running: dict[int, AskedTrial] = {}
        self._since: dict[int, float] = {}
        self._events: list[Event] = []
        self._environment: Mapping[str, Any] | None = None
        self._described: set[int] = set()
        self.released: list[AskedTrial] = []
        """Released trials; `Session` sets their state and reason."""

    # Called by the loop ─────────────────────────────────────────────────────────────────────────

    @property
    def room(self) -> int:
        return self.room_after(0)

    def room_after(self, released: int) -> int:
        """The pending requests, up to `workers` trials in parallel: a released trial is no new request."""
        return int(max(0, min(len(self._asks), self._most - len(self._running) - self.running_elsewhere + released)))

    def execute(self, order: Order) -> None:
        match order:
            case Start(number):
                trial = AskedTrial(order, self._options, self._work / "scratch" / f"{number:05d}", self)
                self._running[number], self._since[number] = trial, time.perf_counter()
                self._asks.popleft().trial = trial
            case Advance(number):
                self._since[number] = time.perf_counter()
            case Release(number) | Kill(number) if number in self._running:
                self._release(number)

    def events(self, timeout: float) -> Sequence[Event]:  # noqa: ARG002
        """The events since the last call. It does not wait: events come from calls of the caller."""
        events, self._events = self._events, []
        return events

    def close(self) -> None:
        self._events.clear()
        for number in list(self._running):
            self._release(number)

    def _release(self, number: int) -> None:
        self.released.append(self._running.pop(number))
        self._described.discard(number)

    # Called by the Session ──────────────────────────────────────────────────────────────────────

    def ask(self) -> Ask:
        self._asks.append(ask := Ask())
        return ask

    def cancel(self, ask: Ask) -> None:
        """Cancel a request; no effect where it has its trial already."""
        if ask in self._asks:
            self._asks.remove(ask)

    @property
    def running(self) -> Mapping[int, AskedTrial]:
        """The running trials by number."""
        return self._running

    def add_events(self, events: Sequence[Event]) -> None:
        """Append events that `events` returns next."""
        self._events += events

    def owns(self, trial: AskedTrial) -> bool:
        """Whether this pool has started the trial."""
        return trial.caller is self

    def is_running(self, trial: AskedTrial) -> bool:
        return self._running.get(trial.number) is trial

    def report(self, trial: AskedTrial, report: Report) -> None:
        """Add the next epoch's report of a running trial."""
        provenance = None
        if trial.number not in self._described:
            self._described.add(trial.number)
            self._environment = self._environment or self._describe()
            provenance = Provenance(trial.epoch, self._environment, {})
        trial.epoch = report.step
        self._events.append(Reported(trial.number, (report,), seconds=self._seconds(trial), provenance=provenance))

    def finish(self, trial: AskedTrial) -> None:
        """End a running trial before its last epoch."""
        self._events.append(Reported(trial.number, ended=True, seconds=self._seconds(trial)))

    def fail(self, trial: AskedTrial, failure: Failure) -> None:
        self._events.append(Reported(trial.number, failure=failure, seconds=self._seconds(trial)))
        self._release(trial.number)

    def _seconds(self, trial: AskedTrial) -> float:
        return time.perf_counter() - self._since[trial.number]
