"""The lease: which process runs a study, and when another process may take it over.

One process at a time may write to a study. Its lease has a token that increases with every holder, and every write
checks it, so a former holder that is still alive cannot write (Kleppmann 2016, "How to do distributed locking": fencing
tokens). First the decisions, from values only; then the database; then the heartbeat.
"""

import os
import platform
import subprocess
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from hpsearch.core.errors import HpsearchError, LeaseLost, NotFound, StudyBusy
from hpsearch.journal.schema import leases, studies

_PROC = Path("/proc")
"""Linux only. On macOS, ps and sysctl are run instead."""


@dataclass(frozen=True)
class Owner:
    """A process, with what another process needs to check whether it is alive.

    boot: id of the machine's boot, "" where unknown: pids and the boot clock are valid within one boot only.
    space: id of the pid namespace: a container has pids of its own.
    started: start time of the process, as text of its kernel, "" where unknown: pids are reused.
    uid: unique for every Owner, so that two studies of one process have different holders.
    """

    pid: int
    host: str
    boot: str
    space: str
    started: str
    uid: str

    @classmethod
    def current(cls) -> "Owner":
        pid = os.getpid()
        return cls(pid, platform.node(), _boot(), _space(), process_start(pid), uuid.uuid4().hex)

    def is_beside(self, observer: "Owner") -> bool:
        """Whether the observer can check from here if the process is alive: on one machine, in one pid namespace."""
        return bool(self.boot) and (self.boot, self.space) == (observer.boot, observer.space)

    def has_ended(self, observer: "Owner") -> bool:
        """Whether the process has certainly ended. False where this cannot be checked from here (another machine)."""
        if not self.is_beside(observer):
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:  # it is alive and belongs to another user
            return False
        seen = process_start(self.pid)
        return bool(self.started and seen) and seen != self.started


@dataclass(frozen=True)
class Now:
    """Two clocks, in seconds. wall: of the database, since 1970. boot: of this machine, see `boot_clock`."""

    wall: float
    boot: float


@dataclass(frozen=True)
class Holding:
    """The owner of a lease, the time of its last renewal (`beat`), and its time to live (`ttl`, seconds)."""

    owner: Owner
    ttl: float
    beat: Now

    def age(self, observer: Owner, now: Now) -> float:
        """Seconds since the last renewal, >= 0: by the boot clock on the same machine (it cannot be set), else by the
        database's clock."""
        same_boot = self.owner.boot and self.owner.boot == observer.boot
        return max(0.0, now.boot - self.beat.boot if same_boot else now.wall - self.beat.wall)

    def blocks(self, observer: Owner, now: Now) -> bool:
        """Whether the observer may not take over the study."""
        if self.owner.uid == observer.uid or self.owner.has_ended(observer):
            return False
        return self.age(observer, now) < self.ttl

    def may_run(self, observer: Owner, now: Now) -> bool:
        """Whether the owner may still run the study. A process that is alive may, even if it could not renew its lease
        because the database was locked or it was suspended."""
        is_alive = self.owner.is_beside(observer) and bool(self.owner.started) and not self.owner.has_ended(observer)
        return is_alive or self.blocks(observer, now)

    def explain(self, study: str, observer: Owner, now: Now) -> str:
        age = self.age(observer, now)
        return (
            f'study "{study}" is being run by process {self.owner.pid} on {self.owner.host}, which last '
            f"renewed its lease {age:.0f} s ago. Wait for it or stop it there; if that machine is gone, run again "
            f"in {self.ttl - age:.0f} s; for a second search, run with --fork NEW_NAME (in Python: fork=NEW_NAME)"
        )


@dataclass(frozen=True)
class Lease:
    """The right to write to a study, until another process acquires a greater token. ttl: see `Holding`."""

    study_id: int
    token: int
    owner: Owner
    ttl: float


boot_clock = time.monotonic
"""Seconds since this machine started: the same clock for all its processes, which cannot be set.

It stops while the machine sleeps: no lease can be renewed then, and its processes are alive afterwards.
"""


def process_start(pid: int) -> str:
    """The start time of a process, as text to compare; "ended" for a zombie, "" where unknown."""
    if not (_PROC / "self").exists():
        return _output("ps", "-o", "lstart=", "-p", str(pid))
    with suppress(FileNotFoundError, ProcessLookupError):
        if (_PROC / "self").readlink().name != str(os.getpid()):
            return ""  # /proc of another pid namespace
        # proc(5): the command, in brackets, may be any text; the state follows it, the start is 19 fields further.
        fields = (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
        return "ended" if fields[0] in "ZX" else fields[19]
    return ""


def _boot() -> str:
    with suppress(OSError):
        return (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    return _output("sysctl", "-n", "kern.bootsessionuuid")


def _space() -> str:
    with suppress(OSError):
        return str((_PROC / "self/ns/pid").readlink())
    return ""


def _output(*command: str) -> str:
    with suppress(OSError, subprocess.SubprocessError):
        environment = {**os.environ, "LC_ALL": "C"}
        return subprocess.run(command, capture_output=True, text=True, timeout=5, env=environment).stdout.strip()
    return ""


# In the database ──────────────────────────────────────────────────────────────────────────────────


Clock = sa.ColumnElement[float]
"""SQL for the database's own time."""


def acquire(connection: Connection, clock: Clock, study_id: int, owner: Owner, ttl: float) -> Lease:
    """StudyBusy while its holder may be alive. The new token is greater, so the previous holder cannot write."""
    query = sa.select(leases, studies.c.name).join(studies).where(leases.c.study_id == study_id)
    row = connection.execute(query.with_for_update(of=leases)).one_or_none()
    if row is None:
        raise NotFound(f"the journal has no study with id {study_id}")
    now = Now(wall=float(connection.execute(sa.select(clock)).scalar_one()), boot=boot_clock())
    holding = holding_of(row)
    if holding is not None and holding.blocks(owner, now):
        raise StudyBusy(holding.explain(row.name, owner, now))
    lease = Lease(study_id, row.token + 1, owner, ttl)
    columns = asdict(owner)
    taken = {"holder": columns.pop("uid"), "token": lease.token, "ttl": ttl, "stop": None, **renewal(clock)}
    connection.execute(leases.update().where(leases.c.study_id == study_id).values({**columns, **taken}))
    return lease


def holder(connection: Connection, clock: Clock, study_id: int, observer: Owner, silent: bool) -> str | None:
    """The process that holds the lease, as text for a message; None if no process does. silent: see
    `Journal.holder`."""
    row = connection.execute(sa.select(leases, clock.label("now")).where(leases.c.study_id == study_id)).one_or_none()
    holding = None if row is None else holding_of(row)
    now = Now(wall=float(row.now) if row is not None else 0.0, boot=boot_clock())
    if holding is None or not (holding.may_run if silent else holding.blocks)(observer, now):
        return None
    return f"process {holding.owner.pid} on {holding.owner.host}"


def renew(connection: Connection, clock: Clock, lease: Lease) -> None:
    """Extend the lease. LeaseLost if another process has it now."""
    if connection.execute(leases.update().where(is_ours(lease)).values(renewal(clock))).rowcount != 1:
        raise lost(connection, lease)


def is_ours(lease: Lease) -> sa.ColumnElement[bool]:
    return sa.and_(leases.c.study_id == lease.study_id, leases.c.token == lease.token)


def renewal(clock: Clock) -> dict[str, Any]:
    return {"beat_wall": clock, "beat_boot": boot_clock()}


def lost(connection: Connection, lease: Lease) -> LeaseLost:
    row = connection.execute(sa.select(leases).where(leases.c.study_id == lease.study_id)).one_or_none()
    if row is None:
        return LeaseLost(f"study {lease.study_id} was deleted by another process: this process stops writing")
    by = f"process {row.pid} on {row.host}" if row.holder else "another process, which has ended since"
    return LeaseLost(
        f"study {lease.study_id} was taken over by {by} (token {row.token}, ours is {lease.token}): "
        "this process stops writing"
    )


def holding_of(row: Row[Any]) -> Holding | None:
    """From a row of `leases`; None if no process holds it."""
    if row.holder is None:
        return None
    owner = Owner(row.pid, row.host, row.boot, row.space, row.started, row.holder)
    return Holding(owner, row.ttl, Now(row.beat_wall, row.beat_boot))


# The heartbeat ─────────────────────────────────────────────────────────────────────────────────────────────

JOIN_TIMEOUT = 2.0
"""Seconds that the end of a heartbeat waits for a pending renewal. A late renewal does no harm."""


class Heartbeat:
    """A context in which a thread renews the lease, with retries while the database is unreachable. The thread ends
    when the lease is lost; the next write raises LeaseLost.
    """

    def __init__(self, renew: Callable[[Lease], None], lease: Lease):
        self._renew, self._lease = renew, lease
        self._over = Event()
        self._thread = Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> "Heartbeat":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(JOIN_TIMEOUT)

    def _beat(self) -> None:
        while not self._over.wait(self._lease.ttl / 5):
            try:
                self._renew(self._lease)
            except LeaseLost:
                return
            except HpsearchError:
                continue
