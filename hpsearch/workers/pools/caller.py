"""Trials that the caller's own code trains (ask and tell): an order is handed to it, what it calls becomes an event."""

import math
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hpsearch.core.messages import Advance, Event, Failure, Kill, Order, Provenance, Release, Reported, Start
from hpsearch.core.trial import Params, Report, State


class AskedTrial:
    """One trial that `Session.ask` returned.

    number: from 0. params: with the trainer's options. seed: what to seed `random`, NumPy and torch with.
    epochs: those to train, from 1; of a trial that is resumed, from the one after the last that was reported.
    epoch: the last that was reported, 0 before the first.
    state, reason: RUNNING and "" while it is trained; then the state in which it ended or was paused, and why.
    is_known_to_have_ended: a call has returned this to its caller. is_finished: the caller has ended it.
    """

    def __init__(self, start: Start, options: Params, folder: Path, caller: "Caller"):
        self.caller = caller
        self.number, self.seed = start.number, start.seed
        self.params = {**options, **start.params}
        self.epochs = range(start.after + 1, start.epochs + 1)
        self.epoch = start.after
        self.state, self.reason = State.RUNNING, ""
        self.is_known_to_have_ended = self.is_finished = False
        self._folder = folder

    @property
    def scratch_dir(self) -> Path:
        """A folder of this trial's own that lasts: the place for what the caller needs to resume it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder

    def __repr__(self) -> str:
        return f"<trial {self.number}, {self.state}: {self.params}>"


class Ask:
    """A request for a trial. trial: None until there is one."""

    trial: AskedTrial | None = None


class Caller:
    """Its workers are the callers that wait with an `Ask`. For one thread at a time: `Session` sees to that.

    work: the folder of the study. options: the trainer's. environment: in which this process trains; called once, with
    the first report. workers: the most trials at once; None: as many as are asked for.
    elsewhere: how many trials of the study other programs train.
    A trial that is killed is let go at once; its caller finds that out with its next report.
    """

    def __init__(
        self, work: Path, options: Params, environment: Callable[[], Mapping[str, Any]], workers: int | None = None
    ):
        self._work, self._options, self._describe = work, options, environment
        self._most = math.inf if workers is None else workers
        self.elsewhere = 0
        self._asks: deque[Ask] = deque()
        self._running: dict[int, AskedTrial] = {}
        self._since: dict[int, float] = {}
        self._events: list[Event] = []
        self._environment: Mapping[str, Any] | None = None
        self._described: set[int] = set()
        self.let_go: list[AskedTrial] = []
        """Those whose state and reason are to be filled in."""

    # What the loop does ─────────────────────────────────────────────────────────────────────────

    @property
    def room(self) -> int:
        return self.room_after(0)

    def room_after(self, released: int) -> int:
        """Those who wait, as far as so many may train at once: who lets a trial go does not yet ask for another."""
        return int(max(0, min(len(self._asks), self._most - len(self._running) - self.elsewhere + released)))

    def do(self, order: Order) -> None:
        match order:
            case Start(number):
                trial = AskedTrial(order, self._options, self._work / "scratch" / f"{number:05d}", self)
                self._running[number], self._since[number] = trial, time.perf_counter()
                self._asks.popleft().trial = trial
            case Advance(number):
                self._since[number] = time.perf_counter()
            case Release(number) | Kill(number) if number in self._running:
                self._let_go(number)

    def events(self, timeout: float) -> Sequence[Event]:  # noqa: ARG002
        """What was put since the last call; there is nothing to wait for."""
        events, self._events = self._events, []
        return events

    def close(self) -> None:
        self._events.clear()
        for number in list(self._running):
            self._let_go(number)

    def _let_go(self, number: int) -> None:
        self.let_go.append(self._running.pop(number))
        self._described.discard(number)

    # What the caller does ───────────────────────────────────────────────────────────────────────

    def ask(self) -> Ask:
        self._asks.append(ask := Ask())
        return ask

    def withdraw(self, ask: Ask) -> None:
        """It waits no longer; without effect where it has its trial."""
        if ask in self._asks:
            self._asks.remove(ask)

    @property
    def running(self) -> Mapping[int, AskedTrial]:
        """By number."""
        return self._running

    def put(self, events: Sequence[Event]) -> None:
        """They happened next."""
        self._events += events

    def knows(self, trial: AskedTrial) -> bool:
        """Whether it was given out here, now or before."""
        return trial.caller is self

    def is_running(self, trial: AskedTrial) -> bool:
        return self._running.get(trial.number) is trial

    def report(self, trial: AskedTrial, report: Report) -> None:
        """The next epoch of a trial that is running."""
        came = None
        if trial.number not in self._described:
            self._described.add(trial.number)
            self._environment = self._environment or self._describe()
            came = Provenance(trial.epoch, self._environment, {})
        trial.epoch = report.step
        self._events.append(Reported(trial.number, (report,), seconds=self._seconds(trial), provenance=came))

    def finish(self, trial: AskedTrial) -> None:
        """A trial that is running has come to its end before its last epoch."""
        self._events.append(Reported(trial.number, ended=True, seconds=self._seconds(trial)))

    def fail(self, trial: AskedTrial, failure: Failure) -> None:
        self._events.append(Reported(trial.number, failure=failure, seconds=self._seconds(trial)))
        self._let_go(trial.number)

    def _seconds(self, trial: AskedTrial) -> float:
        return time.perf_counter() - self._since[trial.number]
