"""Row 12: PostgreSQL restarts, is away for a while, or for longer than the study waits; and what befalls its cable."""

import random
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.chaos.invariants import check_secret
from tests.chaos.postgres_process import CANARY, Server, serving
from tests.chaos.scenario import Driver, Scenario
from tests.chaos.tcp_proxy import TcpProxy
from tests.cli.cli_runner import content

PACE = "pace = 0.05"
WAIT = "10m"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture
def remote(scenario: Scenario, server: Server) -> Iterator[Scenario]:
    """Its journal is a database of its own on the server; no secret stands in clear afterwards."""
    with server.database() as name:
        scenario.url = scenario.variables["THE_JOURNAL"] = server.url(name)
        yield scenario
        scenario.close()
        check_secret(CANARY, scenario.folder)


@pytest.fixture
def proxy(remote: Scenario, server: Server) -> Iterator[TcpProxy]:
    """The drivers' way to the server; the tests themselves look at it directly."""
    with TcpProxy(("127.0.0.1", server.port)) as proxy:
        remote.variables["THE_JOURNAL"] = remote.url.replace(str(server.port), str(proxy.port))
        yield proxy


def written(scenario: Scenario, trials: int, wait: str = WAIT, options: str = PACE) -> None:
    journal = f'[journal]\nurl = "${{env:THE_JOURNAL}}"\nwait = "{wait}"\n'
    scenario.cli.study(f'method = "random"\ntrials = {trials}', epochs=5, options=options, more=journal)


def unbroken(scenario: Scenario) -> list[dict[str, Any]]:
    """The trials of the same study with a journal that is always there."""
    quickly = ["--set", "trainer.options.pace=0.0", "--set", 'journal.url="sqlite:///unbroken.db"']
    scenario.finish("run", "study.toml", *quickly)
    scenario.cli.epoch_log.unlink()
    return content(scenario.invoke("export", "toy", "--journal", f"sqlite:///{scenario.folder}/unbroken.db").data)


def begun(scenario: Scenario, epochs: int = 4) -> Driver:
    driver = scenario.start()
    scenario.until(lambda: scenario.trained() >= epochs, driver)
    return driver


def check_whole(scenario: Scenario, trials: int, whole: list[dict[str, Any]], kills: int = 0) -> None:
    scenario.check(budget=trials, kills=kills)
    assert content(scenario.export()) == whole
    assert not list(scenario.folder.rglob("spool.jsonl"))


@pytest.mark.parametrize(
    ("seconds", "mode"),
    [
        (0.0, "immediate"),
        *(pytest.param(20.0, mode, marks=pytest.mark.chaos) for mode in ("immediate", "fast")),
        pytest.param(180.0, "immediate", marks=[pytest.mark.chaos, pytest.mark.timeout(600)]),
    ],
)
def test_away(remote: Scenario, server: Server, seconds: float, mode: str) -> None:
    """Trials train on; everything is there when it is back."""
    pace = 0.4 if seconds > 60 else 0.05
    trials = 8 + int(seconds / (6 * pace))
    written(remote, trials, options=f"pace = {pace}")
    whole = unbroken(remote)
    driver, finished_results = begun(remote), remote.finished_results()
    finished_results.check_unchanged()
    before = remote.trained()
    with server.down(seconds, mode):
        remote.until(lambda: remote.trained() > before + 4, driver)  # it trains, and the server is not there
    answer = driver.ended(120 + seconds)
    meanwhile = remote.trained() - before
    assert answer.code == 0
    assert (
        answer.err.count("training continues for up to"),
        answer.err.count("the journal is reachable again after"),
    ) == (
        1,
        1,
    )
    finished_results.check_unchanged()
    check_whole(remote, trials, whole)
    print(f"\naway for {seconds:g} s or more ({mode}): {meanwhile} epochs trained since, 0 lost, 0 trained again")


@pytest.mark.chaos
def test_restarted_again_and_again(remote: Scenario, server: Server) -> None:
    written(remote, 30)
    whole = unbroken(remote)
    driver, finished_results, chance, restarts = begun(remote), remote.finished_results(), random.Random(5), 0
    while driver.popen.poll() is None and restarts < 12:
        server.restart(chance.choice(["immediate", "immediate", "fast"]))
        finished_results.check_unchanged()
        restarts += 1
        time.sleep(chance.uniform(0.0, 1.0))
    assert driver.ended(120).code == 0
    finished_results.check_unchanged()
    check_whole(remote, 30, whole)
    print(f"\n{restarts} restarts in one run, 0 lost, 0 trained again")


@pytest.mark.chaos
def test_away_for_too_long(remote: Scenario, server: Server) -> None:
    """It ends in good order with what it has beside it on the disk, and again while the server is still away."""
    written(remote, 20, wait="3s")
    whole = unbroken(remote)
    driver, finished_results = begun(remote), remote.finished_results()
    finished_results.check_unchanged()
    with server.down():
        answer = driver.ended()
        assert answer.code == 5
        assert "journal.wait" in answer.err
        assert "spool.jsonl" in answer.err
        (spool,) = remote.folder.rglob("spool.jsonl")
        kept = spool.read_bytes()
        again = remote.start().ended()
        assert again.code == 5
        assert "check that the server runs" in again.err
        assert spool.read_bytes() == kept
    finished_results.check_unchanged()
    answer = remote.finish()
    assert "of an earlier run, kept on disk" in answer.err
    finished_results.check_unchanged()
    check_whole(remote, 20, whole)


@pytest.mark.chaos
@pytest.mark.parametrize("seed", range(4))
def test_killed_while_it_is_away(remote: Scenario, server: Server, seed: int) -> None:
    """Each time as often as not before it is back, then as often as not in the midst of bringing it over."""
    chance = random.Random(seed)
    written(remote, 16)
    whole, finished_results = unbroken(remote), None
    for _ in range(3):
        driver, before = begun(remote, remote.trained() + 2), remote.trained()
        finished_results = finished_results or remote.finished_results()
        finished_results.check_unchanged()
        with server.down():
            remote.until(lambda: remote.trained() >= before + chance.randint(3, 12), driver)  # noqa: B023
            if early := chance.random() < 0.5:
                driver.kill()
        if not early:
            time.sleep(chance.uniform(0.0, 1.0))
            driver.kill()
        finished_results.check_unchanged()
        remote.check(budget=16, stopped_cleanly=False)
    remote.finish()
    finished_results.check_unchanged()
    check_whole(remote, 16, whole, kills=3)


@pytest.mark.chaos
def test_another_takes_over_meanwhile(remote: Scenario, server: Server) -> None:
    """What the first has kept is of another course of the study: it is refused, kept, and said."""
    written(remote, 8)
    whole = unbroken(remote)
    driver, before = begun(remote), remote.trained()
    with server.down():
        remote.until(lambda: remote.trained() >= before + 6, driver)
        driver.kill()
    (spool,) = remote.folder.rglob("spool.jsonl")
    elsewhere = {"HPSEARCH_HOME": str(remote.folder / "elsewhere")}
    assert remote.start("run", "study.toml", env=remote.env() | elsewhere).ended().code == 0
    finished_results = remote.finished_results()
    finished_results.check_unchanged()
    answer = remote.finish()
    assert "because another process has written to the study since" in answer.err
    assert spool.with_name("spool.jsonl.refused").exists()
    assert "not written to the journal" not in remote.finish().err
    finished_results.check_unchanged()
    remote.check(budget=8)
    assert content(remote.export()) == whole


def test_not_there_at_the_start(scenario: Scenario) -> None:
    scenario.variables["THE_JOURNAL"] = f"postgresql://postgres:{CANARY}@127.0.0.1:1/nowhere"
    written(scenario, 2)
    for words in (("run", "study.toml"), ("status", "study.toml"), ("db", "upgrade", "study.toml")):
        answer = scenario.invoke(*words)
        assert (answer.code, answer.out) == (5, "")
        assert "postgres:***@127.0.0.1:1/nowhere: " in answer.err
    check_secret(CANARY, scenario.folder)


class TestTheCable:
    @pytest.mark.chaos
    def test_the_answer_to_a_commit_is_lost(self, remote: Scenario, proxy: TcpProxy) -> None:
        """It had arrived: it is written once."""
        written(remote, 6)
        whole = unbroken(remote)
        driver, finished_results = begun(remote), remote.finished_results()
        for lost in range(1, 6):
            proxy.lose_commits = 1
            remote.until(lambda: proxy.lost >= lost or driver.popen.poll() is not None)  # noqa: B023
            finished_results.check_unchanged()
        assert driver.ended().code == 0
        finished_results.check_unchanged()
        check_whole(remote, 6, whole)
        print(f"\n{proxy.lost} answers to a COMMIT lost, 0 batches lost, 0 doubled")

    @pytest.mark.chaos
    def test_many_answers_in_a_row(self, remote: Scenario, proxy: TcpProxy) -> None:
        written(remote, 30)
        whole = unbroken(remote)
        driver = begun(remote)
        proxy.lose_commits = 60
        assert driver.ended(150).code == 0
        check_whole(remote, 30, whole)
        print(f"\n{proxy.lost} answers to a COMMIT lost in a row, 0 batches lost, 0 doubled")

    @pytest.mark.chaos
    def test_cut_again_and_again(self, remote: Scenario, proxy: TcpProxy) -> None:
        written(remote, 30)
        whole = unbroken(remote)
        driver, finished_results, chance, cuts = begun(remote), remote.finished_results(), random.Random(7), 0
        while driver.popen.poll() is None:
            proxy.cut()
            cuts += 1
            time.sleep(chance.uniform(0.0, 0.3))
            finished_results.check_unchanged()
        assert driver.ended().code == 0
        check_whole(remote, 30, whole)
        print(f"\ncut {cuts} times, 0 lost, 0 doubled")
        assert cuts >= 20

    @pytest.mark.chaos
    def test_nobody_listens_for_a_while(self, remote: Scenario, proxy: TcpProxy) -> None:
        written(remote, 40)
        whole = unbroken(remote)
        driver, before = begun(remote), remote.trained()
        with proxy.down():
            remote.until(lambda: remote.trained() >= before + 60, driver)
        assert driver.ended().code == 0
        check_whole(remote, 40, whole)

    @pytest.mark.chaos
    @pytest.mark.parametrize("cut", [False, True])
    def test_half_open(self, remote: Scenario, proxy: TcpProxy, cut: bool) -> None:
        """Connections stand, nothing comes through: noticed in less than half a minute, and trials train on since."""
        written(remote, 140)
        whole = unbroken(remote)
        driver, before, began = begun(remote), remote.trained(), time.monotonic()
        with proxy.hole():
            remote.until(lambda: "training continues for up to" in driver.said(), driver, 60)
            noticed = time.monotonic() - began
            remote.until(lambda: remote.trained() >= before + 30, driver)
            if cut:
                proxy.cut()
        assert driver.ended(200).code == 0
        check_whole(remote, 140, whole)
        print(f"\nhalf open: noticed after {noticed:.1f} s, 0 lost, 0 doubled")
        assert noticed < 45
