"""Trials on Ray: one long-lived actor a worker, with torch already imported.

Measured (2 cores, Ray 2.60): a call to an actor and back takes 0.7 ms; `ray.tune.Tuner` starts 22 trials a second.
"""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import ray
from ray.exceptions import OutOfMemoryError, RayError, RayTaskError

from hpsearch.core.errors import HpsearchError, PoolError
from hpsearch.core.messages import Advance, Event, Kill, Lost, Order, Release, Reported, Start
from hpsearch.core.trial import Cause, Params
from hpsearch.trainer.open_trial import Measurement, Result
from hpsearch.workers.isolation.isolated_worker import MEASUREMENT, IsolatedWorker
from hpsearch.workers.pools.ray import reaper
from hpsearch.workers.pools.ray.cluster import AGAIN, Cluster, RaySession
from hpsearch.workers.pools.ray.fit import fitting
from hpsearch.workers.pools.ray.packages import pickled
from hpsearch.workers.worker import Setup, Worker

STARTUP = 120.0
"""Seconds for a worker to come up, its imports included, where none is up."""

WITHHELD = 1.0
"""Seconds until a lost worker is reported. A Ray that is dying ends its workers first (within 0.3 s on a busy machine),
and that costs no trial one of its `limits.retries`."""

OVERTIME = 60.0
"""Seconds that a measurement may take beyond its own: it looks at the clock between two steps of a training."""

KILL = "kill"
"""The concurrency group of an actor's method that ends its trial while another of its methods waits for that trial."""

KILL_SECONDS = 10.0
"""Within these a worker ends its trial's process; else the worker is replaced."""


@dataclass
class _Slot:
    """One actor: `pending` is the call it is busy with; `number` its trial, None while it starts or is free.

    process: that of the actor, where it is one of this machine and Ray is ours. killed_at: when its trial was killed
    whose call is still pending (time.monotonic).
    """

    actor: Any
    pending: Any = None
    number: int | None = None
    process: reaper.Process | None = None
    killed_at: float | None = None

    @property
    def is_free(self) -> bool:
        return self.pending is None and self.number is None

    @property
    def is_starting(self) -> bool:
        return self.pending is not None and self.number is None


@dataclass
class RayActors:
    """A pool on Ray. Made, it has at least one worker that is up and has tried the trainer (`Worker.check`).

    Raises ResourcesError for what the cluster can never give, TrainerError for a trainer that cannot be used, PoolError
    where Ray itself does not come up.
    """

    setup: Setup
    cluster: Cluster
    example: Params
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._slots: list[_Slot] = []
        self.why_lost = ""
        self._problem: Exception | None = None
        self._withheld: list[tuple[float, Lost]] = []
        self.setup = replace(self.setup, trainer=pickled(self.setup.trainer))
        self._session = RaySession(self.cluster, self.setup.trainer)
        self._last_up = time.monotonic()
        try:
            self._actors = self._actor_class()
            count, note = fitting(self.cluster, self._session.nodes())
            self.notes += [note] if note else []
            for _ in range(count):
                slot = _Slot(None)
                self._start_worker(slot)
                self._slots.append(slot)
            self._await_first()
        except BaseException:
            self.close()
            raise

    @property
    def room(self) -> int:
        return sum(slot.is_free for slot in self._slots)

    def room_after(self, released: int) -> int:
        return self.room + released

    def do(self, order: Order) -> None:
        match order:
            case Start():
                slot = next(slot for slot in self._slots if slot.is_free)
                slot.number = order.number
                slot.pending = slot.actor.start.remote(order)
            case Advance():
                slot = self._slot(order.number)
                slot.pending = slot.actor.advance.remote()
            case Release():
                slot = self._slot(order.number)
                slot.number = None
                slot.actor.release.remote(order.over, order.epoch)
            case Kill(number) if any(lost.number == number for _, lost in self._withheld):
                self._withheld = [(since, lost) for since, lost in self._withheld if lost.number != number]
            case Kill():
                self._kill(self._slot(order.number))

    def events(self, timeout: float) -> Sequence[Event]:
        """PoolError where Ray has died, and whatever a worker raised; after the other events that came with it."""
        if self._problem is not None:
            raise self._problem
        self._session.check()
        self._check_that_some_are_up()
        self._replace_unresponsive()
        pending = {slot.pending: slot for slot in self._slots if slot.pending is not None}
        if not pending:
            time.sleep(min(timeout, 0.05))
        news: list[Event] = []
        for call in self._wait(list(pending), timeout) if pending else []:
            try:
                event = self._result(pending[call])
            except (HpsearchError, OSError) as problem:
                self._problem = self._problem or problem
                continue
            news += [event] if event is not None else []
        news = self._without_recently_lost(news)
        if self._problem is not None and not news:
            raise self._problem
        return news

    def measure(self, measurement: Measurement[Result]) -> Result | Lost:
        self._await_first()  # the measurement before may have cost the only worker
        slot = next(slot for slot in self._slots if slot.is_free)
        slot.number = MEASUREMENT
        call = slot.actor.measure.remote(measurement)
        deadline = time.monotonic() + measurement.seconds + OVERTIME
        try:
            while not self._wait([call], 0.5):
                self._session.check()
                if time.monotonic() > deadline:
                    self._replace(slot)
                    return Lost(MEASUREMENT, f"it did not end within {measurement.seconds:g} s")
            result: Result | Lost = ray.get(call)
        except RayTaskError as problem:
            raise _raised_by_worker(problem) from None
        except RayError as problem:
            return self._lost(slot, problem) or Lost(MEASUREMENT, self.why_lost)
        self._last_up = time.monotonic()
        slot.number = None
        return result

    def close(self) -> None:
        for slot in self._slots if self._session.answers else ():
            with suppress(RayError, ConnectionError):
                ray.kill(slot.actor)
        self._slots = []
        self._session.close()

    # Inside ─────────────────────────────────────────────────────────────────────────────────────

    def _slot(self, number: int) -> _Slot:
        return next(slot for slot in self._slots if slot.number == number)

    def _actor_class(self) -> Any:
        """Made once: the first actor of a class waits for the GCS, which may be down when a worker is replaced."""
        own = self.cluster
        needs = {"num_cpus": own.cpus, "num_gpus": own.gpus, "memory": own.memory, "max_restarts": 0}
        if self.setup.isolated:
            grouped: Any = {"concurrency_groups": {KILL: 1}}  # which Ray's own types do not have
            return ray.remote(**grouped)(IsolatedWorker).options(**needs)
        return ray.remote(Worker).options(**needs)

    def _start_worker(self, slot: _Slot) -> None:
        """Put a new actor into the slot; it is free once it has tried the trainer."""
        slot.actor = self._actors.remote(replace(self.setup, ahead=True))
        slot.number = slot.process = slot.killed_at = None
        slot.actor.warm_up.remote()
        slot.pending = slot.actor.check.remote(self.example)

    def _wait(self, calls: list[Any], timeout: float) -> list[Any]:
        """Those that have come to an end, within `timeout` seconds for the first."""
        try:
            ready, _ = ray.wait(calls, num_returns=1, timeout=timeout)
            if ready and len(calls) > 1:
                ready, _ = ray.wait(calls, num_returns=len(calls), timeout=0)
        except ConnectionError as problem:  # of a `ray://` address
            raise PoolError(f"{self.cluster.place} is no longer reachable ({problem}): {AGAIN}") from None
        return list(ready)

    def _without_recently_lost(self, news: list[Event]) -> list[Event]:
        """Trials of lost workers are reported once Ray has outlived them for a while."""
        now, held = time.monotonic(), WITHHELD if self.cluster.address == "local" else 0.0
        due: list[Event] = [lost for since, lost in self._withheld if now - since >= held]
        self._withheld = [(since, lost) for since, lost in self._withheld if now - since < held]
        if due:
            try:
                self._session.check(at_once=True)
            except PoolError as problem:
                self._problem, due = self._problem or problem, []
        return news + due

    def _result(self, slot: _Slot) -> Event | None:
        """What the slot's call returned: an event of its trial; None for a worker that has just become free."""
        call, slot.pending = slot.pending, None
        try:
            came: Reported | Lost | int = ray.get(call, timeout=60)
        except RayTaskError as problem:
            raise _raised_by_worker(problem) from None
        except RayError as problem:
            lost = self._lost(slot, problem)
            self._withheld += [] if lost is None else [(time.monotonic(), lost)]
            return None
        self._last_up = time.monotonic()
        if isinstance(came, int):
            slot.process = self._session.watch(came)
            return None
        if slot.killed_at is not None:  # its trial was killed; one that had just reported has ended by now or ends here
            slot.killed_at = None
            self._kill_trial(slot)
            return None
        if isinstance(came, Lost) or came.failure:
            slot.number = None
        return came

    def _lost(self, slot: _Slot, problem: Exception) -> Lost | None:
        """Its worker is gone, and another is on its way. PoolError where Ray itself is."""
        number, fatal = slot.number, self._session.fatal_error(slot.process)
        self.why_lost, cause = why_lost(problem, fatal, self._session.kernel_ended_some())
        self._session.check(at_once=True)
        self._replace(slot)
        return None if number is None else Lost(number, self.why_lost, fatal, cause)

    def _kill(self, slot: _Slot) -> None:
        """Its trial's process where it has one, and the worker trains the next trial; else the worker."""
        if not self.setup.isolated:
            self._replace(slot)
            return
        self._kill_trial(slot)
        slot.number = None
        if slot.pending is not None:
            slot.killed_at = time.monotonic()

    def _kill_trial(self, slot: _Slot) -> None:
        slot.actor.kill.options(concurrency_group=KILL).remote()

    def _replace_unresponsive(self) -> None:
        """Workers that did not end their trial as ordered: they may be stopped, or their node cut off."""
        for slot in self._slots:
            if slot.killed_at is not None and time.monotonic() - slot.killed_at > KILL_SECONDS:
                self._replace(slot)

    def _replace(self, slot: _Slot) -> None:
        if slot.process is not None:
            reaper.kill(slot.process)  # `ray.kill` lets one that is stopped live on for 5 s
        with suppress(RayError):
            ray.kill(slot.actor)
        self._start_worker(slot)

    def _await_first(self) -> None:
        """Until one worker is up. Others may follow later: on a busy cluster they wait for their turn."""
        first = [slot.actor for slot in self._slots]
        while self.room == 0:
            self.events(1.0)
            if self.room == 0 and all(slot.actor is not old for slot, old in zip(self._slots, first, strict=True)):
                raise PoolError(
                    f"every worker died while it started on {self.cluster.place} ({self.why_lost}): "
                    f"does importing {self.setup.trainer.name} end the process?"
                )

    def _check_that_some_are_up(self) -> None:
        """PoolError where none has been for long, be it that all nodes are lost or that others have the cluster."""
        now = time.monotonic()
        if not all(slot.is_starting for slot in self._slots):
            self._last_up = now
        elif now - self._last_up > STARTUP:
            trouble = f"; the last one: {self.why_lost}" if self.why_lost else ""
            raise PoolError(
                f"no worker came up within {STARTUP:.0f} s on {self.cluster.place}{trouble}: "
                f"is it busy, has it lost its nodes? See `ray status`; {AGAIN}"
            )


def _raised_by_worker(problem: RayTaskError) -> Exception:
    """The exception that a worker raised itself: one of hpsearch's or the disk's as it is."""
    cause = problem.cause
    if isinstance(cause, HpsearchError | OSError):
        return cause
    return PoolError(f"a worker failed inside hpsearch: {problem}")


def why_lost(problem: Exception, fatal: str, kernel_ended_some: bool) -> tuple[str, Cause]:
    """For any killed process Ray names memory as a possible cause; it only records its own kills."""
    if isinstance(problem, OutOfMemoryError):
        return "out of memory: Ray ended its worker", Cause.OUT_OF_MEMORY
    if kernel_ended_some:
        return "out of memory: its worker vanished as the kernel ended a process for its memory", Cause.OUT_OF_MEMORY
    if fatal:
        return f"its worker died of: {fatal.splitlines()[0]}", Cause.WORKER_LOST
    return f"its worker vanished ({type(problem).__name__})", Cause.WORKER_LOST
