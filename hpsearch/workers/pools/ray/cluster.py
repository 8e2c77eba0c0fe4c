"""Ray as a driver has it: one of its own, which ends with it, or a cluster that was there before.

What Ray's own processes do is not seen through Ray: where its GCS dies, calls hang, and after 60 s the driver is ended
from C++ with no exception (measured on 2.60). So its processes are looked at, and of a cluster the GCS's port.
"""

import logging
import os
import secrets
import shutil
import signal
import socket
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray

from hpsearch.core.errors import BadInput, HpsearchError, PoolError
from hpsearch.trainer.open_trial import TrainerContext
from hpsearch.workers.isolation.exits import ended_by_the_kernel
from hpsearch.workers.pools.ray import reaper
from hpsearch.workers.pools.ray.packages import runtime_env

AGAIN = "run it again to go on"

DYING = 1.0
"""Seconds that a worker may take from its fatal error to its end."""

CHECK_EVERY = 1.0
"""Seconds between two checks whether Ray lives."""

GIVEN_UP = 0.5 * float(os.environ.get("RAY_gcs_rpc_server_reconnect_timeout_s", "60"))  # noqa: SIM112 -- Ray's own
"""Seconds that a GCS may not answer. It may come back; but after twice that time Ray ends this very process, and
without its GCS `ray.shutdown` takes 7 to 15 s."""


@dataclass(frozen=True)
class Cluster:
    """Where to run: address "local" is a Ray of our own; cpus, gpus and memory (bytes) are those of one trial."""

    address: str = "local"
    workers: int | None = None
    cpus: float = 1.0
    gpus: float = 0.0
    memory: int | None = None

    @property
    def place(self) -> str:
        return "this machine" if self.address == "local" else f"the cluster at {self.address}"


class RaySession:
    """Open from when it is made until `close`. PoolError where Ray does not come up, BadInput for a wrong token, or
    where the program has a Ray session of its own: a process can have one, and `close` would end it."""

    def __init__(self, cluster: Cluster, trainer: TrainerContext):
        if ray.is_initialized():
            raise BadInput(
                "Ray is already initialized in this process, and a study needs a Ray session of its own: call "
                'ray.shutdown() first, or train in this process with resources.address = "none"'
            )
        self._cluster = cluster
        self._local: _LocalRay | None = None
        self._dead = False
        self._checked = self._answered = time.monotonic()
        self._ended = ended_by_the_kernel()
        redirect_ray_logs()
        # Ray prints on stdout that a worker died, whatever log_to_driver says (listen_error_messages in that module).
        ray._private.worker._worker_logs_enabled = False
        _protect_token()
        try:
            if cluster.address == "local":
                self._local = _LocalRay()
            else:
                check_reachable(cluster.address)
                is_job = "RAY_JOB_CONFIG_JSON_ENV_VAR" in os.environ  # whose own runtime_env brings all that travels
                travels = None if is_job else runtime_env(trainer.use, trainer.folder)
                ray.init(address=cluster.address, runtime_env=travels, **_QUIET)
            is_client = ray.util.client.ray.is_connected()  # type: ignore[no-untyped-call]
            self._gcs = "" if is_client else str(ray.get_runtime_context().gcs_address)
        except HpsearchError:
            raise
        except Exception as problem:  # of all kinds: where its disk is full, a bare one
            message = f"Ray does not come up at resources.address = {cluster.address!r}: {problem}"
            may_lack_space = cluster.address == "local" and not isinstance(problem, PermissionError)
            raise PoolError(message + (_free_space() if may_lack_space else "")) from None
        finally:
            _protect_token()

    def nodes(self) -> list[dict[str, float]]:
        """What each node has that lives."""
        return [node["Resources"] for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]

    def check(self, at_once: bool = False) -> None:
        """PoolError where Ray has died. Looks every second at most, so call it as often as you like, or `at_once`."""
        now = time.monotonic()
        if now - self._checked < CHECK_EVERY and not at_once:
            return
        self._checked = now
        if dead := (self._local.dead() if self._local else "") or self._silent(now):
            self._dead = True
            raise PoolError(f"Ray has died on {self._cluster.place} ({dead}): {AGAIN}")

    @property
    def answers(self) -> bool:
        """Whether Ray can be asked for something: a call to one that has died hangs, or starts another Ray."""
        return not self._dead and bool(ray.is_initialized())

    def _silent(self, now: float) -> str:
        """That the GCS does not answer, once that has lasted."""
        if not self._gcs or _listens(self._gcs):
            self._answered = now
        silent = now - self._answered
        return f"its GCS at {self._gcs} has not answered for {silent:.0f} s" if silent > GIVEN_UP else ""

    def watch(self, pid: int) -> reaper.Process | None:
        """A worker is up. Returns its process where that is one of this machine and ours to end."""
        return self._local.watch(pid) if self._local else None

    def fatal_error(self, process: reaper.Process | None) -> str:
        """What a worker that a signal ended from within, such as SIGSEGV, has left: Python's traceback. Often "".

        Ray may report its end before it has ended, with half a traceback written: that is waited for.
        """
        if self._local is None or process is None:
            return ""
        deadline = time.monotonic() + DYING
        while reaper.lives(process) and time.monotonic() < deadline:
            time.sleep(0.01)
        return self._local.fatal_error(process[0])

    def kernel_ended_some(self) -> bool:
        """Whether the kernel has ended a process of this machine for its memory, ours or not, since the last call."""
        before, self._ended = self._ended, ended_by_the_kernel()
        return self._local is not None and self._ended > before

    def close(self) -> None:
        """A second time it does nothing."""
        ray.shutdown()
        if self._local:
            self._local.reaper.close()


class _LocalRay:
    """A Ray that this driver has started, in a folder of its own (a short path, since Ray's sockets are in it)."""

    def __init__(self) -> None:
        _ensure_token()
        self.folder = tempfile.mkdtemp(prefix=f"hps{os.getpid()}-", dir=_TEMPORARY)
        self.reaper = reaper.Reaper(self.folder)
        try:
            ray.init(
                address="local",
                num_cpus=cores(),
                include_dashboard=False,
                object_store_memory=100 << 20,
                _temp_dir=self.folder,
                **_QUIET,
            )
            node: Any = ray._private.worker._global_node
            self._daemons = {name: [one.process for one in infos] for name, infos in node.all_processes.items()}
            pids = [process.pid for processes in self._daemons.values() for process in processes]
            self.reaper.watch(*reaper.identified([*pids, *reaper.descendants(pids)]))
        except BaseException:  # a signal may come meanwhile
            ray.shutdown()
            self.reaper.close()
            raise

    def dead(self) -> str:
        """Which of the two that nothing goes on without has ended, and how; "" while both live."""
        for name in ("gcs_server", "raylet"):
            for process in self._daemons.get(name, ()):
                if (code := process.poll()) is not None:
                    how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
                    return f"its {name} {how}"
        return ""

    def watch(self, pid: int) -> reaper.Process | None:
        if not (start := reaper.started(pid)):
            return None
        self.reaper.watch((pid, start))
        return pid, start

    def fatal_error(self, pid: int) -> str:
        for file in Path(self.folder).glob(f"session_*/logs/worker-*-{pid}.err"):
            with suppress(OSError):
                _, fatal, rest = file.read_text(errors="replace").partition("Fatal Python error: ")
                return (fatal + rest.partition("\nExtension modules:")[0]).strip()
        return ""


_TEMPORARY = "/tmp" if os.name == "posix" else tempfile.gettempdir()
_QUIET: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR", "configure_logging": False}


def _free_space() -> str:
    """What a Ray of our own that does not come up may have lacked."""
    free = shutil.disk_usage(_TEMPORARY).free
    return f"; {free:,} bytes are free in {_TEMPORARY}, where it has its files: make room if need be, and {AGAIN}"


def _listens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    with suppress(OSError):
        socket.create_connection((host, int(port)), timeout=2).close()
        return True
    return False


def redirect_ray_logs() -> None:
    """What Ray logs goes where all logs go, and not to stderr, where its import has sent it."""
    ours = logging.getLogger("ray")
    ours.handlers.clear()
    ours.propagate = True


def check_reachable(address: str) -> None:
    """Connect to "host:port" or "ray://host:port" before Ray does, which would try for half a minute, and loudly.

    OSError where nobody listens; BadInput where our token is refused. "auto" is Ray's to find, and to find a token for.
    """
    client = address.startswith("ray://")
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), timeout=10).close()
        _check_token(f"{host}:{port}", "RayletDriver/ClusterInfo" if client else "NodeInfoGcsService/GetClusterId")


def _check_token(address: str, method: str) -> None:
    import grpc  # type: ignore[import-untyped]
    from ray._private.grpc_utils import init_grpc_channel

    with init_grpc_channel(address) as channel:
        try:
            channel.unary_unary(f"/ray.rpc.{method}")(b"", timeout=10)
        except grpc.RpcError as problem:  # whatever else is wrong, Ray finds it too
            if problem.code() is grpc.StatusCode.UNAUTHENTICATED:
                raise BadInput(
                    f"the cluster at {address} refuses our token: set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN_PATH to a "
                    "file with the token that the cluster was started with"
                ) from None


def _ensure_token() -> None:
    """A Ray of our own has a token for its processes, which Ray writes into the home folder. Where that cannot be
    written and holds no token, this process and those of its Ray have one in their environment."""
    given = {"RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & set(os.environ)
    folder = Path.home() / ".ray"
    is_writable = os.access(folder if folder.exists() else Path.home(), os.W_OK)
    if not given and not is_writable and not (folder / "auth_token").exists():
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)


def _protect_token() -> None:
    """Ray 2.60 writes the token of its clusters into the home folder, for everybody to read who reads that."""
    with suppress(OSError, RuntimeError):  # RuntimeError: there is no home folder
        folder = Path.home() / ".ray"
        folder.mkdir(mode=0o700, exist_ok=True)
        (folder / "auth_token").chmod(0o600)


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
