"""Runs of `hpsearch` in processes of their own, and the faults that the tests of tests/chaos inject.

    def test_something(scenario: Scenario) -> None:         # the fixture is in tests/chaos/conftest.py
        scenario.cli.study('method = "random"\\ntrials = 6', options="pace = 0.03")  # writes study.toml, see CliRunner
        driver = scenario.start()                           # `hpsearch run study.toml`
        scenario.until(lambda: scenario.trained() >= 3, driver)
        driver.kill()                                       # SIGKILL, by its recorded pid
        finished = scenario.finished_results()              # recorded results must never change:
        finished.check_unchanged()                          # may be called repeatedly
        scenario.finish()                                   # `run` again until it is done
        finished.check_unchanged()
        scenario.check(budget=6, kills=1, concurrency=1)    # the invariants after every fault (invariants.py)

Every process that a driver starts has the scenario's mark in its environment, so that it is found after its parents
have ended. At its end the fixture kills all processes with the mark. No process is killed by its name.
"""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hpsearch.journal import Journal
from hpsearch.journal.lease import process_start
from hpsearch.records.export import export
from hpsearch.records.find import JournalStudy
from tests.chaos import invariants
from tests.chaos.invariants import FinishedResults
from tests.cli.cli_runner import CliResult, CliRunner, environment
from tests.support.ray_session import descendants

MARK = "HPSEARCH_TEST_SCENE"
SUMMARY: list[tuple[str, str, str]] = []
"""(row of FAULTS, the fault, numbers): see `add_summary`."""

AHEAD = 2
"""Epochs that a worker on Ray may have trained and not reported: the one in flight, and where verdicts come late, one
ahead of its verdict (`worker.LATE_FRACTION`)."""

GONE_WITHIN = 90.0
"""Seconds after which no process of a run may be left (FAULTS)."""


@dataclass(frozen=True, order=True)
class Process:
    """A process, identified by its pid and start time, since pids are reused."""

    pid: int
    started: str

    @property
    def is_running(self) -> bool:
        return process_start(self.pid) == self.started

    def kill(self, number: int = signal.SIGKILL) -> None:
        if self.is_running:
            os.kill(self.pid, number)

    def __str__(self) -> str:
        try:
            words = Path(f"/proc/{self.pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            words = "?"
        return f"{self.pid} ({words.strip()[:80]})"


def add_summary(row: str, what: str, **numbers: object) -> None:
    """Add a row to the table at the end of the tests: a fault, and numbers such as its count. row: of FAULTS."""
    SUMMARY.append((row, what, ", ".join(f"{name} {value}" for name, value in numbers.items())))


def processes(pids: Iterable[int]) -> set[Process]:
    """The processes with these pids that are running."""
    seen = ((pid, process_start(pid)) for pid in pids)
    return {Process(pid, started) for pid, started in seen if started not in ("", "ended")}


def marked(mark: str) -> set[Process]:
    """The running processes that were started with the mark, or by a process with it."""
    needle = f"{MARK}={mark}".encode()
    pids = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if needle in (folder / "environ").read_bytes():
                pids.append(int(folder.name))
        except OSError:  # it has ended, or is not ours
            continue
    return processes(pids)


@dataclass
class Driver:
    """An `hpsearch` process in its own session. Its output goes to files, so that it never blocks on a pipe."""

    popen: "subprocess.Popen[bytes]"
    mark: str
    out: Path
    err: Path

    @property
    def pid(self) -> int:
        return self.popen.pid

    def process_tree(self) -> set[Process]:
        """The process itself and its descendants, if they are running."""
        return processes({self.pid, *descendants(self.pid)}) | marked(self.mark)

    def signal(self, number: int) -> None:
        assert self.popen.poll() is None, self.said()
        os.kill(self.pid, number)

    def kill(self) -> set[Process]:
        """Send SIGKILL, and return its descendants that are still running. It may have ended before."""
        others = {one for one in self.process_tree() if one.pid != self.pid}
        self.popen.kill()
        self.popen.wait(30)
        return others

    def ended(self, timeout: float = 90.0) -> CliResult:
        """Wait for its end. Exit code 1 fails the test: it means a bug in hpsearch. -9: it was killed."""
        try:
            code = self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait(30)
            raise AssertionError(f"it did not end within {timeout:g} s: {self.said()}") from None
        answer = CliResult(code, self.out.read_text(errors="replace"), self.err.read_text(errors="replace"))
        assert code != 1, self.said()
        return answer

    def said(self) -> str:
        return f"--- stdout\n{self.out.read_text(errors='replace')}\n--- stderr\n{self.err.read_text(errors='replace')}"


@dataclass
class Scenario:
    """A folder with a study and the drivers that run it. Threads may call `invoke`, and not `cli.invoke`."""

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)
    url: str = ""

    def __post_init__(self) -> None:
        # capsys is for `cli.invoke` alone. The trials are distinguished by their seeds in the epoch_log.
        self.cli = CliRunner(self.folder, None, 'trial_seeds = "different"\n')  # type: ignore[arg-type]
        self.mark = uuid.uuid4().hex
        self.drivers: list[Driver] = []
        self.runs = self.folder / "runs"
        self.runs.mkdir(exist_ok=True)
        self.url = self.url or f"sqlite:///{self.folder}/.hpsearch/journal.db"

    # Running ────────────────────────────────────────────────────────────────────────────────────

    def start(
        self,
        *words: object,
        fail: str = "",
        chaos: Iterable[object] = (),
        within: Iterable[str] = (),
        **options: Any,
    ) -> Driver:
        """Without words `run study.toml`. fail: "before-write:7" and so on; chaos: other options of driver.py.

        within: a command that runs it, such as strace with its options. options: of Popen, in place of the usual.
        """
        asked = [*map(str, chaos), *(["--fail", fail] if fail else [])]
        program = ["tests.chaos.driver", *asked] if asked else ["hpsearch"]
        argv = [*within, sys.executable, "-m", *program, *map(str, words or ("run", "study.toml"))]
        stem = self.runs / f"{len(self.drivers):04d}"
        out, err = stem.with_suffix(".out"), stem.with_suffix(".err")
        with out.open("wb") as to_out, err.open("wb") as to_err:
            usual: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": to_out, "stderr": to_err, "env": self.env()}
            popen = subprocess.Popen(argv, cwd=self.folder, start_new_session=True, **{**usual, **options})
        driver = Driver(popen, self.mark, out, err)
        self.drivers.append(driver)
        return driver

    def env(self) -> dict[str, str]:
        # SPT_NOENV: Ray's workers change their title, and would write it over the environment that we look for.
        ours = {MARK: self.mark, "SPT_NOENV": "1", "PYTHONUNBUFFERED": "1"}
        hidden = ("HPSEARCH_HOME", "HPSEARCH_DATA", "MLFLOW_TRACKING_URI", "NO_COLOR")
        return {name: value for name, value in environment().items() if name not in hidden} | ours | self.variables

    def invoke(self, *words: object, timeout: float = 90.0) -> CliResult:
        """Run a command in a process of its own."""
        return self.start(*words).ended(timeout)

    def finish(self, *words: object, most: int = 3, timeout: float = 120.0) -> CliResult:
        """`run` again until the study is done, at most `most` times."""
        codes = []
        for _ in range(most):
            driver = self.start(*words)
            answer = driver.ended(timeout)
            if answer.code == 0:
                return answer
            codes.append(answer.code)
        raise AssertionError(f"not done after {most} runs, which ended with {codes}: {driver.said()}")

    def until(self, true: Callable[[], object], driver: Driver | None = None, seconds: float = 90.0) -> None:
        """Wait until `true()` is true; fails if the driver ends first."""
        deadline = time.monotonic() + seconds
        while not true():
            if driver is not None and driver.popen.poll() is not None:
                raise AssertionError(f"it ended too early, with {driver.popen.returncode}: {driver.said()}")
            if time.monotonic() > deadline:
                said = driver.said() if driver is not None else ""
                raise AssertionError(f"it did not come to it within {seconds:g} s: {said}")
            time.sleep(0.005)

    # Looking ────────────────────────────────────────────────────────────────────────────────────

    def trained(self) -> int:
        """The number of epochs that were trained; an epoch that was trained again counts each time."""
        return self.cli.trained()

    def retrained(self) -> int:
        """The number of epochs that were trained again."""
        return invariants.retrained(self.cli.epoch_log)

    def export(self, study: str = "toy", url: str = "") -> dict[str, Any]:
        """The document of `hpsearch export`, read in this process."""
        with Journal.open(url or self.url, create=False) as journal:
            record = journal.find(study)
            assert record is not None, f"no study {study}"
            return export(journal, JournalStudy(record)).document()

    def finished_results(self, study: str = "toy") -> FinishedResults:
        return FinishedResults(self.url, study)

    def check(
        self,
        study: str = "toy",
        *,
        budget: int | None = None,
        kills: int | None = None,
        concurrency: int = 1,
        stopped_cleanly: bool = True,
        mlflow: str = "",
    ) -> None:
        """Check the invariants. budget: of trials. kills: the number of faults that may each cost `concurrency` epochs.

        stopped_cleanly: the last run ended in good order. mlflow: the URI of a store that `hpsearch sync` has updated.
        """
        invariants.check(self.url, study, budget=budget, stopped_cleanly=stopped_cleanly)
        if kills is not None:
            assert self.retrained() <= kills * concurrency, (
                f"{self.retrained()} epochs trained again after {kills} faults"
            )
        if mlflow:
            invariants.check_mirrored(self.url, study, mlflow)

    def left(self) -> set[Process]:
        """The running processes of this scenario."""
        return marked(self.mark)

    def alone(self, seconds: float = GONE_WITHIN) -> float:
        """Wait until no process of this scenario is running. Returns the seconds that this took."""
        began = time.monotonic()
        while left := self.left():
            if time.monotonic() - began > seconds:
                raise AssertionError(f"still there after {seconds:g} s: {', '.join(map(str, sorted(left)))}")
            time.sleep(0.1)
        return time.monotonic() - began

    def close(self) -> None:
        """End all processes of this scenario, until no new one appears."""
        for driver in self.drivers:
            driver.popen.kill()
        for _ in range(20):
            left = self.left()
            for process in left:
                process.kill()
            if not left:
                break
            time.sleep(0.1)
        for driver in self.drivers:
            driver.popen.wait(30)


def schema(server: str) -> str:
    """The URL of a new empty schema on the PostgreSQL server of the tests."""
    import psycopg

    name = f"chaos_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
    return f"{server}&options=-csearch_path%3D{name}"


class Scenarios:
    """Creates scenarios, also in several threads, and ends their processes."""

    def __init__(self, folder: Path, **variables: str):
        self.folder, self.variables = folder, variables
        self.made: list[Scenario] = []

    def __call__(self, **options: Any) -> Scenario:
        folder = self.folder / uuid.uuid4().hex[:8]
        folder.mkdir()
        scenario = Scenario(folder, dict(self.variables), **options)
        self.made.append(scenario)
        return scenario

    def __enter__(self) -> "Scenarios":
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            for scenario in self.made if kind is None else ():
                scenario.alone()
        finally:
            for scenario in self.made:
                scenario.close()
