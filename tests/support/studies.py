"""Small searches: scripted samplers and pruners, a clock that tests advance, and workers that are lost at given
orders."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hpsearch.core.decisions import Continue, New, Proposal, Resume, Verdict
from hpsearch.core.history import History
from hpsearch.core.messages import Advance, Event, Kill, Lost, Order, Release, Reported, Start
from hpsearch.core.trial import Cause, Objective, Params, State, Trial
from hpsearch.orchestrator.loop import Loop
from hpsearch.orchestrator.observers import Observer
from hpsearch.orchestrator.rules import Rules
from hpsearch.trainer.open_trial import TrainerContext
from hpsearch.workers.pools.base import Pool
from hpsearch.workers.pools.in_process import InProcess
from hpsearch.workers.worker import Setup, Worker
from tests.support.list_recorder import ListRecorder

ROOT = Path(__file__).parents[2]
LOSS = Objective("val_loss", "minimize")
WAITING, RUNNING, PAUSED, COMPLETE, PRUNED, INFEASIBLE, FAILED = State


CONTEXT_FIELDS = ("use", "folder", "options", "objective", "replicates", "trainer_object")


def setup(work: Path, trainer: str = "learner", **changes: Any) -> Setup:
    """A worker's setup for a trainer of `toys`, or for "module:function" of this folder.

    changes: fields of the Setup or of its TrainerContext.
    """
    use = f"tests.support.{trainer if ':' in trainer else f'toys:{trainer}'}"
    own = {name: changes.pop(name) for name in CONTEXT_FIELDS if name in changes}
    context = TrainerContext(**{"use": use, "folder": ROOT, "options": {}, "objective": LOSS, **own})
    return Setup(context, work, "u", **changes)


@dataclass
class ListSampler:
    """Proposes these parameter sets, one after the other. until: maximum epochs of each trial."""

    params: Sequence[Params]
    until: int = 100
    slow: bool = False

    def ask(self, history: History) -> Proposal | None:
        number = len(history)
        if number >= len(self.params):
            return None
        return New(self.params[number], self.until, f"listed {number}")


@dataclass
class RoundsSampler:
    """Trains each parameter set to epoch `first`; when all are paused, resumes the best to epoch `then`."""

    params: Sequence[Params]
    first: int
    then: int
    best: int = 1
    slow: bool = False

    def ask(self, history: History) -> Proposal | None:
        if len(history) < len(self.params):
            return New(self.params[len(history)], self.first, "coarse")
        if any(trial.state.is_active for trial in history):
            return None
        if sum(trial.epoch > self.first for trial in history) >= self.best:
            return None
        paused = [trial for trial in history if trial.state is State.PAUSED and trial.epoch <= self.first]
        best = min(paused, key=history.loss, default=None)
        return None if best is None else Resume(best.number, self.then, "the best", round=2)


@dataclass(frozen=True)
class ScriptedPruner:
    """Returns the given verdict at (trial number, epoch), else Continue."""

    verdicts: dict[tuple[int, int], Verdict] = field(default_factory=dict)

    def judge(self, trial: Trial, history: History) -> Verdict:
        assert history[trial.number] is trial
        return self.verdicts.get((trial.number, trial.epoch), Continue())


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


class UnreliablePool:
    """A pool whose workers are lost or hang at an order if `fate` returns so; otherwise as `inside`.

    fate: (order, number of earlier orders for that trial) -> "" | "hang" | "memory" | "outside" (see Lost) | why the
    worker is lost. If there are no events, the clock advances by the timeout. A killed worker is replaced at the next
    call of `events`.
    """

    def __init__(self, inside: Pool, fate: Callable[[Start | Advance, int], str], clock: Clock | None = None):
        self._inside, self._fate, self._clock = inside, fate, clock or Clock()
        self._lost: list[Lost] = []
        self._hung: set[int] = set()
        self._coming = 0
        self._orders: dict[int, int] = {}
        self.executed: list[Order] = []

    @property
    def room(self) -> int:
        return self._inside.room - len(self._hung) - self._coming

    def room_after(self, released: int) -> int:
        return self.room + released

    def execute(self, order: Order) -> None:
        self.executed.append(order)
        match order:
            case Start() | Advance():
                assert self.room > 0 or isinstance(order, Advance), f"{order} and no worker is free"
                self._train(order)
            case Kill(number):
                self._coming += 1
                if number in self._hung:
                    self._hung.remove(number)
                else:
                    self._inside.execute(order)
            case Release():
                self._inside.execute(order)

    def _train(self, order: Start | Advance) -> None:
        before = self._orders.get(order.number, 0)
        self._orders[order.number] = before + 1
        fate = self._fate(order, before)
        if isinstance(order, Start) and fate != "hang":
            self._inside.execute(order)
        if fate:
            if isinstance(order, Advance) or fate != "hang":
                self._inside.execute(Kill(order.number))
            if fate == "hang":
                self._hung.add(order.number)
            else:
                cause = Cause.OUT_OF_MEMORY if fate == "memory" else Cause.WORKER_LOST
                self._lost.append(Lost(order.number, fate, cause=cause, outside=fate == "outside"))
        elif isinstance(order, Advance):
            self._inside.execute(order)

    def events(self, timeout: float) -> Sequence[Event]:
        lost, self._lost, self._coming = self._lost, [], 0
        events = [*lost, *self._inside.events(timeout)]
        if not events:
            self._clock.now += timeout
        return events

    def close(self) -> None:
        self._inside.close()


class SlowPool:
    """A pool in which every report takes `seconds`."""

    def __init__(self, inside: Pool, seconds: float):
        self._inside, self._seconds = inside, seconds
        self.execute, self.close = inside.execute, inside.close

    @property
    def room(self) -> int:
        return self._inside.room

    def room_after(self, released: int) -> int:
        return self.room + released

    def events(self, timeout: float) -> Sequence[Event]:
        return [
            replace(event, seconds=self._seconds) if isinstance(event, Reported) else event
            for event in self._inside.events(timeout)
        ]


class EachTurn(Observer):
    """Calls `act` after every turn of a loop."""

    loop: Loop

    def __init__(self, act: Callable[[Loop], object]):
        self._act = act

    def turn_ended(self, history: History, running: Collection[int]) -> None:
        assert (history, running) == (self.loop.history, self.loop.running)
        self._act(self.loop)


class RecordingObserver(Observer):
    """calls: (callback, trial, other arguments), without `turn_ended`."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Trial, Any]] = []

    def trial_started(self, trial: Trial, notes: Sequence[str]) -> None:
        self.calls.append(("trial_started", trial, notes))

    def reported(self, trial: Trial) -> None:
        self.calls.append(("reported", trial, trial.curve[-1].step))

    def judged(self, trial: Trial, verdict: Verdict) -> None:
        self.calls.append(("judged", trial, verdict))

    def ended(self, trial: Trial) -> None:
        self.calls.append(("ended", trial, trial.state))


class Search:
    """A study in a folder, with simple defaults. `run` runs it; `reopened` continues it as a new process would."""

    def __init__(self, folder: Path, sampler: Any, trainer: str = "learner", *, workers: int = 1, **rules: Any):
        self.folder, self.sampler, self.workers = folder, sampler, workers
        self.setup = setup(folder, trainer)
        self.rules = Rules(**{"seed": 7, "epochs": 5, **rules})
        self.pruner: Any = ScriptedPruner()
        self.early_stopping: Any = ScriptedPruner()
        self.clock = Clock()
        self.recorder = ListRecorder()
        self.pool: Pool = InProcess(self.setup, workers)
        Worker(self.setup).check({})

    def loop(self, **changes: Any) -> Loop:
        return Loop(
            self.rules,
            self.sampler,
            self.pruner,
            self.early_stopping,
            self.pool,
            self.recorder,
            self.recorder.history(self.setup.trainer.objective),
            **{"clock": self.clock, "wall": lambda: 5.0, **changes},
        )

    def run(self, act: Callable[[Loop], object] | None = None, **changes: Any) -> Loop:
        """act: called after every turn."""
        observers = [EachTurn(act)] if act else changes.pop("observers", ())
        loop = self.loop(observers=observers, **changes)
        for one in observers:
            one.loop = loop
        loop.run()
        return loop

    def reopened(self) -> "Search":
        """A search that continues from the recorder and the files of this one."""
        self.pool.close()
        self.pool = InProcess(self.setup, self.workers)
        self.recorder = ListRecorder(self.recorder)
        return self
