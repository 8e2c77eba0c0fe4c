"""FAULTS rows 23 and 8: two drivers of one study, a holder that is dead, one that is elsewhere, and one that was taken
for dead and is not."""

import random
import re
import signal
import socket
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.chaos.invariants import FinishedResults
from tests.chaos.scenario import Driver, Scenario, Scenarios, add_summary, schema
from tests.chaos.test_driver_kills import SHORT, written

SLOW_EPOCHS = "pace = 0.05"
BUSY = r'study "toy" is being run by process (\d+) on (\S+), which last renewed its lease (\d+) s ago'
JUST = 'study "toy" has just been started by another process'
ELSEWHERE = "another-host"


def write_slow_study(scenario: Scenario, options: str = SLOW_EPOCHS) -> None:
    scenario.cli.study('method = "random"\ntrials = 4', options=options)


def held(scenario: Scenario) -> Driver:
    """A driver that is in the midst of its first epoch."""
    driver = scenario.start()
    scenario.until(lambda: scenario.trained() >= 1, driver)
    return driver


def race(scenario: Scenario, delay: float, first: bool) -> None:
    """Two start at (almost) once: one does all of it, the other gets an error with who does, or that it is complete."""
    if not first:
        assert scenario.start(fail="after-write:2").ended().code == -9  # there is a record, with a holder that is dead
    one = scenario.start()
    time.sleep(delay)
    drivers = [one, scenario.start()]
    answers = [driver.ended() for driver in drivers]
    codes = sorted(answer.code for answer in answers)
    assert codes in ([0, 4], [0, 0]), [answer.err for answer in answers]
    for i in (0, 1):
        if answers[i].code == 4:
            refused(answers[i].err, drivers[1 - i].pid)
    scenario.check(budget=4, kills=0 if first else 1)
    ran = [answer for answer in answers if "4 trials" in answer.out and "workers busy" in answer.out]
    assert len(ran) == 1, "both of them, or none, have trained"


def refused(said: str, pid: int) -> None:
    """It names pid, host and age of the other, unless that one had no lease yet."""
    if JUST not in said:
        found = re.match(BUSY, said)
        assert found is not None, said
        assert (int(found[1]), found[2]) == (pid, socket.gethostname())
        assert float(found[3]) < 15


def raced(scenarios: Scenarios, times: int) -> None:
    chance = random.Random(23)
    refusals = 0
    for i in range(times):
        scenario = scenarios()
        write_slow_study(scenario)
        race(scenario, chance.choice([0.0, chance.uniform(0.0, 0.3)]), first=i % 2 == 0)
        refusals += sum(driver.popen.returncode == 4 for driver in scenario.drivers)
    add_summary("23", "two drivers started at once on one study", races=times, refused_with_exit_4=refusals, both_ran=0)
    assert refusals > times / 2


@pytest.mark.chaos
def test_two_start_at_once(scenarios: Scenarios) -> None:
    raced(scenarios, 3)


@pytest.mark.chaos
@pytest.mark.timeout(600)
def test_two_start_at_once_fifty_times(scenarios: Scenarios) -> None:
    raced(scenarios, 50)


@pytest.mark.chaos
def test_a_killed_holder_is_followed_at_once(scenario: Scenario) -> None:
    write_slow_study(scenario)
    held(scenario).kill()
    began = time.monotonic()
    scenario.finish(most=1)
    seconds = time.monotonic() - began
    scenario.check(budget=4, kills=1)
    add_summary(
        "23", "the holder was killed with SIGKILL: followed at once", times=1, whole_run_took=f"{seconds:.1f} s"
    )


def move(scenario: Scenario, beat: float) -> None:
    """The holder is on another machine, and its last sign of life came `beat` seconds ago by the database's clock."""
    now = "(julianday('now') - 2440587.5) * 86400.0"
    with closing(sqlite3.connect(scenario.folder / ".hpsearch" / "journal.db")) as connection, connection:
        connection.execute(
            f"UPDATE hpsearch_leases SET host = ?, boot = 'another', space = 'another', beat_wall = {now} - ?",
            (ELSEWHERE, beat),
        )


def followed(scenario: Scenario, host: str) -> int:
    """Run it again and again until it is not refused, which ends in good order; how often it was."""
    refusals = 0
    while (answer := scenario.start().ended()).code == 4:
        found = re.match(BUSY, answer.err)
        assert found is not None, answer.err
        assert found[2] == host
        refusals += 1
    assert answer.code == 0, answer.err
    return refusals


@pytest.mark.chaos
def test_a_holder_elsewhere_is_followed_when_its_lease_has_expired(scenario: Scenario) -> None:
    """Nobody here can see whether a process of another machine lives."""
    write_slow_study(scenario)
    held(scenario).kill()
    move(scenario, beat=11.0)
    began = time.monotonic()
    refusals = followed(scenario, ELSEWHERE)
    seconds = 11.0 + time.monotonic() - began
    assert refusals > 0
    assert seconds > 15, "it was followed before its lease had expired"
    scenario.check(budget=4, kills=1)
    add_summary("23", "a holder on another machine, silent", refused=refusals, followed_after=f"15 to {seconds:.0f} s")


def stopped(scenario: Scenario, point: str) -> Driver:
    """A driver that stands still at this point, with a lease of two seconds."""
    zombie = scenario.start(fail=point, chaos=["--signal", "SIGSTOP", "--ttl", 2])
    stat = Path(f"/proc/{zombie.pid}/stat")
    scenario.until(lambda: stat.read_text().rpartition(")")[2].split()[0] == "T", zombie)
    return zombie


def woken(scenario: Scenario, zombie: Driver, finished_results: FinishedResults) -> None:
    """It goes on, finds that the study is another's, says so once and has changed nothing."""
    finished_results.check_unchanged()
    before = dict(finished_results.rows)
    zombie.signal(signal.SIGCONT)
    answer = zombie.ended()
    assert answer.code == 5, answer.err
    assert answer.err.count("was taken over by") == 1, answer.err
    finished_results.check_unchanged()
    assert finished_results.rows == before


STANDS_STILL = [
    "before-write:4",
    pytest.param("after-write:4", marks=pytest.mark.chaos),
    pytest.param("after-order:2", marks=pytest.mark.chaos),
]


@pytest.mark.parametrize("point", STANDS_STILL)
def test_a_driver_that_was_taken_for_dead_can_do_no_harm(scenario: Scenario, point: str) -> None:
    """It stands still, another takes the study and finishes it; then it resumes and tries to write."""
    written(scenario, SHORT)
    zombie, finished_results = stopped(scenario, point), scenario.finished_results()
    finished_results.check_unchanged()
    refusals = followed(scenario, socket.gethostname())
    woken(scenario, zombie, finished_results)
    scenario.check(budget=3)
    add_summary(
        "8", f"SIGSTOP at {point}, another finishes, SIGCONT", times=1, refused=refusals, zombie_wrote=0, exit=5
    )


@pytest.mark.chaos
def test_one_that_stands_still_with_the_lock_of_postgres(scenarios: Scenarios, postgres_server: str) -> None:
    """The server gives its lock to others by itself."""
    scenario = scenarios(url=schema(postgres_server))
    written(scenario, SHORT)
    zombie, finished_results = stopped(scenario, "before-batch-commit:2"), scenario.finished_results()
    finished_results.check_unchanged()
    began = time.monotonic()
    followed(scenario, socket.gethostname())
    seconds = time.monotonic() - began
    woken(scenario, zombie, finished_results)
    scenario.check(budget=3)
    add_summary(
        "8", "SIGSTOP within a transaction on PostgreSQL", times=1, followed_after=f"{seconds:.0f} s", zombie_wrote=0
    )


@pytest.mark.chaos
def test_one_that_stands_still_with_the_lock_of_sqlite(scenario: Scenario) -> None:
    """A lock of SQLite cannot be broken: the follower names the process, and once that is gone all goes on."""
    written(scenario, SHORT)
    zombie, finished_results = stopped(scenario, "before-batch-commit:2"), scenario.finished_results()
    finished_results.check_unchanged()
    answer = scenario.start().ended(150)
    assert answer.code == 5
    assert f"process {zombie.pid} " in answer.err
    zombie.kill()
    scenario.finish(most=1)
    finished_results.check_unchanged()
    scenario.check(budget=3, kills=1)
