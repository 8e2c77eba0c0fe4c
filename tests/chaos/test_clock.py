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
from tests.chaos.kit import Driver, Scene, Scenes, tally
from tests.chaos.postgres_kit import Server, serving
from tests.chaos.test_driver_kills import written_for_ray
from tests.chaos.test_two_drivers import BUSY

HERE = Owner.current().host


@pytest.fixture
def clocks(tmp_path: Path) -> Clocks:
    return Clocks(tmp_path)


def studied(scene: Scene, trials: int = 3, more: str = "") -> Path:
    """The gate, a file: while it holds a number, the epoch of that number lasts."""
    if scene.url.startswith("postgres"):
        scene.variables["THE_JOURNAL"] = scene.url
        more += '[journal]\nurl = "${env:THE_JOURNAL}"\n'
    scene.desk.study(f'method = "random"\ntrials = {trials}', options="pace = 0.05", more=more)
    return scene.desk.diary.with_name("gate")


def started(scene: Scene, clock: Clock, **options: object) -> Driver:
    return scene.start(env=scene.env() | clock.variables, **options)  # type: ignore[arg-type]


def held(scene: Scene, driver: Driver, gate: Path, epoch: int) -> None:
    """It is in this epoch, counted over all trials, until the gate is moved."""
    beside = gate.with_suffix(".new")
    beside.write_text(str(epoch))
    beside.replace(gate)  # who stands before it must not find it empty
    scene.until(lambda: scene.trained() == epoch, driver)


def refused(scene: Scene, clock: Clock, pid: int, host: str = HERE) -> None:
    """Another driver is told who runs the study, and for how long that one has been silent."""
    answer = started(scene, clock).ended()
    assert answer.code == 4, answer.err
    found = re.match(BUSY, answer.err)
    assert found is not None, answer.err
    assert (int(found[1]), found[2]) == (pid, host)
    assert float(found[3]) < 15


def lease_of(scene: Scene) -> sa.Row[tuple[object, ...]]:
    database = Database(scene.url, create=False)
    try:
        with database.read() as connection:
            return connection.execute(sa.select(leases)).one()
    finally:
        database.close()


def check_times(scene: Scene, *, span: float = 0.0) -> None:
    """A trial's own times never go back, whatever the clock did; all are milliseconds since 1970, hours apart at most.

    span: seconds that they must be apart, so that the clock has really jumped.
    """
    with Journal.open(scene.url, create=False) as journal:
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


def test_a_driver_in_a_long_epoch_keeps_its_lease(scene: Scene, clocks: Clocks) -> None:
    gate = studied(scene, trials=2)
    gate.write_text("2")
    driver = scene.start(chaos=["--ttl", 1])
    held(scene, driver, gate, 2)
    time.sleep(2)
    refused(scene, clocks(), driver.pid)
    gate.unlink()
    assert driver.ended().code == 0
    scene.check(budget=2, kills=0)
    tally("22", "a second driver while the first is in an epoch longer than its lease", times=1, refused=1)


def test_drivers_whose_clocks_differ_and_jump(scene: Scene, clocks: Clocks) -> None:
    """Within one boot nobody's silence is measured by a clock that can be set."""
    gate, clock = studied(scene, more='[limits]\nstudy = "1h"\n'), clocks(-2 * HOUR)
    gate.write_text("2")
    driver = started(scene, clock)
    held(scene, driver, gate, 2)
    assert abs(lease_of(scene).beat_wall - (time.time() - 2 * HOUR)) < 300, "SQLite's clock is the wall clock"
    refused(scene, clocks(DAY), driver.pid)
    clock.set(DAY)
    held(scene, driver, gate, 5)
    refused(scene, clocks(-2 * HOUR), driver.pid)
    clock.set(-2 * HOUR)
    held(scene, driver, gate, 8)
    refused(scene, clocks(), driver.pid)
    gate.unlink()
    answer = driver.ended()
    assert answer.code == 0, answer.err
    assert "3 trials (3 complete)" in answer.out
    check_times(scene, span=DAY)
    scene.check(budget=3, kills=0)
    tally("22", "another driver whose clock is -2 h, 0 or +1 day beside one whose clock jumps", times=3, taken_over=0)


def test_a_limit_of_time_ends_a_run_whose_clock_was_set_back(scene: Scene, clocks: Clocks) -> None:
    clock = clocks()
    studied(scene, trials=10_000, more='[limits]\nstudy = "3s"\n')
    driver = started(scene, clock)
    scene.until(lambda: scene.trained() >= 3, driver)
    clock.set(-2 * HOUR)
    answer = driver.ended()
    assert answer.code == 0, answer.err
    assert scene.export()["study"]["cause"] == "limit"
    assert 2.5 < lease_of(scene).spent < 60
    scene.check()


# On several machines ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.chaos
def test_a_file_that_machines_share_holds_by_its_tokens_alone(scenes: Scenes, clocks: Clocks) -> None:
    """SQLite's clock is that of whoever asks. Its file on a network file system is refused; on a disk that two virtual
    machines share, one whose clock is behind by more than the lease is taken for dead. It can do no harm."""
    scene = scenes()
    gate, clock = studied(scene), clocks(-2 * HOUR)
    gate.write_text("2")
    behind = started(scene, clock, within=another_machine(scene.folder, "gauss"))
    held(scene, behind, gate, 2)
    witness = scene.witness()
    witness.look()
    assert scene.start().ended().code == 0
    witness.look()
    gate.unlink()
    answer = behind.ended()
    assert answer.code == 5, answer.err
    assert "was taken over by another process" in answer.err
    witness.look()
    scene.check(budget=3)
    tally("22", "SQLite, a driver of another boot whose clock is 2 h behind", times=1, taken_over=1, zombie_wrote=0)


@pytest.mark.chaos
def test_one_on_another_machine_whose_clock_is_ahead_is_followed_in_time(scenes: Scenes, clocks: Clocks) -> None:
    """Not only when the clock here has come to where the other's was."""
    scene = scenes()
    gate, clock = studied(scene), clocks(DAY)
    gate.write_text("2")
    ahead = started(scene, clock, within=another_machine(scene.folder, "gauss"), chaos=["--ttl", 3])
    held(scene, ahead, gate, 2)
    for _ in range(2):
        refused(scene, clocks(), 1, "gauss")
    ahead.kill()
    gate.unlink()
    began = time.monotonic()
    while (answer := scene.start().ended()).code == 4:
        assert time.monotonic() - began < 60
    assert answer.code == 0, answer.err
    scene.check(budget=3, kills=1)
    took = f"{time.monotonic() - began:.0f} s"
    tally("22", "SQLite, a driver of another boot whose clock is 1 day ahead, killed", times=1, followed_after=took)


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
    scenes: Scenes, clocks: Clocks, skewed_server: tuple[Server, Clock]
) -> None:
    """Drivers on machines whose clocks differ, while that of the server jumps: who lives keeps the study."""
    server, clock = skewed_server
    with server.database() as name:
        scene = scenes(url=server.url(name))
        gate = studied(scene)
        gate.write_text("2")
        there = another_machine(scene.folder, "gauss")
        driver = started(scene, clocks(-2 * HOUR), within=there, chaos=["--ttl", 3])
        held(scene, driver, gate, 2)
        for ahead in (0, DAY, -2 * HOUR):
            clock.set(ahead)
            before = lease_of(scene).beat_wall
            scene.until(lambda before=before: lease_of(scene).beat_wall != before, driver)  # type: ignore[misc]
            assert abs(lease_of(scene).beat_wall - time.time() - ahead) < 300, "the server's clock is the database's"
            refused(scene, clocks(DAY), 1, "gauss")
        clock.set(-DAY)
        driver.kill()
        gate.unlink()
        began, refusals = time.monotonic(), 0
        while (answer := started(scene, clocks(DAY)).ended()).code == 4:
            refusals += 1
            assert time.monotonic() - began < 60
        assert answer.code == 0, answer.err
        scene.check(budget=3, kills=1)
        took = f"{time.monotonic() - began:.0f} s"
    what = "PostgreSQL, drivers on two machines 26 h apart, the server's clock jumps"
    tally("22", what, jumps=4, taken_over_alive=0, refused=3 + refusals, followed_when_dead_after=took)


# With all of its processes ───────────────────────────────────────────────────────────────────────


@pytest.mark.xdist_group("ray")
@pytest.mark.chaos
def test_ray_and_mlflow_go_through_jumps(scenes: Scenes, clocks: Clocks) -> None:
    scene, clock = scenes(), clocks()
    written_for_ray(scene, seed=3, trials=6, epochs=8, mlflow=True)
    driver = started(scene, clock)
    for epoch, ahead in ((6, DAY), (20, -2 * HOUR), (34, 0)):
        scene.until(lambda epoch=epoch: scene.trained() >= epoch, driver)  # type: ignore[misc]
        clock.set(ahead)
    assert driver.ended(150).code == 0
    check_times(scene, span=DAY)
    assert scene.hp("sync").code == 0
    scene.check(budget=6, kills=0, mlflow=f"sqlite:///{scene.folder}/.hpsearch/mlflow.db")
    tally("22", "jumps of +1 day and -26 h under a run on Ray with MLflow", times=3, lost=0, redone=0)


@pytest.mark.chaos
@pytest.mark.timeout(1800)
def test_many_jumps(scenes: Scenes, clocks: Clocks) -> None:
    """Seeded; after each another driver, by a clock of its own, tries to take the study."""
    chance, scene, clock = random.Random(22), scenes(), clocks()
    gate = studied(scene, trials=20, more='[limits]\nstudy = "1h"\n')
    gate.write_text("2")
    driver = started(scene, clock)
    jumps = 40
    for epoch in range(2, 2 + jumps):
        held(scene, driver, gate, epoch)
        clock.set(chance.choice([-DAY, -2 * HOUR, -20, 20, 2 * HOUR, DAY]))
        refused(scene, clocks(chance.choice([-DAY, -2 * HOUR, 0, 2 * HOUR, DAY])), driver.pid)
    gate.unlink()
    assert driver.ended().code == 0
    check_times(scene, span=DAY)
    scene.check(budget=20, kills=0)
    tally("22", "jumps of up to 2 days, and another driver after each", times=jumps, taken_over=0)
