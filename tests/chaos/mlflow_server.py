"""A real `mlflow server`, and a study that is tracked there through a proxy with faults."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hpsearch.journal import Journal
from tests.chaos.scenario import Process, Scenario, processes
from tests.support.ray_session import descendants

QUICK = 'method = "random"\ntrials = 6'


class Server:
    """Its store and artifacts are in `folder`. It may be killed and started again, on the same port."""

    def __init__(self, folder: Path, port: int):
        self.folder, self.port = folder, port
        self.uri = f"http://127.0.0.1:{port}"
        self.popen: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers: about 6 s on an idle machine."""
        words = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port)]
        words += ["--workers", "1", "--backend-store-uri", f"sqlite:///{self.folder}/server.db"]
        words += ["--artifacts-destination", str(self.folder / "artifacts")]
        variables = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
        with (self.folder / "server.log").open("ab") as log:
            self.popen = subprocess.Popen(
                words, env={**os.environ, **variables}, stdout=log, stderr=log, cwd=self.folder, start_new_session=True
            )
        deadline = time.monotonic() + 120
        while not self._answers():
            if self.popen.poll() is not None or time.monotonic() > deadline:
                raise AssertionError((self.folder / "server.log").read_text()[-3000:])
            time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.uri}/health", timeout=5):
                return True
        except OSError:
            return False

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Kill it and its descendants, by their recorded pids."""
        if self.popen is None:
            return
        process_tree: set[Process] = processes({self.popen.pid, *descendants(self.popen.pid)})
        for process in process_tree:
            process.kill(number)
        self.popen.wait(30)
        self.popen = None
        deadline = time.monotonic() + 30
        while any(process.is_running for process in process_tree):
            assert time.monotonic() < deadline, f"left of the server: {process_tree}"
            time.sleep(0.05)


@contextmanager
def served(folder: Path, port: int) -> Iterator[Server]:
    server = Server(folder, port)
    try:
        server.start()
        yield server
    finally:
        server.kill()


def tracked(
    scenario: Scenario, uri: str, search: str = QUICK, *, epochs: int = 5, pace: float = 0.05, more: str = ""
) -> None:
    """A study in `scenario` whose MLflow is at `uri`, by way of the environment as INTERFACE has it."""
    scenario.variables["MLFLOW_TRACKING_URI"] = uri
    scenario.cli.study(search, epochs=epochs, options=f"pace = {pace}", more=more)
    scenario.cli.change(('mlflow = "none"', 'mlflow = "${env:MLFLOW_TRACKING_URI}"'))


def training_seconds(url: str, study: str = "toy") -> float:
    """Seconds from the first to the last report: MLflow does not affect the time before and after."""
    with Journal.open(url, create=False) as journal:
        record = journal.find(study)
        assert record is not None
        moments = [report.at for trial in journal.trials(record.id) for report in trial.curve]
    return (max(moments) - min(moments)) / 1000


def warnings_of(scenario: Scenario) -> list[str]:
    """All log messages of hpsearch about MLflow. MLflow itself logs a batch that was on its way when the connection
    broke."""
    log = scenario.folder / ".hpsearch" / "hpsearch.log"
    return [line for line in log.read_text().splitlines() if "hpsearch.tracking." in line] if log.exists() else []
