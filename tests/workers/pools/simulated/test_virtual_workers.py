"""Virtual workers: orders, the clock, failures, trials that are resumed."""

import pytest

from hpsearch.core.messages import Advance, Failure, Kill, Lost, Release, Reported, Start
from hpsearch.core.trial import Params, Report
from hpsearch.workers.pools.simulated.played_curves import Curve, FunctionCurves
from hpsearch.workers.pools.simulated.virtual_workers import Simulated

CURVES = FunctionCurves(lambda params, epoch: params["x"] / epoch, "val_loss", seconds=lambda params: params["x"])


def start(number: int, x: float, after: int = 0) -> Start:
    return Start(number, {"x": x}, seed=0, until=3, epochs=3, after=after)


def reports(event: object) -> list[tuple[int, float]]:
    assert isinstance(event, Reported)
    return [(one.step, one.metrics["val_loss"]) for one in event.reports]


def test_an_epoch_takes_the_time_of_its_curve_and_the_earliest_end_comes_first() -> None:
    pool = Simulated(CURVES, workers=2)
    pool.execute(start(0, 5.0))
    pool.execute(start(1, 2.0))
    assert (pool.room, pool.room_after(1)) == (0, 1)
    [first] = pool.events(0.5)
    assert (first.number, reports(first), pool.clock()) == (1, [(1, 2.0)], 2.0)
    pool.execute(Advance(1))
    [second] = pool.events(0.5)
    assert (second.number, reports(second), pool.clock()) == (1, [(2, 1.0)], 4.0)
    [third] = pool.events(0.5)
    assert (third.number, third.seconds, pool.clock()) == (0, 5.0, 5.0)  # type: ignore[union-attr]


def test_a_worker_is_free_after_release_and_kill_and_an_order_of_a_killed_trial_has_no_event() -> None:
    pool = Simulated(CURVES, workers=2)
    pool.execute(start(0, 1.0))
    pool.execute(start(1, 2.0))
    pool.execute(Kill(0))
    pool.execute(Release(1, over=True))
    assert (pool.room, pool.events(0.5), pool.clock()) == (2, [], 0.0)


def test_the_last_report_ends_the_training() -> None:
    pool = Simulated(CURVES)
    pool.execute(start(0, 1.0, after=2))
    [event] = pool.events(0.5)
    assert isinstance(event, Reported)
    assert (reports(event), event.ended) == ([(3, 1 / 3)], True)


class Annealed:
    def curve(self, params: Params, seed: int, epochs: int) -> Curve:
        return Curve((Report(1, {"val_loss": 1.0}),), (1.0,), reads_epochs=True)


def test_a_curve_that_depends_on_the_number_of_epochs_says_so() -> None:
    pool = Simulated(Annealed())
    pool.execute(start(0, 1.0))
    [event] = pool.events(0.5)
    assert isinstance(event, Reported)
    assert event.reads_epochs


def test_without_checkpoints_a_resumed_trial_trains_its_epochs_again() -> None:
    pool = Simulated(CURVES, resumes=False)
    pool.execute(start(0, 1.0, after=2))
    [event] = pool.events(0.5)
    assert isinstance(event, Reported)
    assert (reports(event), event.retrained, event.seconds, pool.clock()) == ([(3, 1 / 3)], 2, 3.0, 3.0)
    assert event.unsaved


def test_failures_of_a_curve_and_on_request() -> None:
    def fault(_trial: int, epoch: int, attempt: int) -> Lost | None:
        return Lost(-1, "lost") if (epoch, attempt) == (1, 1) else None

    class Raises:
        def curve(self, _params: Params, _seed: int, _epochs: int) -> Curve:
            return Curve((Report(1, {"val_loss": 1.0}),), (1.0,), Failure("error", "ValueError"))

    pool = Simulated(Raises(), fault=fault)
    pool.execute(start(4, 1.0))
    assert pool.events(0.5) == [Lost(4, "lost")]
    assert pool.room == 1
    pool.execute(start(4, 1.0))
    [event] = pool.events(0.5)
    assert isinstance(event, Reported)
    assert not event.ended
    pool.execute(Advance(4))
    [event] = pool.events(0.5)
    assert isinstance(event, Reported)
    assert event.failure == Failure("error", "ValueError")
    assert pool.room == 1


def test_the_spread_of_times_is_bounded_and_the_same_for_the_same_seed() -> None:
    times = []
    for _ in range(2):
        pool = Simulated(CURVES, spread=0.1, seed=7)
        pool.execute(start(0, 1.0))
        pool.events(0.5)
        times.append(pool.now)
    assert times[0] == times[1] == pytest.approx(1.0, abs=0.1)
    assert times[0] != 1.0
