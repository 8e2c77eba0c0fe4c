"""Row 13: another process holds the SQLite file for a minute. Training goes on, nothing fails, nothing is lost."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.chaos.scenario import Driver, Scenario
from tests.cli.cli_runner import content

PACE = "pace = 0.05"
LOCKS = {"writers": "BEGIN IMMEDIATE", "everybody": "BEGIN EXCLUSIVE"}
"""Readers read on in both cases: that is what the write-ahead log is for."""


@contextmanager
def locked(path: Path, begin: str) -> Iterator[None]:
    """By this process, in the midst of a change that it takes back at the end."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=60)
    try:
        connection.execute(begin)
        connection.execute("UPDATE hpsearch_studies SET state = 'nonsense'")
        yield
        connection.rollback()
    finally:
        connection.close()


def journal(scenario: Scenario) -> Path:
    return scenario.folder / ".hpsearch/journal.db"


def begun(scenario: Scenario, search: str, options: str = PACE, more: str = "") -> Driver:
    """A study that has trained a few epochs."""
    scenario.cli.study(search, epochs=5, options=options, more=more)
    driver = scenario.start()
    scenario.until(lambda: scenario.trained() >= 4, driver)
    return driver


@pytest.mark.chaos
@pytest.mark.parametrize(("lock", "seconds"), [("everybody", 6.0), *((lock, 60.0) for lock in LOCKS)])
def test_training_goes_on(scenario: Scenario, lock: str, seconds: float) -> None:
    trials = int(seconds * 3) + 8
    driver = begun(scenario, f'method = "random"\ntrials = {trials}')
    finished_results = scenario.finished_results()
    with locked(journal(scenario), LOCKS[lock]):
        before, began = scenario.trained(), time.monotonic()
        while time.monotonic() < began + seconds:
            finished_results.check_unchanged()
            status = scenario.invoke("status", "toy", "--json")
            assert status.code == 0
            assert status.data["epochs_trained"] >= 1
            time.sleep(0.2)
        meanwhile = scenario.trained() - before
    answer = driver.ended(120)
    assert answer.code == 0
    finished_results.check_unchanged()
    scenario.check(budget=trials, kills=0)
    assert (answer.err.count("locked"), answer.err.count("the journal is reachable again")) == (1, 1)
    assert meanwhile >= seconds  # a tenth or so of what it trains while nothing is in the way
    assert not list(scenario.folder.rglob("spool.jsonl"))
    print(f"\nheld for {seconds:g} s: {meanwhile} epochs trained meanwhile, 0 lost, 0 trained again")


@pytest.mark.chaos
def test_a_driver_that_starts_meanwhile_waits(scenario: Scenario) -> None:
    """For a short lock, that is; no failure, no second try by hand."""
    begun(scenario, 'method = "random"\ntrials = 2').ended()
    scenario.cli.study('method = "random"\ntrials = 3', epochs=5, options=PACE)
    with locked(journal(scenario), LOCKS["everybody"]):
        driver = scenario.start()
        time.sleep(3.0)
        assert driver.popen.poll() is None
    assert driver.ended().code == 0
    scenario.check(budget=3, kills=0)


@pytest.mark.chaos
def test_killed_meanwhile(scenario: Scenario) -> None:
    """What it had put aside is there after the next run, once."""
    search = 'method = "random"\ntrials = 30'
    driver = begun(scenario, search)
    finished_results = scenario.finished_results()
    with locked(journal(scenario), LOCKS["everybody"]):
        before = scenario.trained()
        scenario.until(lambda: list(scenario.folder.rglob("spool.jsonl")) and scenario.trained() > before + 8, driver)
        driver.kill()
        finished_results.check_unchanged()
    answer = scenario.finish()
    assert "of an earlier run, kept on disk" in answer.err
    finished_results.check_unchanged()
    scenario.check(budget=30, kills=1)


@pytest.mark.chaos
def test_locked_for_longer_than_the_study_waits(scenario: Scenario) -> None:
    """It ends in good order with what it has, on the disk beside; the next run brings it over."""
    search = 'method = "random"\ntrials = 20'
    scenario.cli.study(search, epochs=5, options=PACE)
    quickly, home = ["--set", "trainer.options.pace=0.0"], {"HPSEARCH_HOME": str(scenario.folder / "unbroken")}
    whole = scenario.start("run", "study.toml", *quickly, env=scenario.env() | home)
    assert whole.ended().code == 0
    wanted = content(
        scenario.invoke("export", "toy", "--journal", f"sqlite:///{scenario.folder}/unbroken/journal.db").data
    )
    scenario.cli.epoch_log.unlink()
    driver = begun(scenario, search, more='[journal]\nwait = "4s"\n')
    with locked(journal(scenario), LOCKS["everybody"]):
        began = time.monotonic()
        answer = driver.ended()
        assert answer.code == 5
        assert "spool.jsonl" in answer.err
        assert time.monotonic() - began < 45  # 4 s, and what the machine takes
        again = scenario.start().ended(150)  # it is still locked
        assert again.code == 5
        assert "locked" in again.err
    scenario.finish()
    scenario.check(budget=20, kills=0)
    assert content(scenario.export()) == wanted
