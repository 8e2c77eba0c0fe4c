"""The MLflow dashboard over the embedded store."""

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

USUAL_PORT = 5000


@dataclass(frozen=True)
class Dashboard:
    """url: where it can be seen. argv: the command that serves it, empty where a server does so already."""

    url: str
    argv: tuple[str, ...]
    environment: Mapping[str, str]


def dashboard(uri: str, port: int | None = None) -> Dashboard:
    """How to show this MLflow, on this machine only; `port` None: the usual one, or any that is free.

    Without its job runner the server starts in 6 s instead of 24 and leaves six processes of 245 MB away.
    """
    if is_server(uri):
        return Dashboard(without_credentials(uri), (), {})
    port = port or _free_port()
    folder = artifact_folder(uri)
    argv = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    argv += ["--default-artifact-root", folder.absolute().as_uri()] if folder else []
    environment = {
        "MLFLOW_BACKEND_STORE_URI": uri,  # not in argv, where everybody on the machine could read a password
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    return Dashboard(f"http://127.0.0.1:{port}", tuple(argv), {**os.environ, **environment})


def _free_port() -> int:
    for port in (USUAL_PORT, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise AssertionError("port 0 is always free")


@contextmanager
def served(board: Dashboard, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """MLflow's server, which answers; with the context ends all that it has started. Its output goes to `log`.

    InfrastructureError where it does not start; Stopped by SIGINT or SIGTERM.
    """
    with log.open("wb") as out, _stoppable():
        server = subprocess.Popen(board.argv, env=board.environment, stdout=out, stderr=out, start_new_session=True)
        try:
            _await(server, board.url, log)
            yield server
        finally:
            with suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGTERM)
            server.wait()


def _await(server: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    place = urlsplit(url)
    while server.poll() is None:
        with suppress(OSError), socket.create_connection((str(place.hostname), place.port or 80), timeout=1):
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
