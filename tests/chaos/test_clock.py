"""FAULTS row 22: wall clocks that differ or jump, and drivers that are silent for a while though they live."""

import random
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from hpsearch.journal import Journal, Owner
from hpsearch.journal.database import Database
from hpsearch.journal.schema import leases
from tests.chaos.clocks import DAY, HOUR, Clock, Clocks, another_machine
from tests.chaos.postgres_process import Server, serving
from tests.chaos.scenario import Driver, Scenario, Scenarios, add_summary
from tests.chaos.test_driver_kills import written_for_ray
from tests.chaos.test_two_drivers import BUSY

HERE = Owner.current().host


@pytest.fixture
def clocks(tmp_path: Path) -> Clocks:
    return Clocks(tmp_path)


def studied(scenario: Scenario, trials: int = 3, more: str = "") -> Path:
    """The gate, a file: while it holds a number, the epoch of that number lasts."""
    if scenario.url.startswith("postgres"):
        scenario.variables["THE_JOURNAL"] = scenario.url
        more += '[journal]\nurl = "${env:THE_JOURNAL}"\n'
    scenario.cli.study(f'method = "random"\ntrials = {trials}', options="pace = 0.05", more=more)
    return scenario.cli.epoch_log.with_name("gate")


def started(scenario: Scenario, clock: Clock, **options: object) -> Driver:
    return scenario.start(env=scenario.env() | clock.variables, **options)  # type: ignore[arg-type]


def held(scenario: Scenario, driver: Driver, gate: Path, epoch: int) -> None:
    """It is in this epoch, counted over all trials, until the gate is moved."""
    beside = gate.with_suffix(".new")
    beside.write_text(str(epoch))
    beside.replace(gate)  # who stands before it must not find it empty
    scenario.until(lambda: scenario.trained() == epoch, driver)


def refused(scenario: Scenario, clock: Clock, pid: int, host: str = HERE) -> None:
    """Another driver gets an error with who runs the study and how long ago it last wrote."""
    answer = started(scenario, clock).ended()
    assert answer.code == 4, answer.err
    found = re.match(BUSY, answer.err)
    assert found is not None, answer.err
    assert (int(found[1]), found[2]) == (pid, host)
    assert float(found[3]) < 15


def lease_of(scenario: Scenario) -> sa.Row[tuple[object, ...]]:
    database = Database(scenario.url, create=False)
    try:
        with database.read() as connection:
            return connection.execute(sa.select(leases)).one()
    finally:
        database.close()


def check_times(scenario: Scenario, *, span: float = 0.0) -> None:
    """A trial's own times never go back, whatever the clock did; all are milliseconds since 1970, hours apart at most.

    span: seconds that they must be apart, so that the clock has really jumped.
    """
    with Journal.open(scenario.url, create=False) as journal:
        (study,) = journal.studies()
        trials = journal.trials(study.id)
    every = []
    for trial in trials:
        own = [trial.proposed_at, *(report.at for report in trial.curve), trial.ended_at]
        assert own == sorted(own), f"trial {trial.number}: {own}"
        every += own
    now = time.time() * 1000
    assert now - 2 * DAY * 1000 < min(every) <= max(every) < now + 2 * DAY * 1000
    assert max(every) - min(every) >= span * 1000


# On one machine ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.chaos
def test_a_driver_in_a_long_epoch_keeps_its_lease(scenario: Scenario, clocks: Clocks) -> None:
    gate = studied(scenario, trials=2)
    gate.write_text("2")
    driver = scenario.start(chaos=["--ttl", 1])
    held(scenario, driver, gate, 2)
    time.sleep(2)
    refused(scenario, clocks(), driver.pid)
    gate.unlink()
    assert driver.ended().code == 0
    scenario.check(budget=2, kills=0)
    add_summary("22", "a second driver while the first is in an epoch longer than its lease", times=1, refused=1)


@pytest.mark.chaos
def test_drivers_whose_clocks_differ_and_jump(scenario: Scenario, clocks: Clocks) -> None:
    """Within one boot nobody's silence is measured by a clock that can be set."""
    gate, clock = studied(scenario, more='[limits]\nstudy = "1h"\n'), clocks(-2 * HOUR)
    gate.write_text("2")
    driver = started(scenario, clock)
    held(scenario, driver, gate, 2)
    assert abs(lease_of(scenario).beat_wall - (time.time() - 2 * HOUR)) < 300, "SQLite's clock is the wall clock"
    refused(scenario, clocks(DAY), driver.pid)
    clock.set(DAY)
    held(scenario, driver, gate, 5)
    refused(scenario, clocks(-2 * HOUR), driver.pid)
    clock.set(-2 * HOUR)
    held(scenario, driver, gate, 8)
    refused(scenario, clocks(), driver.pid)
    gate.unlink()
    answer = driver.ended()
    assert answer.code == 0, answer.err
    assert scenario.invoke("status", "toy", "--json").data["trials"]["complete"] == 3
    check_times(scenario, span=DAY)
    scenario.check(budget=3, kills=0)
    add_summary(
        "22", "another driver whose clock is -2 h, 0 or +1 day beside one whose clock jumps", times=3, taken_over=0
    )


def test_a_limit_of_time_ends_a_run_whose_clock_was_set_back(scenario: Scenario, clocks: Clocks) -> None:
    clock = clocks()
    studied(scenario, trials=10_000, more='[limits]\nstudy = "3s"\n')
    driver = started(scenario, clock)
    scenario.until(lambda: scenario.trained() >= 3, driver)
    clock.set(-2 * HOUR)
    answer = driver.ended()
    assert answer.code == 0, answer.err
    assert scenario.export()["study"]["cause"] == "limit"
    assert 2.5 < lease_of(scenario).spent < 60
    scenario.check()


# On several machines ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.chaos
def test_a_file_that_machines_share_holds_by_its_tokens_alone(scenarios: Scenarios, clocks: Clocks) -> None:
    """SQLite's clock is that of whoever asks. Its file on a network file system is refused; on a disk that two virtual
    machines share, one whose clock is behind by more than the lease is taken for dead. It can do no harm."""
    scenario = scenarios()
    gate, clock = studied(scenario), clocks(-2 * HOUR)
    gate.write_text("2")
    behind = started(scenario, clock, within=another_machine(scenario.folder, "gauss"))
    held(scenario, behind, gate, 2)
    finished_results = scenario.finished_results()
    finished_results.check_unchanged()
    assert scenario.start().ended().code == 0
    finished_results.check_unchanged()
    gate.unlink()
    answer = behind.ended()
    assert answer.code == 5, answer.err
    assert "was taken over by another process" in answer.err
    finished_results.check_unchanged()
    scenario.check(budget=3)
    add_summary(
        "22", "SQLite, a driver of another boot whose clock is 2 h behind", times=1, taken_over=1, zombie_wrote=0
    )


@pytest.mark.chaos
def test_one_on_another_machine_whose_clock_is_ahead_is_followed_in_time(scenarios: Scenarios, clocks: Clocks) -> None:
    """Not only when the clock here has come to where the other's was."""
    scenario = scenarios()
    gate, clock = studied(scenario), clocks(DAY)
    gate.write_text("2")
    ahead = started(scenario, clock, within=another_machine(scenario.folder, "gauss"), chaos=["--ttl", 3])
    held(scenario, ahead, gate, 2)
    for _ in range(2):
        refused(scenario, clocks(), 1, "gauss")
    ahead.kill()
    gate.unlink()
    began = time.monotonic()
    while (answer := scenario.start().ended()).code == 4:
        assert time.monotonic() - began < 60
    assert answer.code == 0, answer.err
    scenario.check(budget=3, kills=1)
    took = f"{time.monotonic() - began:.0f} s"
    add_summary(
        "22", "SQLite, a driver of another boot whose clock is 1 day ahead, killed", times=1, followed_after=took
    )


@pytest.fixture
def skewed_server() -> Iterator[tuple[Server, Clock]]:
    """A PostgreSQL server that lives by a clock of its own."""
    with tempfile.TemporaryDirectory(prefix="hpsearch-clock-") as folder, pytest.MonkeyPatch.context() as patch:
        Path(folder).chmod(0o755)  # the server runs as a user of its own
        clock = Clocks(Path(folder))()
        for name, value in clock.variables.items():
            patch.setenv(name, value)
        with serving() as server:
            for name in clock.variables:
                patch.delenv(name)
            yield server, clock


@pytest.mark.chaos
def test_postgres_alone_says_what_time_it_is(
    scenarios: Scenarios, clocks: Clocks, skewed_server: tuple[Server, Clock]
) -> None:
    """Drivers on machines whose clocks differ, while that of the server jumps: who lives keeps the study."""
    server, clock = skewed_server
    with server.database() as name:
        scenario = scenarios(url=server.url(name))
        gate = studied(scenario)
        gate.write_text("2")
        there = another_machine(scenario.folder, "gauss")
        driver = started(scenario, clocks(-2 * HOUR), within=there, chaos=["--ttl", 3])
        held(scenario, driver, gate, 2)
        for ahead in (0, DAY, -2 * HOUR):
            clock.set(ahead)
            before = lease_of(scenario).beat_wall
            scenario.until(lambda before=before: lease_of(scenario).beat_wall != before, driver)  # type: ignore[misc]
            assert abs(lease_of(scenario).beat_wall - time.time() - ahead) < 300, "the server's clock is the database's"
            refused(scenario, clocks(DAY), 1, "gauss")
        clock.set(-DAY)
        driver.kill()
        gate.unlink()
        began, refusals = time.monotonic(), 0
        while (answer := started(scenario, clocks(DAY)).ended()).code == 4:
            refusals += 1
            assert time.monotonic() - began < 60
        assert answer.code == 0, answer.err
        scenario.check(budget=3, kills=1)
        took = f"{time.monotonic() - began:.0f} s"
    what = "PostgreSQL, drivers on two machines 26 h apart, the server's clock jumps"
    add_summary("22", what, jumps=4, taken_over_alive=0, refused=3 + refusals, followed_when_dead_after=took)


# With all of its processes ───────────────────────────────────────────────────────────────────────


@pytest.mark.xdist_group("ray")
@pytest.mark.chaos
def test_ray_and_mlflow_go_through_jumps(scenarios: Scenarios, clocks: Clocks) -> None:
    scenario, clock = scenarios(), clocks()
    written_for_ray(scenario, seed=3, trials=6, epochs=8, mlflow=True)
    driver = started(scenario, clock)
    for epoch, ahead in ((6, DAY), (20, -2 * HOUR), (34, 0)):
        scenario.until(lambda epoch=epoch: scenario.trained() >= epoch, driver)  # type: ignore[misc]
        clock.set(ahead)
    assert driver.ended(150).code == 0
    check_times(scenario, span=DAY)
    assert scenario.invoke("sync").code == 0
    scenario.check(budget=6, kills=0, mlflow=f"sqlite:///{scenario.folder}/.hpsearch/mlflow.db")
    add_summary("22", "jumps of +1 day and -26 h under a run on Ray with MLflow", times=3, lost=0, retrained=0)


@pytest.mark.chaos
@pytest.mark.timeout(1800)
def test_many_jumps(scenarios: Scenarios, clocks: Clocks) -> None:
    """Seeded; after each another driver, by a clock of its own, tries to take the study."""
    chance, scenario, clock = random.Random(22), scenarios(), clocks()
    gate = studied(scenario, trials=20, more='[limits]\nstudy = "1h"\n')
    gate.write_text("2")
    driver = started(scenario, clock)
    jumps = 40
    for epoch in range(2, 2 + jumps):
        held(scenario, driver, gate, epoch)
        clock.set(chance.choice([-DAY, -2 * HOUR, -20, 20, 2 * HOUR, DAY]))
        refused(scenario, clocks(chance.choice([-DAY, -2 * HOUR, 0, 2 * HOUR, DAY])), driver.pid)
    gate.unlink()
    assert driver.ended().code == 0
    check_times(scenario, span=DAY)
    scenario.check(budget=20, kills=0)
    add_summary("22", "jumps of up to 2 days, and another driver after each", times=jumps, taken_over=0)
