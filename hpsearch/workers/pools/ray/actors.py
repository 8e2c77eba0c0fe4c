"""Trials on Ray: each worker is a long-lived actor that has imported torch.

Measured (2 cores, Ray 2.60): a call to an actor and back takes 0.7 ms; `ray.tune.Tuner` starts 22 trials a second.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import OutOfMemoryError, RayError, RayTaskError

from hpsearch.core.errors import HpsearchError, PoolError
from hpsearch.core.messages import Advance, Event, Kill, Lost, Order, Queued, Release, Reported, Start
from hpsearch.core.stopping import RESUME
from hpsearch.core.trial import Cause, Params
from hpsearch.trainer.adapters.script_process import end_programs
from hpsearch.trainer.open_trial import Measurement, Result
from hpsearch.workers.isolation.isolated_worker import MEASUREMENT, IsolatedWorker
from hpsearch.workers.pools.ray import reaper
from hpsearch.workers.pools.ray.cluster import Cluster, RaySession
from hpsearch.workers.pools.ray.fit import wait_for_room, worker_count
from hpsearch.workers.pools.ray.packages import pickled
from hpsearch.workers.pools.ray.slot import Slot
from hpsearch.workers.sent_code import host_with_other_code, other_code, sent_files
from hpsearch.workers.shared_home import home_id, home_of, host_without_home, without_home
from hpsearch.workers.worker import Setup, Worker

STARTUP_TIMEOUT = 120.0
"""Seconds within which a worker must be ready, including its imports, while no worker is."""

LOST_DELAY = 1.0
"""Seconds until a lost worker is reported. When Ray itself or a node dies, its workers end up to 0.3 s earlier (on a
busy machine), and such a loss must not count in `limits.retries`."""

MEASUREMENT_GRACE = 60.0
"""Seconds that a measurement may exceed its limit: it checks the time only between two steps of a training."""

KILL_GROUP = "kill"
"""Ray's concurrency group of `IsolatedWorker.kill`, which runs while another method waits for the trial."""

RELEASE_TIMEOUT = 5.0
"""Seconds that trainers have to close when the pool is closed."""

KILL_TIMEOUT = 10.0
"""Seconds for a worker to end its trial's process; after that the worker is replaced."""

QUEUED_AFTER = 1.0
"""Seconds that a worker may take to end its previous trial before the next one is reported as queued. Most take less,
and each check is a call to Ray."""


@contextmanager
def _naming_lost_connection() -> Iterator[None]:
    try:
        yield
    except ConnectionError as problem:  # of any call to Ray with a `ray://` address
        raise PoolError(f"the cluster is no longer reachable ({problem}): {RESUME}") from None


@dataclass
class RayActors:
    """A pool on Ray. The constructor waits until one worker is ready and has checked the trainer (`Worker.check`).

    needs_home: PoolError where a worker cannot read the driver's home folder; else that is a warning.

    Raises ResourcesError where the cluster can never provide the resources, TrainerError for a trainer that cannot be
    used, PoolError where Ray does not start.
    """

    setup: Setup
    cluster: Cluster
    example: Params
    notes: list[str] = field(default_factory=list)
    needs_home: bool = False

    def __post_init__(self) -> None:
        self._slots: list[Slot] = []
        self.why_lost = ""
        self._problem: Exception | None = None
        self._unconfirmed: list[tuple[float, Lost, Any]] = []  # since when, the loss, and the actor
        self.setup = replace(self.setup, trainer=pickled(self.setup.trainer))
        self._warned = set[str]()
        self._session = RaySession(self.cluster, self.setup.trainer)
        self._last_up = time.monotonic()
        if self._session.left_out:
            self.notes.append(f"not sent to the cluster: {', '.join(self._session.left_out)}")
        try:
            self._actors = self._actor_class()
            wait_for_room(self.cluster, self._session)
            count, note = worker_count(self.cluster, self._session.nodes())
            self.notes += [note] if note else []
            if self.cluster.address != "local":  # after all checks of the input, so that bad input leaves no file
                home, sent = home_id(home_of(self.setup)), sent_files(self.setup.trainer)
                self.setup = replace(self.setup, home_id=home, sent=sent)
            for _ in range(count):
                slot = Slot(None)
                self._start_worker(slot)
                self._slots.append(slot)
            self._wait_for_first_worker()
        except BaseException:
            self.close()
            raise

    @property
    def room(self) -> int:
        return sum(slot.is_free for slot in self._slots)

    def room_after(self, released: int) -> int:
        return self.room + released

    @_naming_lost_connection()
    def execute(self, order: Order) -> None:
        match order:
            case Start():
                slot = next(slot for slot in self._slots if slot.is_free)
                slot.number = order.number
                slot.starts += 1
                slot.given_at = time.monotonic()
                slot.pending = slot.actor.start.remote(order)
            case Advance():
                slot = self._slot(order.number)
                slot.pending = slot.actor.advance.remote()
            case Release():
                slot = self._slot(order.number)
                slot.number = None
                slot.released = slot.actor.release.remote(order.over, order.epoch)
            case Kill(number) if any(lost.number == number for _, lost, _ in self._unconfirmed):
                self._unconfirmed = [one for one in self._unconfirmed if one[1].number != number]
            case Kill():
                self._kill(self._slot(order.number))

    @_naming_lost_connection()
    def events(self, timeout: float) -> Sequence[Event]:
        """Raises PoolError where Ray has died, and what a worker raised; after the other events were returned."""
        if self._problem is not None:
            raise self._problem
        self._session.check()
        self._check_startup_timeout()
        self._replace_unresponsive()
        pending = {slot.pending: slot for slot in self._slots if slot.pending is not None}
        if not pending:
            time.sleep(min(timeout, 0.05))
        events: list[Event] = []
        for call in self._wait(list(pending), timeout) if pending else []:
            try:
                event = self._result(pending[call])
            except (HpsearchError, OSError) as problem:
                self._problem = self._problem or problem
                continue
            events += [event] if event is not None else []
        events = self._with_confirmed_losses(events) + self._queued()
        if self._problem is not None and not events:
            raise self._problem
        return events

    @_naming_lost_connection()
    def measure(self, measurement: Measurement[Result]) -> Result | Lost:
        self._wait_for_first_worker()  # the previous measurement may have killed the only worker
        slot = next(slot for slot in self._slots if slot.is_free)
        slot.number = MEASUREMENT
        call = slot.actor.measure.remote(measurement)
        deadline = time.monotonic() + measurement.seconds + MEASUREMENT_GRACE
        try:
            while not self._wait([call], 0.5):
                self._session.check()
                if time.monotonic() > deadline:
                    self._replace(slot)
                    return Lost(MEASUREMENT, f"the measurement did not end within {measurement.seconds:g} s")
            result: Result | Lost = ray.get(call)
        except RayTaskError as problem:
            raise _raised_by_worker(problem) from None
        except RayError as problem:
            return self._lost(slot, problem) or Lost(MEASUREMENT, self.why_lost)
        self._last_up = time.monotonic()
        slot.number = None
        return result

    def close(self) -> None:
        """Trainers that are being closed have RELEASE_TIMEOUT seconds for it."""
        with suppress(PoolError):
            self._session.check(at_once=True)
        released = [slot.released for slot in self._slots if slot.released is not None]
        if released and self._session.is_alive:
            with suppress(RayError, ConnectionError):
                ray.wait(released, num_returns=len(released), timeout=RELEASE_TIMEOUT)
        # A local Ray ends its workers itself. While it dies (a signal to all processes), `ray.kill` may hang.
        for slot in self._slots if self._session.is_alive and self.cluster.address != "local" else ():
            with suppress(RayError, ConnectionError):
                ray.kill(slot.actor)
        workers = [slot.process for slot in self._slots if slot.process is not None]
        self._slots = []
        self._session.close(workers)
        if self.setup.trainer.program is not None:
            end_programs(self.setup.work)

    # Inside ─────────────────────────────────────────────────────────────────────────────────────

    def _slot(self, number: int) -> Slot:
        return next(slot for slot in self._slots if slot.number == number)

    def _actor_class(self) -> Any:
        """Created once: the first actor of a class waits for the GCS, which may be down when a worker is replaced."""
        own = self.cluster
        needs = {"num_cpus": own.cpus, "num_gpus": own.gpus, "memory": own.memory, "max_restarts": 0}
        needs["enable_task_events"] = False  # records of every call for `ray list tasks`, which take 1 ms a trial
        if self.setup.isolated:
            grouped: Any = {"concurrency_groups": {KILL_GROUP: 1}}  # missing in Ray's type hints
            return ray.remote(**grouped)(IsolatedWorker).options(**needs)
        # Python reads PYTHONHASHSEED when it starts, so Ray must start a process with it for the actor.
        own_environment = {"env_vars": {"PYTHONHASHSEED": self.setup.hash_seed}}
        return ray.remote(Worker).options(**needs, runtime_env=own_environment)

    def _start_worker(self, slot: Slot) -> None:
        """Put a new actor into the slot; it is free once it has checked the trainer."""
        slot.actor = self._actors.remote(replace(self.setup, ahead=True))
        slot.number = slot.process = slot.killed_at = slot.retired_at = slot.released = None
        slot.starts = 0
        slot.actor.warm_up.remote()
        slot.pending = slot.actor.check.remote(self.example)
        slot.node = slot.actor.__ray_call__.remote(_node_problems, self.setup.trainer.folder)

    def _wait(self, calls: list[Any], timeout: float) -> list[Any]:
        """The calls that have ended; waits up to `timeout` seconds for the first."""
        ready, _ = ray.wait(calls, num_returns=1, timeout=timeout)
        if ready and len(calls) > 1:
            ready, _ = ray.wait(calls, num_returns=len(calls), timeout=0)
        return list(ready)

    def _queued(self) -> list[Event]:
        """The trials that wait for the end of the previous trial of their worker: a `finally`, a process that ends."""
        events: list[Event] = []
        for slot in self._slots:
            if slot.number is None or slot.released is None or time.monotonic() - slot.given_at < QUEUED_AFTER:
                continue
            if self._wait([slot.released], 0.0):
                slot.released = None
            else:
                events.append(Queued(slot.number))
        return events

    def _with_confirmed_losses(self, events: list[Event]) -> list[Event]:
        """Lost workers are reported once Ray has been alive for `LOST_DELAY` seconds after them."""
        now = time.monotonic()
        due = [one for one in self._unconfirmed if now - one[0] >= LOST_DELAY]
        self._unconfirmed = [one for one in self._unconfirmed if now - one[0] < LOST_DELAY]
        if due:
            try:
                self._session.check(at_once=True)
            except PoolError as problem:
                self._problem, due = self._problem or problem, []
        for _, lost, actor in due:  # a worker may end before its node
            events.append(replace(lost, outside=lost.outside or self._session.node_has_died(actor)))
        return events

    def _result(self, slot: Slot) -> Event | None:
        """The result of the slot's call: an event of its trial; None where the worker has just become free."""
        call, slot.pending = slot.pending, None
        try:
            result: Reported | Lost | int = ray.get(call, timeout=60)
        except RayTaskError as problem:
            raise _raised_by_worker(problem) from None
        except RayError as problem:
            actor, lost = slot.actor, self._lost(slot, problem)
            self._unconfirmed += [] if lost is None else [(time.monotonic(), lost, actor)]
            return None
        self._last_up = time.monotonic()
        if isinstance(result, int):
            slot.process = self._session.register(result)
            self._check_node(slot)
            return None
        if slot.killed_at is not None:  # its trial was killed; a trial that had just reported has ended or ends here
            slot.killed_at = None
            slot.actor.kill.remote()
            return None
        if isinstance(result, Reported) and slot.warning:
            result, slot.warning = replace(result, warnings=(*result.warnings, slot.warning)), ""
        if isinstance(result, Lost) or result.failure:
            slot.number = None
            slot.released = slot.actor.release.remote()
        if _is_terminated(result):
            slot.retired_at = time.monotonic()
        return result

    def _check_node(self, slot: Slot) -> None:
        """Warn once for each host of a missing home folder or other code. PoolError for a missing home with
        `needs_home`."""
        home, folder, found = home_of(self.setup), self.setup.trainer.folder, ("", "")
        with suppress(RayError):  # the worker has ended, as its next call will show
            found = ray.get(slot.node, timeout=60)
        warnings = [text(host, path) for text, host, path in zip(_WARNINGS, found, (home, folder), strict=True) if host]
        slot.warning = "; ".join(one for one in warnings if one not in self._warned)
        self._warned.update(warnings)
        if self.needs_home and found[0]:
            raise PoolError(without_home(found[0], home))

    def _lost(self, slot: Slot, problem: Exception) -> Lost | None:
        """Replace a lost worker and return the event. PoolError where Ray itself has died."""
        number, fatal = slot.number, self._session.fatal_error(slot.process)
        self.why_lost, cause = why_lost(problem, fatal, self._session.kernel_oom_killed())
        self._session.check(at_once=True)
        node_has_died = self._session.node_has_died(slot.actor)
        self._replace(slot)
        return None if number is None else Lost(number, self.why_lost, fatal, cause, node_has_died)

    def _kill(self, slot: Slot) -> None:
        """Kill the trial's process, so that the worker can train the next trial; without isolation, the worker."""
        if not self.setup.isolated:
            self._replace(slot)
            return
        slot.number = None
        if slot.pending is None:
            slot.actor.kill.remote()  # calls run in order, so this runs before the next start
        else:
            slot.actor.kill.options(concurrency_group=KILL_GROUP).remote(slot.starts)  # it may come late
            slot.killed_at = time.monotonic()

    def _replace_unresponsive(self) -> None:
        """Replace workers that did not kill their trial in time: suspended, or their node is unreachable."""
        for slot in self._slots:
            if slot.killed_at is not None and time.monotonic() - slot.killed_at > KILL_TIMEOUT:
                self._replace(slot)
            if slot.retired_at is not None and time.monotonic() - slot.retired_at > LOST_DELAY:
                self._session.check(at_once=True)  # the signal may have been for Ray's own processes too
                self._replace(slot)

    def _replace(self, slot: Slot) -> None:
        if slot.process is not None:
            reaper.kill(slot.process)  # `ray.kill` takes 5 s for a suspended process
        with suppress(RayError):
            ray.kill(slot.actor)
        self._start_worker(slot)

    def _wait_for_first_worker(self) -> None:
        """Wait until one worker is ready. On a busy cluster the others may be scheduled much later."""
        first = [slot.actor for slot in self._slots]
        while self.room == 0:
            self.events(1.0)
            if self.room == 0 and all(slot.actor is not old for slot, old in zip(self._slots, first, strict=True)):
                raise PoolError(
                    f"every worker died while it started on {self.cluster.place} ({self.why_lost}): "
                    f"does importing {self.setup.trainer.name} end the process?"
                )

    def _check_startup_timeout(self) -> None:
        """PoolError if no worker was ready for STARTUP_TIMEOUT: all nodes are lost, or the cluster is busy with other
        jobs."""
        now = time.monotonic()
        if not all(slot.is_starting for slot in self._slots):
            self._last_up = now
        elif now - self._last_up > STARTUP_TIMEOUT:
            trouble = f" (the last one: {self.why_lost})" if self.why_lost else ""
            raise PoolError(
                f"no worker was ready within {STARTUP_TIMEOUT:.0f} s on {self.cluster.place}{trouble}: "
                f"the cluster may be busy or have lost its nodes, see `ray status`; {RESUME}"
            )


_WARNINGS = (without_home, other_code)


def _node_problems(worker: Worker | IsolatedWorker, folder: Path) -> tuple[str, str]:
    """The worker's host, first if it cannot read the driver's home, then if its study folder has other code; else
    ""."""
    return host_without_home(worker.setup), host_with_other_code(worker.setup.trainer, folder)


def _is_terminated(result: Reported | Lost) -> bool:
    """Whether SIGTERM has ended the training: the worker may have received it too."""
    if isinstance(result, Lost):
        return result.outside
    return result.failure is not None and result.failure.kind == "terminated"


def _raised_by_worker(problem: RayTaskError) -> Exception:
    """The exception that a worker raised: unchanged where it is hpsearch's or of the disk."""
    cause = problem.cause
    if isinstance(cause, HpsearchError | OSError) and not isinstance(cause, ConnectionError):
        return cause
    return PoolError(f"a worker failed inside hpsearch: {problem}")


def why_lost(problem: Exception, fatal: str, kernel_oom_killed: bool) -> tuple[str, Cause]:
    """The reason and cause of a lost worker. Ray names memory as a possible cause of every kill, but detects only its
    own."""
    if isinstance(problem, OutOfMemoryError):
        return "Ray killed its worker because memory was low", Cause.OUT_OF_MEMORY
    if kernel_oom_killed:
        return "its worker died while the kernel killed a process because memory was low", Cause.OUT_OF_MEMORY
    if fatal:
        return f"its worker died of: {fatal.splitlines()[0]}", Cause.WORKER_LOST
    return f"its worker died ({type(problem).__name__})", Cause.WORKER_LOST
