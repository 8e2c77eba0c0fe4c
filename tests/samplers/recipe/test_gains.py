"""What new and continued trials have gained, and a recipe that divides its budget by it."""

import math

import pytest

from hpsearch.core.history import History
from hpsearch.core.trial import Params, Report, State, Trial
from hpsearch.samplers.recipe.gains import EVEN, new_share
from hpsearch.samplers.recipe.planned_rounds import PlannedRound
from hpsearch.samplers.recipe.sampler import WIDE, Recipe
from hpsearch.study.halving_schedule import HalvingSchedule
from hpsearch.study.schedule import Progress, Resource, Rung
from hpsearch.study.space import Choice, Float, Int, Space
from hpsearch.testing.simulation import LOSS, Loss, Simulation, diverges, fails, flat, infeasible

SPACE = Space((Float("lr", 1e-4, 1.0, log=True), Float("dropout", 0.0, 0.6), Choice("optimizer", ("sgd", "adam"))))
EPOCHS = 27


def searcher(budget: int, *earlier: int, space: Space = SPACE, epochs: int = EPOCHS) -> Recipe:
    schedules = [HalvingSchedule(one, epochs, by_gain=True) for one in (*earlier, budget)]
    return Recipe(space, 0, schedules, top=0.15, margin=0.1)


def loss(params: Params, epoch: int) -> float:
    return 0.1 + abs(math.log10(float(params["lr"]) / 0.03)) + float(params["dropout"]) + 1 / epoch


def simulated(
    recipe: Recipe, own: Loss = loss, parallel: int = 1, history: History | None = None, epochs: int = EPOCHS
) -> Simulation:
    return Simulation(recipe, own, epochs=epochs, parallel=parallel, history=history).run()


def trial(number: int, *losses: float) -> Trial:
    curve = tuple(Report(epoch, {LOSS.metric: one}) for epoch, one in enumerate(losses, 1))
    return Trial(number, {"lr": 0.1}, seed=0, until=len(losses), reason="", state=State.PAUSED, curve=curve)


class TestNewShare:
    FIRST = PlannedRound(1, Rung(1, 0, 2), 0, (), SPACE)
    NEW = PlannedRound(2, Rung(1, 0, 2), 2, (), SPACE)
    CONTINUED = PlannedRound(3, Rung(3, 1, 0), 4, (), SPACE, (0,))

    def share(self, *curves: tuple[float, ...]) -> float:
        trials = [trial(number, *curve) for number, curve in enumerate(curves)]
        return new_share([self.FIRST, self.NEW, self.CONTINUED], trials, LOSS.loss)

    def test_even_where_no_round_gained_anything(self) -> None:
        assert self.share((1.0, 1.0, 1.0), (2.0,), (3.0,), (3.0,)) == EVEN
        assert self.share((math.nan,), (math.nan,), (math.nan,), (math.nan,)) == EVEN

    def test_the_gain_belongs_to_the_trial_that_has_it(self) -> None:
        assert self.share((1.0, 1.0, 1.0), (2.0,), (0.5,), (3.0,)) == 1
        assert self.share((1.0, 0.8, 0.5), (2.0,), (3.0,), (3.0,)) == 0

    def test_it_is_divided_by_the_epochs(self) -> None:
        assert self.share((1.0, 0.8, 0.4), (2.0,), (0.8,), (3.0,)) == pytest.approx((0.2 / 2) / (0.2 / 2 + 0.4 / 2))


class TestSchedule:
    def after(self, share: float, trained: int = 24, budget: int = 500) -> Rung:
        now = Progress(1, 1, trained, [1] * 24, reached=[1] * 24, new_share=share)
        found = HalvingSchedule(budget, 50, by_gain=True).next(now, Resource.MORE)
        assert isinstance(found, Rung)
        return found

    def test_more_trials_continue_where_continued_ones_brought_more(self) -> None:
        assert [self.after(share) for share in (0.0, 0.5, 1.0)] == [Rung(3, 12, 0), Rung(3, 8, 0), Rung(3, 6, 0)]

    def test_the_last_epochs_train_the_best_to_the_end(self) -> None:
        assert HalvingSchedule(500, 50, by_gain=True).last_seeds == 1
        assert self.after(0.5, trained=401) == Rung(50, 1, 0, at_end=True)
        assert self.after(0.5, trained=420).epochs < 50

    @pytest.mark.parametrize("restarts", [False, True])
    @pytest.mark.parametrize(("budget", "epochs"), [(3, 50), (40, 50), (500, 50), (5000, 27), (60, 1)])
    def test_a_forecast_stays_within_the_budget(self, budget: int, epochs: int, restarts: bool) -> None:
        rounds = list(HalvingSchedule(budget, epochs, by_gain=True).forecast(restarts))
        assert all(one.trials for one in rounds)
        assert sum(one.new * one.epochs for one in rounds) <= budget


@pytest.mark.parametrize("parallel", [1, 4])
def test_the_best_parameters_are_trained_to_the_end_with_other_seeds(parallel: int) -> None:
    recipe = searcher(300)
    search = simulated(recipe, parallel=parallel)
    found = search.history
    assert search.end is not None
    assert search.end.numbers["left"] == 300 - found.epochs
    plans = recipe.planned_rounds(found)[0]
    best = found.best()
    assert best is not None
    assert 270 < found.epochs <= 300
    assert plans[-1].repeats is not None
    assert [found[number].epoch for number in plans[-1].trials] == [EPOCHS]
    assert best.epoch == EPOCHS


def test_one_in_four_later_trials_is_drawn_from_the_full_space() -> None:
    recipe = searcher(300)
    found = simulated(recipe).history
    started = [plan for plan in recipe.planned_rounds(found)[0][1:] if plan.rung.new and plan.repeats is None]
    assert started
    for plan in started:
        lr = next(one for one in plan.ranges if one.name == "lr")
        outside = [n for n in range(plan.first, plan.end) if not lr.low <= float(found[n].params["lr"]) <= lr.high]
        assert all((number - plan.first) % WIDE == WIDE - 1 for number in outside)
    assert any(plan.wide for plan in started)


def test_a_killed_search_continues_as_the_unbroken_one() -> None:
    unbroken = simulated(searcher(300)).history
    for turns in (5, 41, 90, 120):
        half = Simulation(searcher(300), loss, epochs=EPOCHS, parallel=1).run(turns)
        rest = simulated(searcher(300), history=half.history).history
        assert [(t.params, t.epoch) for t in rest] == [(t.params, t.epoch) for t in unbroken]


def test_a_larger_budget_keeps_the_trials_so_far() -> None:
    small = simulated(searcher(100))
    before = [one.params for one in small.history]
    large = simulated(searcher(300, 100), history=small.history)
    assert [one.params for one in large.history][: len(before)] == before
    assert 200 < large.history.epochs <= 300


@pytest.mark.parametrize("own", [diverges, fails, infeasible])
def test_without_any_value_the_search_ends_after_its_first_round(own: Loss) -> None:
    assert simulated(searcher(60), own).end is not None


def test_each_point_of_a_small_space_is_trained_to_the_end() -> None:
    found = simulated(searcher(300, space=Space((Int("n", 1, 2),))), flat)
    assert found.end is not None
    assert {one.epoch for one in found.history} == {EPOCHS}
    assert {one.params["n"] for one in found.history} == {1, 2}


@pytest.mark.parametrize(("budget", "epochs"), [(3, 27), (5, 27), (30, 27), (10, 1)])
def test_small_budgets_and_trials_of_one_epoch(budget: int, epochs: int) -> None:
    found = simulated(searcher(budget, epochs=epochs), flat, epochs=epochs)
    assert found.end is not None
    assert 0 < found.history.epochs <= budget


def test_without_checkpoints_retrained_epochs_count() -> None:
    found = simulated(searcher(120), history=History(LOSS, restarts=True))
    assert found.end is not None
    assert found.history.epochs <= 120
