"""Ray takes seconds to start, and so does each of its workers: one pool serves most of these tests."""

import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ray.exceptions import ActorDiedError, OutOfMemoryError, RayError

from hpsearch.core.errors import PoolError, ResourcesError, TrainerError
from hpsearch.core.messages import Advance, Kill, Lost, Queued, Release, Reported, Start
from hpsearch.core.trial import Cause
from hpsearch.preflight.measure.learning import LearningMeasurement
from hpsearch.preflight.measurements import Measurements
from hpsearch.workers.isolation.isolated_worker import IsolatedWorker
from hpsearch.workers.isolation.template_process import TemplateProcess
from hpsearch.workers.pools.ray import actors
from hpsearch.workers.pools.ray.actors import RayActors, why_lost
from hpsearch.workers.pools.ray.cluster import Cluster
from tests.contracts.pool_contract import Driver, MeasurerContract, PoolContract
from tests.support.ray_session import descendants
from tests.support.studies import ROOT, setup

pytestmark = pytest.mark.xdist_group("ray")


@pytest.fixture(scope="module", autouse=True)
def two_cores() -> Iterator[None]:
    """So that a pool has room for two workers on every machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hpsearch.workers.pools.ray.cluster.cores", lambda: 2)
        yield


class TestStart:
    """These stand before the pool that the others share: a process has one Ray at a time."""

    @pytest.mark.slow  # each start of a Ray takes seconds; what fits is in test_fit.py
    def test_what_never_fits_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ResourcesError) as caught:
            RayActors(setup(tmp_path, "either"), Cluster(cpus=1, gpus=99, memory=1 << 60), {"toy": "noop"})
        assert str(caught.value).startswith(
            "resources.per_trial asks for 1 CPU, 99 GPUs, 1073741824.0 GiB memory, but this machine has 2 CPUs, 0 GPUs"
        )
        assert "lower resources.per_trial" in str(caught.value)

    def test_a_trainer_that_cannot_be_used_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(TrainerError, match="`learner`"):
            RayActors(setup(tmp_path, "lerner"), Cluster(workers=1), {})

    @pytest.mark.slow
    def test_one_whose_import_ends_the_process_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(TrainerError, match=r"tests.support.exits_on_import:train"):
            RayActors(setup(tmp_path, "exits_on_import:train", isolated=True), Cluster(workers=2), {})

    @pytest.mark.slow
    def test_one_whose_import_ends_the_worker_is_found_out(self, tmp_path: Path) -> None:
        with pytest.raises(PoolError, match=r"every worker died .*ActorDiedError.*tests.support.exits_on_import:train"):
            RayActors(setup(tmp_path, "exits_on_import:train"), Cluster(workers=2), {})

    @pytest.mark.slow
    def test_a_home_that_a_worker_cannot_read_is_a_warning_or_an_error(self, tmp_path: Path) -> None:
        """As on a node that does not share the driver's home."""
        elsewhere = setup(tmp_path / "home" / "studies" / "one", "either", isolated=True, home_id="of the driver")
        with pytest.raises(PoolError, match=platform.node()):
            RayActors(elsewhere, Cluster(workers=1), {"toy": "noop"}, needs_home=True)
        pool = RayActors(elsewhere, Cluster(workers=1), {"toy": "noop"})
        driver = Driver(pool)
        (reported,) = driver.train(driver.start({"toy": "noop"}, until=1))
        pool.close()
        assert [str(tmp_path / "home") in warning for warning in reported.warnings] == [True]

    @pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1"])
    def test_where_nobody_listens_there_is_no_cluster(self, tmp_path: Path, address: str) -> None:
        with pytest.raises(PoolError, match=f"'{address}': .*refused"):
            RayActors(setup(tmp_path, "either"), Cluster(address), {})


@pytest.mark.chaos
def test_when_ray_itself_dies_it_is_said(tmp_path: Path) -> None:
    """Its node is given up after 14 s."""
    pool = RayActors(setup(tmp_path, "either"), Cluster(workers=1), {"toy": "noop"})
    pool.execute(Start(0, {"toy": "faulty", "at": 1, "how": "hang"}, seed=0, until=1, epochs=2))
    commands = {pid: Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0") for pid in descendants(os.getpid())}
    (raylet,) = [pid for pid, command in commands.items() if command[0].endswith(b"/raylet")]
    os.kill(raylet, signal.SIGKILL)
    with pytest.raises(PoolError, match="Ray has died on this machine"):
        Driver(pool).until(lambda: False)
    pool.close()


def test_nothing_is_left_of_it_and_nothing_was_said(tmp_path: Path) -> None:
    """What Ray has to say is in the log; not on stdout, where the data goes, and not on stderr. Other users reach
    none of its files and ports, and no process imports from the current folder."""
    for name in ("hpsearch", "pyarrow", "pydantic", "usercustomize"):
        (tmp_path / f"{name}.py").write_text(f"raise AttributeError({name!r})")
    session = subprocess.run(
        [sys.executable, "-P", "-m", "tests.support.ray_session", str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "RAY_AUTH_MODE": "disabled", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert (session.returncode, session.stdout, session.stderr) == (0, "", "")
    assert (tmp_path / "left").read_text() == "processes [], folders []"
    loopback = ["0000000000000000FFFF00000100007F", "0100007F"]
    assert (tmp_path / "open").read_text() in {f"mode 700, addresses {found}" for found in (loopback, loopback[1:])}


SLOW_KILL = 0.3
"""Seconds."""


def _slow_kill(worker: IsolatedWorker) -> None:
    """Ray has looked up the methods of the worker itself."""

    def late(self: TemplateProcess, at_once: bool) -> None:
        time.sleep(SLOW_KILL if at_once else 0.0)
        end_trial(self, at_once)

    end_trial = late.original = TemplateProcess.end_trial  # type: ignore[attr-defined]
    TemplateProcess.end_trial = late  # type: ignore[method-assign]


def _quick_kill(worker: IsolatedWorker) -> None:
    TemplateProcess.end_trial = TemplateProcess.end_trial.original  # type: ignore[attr-defined, method-assign]


def _sleep(worker: IsolatedWorker) -> None:
    time.sleep(0.3)


def _call_in_workers(pool: RayActors, do: Callable[[IsolatedWorker], None]) -> None:
    """What each worker is waiting for comes first."""
    actors.ray.get([slot.actor.__ray_call__.remote(do) for slot in pool._slots], timeout=60)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ray")


@pytest.fixture(scope="module")
def shared(work: Path) -> Iterator[RayActors]:
    pool = RayActors(setup(work, "either", isolated=True), Cluster(workers=99), {"toy": "noop"})
    yield pool
    pool.close()
    pool.close()


@pytest.fixture
def pool(shared: RayActors) -> Iterator[RayActors]:
    """What a test that fails leaves running is taken away."""
    yield shared
    for number in [slot.number for slot in shared._slots if slot.number is not None]:
        shared.execute(Kill(number))


class TestRayActors(PoolContract):
    def test_more_workers_than_fit_are_fewer_with_a_note(self, driver: Driver, shared: RayActors) -> None:
        assert driver.pool.room == 2
        assert shared.notes == [
            "resources.workers = 99, but this machine has resources for only 2 trials in parallel, 1 CPU each"
        ]

    def test_a_process_that_is_killed_is_lost_and_its_worker_trains_on(self, driver: Driver) -> None:
        start = driver.start({"toy": "faulty", "at": 0}, until=1)
        (last,) = driver.train(start)
        pid = int(last.reports[0].metrics["pid"])
        assert pid != os.getpid()
        os.kill(pid, signal.SIGKILL)
        driver.pool.execute(Advance(start.number))
        lost = driver.next_event(start)
        assert isinstance(lost, Lost)
        assert lost.cause is Cause.WORKER_LOST, "and not: out of memory"
        driver.until(lambda: driver.pool.room == 2)
        then = Start(start.number, start.params, start.seed, until=5, epochs=5, after=1)
        driver.order(then)
        driver.train(then)
        assert [report.step for report in driver.curve(then)] == [1, 2, 3, 4, 5]

    def test_a_worker_that_gets_sigterm_is_lost_to_something_outside_and_replaced(
        self, driver: Driver, shared: RayActors
    ) -> None:
        start = driver.start({"toy": "faulty", "at": 1, "how": "hang"}, until=1)
        (slot,) = [slot for slot in shared._slots if slot.number == start.number]
        assert slot.process is not None
        before = slot.process
        time.sleep(1.0)  # its trial begins; before that the worker ends without an answer
        os.kill(before[0], signal.SIGTERM)
        lost = driver.next_event(start)
        assert isinstance(lost, Lost)
        assert (lost.outside, lost.cause) == (True, Cause.WORKER_LOST)
        driver.until(lambda: driver.pool.room == 2)
        assert slot.process not in (None, before)

    def test_one_that_crashes_says_where(self, driver: Driver) -> None:
        """Another trial goes on beside it, and both report."""
        other = driver.start({"toy": "learner"}, until=100_000, epochs=100_000)
        start = driver.start({"toy": "faulty", "at": 2, "how": "SIGSEGV"}, until=1)
        while not (lost := [event for event in driver.events if isinstance(event, Lost)]):
            self.go_on(driver)
        assert [event.number for event in lost] == [start.number]
        assert lost[0].cause is Cause.WORKER_LOST
        assert lost[0].traceback.startswith("Fatal Python error: Segmentation fault")
        assert "in go_wrong" in lost[0].traceback
        driver.pool.execute(Kill(other.number))

    def go_on(self, driver: Driver) -> None:
        for event in driver.listen():
            if isinstance(event, Reported):
                driver.pool.execute(Advance(event.number))

    def test_what_ends_the_run_comes_after_the_other_news(self, driver: Driver, shared: RayActors) -> None:
        """Both workers have something to say when they are asked: one that it failed inside hpsearch."""
        broken, fine = (driver.start({"toy": "learner"}, until=1) for _ in range(2))
        driver.train(broken, fine)
        shared._slot(broken.number).actor.release.remote(over=False)  # so that there is nothing to go on with
        for start in (broken, fine):
            driver.pool.execute(Advance(start.number))
        calls = [shared._slot(start.number).pending for start in (broken, fine)]
        actors.ray.wait(calls, num_returns=2, timeout=60)
        news = driver.listen()
        assert [event.number for event in news] == [fine.number]
        assert driver.curve(fine)[-1].step == 2
        with pytest.raises(PoolError, match=r"(?s)a worker failed inside hpsearch: .*AssertionError"):
            driver.listen()
        shared._problem = None

    def test_a_trainer_that_ends_the_process_is_lost(self, driver: Driver) -> None:
        start = driver.start({"toy": "faulty", "at": 2, "how": "os._exit"})
        driver.until(lambda: any(isinstance(event, Lost) for event in driver.events))
        assert {event.number for event in driver.events} == {start.number}

    @pytest.mark.parametrize("how", ["hang", "hang in C", "SIGSTOP"])
    def test_one_that_hangs_is_killed_and_its_place_is_free_again(self, driver: Driver, how: str) -> None:
        start = driver.start({"toy": "faulty", "at": 1, "how": how})
        assert driver.listen() == []
        driver.pool.execute(Kill(start.number))
        assert driver.pool.room == 1, "its process ends meanwhile"
        driver.until(lambda: driver.pool.room == 2)
        assert driver.events == []

    def test_a_trial_that_waits_for_the_end_of_the_previous_one_is_queued(
        self, driver: Driver, shared: RayActors, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(actors, "QUEUED_AFTER", 0.0)
        first = driver.start({"toy": "learner"}, until=1)
        driver.train(first, release=False)
        slot = shared._slot(first.number)
        driver.pool.execute(Release(first.number, over=True))
        slot.released = slot.actor.__ray_call__.remote(_sleep)
        starts = [driver.start({"toy": "learner"}, until=1) for _ in range(2)]
        driver.until(
            lambda: any(isinstance(event, Reported) and event.number == slot.number for event in driver.events)
        )
        queued = {event.number for event in driver.events if isinstance(event, Queued)}
        assert queued == {slot.number}
        for start in starts:
            driver.pool.execute(Kill(start.number))

    @pytest.mark.parametrize("waits", [False, True])
    def test_a_kill_that_is_slow_ends_no_later_trial(self, driver: Driver, shared: RayActors, waits: bool) -> None:
        """waits: the trial has reported and waits for an order."""
        _call_in_workers(shared, _slow_kill)
        first = driver.start({"toy": "faulty", "at": 2, "how": "hang"}, until=1)
        slot = shared._slot(first.number)
        driver.train(first, release=False)
        if not waits:
            driver.pool.execute(Advance(first.number))
        driver.pool.execute(Kill(first.number))
        driver.until(lambda: slot.is_free)
        starts = [driver.start({"toy": "learner"}, until=100_000, epochs=100_000) for _ in range(driver.pool.room)]
        end = time.monotonic() + 3 * SLOW_KILL
        while time.monotonic() < end:
            self.go_on(driver)
        _call_in_workers(shared, _quick_kill)
        assert {event.number for event in driver.events if isinstance(event, Lost)} == set()
        for start in starts:
            driver.pool.execute(Kill(start.number))


class TestRayActorsMeasure(MeasurerContract):
    def test_a_process_that_ends_is_lost_and_another_measures(self, driver: Driver) -> None:
        for _ in range(2):
            lost = driver.pool.measure(
                LearningMeasurement({"toy": "faulty", "at": 1, "how": "os._exit"}, seed=3, epochs=5)
            )
            assert isinstance(lost, Lost)
            assert lost.cause is Cause.WORKER_LOST
        assert isinstance(driver.pool.measure(LearningMeasurement({"toy": "noop"}, seed=3, epochs=5)), Measurements)
        driver.until(lambda: driver.pool.room == 2)
        assert driver.events == []

    def test_one_that_does_not_end_is_lost(self, driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(actors, "MEASUREMENT_GRACE", 0.5)
        order = LearningMeasurement({"toy": "faulty", "at": 1, "how": "hang"}, seed=3, epochs=5, seconds=0.5)
        lost = driver.pool.measure(order)
        assert isinstance(lost, Lost)
        assert lost.reason == "the measurement did not end within 0.5 s"
        driver.until(lambda: driver.pool.room == 2)


@pytest.mark.parametrize(
    ("problem", "fatal", "kernel_oom_killed", "cause"),
    [
        (OutOfMemoryError("its node is low on memory"), "", False, Cause.OUT_OF_MEMORY),
        (ActorDiedError(), "", True, Cause.OUT_OF_MEMORY),
        (ActorDiedError(), "Fatal Python error: Segmentation fault", False, Cause.WORKER_LOST),
        (ActorDiedError(), "", False, Cause.WORKER_LOST),
    ],
)
def test_why_a_worker_is_lost(problem: RayError, fatal: str, kernel_oom_killed: bool, cause: Cause) -> None:
    assert why_lost(problem, fatal, kernel_oom_killed)[1] is cause
