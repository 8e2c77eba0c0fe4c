"""FAULTS rows 9 to 11: whatever MLflow does, trials train on, and in the end it shows what the journal has, once.

A real `mlflow server` stands behind a proxy that misbehaves. Times are printed side by side and asserted nowhere.
"""

import random
import shutil
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from tests.chaos.http_proxy import Proxy
from tests.chaos.invariants import check_mirrored
from tests.chaos.mlflow_server import QUICK, Server, served, tracked, training_seconds, warnings_of
from tests.chaos.scenario import Driver, Scenario
from tests.cli.cli_runner import CliResult
from tests.cli.test_submit import free_ports

pytestmark = pytest.mark.xdist_group("mlflow")  # one server for all of these

TWENTY = 'method = "random"\ntrials = 20'
LATER = "are not in MLflow yet; `hpsearch sync toy` sends them"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with served(tmp_path_factory.mktemp("mlflow"), *free_ports(1)) as server:
        yield server


def synced(scenario: Scenario, server: Server) -> None:
    """`hpsearch sync`, then everything compared point for point."""
    answer = scenario.invoke("sync", "toy", "--json")
    assert (answer.code, answer.err) == (0, "")
    assert answer.data[0]["pending"] == 0
    check_mirrored(scenario.url, "toy", server.uri)


def said_once(scenario: Scenario, answer: CliResult) -> None:
    """One note on the terminal while it runs, one line in the log, however often it was tried."""
    notes = [line for line in answer.err.splitlines() if "MLflow" in line]
    assert len(notes) == 1, notes
    assert len(warnings_of(scenario)) == 1, warnings_of(scenario)


def held(scenario: Scenario) -> Driver:
    """A driver whose fifth epoch lasts until the gate is taken away: MLflow may be slow to take the first of it."""
    (scenario.folder / "gate").write_text("5")
    return scenario.start()


class TestAllTheTime:
    """MLflow is of no use for as long as the study runs."""

    @pytest.mark.chaos
    def test_down(self, scenario: Scenario, server: Server) -> None:
        with Proxy(server.uri) as proxy:
            tracked(scenario, proxy.uri)
            with proxy.down():
                answer = scenario.invoke("run", "study.toml")
            assert answer.code == 0
            assert LATER in answer.out
            said_once(scenario, answer)
            scenario.check(budget=6, kills=0)
            synced(scenario, server)

    @pytest.mark.chaos
    @pytest.mark.parametrize("mode", ["down", "500", "slow", "hang", "lose"])
    def test_costs_training_nothing(
        self, scenario: Scenario, server: Server, tmp_path_factory: pytest.TempPathFactory, mode: str
    ) -> None:
        """Side by side with the same study whose MLflow is well: the machine is as busy for both."""
        well = Scenario(tmp_path_factory.mktemp("well"))
        tracked(well, server.uri, TWENTY, epochs=10)
        with Proxy(server.uri) as proxy:
            tracked(scenario, proxy.uri, TWENTY, epochs=10)
            proxy.mode = int(mode) if mode.isdigit() else mode
            with proxy.down() if mode == "down" else nullcontext():
                beside = well.start()
                answer = scenario.invoke("run", "study.toml", timeout=180)
            assert (answer.code, beside.ended().code) == (0, 0)
            took, usual = training_seconds(scenario.url), training_seconds(well.url)
            print(f"\nMLflow {mode}: 200 epochs in {took:.2f} s, {usual:.2f} s where it is well")
            if mode == "lose":  # what it took is there, though it never said so
                assert proxy.passed["create"] >= 1
            proxy.mode = "pass"
            proxy.let_go.set()
            scenario.check(budget=20, kills=0)
            synced(scenario, server)


class TestForAWhile:
    @pytest.mark.chaos
    def test_fails_in_every_way_in_turn(self, scenario: Scenario, server: Server) -> None:
        """It comes back before the study ends: nothing is left to do for anybody.

        At first some calls are committed and their connections reset in place of the answer.
        """
        with Proxy(server.uri, deaf={"create": 1, "log-batch": 1, "study.json": 1}) as proxy:
            tracked(scenario, proxy.uri, 'method = "random"\ntrials = 15', epochs=8)
            driver = held(scenario)
            scenario.until(lambda: proxy.passed["log-batch"] >= 1, driver)
            (scenario.folder / "gate").unlink()
            scenario.until(lambda: proxy.passed["log-batch"] >= 2, driver)
            proxy.mode = 500
            scenario.until(lambda: scenario.trained() >= 60, driver)
            proxy.mode = "lose"
            with proxy.down():
                scenario.until(lambda: scenario.trained() >= 75, driver)
            scenario.until(lambda: scenario.trained() >= 85, driver)
            proxy.mode = "pass"
            answer = driver.ended()
            assert answer.code == 0
            assert LATER not in answer.out
            said_once(scenario, answer)
            assert not proxy.deaf.total()
            scenario.check(budget=15, kills=0, mlflow=server.uri)

    @pytest.mark.chaos
    def test_two_minutes(self, scenario: Scenario, server: Server) -> None:
        with Proxy(server.uri) as proxy:
            tracked(scenario, proxy.uri, 'method = "random"\ntrials = 40', epochs=80)
            driver = scenario.start()
            scenario.until(lambda: proxy.passed["log-batch"] >= 2, driver)
            with proxy.down():
                time.sleep(120)
            answer = driver.ended(timeout=200)
            assert answer.code == 0
            assert LATER not in answer.out
            said_once(scenario, answer)
            scenario.check(budget=40, kills=0, mlflow=server.uri)

    @pytest.mark.chaos
    def test_answers_that_never_arrive_make_nothing_double(self, scenario: Scenario, server: Server) -> None:
        """Each of these calls was committed, and its connection reset in place of the answer."""
        with Proxy(server.uri, deaf={"create": 1, "log-batch": 2, "update": 1, "study.json": 1}) as proxy:
            tracked(scenario, proxy.uri, 'method = "random"\ntrials = 12', epochs=8)
            answer = scenario.invoke("run", "study.toml")
            assert answer.code == 0
            assert LATER not in answer.out
            assert not proxy.deaf.total()
            scenario.check(budget=12, kills=0, mlflow=server.uri)
            (synced,) = scenario.invoke("sync", "toy", "--json").data
            assert not any(synced[key] for key in ("sent", "pending", "files_sent", "files_pending", "problem"))


class TestKilled:
    @pytest.mark.chaos
    def test_driver_while_mlflow_is_away(self, scenario: Scenario, server: Server) -> None:
        with Proxy(server.uri) as proxy:
            tracked(scenario, proxy.uri, epochs=10)
            driver = held(scenario)
            scenario.until(lambda: proxy.passed["log-batch"] >= 1, driver)
            (scenario.folder / "gate").unlink()
            before = scenario.trained()
            with proxy.down():
                scenario.until(lambda: scenario.trained() >= before + 12, driver)
                driver.kill()
            assert scenario.finish().code == 0
            scenario.check(budget=6, kills=1, mlflow=server.uri)

    @pytest.mark.chaos
    @pytest.mark.parametrize("seed", [1, 2])
    def test_server_at_random_moments(self, scenario: Scenario, tmp_path: Path, seed: int) -> None:
        """SIGKILL of all its processes, five times a study."""
        moments, kills = random.Random(seed), 0
        folder = tmp_path / "server"
        folder.mkdir()
        with served(folder, *free_ports(1)) as server:
            tracked(scenario, server.uri, 'method = "random"\ntrials = 30', epochs=40)
            driver = scenario.start()
            for _ in range(5):
                time.sleep(moments.uniform(0.2, 4.0))
                server.kill()
                kills += 1
                time.sleep(moments.uniform(0.0, 3.0))
                server.start()
            answer = driver.ended(timeout=200)
            assert answer.code == 0
            scenario.check(budget=30, kills=0)
            synced(scenario, server)
        print(f"\nseed {seed}: server killed {kills} times; 1,200 epochs in {training_seconds(scenario.url):.1f} s")


class TestRebuilt:
    @pytest.mark.chaos
    def test_an_empty_store_from_the_journal_alone(self, scenario: Scenario, server: Server) -> None:
        tracked(scenario, server.uri)
        assert scenario.invoke("run", "study.toml").code == 0
        other = f"sqlite:///{scenario.folder}/other.db"
        assert scenario.invoke("sync", "toy", "--json", "--mlflow", other).data[0]["pending"] == 0
        check_mirrored(scenario.url, "toy", other)
        check_mirrored(scenario.url, "toy", server.uri)

    @pytest.mark.chaos
    def test_a_server_that_lost_everything(self, scenario: Scenario, tmp_path: Path) -> None:
        """Its disk is gone, also in the midst of a study: nobody has to tell hpsearch."""
        folder = tmp_path / "server"
        folder.mkdir()
        with served(folder, *free_ports(1)) as server:
            tracked(scenario, server.uri, 'method = "random"\ntrials = 30', epochs=40)
            driver = scenario.start()
            scenario.until(lambda: scenario.trained() >= 300, driver)
            server.kill()
            for path in folder.iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            server.start()
            assert driver.ended(timeout=200).code == 0
            synced(scenario, server)


class TestRefused:
    """Row 11: it is there and will not have us. Said before anything is trained or written."""

    @pytest.mark.chaos
    def test_a_host_that_a_real_server_does_not_know(self, scenario: Scenario, server: Server) -> None:
        with Proxy(server.uri, host="mlflow.example:5000") as proxy:
            tracked(scenario, proxy.uri)
            answer = scenario.invoke("run", "study.toml")
        assert (answer.code, answer.out, scenario.trained(), scenario.cli.files()) == (2, "", 0, [])
        assert answer.err == (
            f"tracking.mlflow: MLflow at {proxy.uri} refuses the name '127.0.0.1': "
            "start it with `mlflow server --allowed-hosts 127.0.0.1`\n"
        )

    @pytest.mark.chaos
    def test_a_study_that_was_begun_goes_on_when_it_has_us_again(self, scenario: Scenario, server: Server) -> None:
        with Proxy(server.uri, login="Basic bWU6c2VjcmV0") as proxy:
            tracked(scenario, proxy.uri.replace("//", "//me:secret@"), QUICK)
            driver = scenario.start()
            scenario.until(lambda: scenario.trained() >= 7, driver)
            driver.kill()
            proxy.login = "Basic another"
            finished_results = scenario.finished_results()
            finished_results.check_unchanged()
            answer = scenario.invoke("run", "study.toml")
            assert (answer.code, answer.out) == (2, "")
            assert "needs a login: set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD" in answer.err
            assert "secret" not in answer.err
            proxy.login = "Basic bWU6c2VjcmV0"
            assert scenario.finish().code == 0
            finished_results.check_unchanged()
            scenario.check(budget=6, kills=1, mlflow=server.uri)
