"""The recipe with `promote = true`: a round starts new trials, or continues one in three of a rung."""

import math
from dataclasses import replace

import pytest

from hpsearch.core.history import History
from hpsearch.core.trial import Cause, Params, Report, State
from hpsearch.samplers.recipe.sampler import Recipe
from hpsearch.study.halving_schedule import ETA, HalvingSchedule
from hpsearch.study.space import Choice, Float, Int, Space
from hpsearch.testing.simulation import LOSS, Loss, Simulation, diverges, fails, flat, infeasible

SPACE = Space((Float("lr", 1e-4, 1.0, log=True), Float("dropout", 0.0, 0.6), Choice("optimizer", ("sgd", "adam"))))
EPOCHS = 27


def searcher(budget: int, *earlier: int, space: Space = SPACE) -> Recipe:
    schedules = [HalvingSchedule(one, EPOCHS) for one in (*earlier, budget)]
    return Recipe(space, 0, schedules, top=0.15, margin=0.1)


def loss(params: Params, epoch: int) -> float:
    return 0.1 + abs(math.log10(float(params["lr"]) / 0.03)) + float(params["dropout"]) + 1 / epoch


def simulated(recipe: Recipe, own: Loss = loss, parallel: int = 1, history: History | None = None) -> Simulation:
    return Simulation(recipe, own, epochs=EPOCHS, parallel=parallel, history=history).run()


@pytest.mark.parametrize("parallel", [1, 4])
def test_the_budget_is_spent_on_the_counts_of_successive_halving(parallel: int) -> None:
    found = simulated(searcher(300), parallel=parallel)
    assert found.history.epochs <= 300 < found.history.epochs + EPOCHS
    for low, high in ((1, 3), (3, 9), (9, 27)):
        beyond, reached = (sum(trial.epoch >= epochs for trial in found.history) for epochs in (high, low))
        assert beyond <= reached // ETA
        assert beyond > 0
    assert found.history.best() is not None
    assert any(trial.state is State.COMPLETE for trial in found.history)


def test_later_rounds_draw_from_narrower_ranges_than_the_first() -> None:
    recipe = searcher(300)
    rounds = recipe.planned_rounds(simulated(recipe).history)[0]
    started = [plan for plan in rounds if plan.rung.new]
    assert len(started) > 2
    first, last = (next(one for one in plan.ranges if one.name == "lr") for plan in (started[0], started[-1]))
    assert last.high / last.low < 0.3 * first.high / first.low
    assert all(plan.survivors for plan in rounds if not plan.rung.new)


def test_a_killed_search_continues_as_the_unbroken_one() -> None:
    whole = simulated(searcher(150), parallel=2)
    for turns in (5, 23, 40, 61):
        half = Simulation(searcher(150), loss, epochs=EPOCHS, parallel=1).run(turns)
        rest = simulated(searcher(150), history=half.history)
        unbroken = simulated(searcher(150))
        assert [t.params for t in rest.history] == [t.params for t in unbroken.history]
        assert [t.epoch for t in rest.history] == [t.epoch for t in unbroken.history]
    assert len(whole.history) > 20


def test_a_larger_budget_keeps_the_trials_so_far() -> None:
    small = simulated(searcher(100))
    before = [trial.params for trial in small.history]
    large = simulated(searcher(300, 100), history=small.history)
    assert [trial.params for trial in large.history][: len(before)] == before
    assert 200 < large.history.epochs <= 300


def test_epochs_of_hpsearch_extend_change_no_round() -> None:
    history = simulated(searcher(300)).history
    before = searcher(300).planned_rounds(history)
    for trial in [one for one in history if one.state is State.COMPLETE]:
        history.put(replace(trial, curve=(*trial.curve, Report(2 * EPOCHS, {"val_loss": -9.0}))))
    assert searcher(300).planned_rounds(history) == before


def test_a_range_that_misses_the_optimum_moves() -> None:
    space = Space((Float("lr", 1e-7, 1e-5, log=True, expand=True), Float("dropout", 0.0, 0.6)))
    found = simulated(searcher(300, space=space))
    best = found.history.best()
    assert best is not None
    assert 0.01 < float(best.params["lr"]) < 0.1


@pytest.mark.parametrize("own", [diverges, fails, infeasible])
def test_without_any_value_the_search_ends_after_its_first_round(own: Loss) -> None:
    found = simulated(searcher(60), own)
    assert found.end is not None
    assert found.end.cause is Cause.DONE
    assert found.end.numbers == {"trials": len(found.history)}


@pytest.mark.parametrize("budget", [3, 5, 30])
def test_a_small_budget_or_a_space_of_two_points(budget: int) -> None:
    assert simulated(searcher(budget), flat).history.epochs <= budget
    found = simulated(searcher(budget, space=Space((Int("n", 1, 2),))), flat)
    assert len(found.history) == 2
    assert found.end is not None
    assert found.proposals[0].notes[0].startswith("round 1: 2 new trials")


def test_without_checkpoints_retrained_epochs_count() -> None:
    history = History(LOSS, restarts=True)
    assert simulated(searcher(120), history=history).end is not None
