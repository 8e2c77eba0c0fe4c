"""`isolation = "none"`: trials are trained in the actors themselves."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from hpsearch.core.messages import Advance, Kill, Lost, Reported, Start
from hpsearch.core.trial import Cause
from hpsearch.preflight.measure.learning import LearningMeasurement
from hpsearch.preflight.measurements import Measurements
from hpsearch.workers.pools.ray.actors import RayActors
from hpsearch.workers.pools.ray.cluster import Cluster
from hpsearch.workers.worker import HASH_SEED
from tests.contracts.pool_contract import Driver, MeasurerContract, PoolContract
from tests.support.studies import setup

pytestmark = [pytest.mark.xdist_group("ray"), pytest.mark.slow]


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ray")


@pytest.fixture(scope="module")
def shared(work: Path) -> Iterator[RayActors]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hpsearch.workers.pools.ray.cluster.cores", lambda: 2)
        pool = RayActors(setup(work, "either"), Cluster(workers=2), {"toy": "noop"})
        yield pool
        pool.close()


@pytest.fixture
def pool(shared: RayActors) -> Iterator[RayActors]:
    """What a test that fails leaves running is taken away."""
    yield shared
    for number in [slot.number for slot in shared._slots if slot.number is not None]:
        shared.execute(Kill(number))


class TestRayActorsWithoutIsolation(PoolContract):
    def test_all_workers_have_one_hash_seed_which_is_recorded(self, driver: Driver) -> None:
        starts = [driver.start({"toy": "hashes"}, until=1) for _ in range(2)]
        reported = driver.train(*starts)
        assert len({one.reports[0].metrics["val_loss"] for one in reported}) == 1
        assert len({one.reports[0].metrics["pid"] for one in reported}) == 2
        for one in reported:
            assert one.provenance is not None
            assert one.provenance.environment["settings"]["PYTHONHASHSEED"] == HASH_SEED

    def test_a_worker_that_is_killed_is_lost_and_replaced(self, driver: Driver) -> None:
        start = driver.start({"toy": "faulty", "at": 0}, until=1)
        (last,) = driver.train(start)
        os.kill(int(last.reports[0].metrics["pid"]), signal.SIGKILL)
        driver.pool.execute(Advance(start.number))
        lost = driver.next_event(start)
        assert isinstance(lost, Lost)
        assert lost.cause is Cause.WORKER_LOST, "and not: out of memory"
        driver.until(lambda: driver.pool.room == 2)
        then = Start(start.number, start.params, start.seed, until=5, epochs=5, after=1)
        driver.order(then)
        driver.train(then)
        assert [report.step for report in driver.curve(then)] == [1, 2, 3, 4, 5]

    def test_one_that_crashes_says_where(self, driver: Driver) -> None:
        """Another trial goes on beside it, and both report.

        Ray's own handler of the signal now and then ends the process before Python has written where it was: then that
        is not known, and the next one says it.
        """
        other = driver.start({"toy": "learner"}, until=100_000, epochs=100_000)
        crashes = (self.crashed(driver) for _ in range(4))
        said = next(lost for lost in crashes if "in go_wrong" in lost.traceback)
        assert said.reason == "its worker died of: Fatal Python error: Segmentation fault"
        driver.pool.execute(Kill(other.number))

    def crashed(self, driver: Driver) -> Lost:
        before = len(driver.events)
        while driver.pool.room == 0:
            self.go_on(driver)
        start = driver.start({"toy": "faulty", "at": 2, "how": "SIGSEGV"}, until=1)
        while True:
            self.go_on(driver)
            for event in driver.events[before:]:
                if isinstance(event, Lost):
                    assert event.number == start.number
                    return event

    def go_on(self, driver: Driver) -> None:
        for event in driver.listen():
            if isinstance(event, Reported):
                driver.pool.execute(Advance(event.number))

    @pytest.mark.parametrize("how", ["hang", "SIGSTOP"])
    def test_one_that_hangs_is_killed_and_replaced(self, driver: Driver, how: str) -> None:
        """Ray alone takes 5 s for one that is stopped (2.60, kill_worker_timeout_milliseconds)."""
        start = driver.start({"toy": "faulty", "at": 1, "how": how})
        assert driver.listen() == []
        driver.pool.execute(Kill(start.number))
        assert driver.pool.room == 1, "the new worker is on its way"
        driver.until(lambda: driver.pool.room == 2)
        assert driver.events == []


class TestMeasureWithoutIsolation(MeasurerContract):
    def test_a_worker_that_dies_is_lost_and_another_measures(self, driver: Driver) -> None:
        """As many are lost as there are workers: the next measurement waits for one that is up."""
        for _ in range(2):
            lost = driver.pool.measure(
                LearningMeasurement({"toy": "faulty", "at": 1, "how": "os._exit"}, seed=3, epochs=5)
            )
            assert isinstance(lost, Lost)
            assert lost.cause is Cause.WORKER_LOST
        assert isinstance(driver.pool.measure(LearningMeasurement({"toy": "noop"}, seed=3, epochs=5)), Measurements)
        driver.until(lambda: driver.pool.room == 2)
        assert driver.events == []
