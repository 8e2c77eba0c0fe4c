"""A canary password, planted wherever hpsearch takes one; then everything that was written, sent or shown is searched.

What is searched: stdout and stderr with -v, the study's home, the journal's rows, MLflow's store, artifacts and log,
Ray's folder while it lives, the command lines of all processes of this machine, and what the Jobs API receives.
"""

import io
import json
import os
import signal
import zipfile
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from urllib.parse import quote

import pytest

from tests.chaos.http_proxy import Proxy
from tests.chaos.invariants import check_mirrored, check_secret, reading
from tests.chaos.mlflow_server import served
from tests.chaos.scenario import Scenario
from tests.cli.cli_runner import CliResult
from tests.cli.test_submit import free_ports

STEM = "Zq7" + "canary"  # in two pieces: this file is in a package that travels to the cluster
CANARY = f"{STEM}/81@x"
LOGIN = f"me:{quote(CANARY, safe='')}"
BASIC = b64encode(f"me:{CANARY}".encode()).decode()


class Watch:
    """Looks at every command line of this machine, and into Ray's folders, for as long as it is open."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self.looks = self.folders = 0
        self._over = Event()
        self._thread = Thread(target=self._look, daemon=True)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.05):
            self.looks += 1
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                self._read(path)
            if self.looks % 20 == 0:
                for folder in Path("/tmp").glob("hps[0-9]*-*"):
                    self.folders += 1
                    for inside, _, files in os.walk(folder):  # unlike rglob, goes on where a folder vanishes
                        for file in files:
                            self._read(Path(inside) / file)

    def _read(self, path: Path) -> None:
        try:
            content = path.read_bytes() if path.parent.parent == Path("/proc") or path.is_file() else b""
        except OSError:  # it has gone
            return
        if any(form.encode() in content for form in (CANARY, LOGIN, BASIC)):
            self.seen.add(f"{path}: {content[:200]!r}")


def planted(scenario: Scenario, journal: str, tracking: str, *, ray: bool, limit: float = 2.0) -> None:
    """limit: a trial whose x is beyond it raises in its second epoch."""
    scenario.variables |= {"DB": journal, "MLFLOW_TRACKING_URI": tracking, "MLFLOW_TRACKING_PASSWORD": CANARY}
    scenario.url = journal
    scenario.cli.study(
        'method = "random"\ntrials = 4',
        trainer="tests.cli.trainers:picky",
        options=f"limit = {limit}",
        more='[journal]\nurl = "${env:DB}"\n',
    )
    scenario.cli.change(('mlflow = "none"', 'mlflow = "${env:MLFLOW_TRACKING_URI}"'))
    if ray:
        scenario.cli.change(('address = "none"', "workers = 1"))


def with_password(postgres_url: str) -> str:
    """The server trusts everybody on its socket, so a password does no harm; user is postgres."""
    return postgres_url.replace("://postgres:@", f"://postgres:{quote(CANARY, safe='')}@")


def discreet(answer: CliResult, *codes: int) -> CliResult:
    assert answer.code in codes, answer.err
    for form in (STEM, BASIC):
        assert form not in answer.out
        assert form not in answer.err
    return answer


def check_everywhere(scenario: Scenario, *folders: Path) -> None:
    check_secret(CANARY, scenario.folder, *folders)
    check_secret(BASIC, scenario.folder, *folders)


def check_rows(url: str) -> int:
    """Of every table of the journal; the number of rows."""
    count = 0
    with reading(url) as connection:
        tables = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
        for (table,) in connection.exec_driver_sql(tables).all():
            for (row,) in connection.exec_driver_sql(f'SELECT "{table}"::text FROM "{table}"').all():
                assert STEM not in row, f"{table}: {row}"
                count += 1
    return count


READERS = [
    ("status", "study.toml"),
    ("show", "study.toml", "0"),
    ("best", "study.toml"),
    ("export", "study.toml"),
    ("export", "study.toml", "--format", "csv"),
    ("export", "study.toml", "--format", "parquet", "-o", "all.parquet"),
    ("export", "study.toml", "--format", "optuna", "-o", "all.db"),
    ("db", "version", "study.toml"),
    ("db", "upgrade", "study.toml"),
]


@pytest.mark.xdist_group("ray")
@pytest.mark.chaos
def test_a_run_on_postgres_whose_mlflow_is_away(scenario: Scenario, postgres_url: str) -> None:
    planted(scenario, with_password(postgres_url), f"http://{LOGIN}@127.0.0.1:9", ray=True, limit=0.5)
    with Watch() as watch:
        answer = discreet(scenario.invoke("run", "study.toml", "-v"), 0)
    assert "`hpsearch sync " in answer.out
    assert "***@" in answer.out, "the journal is named, without its password"
    assert "FAILED" in answer.err
    assert check_rows(scenario.url) > 10
    check_everywhere(scenario)
    assert watch.folders > 0
    assert not watch.seen


@pytest.mark.xdist_group("ray")
@pytest.mark.chaos
def test_all_commands_and_a_real_server(
    scenario: Scenario, postgres_url: str, tmp_path_factory: pytest.TempPathFactory
):
    folder = tmp_path_factory.mktemp("server")
    with served(folder, *free_ports(1)) as server, Proxy(server.uri, login=f"Basic {BASIC}") as proxy:
        uri = proxy.uri.replace("//", f"//{LOGIN}@")
        planted(scenario, with_password(postgres_url), uri, ray=True, limit=0.5)
        with Watch() as watch:
            discreet(scenario.invoke("run", "study.toml", "-v"), 0)
            for words in READERS:
                discreet(scenario.invoke(*words, "-v"), 0)
            discreet(scenario.invoke("sync", "study.toml", "-v"), 0)
            discreet(
                scenario.invoke("sync", "toy", "--journal", postgres_url, "--mlflow", "${env:MLFLOW_TRACKING_URI}"), 0
            )
            discreet(scenario.invoke("ui", "--mlflow", "${env:MLFLOW_TRACKING_URI}"), 0)
            proxy.mode = 500
            discreet(scenario.invoke("sync", "study.toml", "-v"), 5)
            proxy.mode, proxy.login = "pass", "Basic another"
            discreet(scenario.invoke("sync", "study.toml", "-v"), 5)
            discreet(scenario.invoke("run", "study.toml", "-v", "--set", "search.trials=5"), 2)
        check_mirrored(scenario.url, "toy", server.uri)
    assert check_rows(scenario.url) > 10
    check_everywhere(scenario, folder)
    assert watch.folders > 0
    assert not watch.seen


@pytest.mark.chaos
def test_a_dashboard_over_a_database(scenario: Scenario, postgres_server: str) -> None:
    """MLflow's own server has the address in its environment, which nobody else may read."""
    import psycopg

    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE tracking")
    url = with_password(postgres_server).replace("postgresql://", "postgresql+psycopg://")
    scenario.variables["DB"] = url.replace("/postgres?", "/tracking?")
    with Watch() as watch:
        board = scenario.start("ui", "--mlflow", "${env:DB}", "--json", "-v")
        scenario.until(lambda: board.out.read_text().endswith("}\n"), board)
        assert json.loads(board.out.read_text())["url"].startswith("http://127.0.0.1:")
        board.signal(signal.SIGINT)
        discreet(board.ended(), 130)
        scenario.variables["DB"] = f"postgresql+psycopg://{LOGIN}@127.0.0.1:9/x"
        home = scenario.folder / "home"  # the log of `ui` is in the home, where there is one
        home.mkdir()
        board = scenario.start("ui", "--mlflow", "${env:DB}", "--home", str(home), "-v")
        log = home / "ui.log"
        scenario.until(lambda: log.exists() and "Connection refused" in log.read_text(errors="replace"), board)
        board.signal(signal.SIGINT)
        discreet(board.ended(), 130)
    assert not watch.seen
    check_everywhere(scenario, log)


# The Jobs API ────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def job_server() -> Iterator[tuple[str, list[bytes]]]:
    """Takes a job as Ray's dashboard does, and keeps all that it receives; packages are unpacked."""
    received: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            version = {"version": "4", "ray_version": "2.60.0", "ray_commit": "x", "session_name": "x"}
            self.say(200 if self.path == "/api/version" else 404, version)

        def do_PUT(self) -> None:
            self.keep()
            self.say(200, {})

        def do_POST(self) -> None:
            self.keep()
            self.say(200, {"job_id": "1", "submission_id": "raysubmit_1"})

        def keep(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            received.append(str(self.headers).encode() + self.path.encode())
            if content.startswith(b"PK"):
                with zipfile.ZipFile(io.BytesIO(content)) as package:
                    received.extend(name.encode() + package.read(name) for name in package.namelist())
            else:
                received.append(content)

        def say(self, status: int, answer: dict[str, str]) -> None:
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        Thread(target=http.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{http.server_address[1]}", received
        http.shutdown()


def test_what_a_cluster_is_told(scenario: Scenario) -> None:
    """The names of variables, not what is in them: its Jobs API would show that to everybody."""
    planted(scenario, f"postgresql://{LOGIN}@db/x", f"http://{LOGIN}@mlflow", ray=True)
    (scenario.folder / ".env").write_text(f"DB=postgresql://{LOGIN}@db/x\n")
    words = ("study.toml", "--set", 'journal.url="${env:DB}"', "-v")
    with job_server() as (address, received), Watch() as watch:
        answer = discreet(scenario.invoke("submit", *words, "--address", address), 0)
        discreet(scenario.invoke("submit", *words, "--address", "http://127.0.0.1:9"), 5)
    assert "raysubmit_1" in answer.out
    entry = next(json.loads(one)["entrypoint"] for one in received if one.startswith(b'{"entrypoint"'))
    assert "journal.url=" in entry
    assert "${env:DB}" in entry
    assert any(one.startswith(b"study.toml") for one in received)
    assert not [one[:300] for one in received if STEM.encode() in one]
    assert not watch.seen
    (scenario.folder / ".env").unlink()
    check_everywhere(scenario)
