"""The driver's Ray session: a local Ray that ends with the driver, or an existing cluster.

Ray does not report that its own processes have died: when its GCS dies, calls hang, and after 60 s C++ code ends the
driver without an exception (measured on 2.60). So hpsearch checks Ray's processes, or the GCS's port of a cluster.
"""

import logging
import os
import secrets
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
from ray._private import ray_constants
from ray.core.generated import gcs_pb2
from ray.job_config import JobConfig

import hpsearch
from hpsearch.core.errors import BadInput, HpsearchError, PoolError
from hpsearch.core.stopping import RESUME, handlers_kept, notices_ignored
from hpsearch.provenance.module_search import STUDY_FOLDERS
from hpsearch.trainer.open_trial import TrainerContext
from hpsearch.workers.isolation.exits import kernel_oom_kills
from hpsearch.workers.pools.ray import reaper
from hpsearch.workers.pools.ray.packages import runtime_env
from hpsearch.workers.pools.ray.upload import left_out

EXIT_TIMEOUT = 1.0
"""Seconds from a worker's fatal error to the end of its process."""

CHECK_INTERVAL = 1.0
"""Seconds between two checks whether Ray is alive."""

START_WAIT = 30.0
"""Seconds that Ray waits for its raylet to start; Ray 2.60 has no setting for it."""

GCS_TIMEOUT = 0.5 * float(os.environ.get("RAY_gcs_rpc_server_reconnect_timeout_s", "60"))  # noqa: SIM112 -- Ray's own
"""Seconds that a GCS may be unreachable. It may restart, but after twice that time Ray ends this process, and
`ray.shutdown` without a GCS takes 7 to 15 s."""


@dataclass(frozen=True)
class Cluster:
    """Where to run. address: "local" starts Ray on this machine. cpus, gpus, memory (bytes): of one trial. wait: see
    `wait_for_room`."""

    address: str = "local"
    workers: int | None = None
    cpus: float = 1.0
    gpus: float = 0.0
    memory: int | None = None
    wait: float | None = None

    @property
    def of_one_trial(self) -> dict[str, float]:
        """What a trial needs, by Ray's names."""
        amounts = {"CPU": self.cpus, "GPU": self.gpus, "memory": float(self.memory or 0)}
        return {name: amount for name, amount in amounts.items() if amount}

    @property
    def place(self) -> str:
        return "this machine" if self.address == "local" else f"the cluster at {self.address}"


class RaySession:
    """Open until `close`. left_out: names in the study's folder that were not sent to the cluster.

    PoolError if Ray does not start; BadInput for a wrong token, or if Ray is already initialized: a process can have
    only one session, and `close` would end it."""

    def __init__(self, cluster: Cluster, trainer: TrainerContext):
        if ray.is_initialized():
            raise BadInput(
                "Ray is already initialized in this process, and a study needs a Ray session of its own: call "
                'ray.shutdown() first, or train in this process with resources.address = "none"'
            )
        self._cluster = cluster
        self._local: _LocalRay | None = None
        self._dead = False
        self.left_out: list[str] = []
        self._checked = self._answered = time.monotonic()
        self._ended = kernel_oom_kills()
        redirect_ray_logs()
        # Ray prints on stdout that a worker died, whatever log_to_driver says (listen_error_messages in that module).
        ray._private.worker._worker_logs_enabled = False
        _protect_token()
        try:
            if cluster.address == "local":
                self._local = _start_local()
            else:
                sent_environment = None
                if "RAY_JOB_CONFIG_JSON_ENV_VAR" not in os.environ:  # a job has its own runtime_env
                    sent_environment = runtime_env(trainer.use, trainer.folder, trainer.sources().files)
                    self.left_out = left_out(trainer.folder)
                check_reachable(cluster.address)
                with handlers_kept():
                    ray.init(address=cluster.address, runtime_env=sent_environment, **_QUIET)
            is_client = ray.util.client.ray.is_connected()  # type: ignore[no-untyped-call]
            self._gcs = "" if is_client else str(ray.get_runtime_context().gcs_address)
        except HpsearchError:
            raise
        except Exception as problem:  # any class: on a full disk Ray raises a plain Exception
            text = f"Ray does not start at resources.address = {cluster.address!r}: {str(problem).rstrip('. ')}"
            may_lack = cluster.address == "local" and not isinstance(problem, PermissionError)
            raise PoolError(text + (f"; {_advice()}" if may_lack else "")) from None
        finally:
            _protect_token()

    def nodes(self) -> list[dict[str, float]]:
        """The resources of each live node."""
        return [node["Resources"] for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]

    def check(self, at_once: bool = False) -> None:
        """PoolError where Ray has died. Checks at most every `CHECK_INTERVAL` seconds; `at_once`: now."""
        now = time.monotonic()
        if now - self._checked < CHECK_INTERVAL and not at_once:
            return
        self._checked = now
        if dead := (self._local.why_dead() if self._local else "") or self._gcs_unreachable(now):
            self._dead = True
            raise PoolError(f"Ray has died on {self._cluster.place} ({dead}): {RESUME}")

    @property
    def is_alive(self) -> bool:
        """Whether Ray can be called: a call after it has died hangs, or starts another Ray."""
        return not self._dead and bool(ray.is_initialized())

    def _gcs_unreachable(self, now: float) -> str:
        """Why the session is dead: the GCS was unreachable for `GCS_TIMEOUT` seconds; else ""."""
        if not self._gcs or _is_reachable(self._gcs):
            self._answered = now
        silent = now - self._answered
        return f"its GCS at {self._gcs} has not answered for {silent:.0f} s" if silent > GCS_TIMEOUT else ""

    def register(self, pid: int) -> reaper.Process | None:
        """Register a worker's process to end it with the driver. None where it is not on this machine."""
        return self._local.register(pid) if self._local else None

    def fatal_error(self, process: reaper.Process | None) -> str:
        """The traceback that Python wrote when a signal such as SIGSEGV ended the worker; "" where there is none.

        Waits for the end of the process: Ray may report it before the traceback is complete.
        """
        if self._local is None or process is None:
            return ""
        deadline = time.monotonic() + EXIT_TIMEOUT
        while reaper.is_alive(process) and time.monotonic() < deadline:
            time.sleep(0.01)
        return self._local.fatal_error(process[0])

    def node_has_died(self, actor: Any) -> bool:
        """Whether a lost actor has ended with its node: its raylet does not answer, which Ray itself knows only after
        seconds. False where that cannot be determined (a `ray://` address), and on this machine: its only node is
        checked by `check`."""
        if self._local is not None or not self._gcs or not _is_reachable(self._gcs):  # a call would wait for the GCS
            return False
        with suppress(Exception):  # Ray's own table has no public interface that works without its dashboard
            rows: Any = gcs_pb2  # made by protoc, without types
            row = rows.ActorTableData.FromString(ray._private.state.state.get_actor_info(actor._actor_id))
            if row.death_cause.actor_died_error_context.HasField("node_death_info"):
                return True
            node = row.address.node_id.hex()
            (its,) = [one for one in ray.nodes() if one["NodeID"] == node]  # type: ignore[no-untyped-call]
            return not (its["Alive"] and _is_reachable(f"{its['NodeManagerAddress']}:{its['NodeManagerPort']}"))
        return False

    def kernel_oom_killed(self) -> bool:
        """Whether the kernel has killed any process of this machine for its memory since the last call."""
        before, self._ended = self._ended, kernel_oom_kills()
        return self._local is not None and self._ended > before

    def close(self, workers: Iterable[reaper.Process] = ()) -> None:
        """May be called twice. workers: the processes that they have started end with a local Ray, also those that Ray
        cannot find because their parent was killed."""
        if self._local:
            started = reaper.descendants(pid for pid, _ in filter(reaper.is_alive, workers))
            self._local.reaper.register(*reaper.stop(reaper.with_start_times(started)))
        ray.shutdown()
        if self._local:
            self._local.reaper.close()


class _LocalRay:
    """A Ray that this driver has started, in its own folder. The path is short, since Ray's sockets are in it.

    Other users of the machine have no access: Ray makes its folder readable for all, so it is inside a folder of this
    user only. All ports are on loopback and need the token.
    """

    def __init__(self) -> None:
        _ensure_token()
        self.folder = tempfile.mkdtemp(prefix=f"{reaper.PREFIX}{os.getpid()}-", dir=_TEMPORARY)
        self.reaper = reaper.Reaper(self.folder)
        try:
            with notices_ignored(), handlers_kept(), _environment_variable(reaper.MARK, self.folder), _on_loopback():
                ray.init(
                    address="local",
                    num_cpus=cores(),
                    include_dashboard=False,
                    object_store_memory=100 << 20,
                    _temp_dir=f"{self.folder}/ray",
                    job_config=_own_path(),
                    **_QUIET,
                )
            node: Any = ray._private.worker._global_node
            self._daemons = {name: [one.process for one in infos] for name, infos in node.all_processes.items()}
            pids = [process.pid for processes in self._daemons.values() for process in processes]
            self.reaper.register(*reaper.with_start_times([*pids, *reaper.descendants(pids)]))
        except BaseException:  # a signal may come meanwhile
            ray.shutdown()
            self.reaper.close()
            raise

    def why_dead(self) -> str:
        """Which of the GCS and the raylet has ended, and how; "" while both are alive."""
        for name in ("gcs_server", "raylet"):
            for process in self._daemons.get(name, ()):
                if (code := process.poll()) is not None:
                    how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
                    return f"its {name} {how}"
        return ""

    def register(self, pid: int) -> reaper.Process | None:
        if not (start := reaper.start_time(pid)):
            return None
        self.reaper.register((pid, start))
        return pid, start

    def fatal_error(self, pid: int) -> str:
        for file in Path(self.folder).glob(f"ray/session_*/logs/worker-*-{pid}.err"):
            with suppress(OSError):
                _, fatal, rest = file.read_text(errors="replace").partition("Fatal Python error: ")
                return (fatal + rest.partition("\nExtension modules:")[0]).strip()
        return ""


def _start_local() -> _LocalRay:
    """A local Ray. A start that takes longer than Ray waits is repeated once: on a machine that is busy, or that runs
    Ray for the first time, the files of its processes are in memory then."""
    began = time.monotonic()
    try:
        return _LocalRay()
    except HpsearchError:
        raise
    except Exception:  # Ray's time-out has no class of its own
        if time.monotonic() - began < START_WAIT or _lacking():
            raise
        return _LocalRay()


def _own_path() -> JobConfig:
    """By default, Ray's workers import first from the current folder, which other users may write to. With this they do
    so only if this process does, as in a notebook, and not because it is the study's folder: trainers are imported in
    other processes. (Ray adds no folder to the job of a client.)"""
    current = str(Path.cwd())
    is_of_study = current in STUDY_FOLDERS and Path(hpsearch.__file__).parents[1] != Path.cwd()
    searched = "" in sys.path or (current in sys.path and not is_of_study)
    return JobConfig(_client_job=True, _py_driver_sys_path=[current] if searched else [])


@contextmanager
def _on_loopback() -> Iterator[None]:
    """A context in which Ray binds to 127.0.0.1 only, as it does on macOS and Windows, where clusters are disabled.

    Its `_node_ip_address` does not reach all ports. Ray's processes inherit the environment.
    """
    before = ray_constants.ENABLE_RAY_CLUSTER
    ray_constants.ENABLE_RAY_CLUSTER = False
    try:
        with _environment_variable(ray_constants.ENABLE_RAY_CLUSTERS_ENV_VAR, "0"):
            yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = before


@contextmanager
def _environment_variable(name: str, value: str) -> Iterator[None]:
    """A context in which processes that are started have this environment variable."""
    given = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        os.environ.pop(name)
        if given is not None:
            os.environ[name] = given


_TEMPORARY = "/tmp" if os.name == "posix" else tempfile.gettempdir()
RAY_THREADS = 500
"""Threads of a local Ray with two workers, with a margin; on Linux each counts in `ulimit -u`."""
ENOUGH_DISK = 1 << 30
"""Free bytes in the temporary folder that are enough for Ray."""
_QUIET: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR", "configure_logging": False}


def _advice() -> str:
    """What to do where a local Ray does not start."""
    return _lacking() or 'run the same command again, or train without Ray with resources.address = "none"'


def _lacking() -> str:
    """What a local Ray lacks, such as processes or disk space, and what to do; "" for nothing that is known."""
    if sys.platform != "win32" and os.geteuid() != 0:  # root has no such limit
        import resource  # not on Windows

        most = resource.getrlimit(resource.RLIMIT_NPROC)[0]
        if most != resource.RLIM_INFINITY and most < RAY_THREADS:
            return (
                f"this user may have {most:,} processes and threads (`ulimit -u`), and Ray needs about "
                f'{RAY_THREADS:,}: raise the limit, or train without Ray with resources.address = "none"'
            )
    free = shutil.disk_usage(_TEMPORARY).free
    if free > ENOUGH_DISK:
        return ""
    return f"{free:,} bytes are free in {_TEMPORARY}, where Ray writes its files: make room there and {RESUME}"


def _is_reachable(address: str) -> bool:
    host, _, port = address.rpartition(":")
    with suppress(OSError):
        socket.create_connection((host, int(port)), timeout=2).close()
        return True
    return False


def redirect_ray_logs() -> None:
    """Send Ray's log to the root logger instead of stderr, which the import of Ray has set."""
    ours = logging.getLogger("ray")
    ours.handlers.clear()
    ours.propagate = True


def check_reachable(address: str) -> None:
    """Connect to "host:port" or "ray://host:port" before Ray does, which retries for 30 s and logs each try.

    OSError where the address is unreachable; BadInput where it refuses our token. "auto" is left to Ray.
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
        except grpc.RpcError as problem:  # Ray reports all other errors itself
            if problem.code() is grpc.StatusCode.UNAUTHENTICATED:
                raise BadInput(
                    f"the cluster at {address} refuses our token: set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN_PATH to a "
                    "file with the token that the cluster was started with"
                ) from None


def _ensure_token() -> None:
    """A local Ray has a token for its processes, which Ray writes into the home folder. Where the folder is read-only
    and has no token, set one in the environment, which Ray's processes inherit. RAY_AUTH_MODE=disabled is for clusters
    that have no token, and would open this one to all users of the machine."""
    os.environ.pop("RAY_AUTH_MODE", None)  # by default, a local Ray uses a token
    given = {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & set(os.environ)
    folder = Path.home() / ".ray"
    is_writable = os.access(folder if folder.exists() else Path.home(), os.W_OK)
    if not given and not is_writable and not (folder / "auth_token").exists():
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)


def _protect_token() -> None:
    """Ray 2.60 writes its token into the home folder with permissions that let other users read it."""
    with suppress(OSError, RuntimeError):  # RuntimeError: there is no home folder
        folder = Path.home() / ".ray"
        folder.mkdir(mode=0o700, exist_ok=True)
        (folder / "auth_token").chmod(0o600)


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
