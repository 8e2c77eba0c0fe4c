"""The contract of pools. A subclass with the fixtures `pool` and `work` tests one kind of pool."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

import pytest

from hpsearch.core.messages import Advance, Event, Kill, Release, Reported, Start
from hpsearch.core.trial import Params, Report
from hpsearch.preflight.measure.learning import LearningMeasurement
from hpsearch.preflight.measure.lr_sweep import LrSweep
from hpsearch.preflight.measurements import Measurements, SweepLosses
from hpsearch.workers import checkpoints
from hpsearch.workers.pools.base import WorkerPool

PATIENCE = 60.0
"""Seconds without an event after which a test fails; no test takes 1 s."""

_numbers = count()


@dataclass
class Driver:
    """Sends orders and stores the events, for a pool that several tests may use."""

    pool: WorkerPool
    curves: dict[int, list[Report]] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)

    def start(self, params: Params, *, until: int = 5, epochs: int = 5, seed: int = 3) -> Start:
        """A trial with a number that no other test has."""
        start = Start(next(_numbers), params, seed, until, epochs)
        self.order(start)
        return start

    def order(self, start: Start) -> None:
        self.until(lambda: self.pool.room > 0)
        self.pool.execute(start)

    def until(self, enough: Callable[[], bool]) -> None:
        """Listen until a condition holds."""
        deadline = time.monotonic() + PATIENCE
        while not enough():
            assert time.monotonic() < deadline, f"timed out; received: {self.events[-3:]}"
            self.listen()

    def listen(self) -> Sequence[Event]:
        events = self.pool.events(0.05)
        for event in events:
            self.events.append(event)
            if isinstance(event, Reported):
                self.curves.setdefault(event.number, []).extend(event.reports)
        return events

    def next_event(self, start: Start) -> Event:
        """The next event of a trial. Fails if an event of another trial comes first."""
        count = len(self.events)
        self.until(lambda: len(self.events) > count)
        assert [event.number for event in self.events[count:]] == [start.number]
        return self.events[count]

    def train(self, *starts: Start, release: bool = True) -> list[Reported]:
        """Let started trials continue until each has reported its epoch `until`, has ended or has failed.

        release: release the trials that have ended, as the loop does.
        """
        left, last = {start.number: start for start in starts}, dict[int, Reported]()
        while left:
            count = len(self.events)
            self.until(lambda: len(self.events) > count)  # noqa: B023
            for event in self.events[count:]:
                assert isinstance(event, Reported), event
                last[event.number] = event
                step = event.reports[-1].step if event.reports else 0
                if event.ended or event.failure or step >= left[event.number].until:
                    del left[event.number]
                    if event.ended and release:
                        self.pool.execute(Release(event.number, over=True))
                else:
                    self.pool.execute(Advance(event.number))
        return [last[start.number] for start in starts]

    def curve(self, start: Start) -> list[Report]:
        return self.curves[start.number]


class PoolContract:
    """`pool` has two free workers with the trainer toys:either; `work` is the folder of its setup."""

    @pytest.fixture
    def driver(self, pool: WorkerPool) -> Driver:
        driver = Driver(pool)
        driver.until(lambda: pool.room == 2)
        return driver

    def test_each_start_and_each_advance_gives_one_event(self, driver: Driver) -> None:
        start = driver.start({"toy": "learner"}, until=100_000, epochs=100_000)
        for _ in range(3):
            known = len(driver.curves.get(start.number, []))
            event = driver.next_event(start)
            assert isinstance(event, Reported)
            assert [report.step for report in event.reports] == list(range(known + 1, known + 1 + len(event.reports)))
            assert event.reports
            assert (event.ended, event.failure) == (False, None)
            assert driver.listen() == []
            driver.pool.execute(Advance(start.number))
        driver.next_event(start)
        driver.pool.execute(Release(start.number, over=True))

    def test_no_report_beyond_until(self, driver: Driver) -> None:
        start = driver.start({"toy": "learner"}, until=3)
        driver.train(start)
        assert [report.step for report in driver.curve(start)] == [1, 2, 3]
        assert driver.listen() == []
        driver.pool.execute(Release(start.number, over=False))

    def test_room_counts_the_starts_that_are_possible_now(self, driver: Driver) -> None:
        assert driver.pool.room == 2
        first = driver.start({"toy": "learner"}, until=1)
        assert driver.pool.room == 1
        second = driver.start({"toy": "learner"}, until=1)
        assert driver.pool.room == 0
        driver.train(first, second)
        assert driver.pool.room == 0, "a trial that waits for an order holds its worker"
        driver.pool.execute(Release(first.number, over=False))
        assert driver.pool.room == 1
        driver.pool.execute(Release(second.number, over=False))
        assert driver.pool.room == 2

    def test_a_released_worker_takes_the_next_at_once(self, driver: Driver) -> None:
        for _ in range(4):
            starts = [driver.start({"toy": "learner"}, until=1) for _ in range(2)]
            driver.train(*starts)
            for start in starts:
                driver.pool.execute(Release(start.number, over=True))

    def test_an_ended_trial_waits_for_its_release(self, driver: Driver, work: Path) -> None:
        """Its newest checkpoint must stay until its end is in the journal: a driver may be killed in between."""
        start = driver.start({"toy": "learner"}, until=1)
        driver.train(start)
        driver.pool.execute(Release(start.number, over=False))
        then = replace(start, until=5, after=1)
        driver.order(then)
        (last,) = driver.train(then, release=False)
        store = checkpoints.CheckpointStore(work / "checkpoints" / f"{start.number:05d}", f"u/{start.number}")
        assert (last.ended, len(driver.curve(start)), driver.pool.room) == (True, 5, 1)
        assert store.newest(4) is not None
        driver.pool.execute(Release(start.number, over=True))
        assert driver.pool.room == 2
        driver.until(lambda: store.newest(4) is None)

    @pytest.mark.parametrize(
        ("params", "kind", "words"),
        [
            ({"toy": "faulty", "at": 2, "how": "raise"}, "error", "ValueError: no such optimizer"),
            ({"toy": "faulty", "at": 2, "how": "unpicklable"}, "error", "LocalError: gone"),
            ({"toy": "faulty", "at": 2, "how": "unprintable"}, "error", "Unprintable"),
            ({"toy": "faulty", "at": 2, "how": "sys.exit"}, "error", "sys.exit(3)"),
            ({"toy": "faulty", "at": 2, "how": "memory"}, "oom", "MemoryError"),
            ({"toy": "wrong", "how": "falling step"}, "contract", "step 0 after step 1"),
            ({"toy": "wrong", "how": "tuple"}, "contract", "not a Report"),
        ],
        ids=lambda value: value.get("how") if isinstance(value, dict) else None,
    )
    def test_a_failed_trial_has_a_reason_and_frees_its_worker(
        self, driver: Driver, params: Params, kind: str, words: str
    ) -> None:
        start = driver.start(params)
        (last,) = driver.train(start)
        assert last.failure is not None
        assert last.failure.kind == kind
        assert words in last.failure.summary
        assert [report.step for report in driver.curve(start)] == [1]
        assert driver.pool.room == 2

    def test_finally_runs_at_a_release(self, driver: Driver, work: Path) -> None:
        start = driver.start({"toy": "tidy"}, until=2)
        driver.train(start)
        closed = work / "scratch" / f"{start.number:05d}" / "closed"
        assert not closed.exists()
        driver.pool.execute(Release(start.number, over=False))
        driver.until(closed.exists)

    def test_a_final_release_keeps_only_the_best_checkpoint(self, driver: Driver, work: Path) -> None:
        starts = [driver.start({"toy": "learner"}, until=3) for _ in range(2)]
        driver.train(*starts)
        folders = [work / "checkpoints" / f"{start.number:05d}" for start in starts]
        for start, over in zip(starts, (False, True), strict=True):
            driver.pool.execute(Release(start.number, over))
        driver.until(lambda: {path.name for path in folders[1].glob("*.pt")} == {"best.pt"})
        assert checkpoints.CheckpointStore(folders[0], f"u/{starts[0].number}").newest(3) is not None

    @pytest.mark.parametrize("k", [1, 3])
    @pytest.mark.parametrize("toy", ["learner", "untracked"])
    def test_a_trial_resumes_on_any_worker(self, driver: Driver, toy: str, k: int) -> None:
        whole, first = driver.start({"toy": toy}), driver.start({"toy": toy}, until=k)
        driver.train(whole, first)
        driver.pool.execute(Release(first.number, over=False))
        for _ in range(2):  # the holder occupies another worker each time, so that another worker continues
            holder = driver.start({"toy": "learner"}, until=1)
            then = replace(first, until=5, after=k)
            driver.order(then)
            driver.train(holder, then)
            assert driver.curve(then) == driver.curve(whole)
            driver.curves[then.number] = driver.curve(then)[:k]
            driver.pool.execute(Release(holder.number, over=True))

    def test_trials_in_parallel_train_as_each_would_alone(self, driver: Driver) -> None:
        starts = [driver.start({"toy": "learner"}, seed=seed) for seed in (3, 4)]
        driver.train(*starts)
        alone = driver.start({"toy": "learner"}, seed=3)
        driver.train(alone)
        assert driver.curve(starts[0]) == driver.curve(alone)
        assert driver.curve(starts[1]) != driver.curve(alone)

    def test_a_killed_trial_has_no_more_events(self, driver: Driver) -> None:
        start = driver.start({"toy": "learner"}, until=2)
        driver.train(start)
        driver.pool.execute(Advance(start.number))
        driver.pool.execute(Kill(start.number))
        count = len(driver.events)
        driver.until(lambda: driver.pool.room == 2)
        assert len(driver.events) == count

    def test_a_killed_trial_resumes_on_another_worker(self, driver: Driver) -> None:
        whole = driver.start({"toy": "learner"})
        first = driver.start({"toy": "learner"}, until=2)
        driver.train(whole, first)
        driver.pool.execute(Kill(first.number))
        then = replace(first, until=5, after=2)
        driver.order(then)
        driver.train(then)
        assert driver.curve(then) == driver.curve(whole)

    def test_without_orders_nothing_happens(self, driver: Driver) -> None:
        assert list(driver.pool.events(0.0)) == []
        start = driver.start({"toy": "learner"}, until=1)
        driver.train(start)
        assert list(driver.pool.events(0.0)) == []
        driver.pool.execute(Release(start.number, over=True))

    def test_the_prints_of_a_trainer_are_in_its_log(self, driver: Driver, work: Path) -> None:
        start = driver.start({"toy": "chatty"}, until=1)
        driver.train(start)
        driver.pool.execute(Release(start.number, over=True))
        log = work / "logs" / f"trial-{start.number:05d}.log"
        # If the trial has a separate process, its output is copied in parallel with the reports.
        driver.until(lambda: log.exists() and log.read_text().count("\n") == 2)
        assert log.read_text() == "epoch 1: words \nand to stderr\n"


class MeasurerContract:
    """The contract of a pool's measurements before the first trial, with the same fixtures as PoolContract."""

    @pytest.fixture
    def driver(self, pool: WorkerPool) -> Driver:
        driver = Driver(pool)
        driver.until(lambda: pool.room == 2)
        return driver

    def test_the_trainer_is_measured(self, driver: Driver) -> None:
        found = driver.pool.measure(
            LearningMeasurement({"toy": "network", "lr": 0.01}, seed=3, epochs=5, skip=("labels",))
        )
        assert isinstance(found, Measurements)
        assert found.failure is None
        assert found.trained is not None
        assert [report.step for report in found.trained.reports] == [1, 2, 3]
        assert found.steps.loss_kind == "squared error"
        assert found.attempts != ()
        assert found.memory.host > 50e6

    def test_a_range_test_has_a_loss_for_every_rate(self, driver: Driver) -> None:
        order = LrSweep({"toy": "network", "lr": 0.01}, 3, 5, "lr", low=1e-5, high=1e-2, iterations=40)
        one, other = driver.pool.measure(order), driver.pool.measure(order)
        assert isinstance(one, SweepLosses)
        assert isinstance(other, SweepLosses)
        assert (one.problem, len(one.losses), len(one.rates)) == ("", 40, 40)
        assert one.losses == other.losses, "from the same beginning"

    def test_a_measurement_leaves_nothing_behind(self, driver: Driver, work: Path) -> None:
        before = driver.start({"toy": "learner"})
        driver.train(before)
        folder = work / "checkpoints" / f"{before.number:05d}"
        kept = {"best.pt", "epoch-000005.pt"}  # a worker removes earlier ones after its report
        driver.until(lambda: {path.name for path in folder.glob("*.pt")} == kept)
        files = sorted(work.rglob("*.pt"))
        driver.pool.measure(LearningMeasurement({"toy": "learner"}, seed=9, epochs=5))
        assert (driver.pool.room, driver.listen()) == (2, [])
        assert sorted(work.rglob("*.pt")) == files
        after = driver.start({"toy": "learner"})
        driver.train(after)
        assert driver.curve(after) == driver.curve(before)

    @pytest.mark.parametrize(("how", "kind"), [("raise", "error"), ("memory", "oom"), ("sys.exit", "error")])
    def test_an_exception_of_the_trainer_is_an_event(self, driver: Driver, how: str, kind: str) -> None:
        found = driver.pool.measure(LearningMeasurement({"toy": "faulty", "at": 1, "how": how}, seed=3, epochs=5))
        assert isinstance(found, Measurements)
        assert found.failure is not None
        assert found.failure.kind == kind
        assert driver.pool.room == 2

    def test_a_measurement_explains_a_missing_range_test(self, driver: Driver) -> None:
        found = driver.pool.measure(LrSweep({"toy": "learner", "lr": 0.01}, 3, 5, "lr", low=1e-5, high=1.0))
        assert isinstance(found, SweepLosses)
        assert "run.track(optimizer=…)" in found.problem
        assert found.losses == ()
