"""The MLflow dashboard of the local store."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from hpsearch.core.errors import InfrastructureError, Stopped
from hpsearch.tracking.location import artifact_folder, is_server, without_credentials

DEFAULT_PORT = 5000


@dataclass(frozen=True)
class Dashboard:
    """url: its address. argv: the command that serves it, empty where a server already does."""

    url: str
    argv: tuple[str, ...]
    environment: Mapping[str, str]


def dashboard(uri: str, port: int | None = None) -> Dashboard:
    """The dashboard of an MLflow store, for this machine only. port: None: DEFAULT_PORT, or another free port.

    MLflow's job runner is disabled: the server starts in 6 s instead of 24 s, without six processes of 245 MB.
    """
    if is_server(uri):
        return Dashboard(without_credentials(uri), (), {})
    port = port or _free_port()
    folder = artifact_folder(uri)
    argv = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    argv += ["--default-artifact-root", folder.absolute().as_uri()] if folder else []
    environment = {
        "MLFLOW_BACKEND_STORE_URI": uri,  # not in argv: all users of the machine can read that, with the password
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    return Dashboard(f"http://127.0.0.1:{port}", tuple(argv), {**os.environ, **environment})


def _free_port() -> int:
    for port in (DEFAULT_PORT, 0):
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(sock.getsockname()[1])
    raise AssertionError("port 0 is always free")


@contextmanager
def served(board: Dashboard, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A context with a running MLflow server; at its end, the server's process group ends. Its output goes to `log`.

    InfrastructureError where it does not start. SIGINT and SIGTERM raise Stopped.
    """
    with log.open("wb") as out, _stoppable():
        server = subprocess.Popen(board.argv, env=board.environment, stdout=out, stderr=out, start_new_session=True)
        try:
            _wait_for_port(server, board.url, log)
            yield server
        finally:
            with suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGTERM)
            server.wait()


def _wait_for_port(server: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    address = urlsplit(url)
    while server.poll() is None:
        with suppress(OSError), socket.create_connection((str(address.hostname), address.port or 80), timeout=1):
            return
        time.sleep(0.1)
    raise InfrastructureError(f"the dashboard does not start at {url}\n  log  {log}")


@contextmanager
def _stoppable() -> Iterator[None]:
    def stopped(number: int, _frame: object) -> None:
        raise Stopped(number, "")

    before = {number: signal.signal(number, stopped) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
