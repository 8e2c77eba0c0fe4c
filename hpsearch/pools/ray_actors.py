"""Trials on Ray: one long-lived actor a worker, with torch already imported. The only module that imports ray.

Measured (2 cores, Ray 2.60): a call to an actor and back takes 0.7 ms; `ray.tune.Tuner` starts 22 trials a second.
"""

import importlib.util
import logging
import math
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

# Before ray is imported: no usage statistics, no tips on stderr.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")

import ray
from ray.exceptions import OutOfMemoryError, RayError, RayTaskError

from hpsearch.errors import HpsearchError, PoolError, ResourcesError
from hpsearch.trial import Advance, Event, Kill, Lost, Order, Params, Release, Start
from hpsearch.worker import Setup, Worker

STARTUP = 120.0
"""Seconds for the first worker to come up, its imports included."""

EXCLUDES = [".git", ".venv", "venv", ".hpsearch", "__pycache__", "node_modules", "mlruns", "data", "*.pt", "*.ckpt"]
"""What of a study's folder does not travel to a cluster."""


@dataclass(frozen=True)
class Cluster:
    """Where to run: address "local" is a Ray of our own; cpus, gpus and memory (bytes) are those of one trial."""

    address: str = "local"
    workers: int | None = None
    cpus: float = 1.0
    gpus: float = 0.0
    memory: int | None = None


@dataclass
class _Slot:
    """One actor: `pending` is the call it is busy with; `number` its trial, None while it starts or is free."""

    actor: Any
    pending: Any = None
    number: int | None = None

    @property
    def is_free(self) -> bool:
        return self.pending is None and self.number is None


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
        self._trouble = ""
        self._folder = _connect(self.cluster, self.setup)
        try:
            for _ in range(self._count()):
                slot = _Slot(None)
                self._hire(slot)
                self._slots.append(slot)
            self._await_first()
        except BaseException:
            self.close()
            raise

    @property
    def room(self) -> int:
        return sum(slot.is_free for slot in self._slots)

    def do(self, order: Order) -> None:
        match order:
            case Start():
                slot = next(slot for slot in self._slots if slot.is_free)
                slot.number = order.number
                slot.pending = slot.actor.start.remote(order)
            case Advance():
                slot = self._slot(order.number)
                slot.pending = slot.actor.more.remote()
            case Release():
                slot = self._slot(order.number)
                slot.number = None
                slot.actor.release.remote(order.over)
            case Kill():
                self._replace(self._slot(order.number))

    def events(self, timeout: float) -> Sequence[Event]:
        pending = {slot.pending: slot for slot in self._slots if slot.pending is not None}
        if not pending:
            time.sleep(min(timeout, 0.05))
            return []
        refs = list(pending)
        ready, _ = ray.wait(refs, num_returns=1, timeout=timeout)
        if ready and len(refs) > 1:
            ready, _ = ray.wait(refs, num_returns=len(refs), timeout=0)
        return [event for ref in ready if (event := self._result(pending[ref])) is not None]

    def close(self) -> None:
        for slot in self._slots:
            with suppress(RayError):
                ray.kill(slot.actor)
        self._slots = []  # a second `ray.kill` would start a Ray to ask for the actor
        ray.shutdown()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    # Inside ─────────────────────────────────────────────────────────────────────────────────────

    def _slot(self, number: int) -> _Slot:
        return next(slot for slot in self._slots if slot.number == number)

    def _hire(self, slot: _Slot) -> None:
        """Put a new actor into the slot; it is free once it has tried the trainer."""
        options: dict[str, Any] = {"num_cpus": self.cluster.cpus, "num_gpus": self.cluster.gpus, "max_restarts": 0}
        if self.cluster.memory is not None:
            options["memory"] = self.cluster.memory
        slot.actor = ray.remote(Worker).options(**options).remote(replace(self.setup, ahead=True))
        slot.number = None
        slot.actor.warm_up.remote()
        slot.pending = slot.actor.check.remote(self.example)

    def _result(self, slot: _Slot) -> Event | None:
        """What the slot's call brought: the trial's news; None for a worker that has just become free."""
        call, slot.pending = slot.pending, None
        try:
            reported: Event | None = ray.get(call, timeout=60)
        except RayTaskError as problem:
            raise _own(problem) from None
        except RayError as problem:
            number, self._trouble = slot.number, _why_lost(problem)
            if not _nodes():
                raise PoolError(f"Ray has died on {_place(self.cluster)}: {self._trouble}") from None
            self._replace(slot)
            return None if number is None else Lost(number, self._trouble)
        if reported is not None and (reported.ended or reported.failure):  # type: ignore[union-attr]
            slot.number = None
        return reported

    def _replace(self, slot: _Slot) -> None:
        with suppress(RayError):
            ray.kill(slot.actor)
        self._hire(slot)

    def _count(self) -> int:
        """How many workers fit, at most as many as asked for. ResourcesError where not one ever will."""
        wanted = {"CPU": self.cluster.cpus, "GPU": self.cluster.gpus, "memory": float(self.cluster.memory or 0)}
        nodes = _nodes()
        fits = sum(_copies(node, wanted) for node in nodes)
        if fits == 0:
            has = "; ".join(_described(node) for node in nodes) or "no node"
            raise ResourcesError(
                f"resources.per_trial asks for {_described(wanted)}, and {_place(self.cluster)} has {has}: "
                "ask for less, or for another address"
            )
        if self.cluster.workers is not None and self.cluster.workers > fits:
            self.notes.append(
                f"resources.workers = {self.cluster.workers}, but {_place(self.cluster)} fits {fits} "
                f"with {_described(wanted)} each: {fits} at once"
            )
        return min(self.cluster.workers or fits, fits)

    def _await_first(self) -> None:
        """Until one worker is up. Others may follow later: on a busy cluster they wait for their turn."""
        deadline = time.monotonic() + STARTUP
        first = [slot.actor for slot in self._slots]
        while self.room == 0:
            if time.monotonic() > deadline:
                raise PoolError(
                    f"no worker came up within {STARTUP:.0f} s on {_place(self.cluster)}: is it busy? `ray status` says"
                )
            self.events(1.0)
            if self.room == 0 and all(slot.actor is not old for slot, old in zip(self._slots, first, strict=True)):
                raise PoolError(
                    f"every worker died while it started on {_place(self.cluster)} ({self._trouble}): "
                    f'does importing trainer.use = "{self.setup.use}" end the process?'
                )


def _connect(cluster: Cluster, setup: Setup) -> str | None:
    """Join or start Ray. Returns the folder of a Ray of our own (its sockets need a short path), else None."""
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR", "configure_logging": False}
    hush()
    # Ray prints on stdout that a worker died, whatever log_to_driver says (listen_error_messages in that module).
    ray._private.worker._worker_logs_enabled = False
    _guard_token()
    folder = None
    try:
        if cluster.address == "local":
            folder = tempfile.mkdtemp(prefix=f"hps{os.getpid()}-", dir="/tmp" if os.name == "posix" else None)
            ray.init(
                address="local",
                num_cpus=_cores(),
                include_dashboard=False,
                object_store_memory=100 << 20,
                _temp_dir=folder,
                **quiet,
            )
            return folder
        _reach(cluster.address)
        ray.init(address=cluster.address, runtime_env=_runtime_env(setup), **quiet)
        return None
    except BaseException as problem:  # a signal may come meanwhile
        if folder is not None:
            ray.shutdown()
            shutil.rmtree(folder, ignore_errors=True)
        if not isinstance(problem, RuntimeError | ConnectionError | OSError | RayError):
            raise
        raise PoolError(f"Ray does not come up at resources.address = {cluster.address!r}: {problem}") from None
    finally:
        _guard_token()


def hush() -> None:
    """What Ray logs goes where all logs go, and not to stderr, where its import has sent it."""
    ours = logging.getLogger("ray")
    ours.handlers.clear()
    ours.propagate = True


def _reach(address: str) -> None:
    """OSError where nobody listens at "host:port" or "ray://host:port": Ray itself goes on trying for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), timeout=10).close()


def _guard_token() -> None:
    """Ray 2.60 writes the token of its clusters into the home folder, for everybody to read who reads that."""
    folder = Path.home() / ".ray"
    with suppress(OSError):
        folder.mkdir(mode=0o700, exist_ok=True)
        (folder / "auth_token").chmod(0o600)


def _cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _runtime_env(setup: Setup) -> dict[str, Any] | None:
    """What workers elsewhere receive: the study's folder, hpsearch, and the package that the trainer is in.

    None inside a Ray job, whose own runtime_env brings all this.
    """
    if "RAY_JOB_CONFIG_JSON_ENV_VAR" in os.environ:
        return None
    return {"working_dir": str(setup.folder), "excludes": EXCLUDES, "py_modules": packages(setup.use, setup.folder)}


def packages(use: str, folder: Path) -> list[str]:
    """The folders of the packages that a worker imports and that do not lie in the study's folder."""
    names = dict.fromkeys(["hpsearch", use.partition(":")[0].partition(".")[0]])
    found = []
    for name in names:
        spec = None if (folder / name).exists() else importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations:
            found.append(next(iter(spec.submodule_search_locations)))
    return found


def _nodes() -> list[dict[str, float]]:
    """What each node of the cluster has that lives."""
    return [node["Resources"] for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]


def _copies(has: dict[str, float], wanted: dict[str, float]) -> int:
    """How many trials fit on one node."""
    counts = [math.floor(has.get(name, 0.0) / amount + 1e-9) for name, amount in wanted.items() if amount > 0]
    return min(counts, default=_cores())


def _described(resources: dict[str, float]) -> str:
    parts = [f"{resources.get('CPU', 0):g} cpus", f"{resources.get('GPU', 0):g} gpus"]
    if resources.get("memory"):
        parts.append(f"{resources['memory'] / 2**30:.1f} GiB")
    return ", ".join(parts)


def _place(cluster: Cluster) -> str:
    return "this machine" if cluster.address == "local" else f"the cluster at {cluster.address}"


def _own(problem: RayTaskError) -> Exception:
    """The exception that a worker raised itself: ours with its words, or the disk's."""
    cause = problem.cause
    if isinstance(cause, HpsearchError | OSError):
        return cause
    return PoolError(f"a worker failed inside hpsearch: {problem}")


def _why_lost(problem: RayError) -> str:
    """Of a process that was killed Ray says that memory may have been the cause; only of its own kills it knows."""
    if isinstance(problem, OutOfMemoryError):
        return "out of memory: Ray ended its worker"
    return f"its worker vanished ({type(problem).__name__})"
