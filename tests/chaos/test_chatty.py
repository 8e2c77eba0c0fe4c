"""FAULTS row 36: a trainer that writes too much fills no disk and stops no other trial; its error says why."""

import time
from pathlib import Path

import pytest

from hpsearch.journal import Journal
from hpsearch.tracking.mlflow_logging import configure
from hpsearch.workers.trial_log import MAX_BYTES
from tests.chaos.invariants import check_mirrored
from tests.chaos.scenario import Scenario
from tests.chaos.verbose_trainers import HOSTILE
from tests.tracking.study_recorder import MlflowStudy

ONE = 'method = "random"\ntrials = 1'


def chatty(
    scenario: Scenario, trainer: str, options: str, *, epochs: int = 1, ray: bool = False, mlflow: bool = True
) -> None:
    scenario.cli.study(ONE, trainer=f"tests.chaos.verbose_trainers:{trainer}", epochs=epochs, options=options)
    if ray:
        scenario.cli.change(('address = "none"', "workers = 1"))
    if mlflow:
        scenario.cli.change(('[tracking]\nmlflow = "none"\n', ""))


def bytes_in(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())


def sizes(scenario: Scenario) -> str:
    home = scenario.folder / ".hpsearch"
    parts = {part.name: bytes_in(part) if part.is_dir() else part.stat().st_size for part in home.iterdir()}
    return ", ".join(f"{name} {size / 2**20:.2f} MiB" for name, size in sorted(parts.items()))


def mlflow_of(scenario: Scenario) -> MlflowStudy:
    configure()
    with Journal.open(scenario.url, create=False) as journal:
        record = journal.find("toy")
    assert record is not None
    return MlflowStudy(f"sqlite:///{scenario.folder}/.hpsearch/mlflow.db", record)


class TestLines:
    @pytest.mark.xdist_group("ray")
    @pytest.mark.chaos
    def test_a_million_printed(self, scenario: Scenario) -> None:
        chatty(scenario, "prints_lines", "lines = 500_000", epochs=2, ray=True, mlflow=False)
        answer = scenario.invoke("run", "study.toml")
        assert answer.code == 0
        assert [line.split()[0] for line in answer.err.splitlines()] == ["warning:", "[1/1]"]
        (log,) = (scenario.folder / ".hpsearch" / "studies").glob("*/logs/trial-00000.log")
        assert MAX_BYTES - 100 < log.stat().st_size <= MAX_BYTES
        assert log.read_text().startswith("epoch 1, step 0: everything is fine\nepoch 1, step 1:")
        assert log.read_text().endswith("the log is full: nothing more is written\n")
        assert bytes_in(scenario.folder / ".hpsearch") < 2 * MAX_BYTES
        print(f"\na million lines printed: {sizes(scenario)}")

    @pytest.mark.xdist_group("ray")
    @pytest.mark.chaos
    def test_without_end(self, scenario: Scenario) -> None:
        """limits.stall ends the trial; without it, Ctrl-C the run."""
        chatty(scenario, "prints_lines", "lines = 1_000_000_000, raw = true", ray=True, mlflow=False)
        scenario.cli.change(("[resources]", '[limits]\nstall = "5s"\nretries = 0\n[resources]'))
        answer = scenario.invoke("run", "study.toml", timeout=200)
        assert answer.code == 3
        (trial,) = scenario.export()["trials"]
        assert (trial["state"], trial["cause"]) == ("FAILED", "stalled")
        assert bytes_in(scenario.folder / ".hpsearch") < 2 * MAX_BYTES
        scenario.check(budget=1)

    @pytest.mark.xdist_group("ray")
    @pytest.mark.chaos
    def test_past_python(self, scenario: Scenario) -> None:
        """What a library in C prints goes into Ray's own files, which end with the run."""
        chatty(scenario, "prints_lines", "lines = 50_000, raw = true", epochs=20, ray=True, mlflow=False)
        driver = scenario.start()
        most = 0
        while driver.popen.poll() is None:
            most = max([most, *map(bytes_in, Path("/tmp").glob(f"hps{driver.pid}-*"))])
            time.sleep(0.05)
        assert driver.ended().code == 0
        print(f"\na million lines past Python: at most {most / 2**20:.1f} MiB in Ray's folder; {sizes(scenario)}")
        assert most < 24 << 20, "two files of 4 MiB each for stdout and for stderr, and what Ray says itself"
        assert list(Path("/tmp").glob(f"hps{driver.pid}-*")) == []

    @pytest.mark.chaos
    def test_an_exception_of_ten_million_characters(self, scenario: Scenario) -> None:
        chatty(scenario, "long_error", "size = 10_000_000", epochs=3)
        answer = scenario.invoke("run", "study.toml")
        assert answer.code == 3
        assert len(answer.out) + len(answer.err) < 5_000
        scenario.check(budget=1)
        assert scenario.invoke("sync", "toy", "--json").data[0]["pending"] == 0
        assert bytes_in(scenario.folder / ".hpsearch") < 4 * MAX_BYTES
        run = mlflow_of(scenario).trial(0)
        assert run.info.status == "FAILED"
        assert len(run.data.tags["hpsearch.reason"]) < 600


class TestMetrics:
    def test_a_million_in_a_report(self, scenario: Scenario) -> None:
        chatty(scenario, "many_metrics", "metrics = 999_999")
        answer = scenario.invoke("run", "study.toml")
        assert (answer.code, answer.out) == (2, "")
        assert answer.err.count("\n") == 1
        assert answer.err.startswith("trial 0: ")
        assert all(count in answer.err for count in ("1,000,000 metrics", "maximum is 1,000:"))
        assert bytes_in(scenario.folder / ".hpsearch") < MAX_BYTES

    @pytest.mark.chaos
    @pytest.mark.timeout(1500)
    def test_three_hundred_thousand_points(self, scenario: Scenario) -> None:
        """A thousand metrics at each of 300 epochs: the journal has all, MLflow some and the last.

        The run takes seconds; `sync` sends 175,000 points, and MLflow's own SQLite store takes about 0.3 ms of CPU for
        each: a minute on an idle machine.
        """
        chatty(scenario, "many_metrics", "metrics = 999", epochs=300)
        began = time.monotonic()
        assert scenario.invoke("run", "study.toml", timeout=280).code == 0
        ran = time.monotonic() - began
        assert scenario.invoke("sync", "toy", "--json", timeout=1200).data[0]["pending"] == 0
        print(f"\n300,000 points: {ran:.0f} s, synced after {time.monotonic() - began:.0f} s; {sizes(scenario)}")
        scenario.check(budget=1)
        shown = mlflow_of(scenario)
        steps = {step for key, step, _, _ in shown.points(shown.trial(0)) if key == "weight/0000007"}
        assert steps == {*range(1, 101), *range(102, 201, 2), *range(204, 301, 4)}
        with Journal.open(scenario.url, create=False) as journal:
            assert len(journal.trial(1, 0).curve) == 300

    @pytest.mark.chaos
    def test_ten_thousand_epochs(self, scenario: Scenario) -> None:
        """A curve of one metric is whole in MLflow up to 100,000 epochs."""
        scenario.cli.study(ONE, trainer="tests.support.toys:noop", epochs=10_000)
        scenario.cli.change(('[tracking]\nmlflow = "none"\n', ""))
        began = time.monotonic()
        assert scenario.invoke("run", "study.toml", timeout=280).code == 0
        ran = time.monotonic() - began
        assert scenario.invoke("sync", "toy", "--json", timeout=280).data[0]["pending"] == 0
        print(f"\n10,000 epochs: {ran:.0f} s, synced after {time.monotonic() - began:.0f} s; {sizes(scenario)}")
        scenario.check(budget=1)
        check_mirrored(scenario.url, "toy", f"sqlite:///{scenario.folder}/.hpsearch/mlflow.db")

    @pytest.mark.chaos
    def test_names_that_nobody_would_take(self, scenario: Scenario) -> None:
        """All of them are there, each once; none leads out of its place."""
        chatty(scenario, "odd_names", "", epochs=2)
        assert scenario.invoke("run", "study.toml").code == 0
        assert scenario.invoke("sync", "toy", "--json").data[0]["pending"] == 0
        scenario.check(budget=1)
        run = mlflow_of(scenario).trial(0)
        values = sorted(value for name, value in run.data.metrics.items() if value >= 10)
        assert values == [10.0 + i for i in range(len(HOSTILE))]
        (curve,) = (trial["curve"] for trial in scenario.export()["trials"])
        assert [set(point) for point in curve] == [{"step", "val_loss", *HOSTILE}] * 2
        assert scenario.invoke("show", "toy", "0").code == 0
        assert {path.name for path in scenario.folder.iterdir()} <= {".hpsearch", "runs", "study.toml"}
