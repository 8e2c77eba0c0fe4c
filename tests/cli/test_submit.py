"""On a cluster that runs already: a Ray of its own ports, folder and token, ended by its recorded pid."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.cli_runner import CliResult, CliRunner, environment
from tests.support.ray_session import descendants, running

pytestmark = pytest.mark.xdist_group("ray")

SMALL = ("--set", "search.trials=4", "--set", "trainer.epochs=3")


@dataclass(frozen=True)
class Head:
    """gcs and jobs: "host:port". home: the HPSEARCH_HOME of its jobs. variables: what a client needs."""

    gcs: str
    jobs: str
    client: str
    home: Path
    variables: dict[str, str]


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


@pytest.fixture(scope="module")
def head() -> Iterator[Head]:
    """`ray start --head` from this virtual environment, as on a machine where it is activated."""
    gcs, jobs, client, agent = free_ports(4)
    with tempfile.TemporaryDirectory(prefix="hps-", dir="/tmp", ignore_cleanup_errors=True) as name:
        folder = Path(name)  # a short one: Ray's sockets are in it
        token = folder / "token"
        token.touch(mode=0o600)
        token.write_text(secrets.token_hex(32))
        variables = {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(token),
            "RAY_USAGE_STATS_ENABLED": "0",
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        }
        words = [str(Path(sys.executable).with_name("ray")), "start", "--head", "--block", "--num-cpus=2"]
        words += [f"--port={gcs}", f"--dashboard-port={jobs}", "--dashboard-host=127.0.0.1", f"--temp-dir={folder}/ray"]
        words += [f"--ray-client-server-port={client}", f"--dashboard-agent-listen-port={agent}"]
        words += ["--object-store-memory=100000000"]
        with (folder / "head.log").open("w") as log:
            process = subprocess.Popen(
                words,
                env={
                    **os.environ,
                    **variables,
                    "HPSEARCH_HOME": f"{folder}/home",
                    "ITS_DATABASE": f"sqlite:///{folder}/its.db",
                },
                stdout=log,
                stderr=log,
            )
        try:
            _await(process, f"http://127.0.0.1:{jobs}", variables, folder / "head.log")
            yield Head(
                f"127.0.0.1:{gcs}", f"http://127.0.0.1:{jobs}", f"ray://127.0.0.1:{client}", folder / "home", variables
            )
        finally:
            _end(process)


def _await(process: "subprocess.Popen[bytes]", jobs: str, variables: dict[str, str], log: Path) -> None:
    """Until it takes jobs."""
    words = [str(Path(sys.executable).with_name("ray")), "job", "list", "--address", jobs]
    deadline = time.monotonic() + 120
    while subprocess.run(words, env={**os.environ, **variables}, capture_output=True, check=False).returncode:
        if process.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"no Ray: {log.read_text()}")


def _end(process: "subprocess.Popen[bytes]") -> None:
    ours = descendants(process.pid)
    process.send_signal(signal.SIGTERM)
    process.wait(60)
    deadline = time.monotonic() + 60
    while (left := running(ours)) and time.monotonic() < deadline:
        time.sleep(0.1)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert not left


def call(cli: CliRunner, head: Head, *words: str) -> CliResult:
    """A user's call in the study's folder, without this repository on its path: Ray must bring what is needed."""
    variables = {name: value for name, value in environment().items() if name != "PYTHONPATH"} | head.variables
    return cli.ended(cli.start(*words, env=variables), timeout=180)


@pytest.fixture
def mine(cli: CliRunner) -> CliRunner:
    """A study with its trainer beside it."""
    assert cli.invoke("init").code == 0
    return cli


def test_no_server_at_the_address(mine: CliRunner) -> None:
    """The file is checked as the cluster would read it."""
    where = ("--address", "http://127.0.0.1:9", "--set", 'journal.url="${env:NOT_SET_HERE}"')
    answer = mine.ended(mine.start("submit", "study.toml", *where))
    assert (answer.code, answer.out, mine.files()) == (5, "", [])
    assert answer.err.startswith("the cluster at http://127.0.0.1:9 did not accept the job: Failed to connect")
    bad = mine.ended(mine.start("submit", "study.toml", *where, "--set", "space.lr.low=2.0"))
    assert bad.code == 2
    assert bad.names(" space.lr: ")


@pytest.mark.slow
def test_job_follow(mine: CliRunner, head: Head) -> None:
    answer = call(mine, head, "submit", "study.toml", "--address", head.jobs, "--follow", *SMALL)
    assert answer.code == 0, answer.err
    assert "[4/4] trial " in answer.err
    assert "my-study: done" in answer.err
    assert answer.out.startswith("job raysubmit_")
    assert answer.out.endswith(": SUCCEEDED\n")
    assert mine.files() == []
    journal = f"sqlite:///{head.home}/journal.db"
    status = mine.invoke("status", "my-study", "--journal", journal, "--json").data
    assert (status["state"], sum(status["trials"].values())) == ("COMPLETE", 4)
    assert (head.home / "mlflow.db").exists()
    again = call(mine, head, "submit", "study.toml", "--address", head.jobs, "--follow", "--json", *SMALL)
    assert (again.code, again.data["state"], again.data["exit_code"]) == (0, "SUCCEEDED", 0)
    assert mine.invoke("status", "my-study", "--journal", journal, "--json").data == status


@pytest.mark.slow
def test_exit_code_of_the_job(mine: CliRunner, head: Head) -> None:
    words = ("--set", 'study.name="wrong"', "--set", 'study.metric="nope"')
    answer = call(mine, head, "submit", "study.toml", "--address", head.jobs, "--follow", *SMALL, *words)
    assert answer.code == 2
    assert answer.names("study.metric", '"nope"')
    assert answer.out.endswith(": FAILED\n")


@pytest.mark.slow
def test_without_follow(mine: CliRunner, head: Head) -> None:
    """Nor with a variable that is set there alone."""
    words = ("--set", 'study.name="later"', "--set", 'journal.url="${env:ITS_DATABASE}"')
    answer = call(mine, head, "submit", "study.toml", "--address", head.jobs, "--json", *SMALL, *words)
    assert answer.code == 0
    assert set(answer.data) == {"study", "job", "address"}
    deadline = time.monotonic() + 120
    status = {"state": ""}
    while status["state"] != "COMPLETE" and time.monotonic() < deadline:
        time.sleep(0.5)
        read = mine.invoke("status", "later", "--journal", f"sqlite:///{head.home.parent}/its.db", "--json")
        status = read.data if read.code == 0 else status
    assert status["state"] == "COMPLETE"


@pytest.mark.slow
def test_cluster_that_refuses_us(mine: CliRunner, head: Head, tmp_path: Path) -> None:
    stranger = tmp_path / "token"
    stranger.write_text(secrets.token_hex(32))
    other = Head(head.gcs, head.jobs, head.client, head.home, {**head.variables, "RAY_AUTH_TOKEN_PATH": str(stranger)})
    answer = call(mine, other, "submit", "study.toml", "--address", head.jobs)
    assert answer.code == 5
    assert answer.names(head.jobs, "Authentication")
    assert mine.files() == []


@pytest.mark.slow
@pytest.mark.parametrize("address", ["gcs", "auto", "client"])
def test_run_on_the_cluster(mine: CliRunner, head: Head, address: str) -> None:
    """The driver is here, the workers are there; `auto` is found as Ray finds it."""
    where = "auto" if address == "auto" else getattr(head, address)
    there = Head(head.gcs, head.jobs, head.client, head.home, {**head.variables, "RAY_ADDRESS": head.gcs})
    words = (*SMALL, "--set", f'resources.address="{where}"', "--set", 'tracking.mlflow="none"')
    answer = call(mine, there, "run", "study.toml", "--json", *words)
    assert answer.code == 0, answer.err
    assert sum(answer.data["trials"].values()) == 4
    assert len(answer.err.splitlines()) == 4, answer.err


@pytest.mark.slow
def test_more_than_the_cluster_has(mine: CliRunner, head: Head) -> None:
    words = ("--set", f'resources.address="{head.gcs}"', "--set", "resources.per_trial.cpus=9")
    answer = call(mine, head, "run", "study.toml", *words)
    assert answer.code == 2
    assert answer.names("resources.per_trial", f"{head.gcs} has", "2 CPUs")
    assert mine.files() == []
