import pytest

from hpsearch.core.decisions import Over
from hpsearch.core.trial import Cause
from hpsearch.study.file.search_sections import Round
from hpsearch.study.schedule import REPEAT_SEEDS, BudgetSchedule, FixedSchedule, Progress, Resource, Rung, forecast


def at(epochs: int, trained: int, *paused: int, rounds: int = 1) -> Progress:
    return Progress(rounds, epochs, trained, paused)


def spent(budget: int, left: int) -> Over:
    reason = f"the budget of {budget} epochs is spent ({left} left)"
    return Over(reason, Cause.LIMIT, {"budget": budget, "left": left})


class TestBudgetSchedule:
    @pytest.mark.parametrize(
        ("longest", "resources"),
        [(1, (1,)), (2, (1, 2)), (3, (1, 2, 3)), (12, (2, 5, 12)), (27, (4, 10, 27)), (200, (5, 32, 200))],
    )
    def test_trials_are_trained_longer_from_round_to_round(self, longest: int, resources: tuple[int, ...]) -> None:
        assert BudgetSchedule(10_000, longest).resources == resources

    def test_the_first_round_is_many_short_trials(self) -> None:
        assert BudgetSchedule(600, 27).first() == Rung(4, 0, 45)  # 0.3 of the budget, in trials of 4 epochs

    def test_the_least_budget_pays_for_the_first_round_and_no_other(self) -> None:
        least = BudgetSchedule(1, 27).min_budget
        schedule = BudgetSchedule(least, 27)
        assert schedule.first() == Rung(4, 0, 3)
        assert schedule.next(at(4, least, 4, 4, 4), Resource.MORE) == spent(12, 0)

    def test_half_of_a_round_goes_into_those_that_go_on(self) -> None:
        rung = BudgetSchedule(600, 27).next(at(4, 180, *[4] * 45), Resource.MORE)
        assert rung == Rung(10, 15, 9)  # 0.45 of 420 are 189: 15 trials go on for 6 epochs, 9 new ones take 10

    def test_what_cannot_be_afforded_is_not_continued(self) -> None:
        schedule = BudgetSchedule(100, 27)
        assert schedule.next(at(10, 84, 10, 10), Resource.MORE) == spent(100, 16)
        assert schedule.next(at(10, 83, 10, 10), Resource.MORE) == Rung(27, 1, 0)

    def test_a_round_may_be_as_long_as_the_last(self) -> None:
        assert BudgetSchedule(600, 27).next(at(4, 200), Resource.SAME) == Rung(4, 0, 20)  # 0.2 of 400

    def test_back_to_shorter_trials_only_where_they_can_be_trained_on(self) -> None:
        schedule = BudgetSchedule(600, 27)
        rich, poor = (schedule.next(at(27, trained), Resource.LESS) for trained in (300, 510))
        assert isinstance(rich, Rung)
        assert rich.epochs == 10
        assert isinstance(poor, Rung)
        assert poor.epochs == 27

    def test_no_round_takes_more_than_is_left(self) -> None:
        for left in range(1, 150):
            for resource in Resource:
                rung = BudgetSchedule(600, 27).next(at(10, 600 - left, 10, 10, 4, 4), resource)
                if isinstance(rung, Rung):
                    older = sorted(rung.epochs - one for one in (10, 10, 4, 4) if one < rung.epochs)
                    assert rung.new * rung.epochs + sum(older[: rung.survivors]) <= left

    def test_a_window_may_move_as_long_as_enough_is_left_for_the_end(self) -> None:
        schedule = BudgetSchedule(600, 27)
        assert schedule.may_repeat_rung(at(4, 490))  # 0.8 of 110 epochs are more than three trainings of 27
        assert not schedule.may_repeat_rung(at(4, 500))

    def test_noise_is_measured_where_it_can_still_matter(self) -> None:
        schedule = BudgetSchedule(1000, 27)
        assert schedule.repeats(at(27, 600)) == REPEAT_SEEDS
        assert schedule.repeats(at(27, 900)) == 0
        needed = 2 * (REPEAT_SEEDS + 1) * 27
        assert [schedule.repeats(at(27, 1000 - left)) for left in (needed, needed - 1)] == [REPEAT_SEEDS, 0]


class TestFixedSchedule:
    ROUNDS = (Round(trials=8, epochs=2), Round(trials=4, epochs=5))

    def test_rounds_are_as_they_are_given(self) -> None:
        schedule = FixedSchedule(self.ROUNDS, keep=0.5)
        assert schedule.first() == Rung(2, 0, 8)
        assert schedule.next(at(2, 16, *[2] * 8), Resource.SAME) == Rung(5, 2, 2)
        assert schedule.next(at(2, 16), Resource.MORE) == Rung(5, 0, 4)
        assert schedule.next(at(5, 30, rounds=2), Resource.LESS) == Over("all 2 rounds are done", numbers={"rounds": 2})
        assert schedule.longest == 5
        assert schedule.repeats(at(5, 30)) == 0


def test_a_forecast_spends_the_budget() -> None:
    for budget in (40, 100, 600, 5000):
        sizes = list(forecast(BudgetSchedule(budget, 27)))
        assert sizes[0].survivors == 0
        assert sizes[-1].epochs == 27 or budget == 40
    assert list(forecast(FixedSchedule(TestFixedSchedule.ROUNDS, 0.5))) == [Rung(2, 0, 8), Rung(5, 2, 2)]


@pytest.mark.parametrize("budget", [40, 100, 600, 5000])
def test_without_checkpoints_a_continued_trial_costs_all_its_epochs(budget: int) -> None:
    rungs = list(forecast(BudgetSchedule(budget, 27), restarts=True))
    assert sum(one.trials * one.epochs for one in rungs) <= budget
    assert sum(one.survivors for one in rungs) > 0
