import pytest

from hpsearch.core.decisions import Over
from hpsearch.study.halving_schedule import HalvingSchedule
from hpsearch.study.schedule import Progress, Resource, Rung

SCHEDULE = HalvingSchedule(500, 50)


def after(trained: int, *reached: int, restarts: bool = False) -> Rung | Over:
    paused = [at for at in reached if at < 50]
    return SCHEDULE.next(Progress(1, 1, trained, paused, restarts, reached), Resource.MORE)


def test_rungs_are_three_times_as_long_as_the_one_before() -> None:
    assert SCHEDULE.resources == (1, 3, 9, 27, 50)
    assert HalvingSchedule(500, 10).resources == (1, 3, 10)
    assert HalvingSchedule(500, 1).resources == (1,)
    assert [SCHEDULE.rung_below(one) for one in SCHEDULE.resources] == [0, 1, 3, 9, 27]


def test_one_in_three_of_a_rung_continues_and_then_new_trials_start() -> None:
    assert after(12, *[1] * 12) == Rung(3, 4, 0)
    assert after(20, *[1] * 8, *[3] * 4) == Rung(9, 1, 0)
    started = after(26, *[1] * 8, *[3] * 3, 9)
    assert isinstance(started, Rung)
    assert (started.epochs, started.survivors) == (1, 0)
    assert started.new > 3


@pytest.mark.parametrize("restarts", [False, True])
def test_no_more_epochs_than_are_left(restarts: bool) -> None:
    found = after(492, *[1] * 12, restarts=restarts)
    assert found == Rung(3, 2 if restarts else 4, 0)
    assert after(499, *[1] * 12) == Rung(1, 0, 1)
    assert isinstance(after(500, *[1] * 12), Over)


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize(("budget", "epochs"), [(3, 50), (40, 50), (500, 50), (5000, 27), (60, 1)])
def test_a_forecast_spends_the_budget(budget: int, epochs: int, restarts: bool) -> None:
    rounds = list(HalvingSchedule(budget, epochs).forecast(restarts))
    assert rounds[0].survivors == 0
    assert all(one.trials for one in rounds)
    new = sum(one.new * one.epochs for one in rounds)
    assert new <= budget
    assert max(one.epochs for one in rounds) == epochs or budget < 100
