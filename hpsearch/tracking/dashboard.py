"""The MLflow dashboard of the local store."""

import hmac
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path

from hpsearch.core.errors import BadInput, InfrastructureError, Stopped
from hpsearch.core.folders import private_opener
from hpsearch.tracking.dashboard_app import CHALLENGE, TOKEN_VARIABLE, proof
from hpsearch.tracking.location import artifact_folder, is_server, without_credentials

DEFAULT_PORT = 5000

CREDENTIALS = ("MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")
"""Of MLflow's client. The server does not need them, and could send them to a host that an experiment names."""

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Opens addresses of this machine: a proxy in HTTP_PROXY does not reach them."""


@dataclass(frozen=True)
class Dashboard:
    """url: its address, with the token in it. argv: the command that serves it, empty where a server already does.
    port, token: of the server that argv starts."""

    url: str
    argv: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    port: int = 0
    token: str = ""


def dashboard(uri: str, port: int | None = None) -> Dashboard:
    """The dashboard of an MLflow store, for this user only. port: None: DEFAULT_PORT, or another free port.

    BadInput if the port is not free. MLflow's job runner is disabled: the server starts in 6 s instead of 24 s, without
    six processes of 245 MB.
    """
    if is_server(uri):
        return Dashboard(without_credentials(uri))
    port = _free_port((DEFAULT_PORT, 0) if port is None else (port,))
    uri = _absolute(uri)
    folder = artifact_folder(uri)
    argv = [sys.executable, "-m", "mlflow", "server", "--app-name", "hpsearch"]
    argv += ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    argv += ["--uvicorn-opts=--no-access-log"]  # its lines would have the token
    argv += ["--default-artifact-root", folder.as_uri()] if folder else []
    token = secrets.token_urlsafe(32)
    environment = {
        "MLFLOW_BACKEND_STORE_URI": uri,  # not in argv: all users of the machine can read that, with the password
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "PYTHONSAFEPATH": "1",  # do not import mlflow.py or uvicorn.py from the user's working directory
        TOKEN_VARIABLE: token,
    }
    url = f"http://127.0.0.1:{port}/?token={token}"
    own = {name: value for name, value in os.environ.items() if name not in CREDENTIALS}
    return Dashboard(url, tuple(argv), {**own, **environment}, port, token)


def _absolute(uri: str) -> str:
    """The URI with an absolute path: the server runs in another folder."""
    file = uri.removeprefix("sqlite:///")
    return uri if file == uri or file.startswith("/") else f"sqlite:///{Path.cwd()}/{file}"


def _free_port(wanted: Sequence[int]) -> int:
    """The first free port of these; 0 stands for any free port."""
    for port in wanted:
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind(("127.0.0.1", port))
            except (OSError, OverflowError):
                continue
            return int(sock.getsockname()[1])
    raise BadInput(f"--port: {wanted[-1]} is not a free port; without --port, a free one is chosen")


@contextmanager
def served(board: Dashboard, log: Path | None) -> Iterator["subprocess.Popen[bytes]"]:
    """A context with a running MLflow server; at its end, the server's process group ends. The output is written to
    `log`; None: discarded.

    InfrastructureError if it does not start. SIGINT and SIGTERM raise Stopped.
    """
    with (
        open(log or os.devnull, "wb", opener=private_opener) as out,
        tempfile.TemporaryDirectory(prefix="hpsearch-ui-") as empty,  # uvicorn imports from where it is started
        _stoppable(),
    ):
        server = subprocess.Popen(
            board.argv, cwd=empty, env=board.environment, stdout=out, stderr=out, start_new_session=True
        )
        try:
            _wait_for(server, board, log)
            yield server
        finally:
            with suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGTERM)
            server.wait()


def _wait_for(server: "subprocess.Popen[bytes]", board: Dashboard, log: Path | None) -> None:
    """Wait until our server answers at the port. It proves that it has the token, so no other process is mistaken for
    it."""
    challenge = secrets.token_hex(16)
    address = f"http://127.0.0.1:{board.port}"
    while server.poll() is None:
        with (
            suppress(OSError, HTTPException),
            _DIRECT.open(f"{address}{CHALLENGE}{challenge}", timeout=5) as answer,
        ):
            if hmac.compare_digest(answer.read(1000), proof(board.token, challenge).encode()):
                return
        time.sleep(0.1)
    raise InfrastructureError(f"the dashboard does not start at {address}" + (f"\n  log  {log}" if log else ""))


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
