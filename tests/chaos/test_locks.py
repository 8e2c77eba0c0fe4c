"""Row 13: another process holds the SQLite file for a minute. Training goes on, nothing fails, nothing is lost."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.chaos.kit import Driver, Scene
from tests.cli.desk import content

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


def journal(scene: Scene) -> Path:
    return scene.folder / ".hpsearch/journal.db"


def begun(scene: Scene, search: str, options: str = PACE, more: str = "") -> Driver:
    """A study that has trained a few epochs."""
    scene.desk.study(search, epochs=5, options=options, more=more)
    driver = scene.start()
    scene.until(lambda: scene.trained() >= 4, driver)
    return driver


@pytest.mark.parametrize(
    ("lock", "seconds"),
    [("everybody", 6.0), *(pytest.param(lock, 60.0, marks=pytest.mark.chaos) for lock in LOCKS)],
)
def test_training_goes_on(scene: Scene, lock: str, seconds: float) -> None:
    trials = int(seconds * 3) + 8
    driver = begun(scene, f'method = "random"\ntrials = {trials}')
    witness = scene.witness()
    with locked(journal(scene), LOCKS[lock]):
        before, began = scene.trained(), time.monotonic()
        while time.monotonic() < began + seconds:
            witness.look()
            status = scene.hp("status", "toy", "--json")
            assert status.code == 0
            assert status.data["epochs_trained"] >= 1
            time.sleep(0.2)
        meanwhile = scene.trained() - before
    answer = driver.ended(120)
    assert answer.code == 0
    witness.look()
    scene.check(budget=trials, kills=0)
    assert (answer.err.count("locked"), answer.err.count("the journal is back")) == (1, 1)
    assert meanwhile >= seconds  # a tenth or so of what it trains while nothing is in the way
    assert not list(scene.folder.rglob("spool.jsonl"))
    print(f"\nheld for {seconds:g} s: {meanwhile} epochs trained meanwhile, 0 lost, 0 trained again")


@pytest.mark.chaos
def test_a_driver_that_starts_meanwhile_waits(scene: Scene) -> None:
    """For a short lock, that is; no failure, no second try by hand."""
    begun(scene, 'method = "random"\ntrials = 2').ended()
    scene.desk.study('method = "random"\ntrials = 3', epochs=5, options=PACE)
    with locked(journal(scene), LOCKS["everybody"]):
        driver = scene.start()
        time.sleep(3.0)
        assert driver.popen.poll() is None
    assert driver.ended().code == 0
    scene.check(budget=3, kills=0)


@pytest.mark.chaos
def test_killed_meanwhile(scene: Scene) -> None:
    """What it had put aside is there after the next run, once."""
    search = 'method = "random"\ntrials = 30'
    driver = begun(scene, search)
    witness = scene.witness()
    with locked(journal(scene), LOCKS["everybody"]):
        before = scene.trained()
        scene.until(lambda: list(scene.folder.rglob("spool.jsonl")) and scene.trained() > before + 8, driver)
        driver.kill()
        witness.look()
    answer = scene.finish()
    assert "batches of an earlier run" in answer.err
    witness.look()
    scene.check(budget=30, kills=1)


@pytest.mark.chaos
def test_locked_for_longer_than_the_study_waits(scene: Scene) -> None:
    """It ends in good order with what it has, on the disk beside; the next run brings it over."""
    search = 'method = "random"\ntrials = 20'
    scene.desk.study(search, epochs=5, options=PACE)
    quickly, home = ["--set", "trainer.options.pace=0.0"], {"HPSEARCH_HOME": str(scene.folder / "unbroken")}
    whole = scene.start("run", "study.toml", *quickly, env=scene.env() | home)
    assert whole.ended().code == 0
    wanted = content(scene.hp("export", "toy", "--journal", f"sqlite:///{scene.folder}/unbroken/journal.db").data)
    scene.desk.diary.unlink()
    driver = begun(scene, search, more='[journal]\nwait = "4s"\n')
    with locked(journal(scene), LOCKS["everybody"]):
        began = time.monotonic()
        answer = driver.ended()
        assert answer.code == 5
        assert "spool.jsonl" in answer.err
        assert time.monotonic() - began < 45  # 4 s, and what the machine takes
        again = scene.start().ended(150)  # it is still locked
        assert again.code == 5
        assert "locked" in again.err
    scene.finish()
    scene.check(budget=20, kills=0)
    assert content(scene.export()) == wanted
