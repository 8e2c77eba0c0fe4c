import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from hpsearch.core.decisions import New, Resume
from hpsearch.core.history import History
from hpsearch.core.trial import Cause, Params, State
from hpsearch.doctor.findings import Label
from hpsearch.samplers.recipe.planned_rounds import PlannedRound
from hpsearch.samplers.recipe.sampler import Recipe
from hpsearch.samplers.recipe.search_ranges import full_ranges
from hpsearch.study.file.search_sections import Round
from hpsearch.study.schedule import BudgetSchedule, FixedSchedule, Schedule
from hpsearch.study.space import Choice, Float, Int, Space
from hpsearch.testing.simulation import LOSS, Loss, Simulation, diverges, fails, flat

SPACE = Space(
    (
        Float("lr", 1e-4, 1.0, log=True),
        Float("dropout", 0.0, 0.6),
        Choice("optimizer", ("sgd", "adam", "adagrad")),
    )
)
BEST = {"lr": 0.03, "dropout": 0.0, "optimizer": "sgd"}
MAX_EPOCHS = 27


def searcher(budget: int = 600, space: Space = SPACE, seed: int = 0, earlier: Sequence[int] = ()) -> Recipe:
    return Recipe(space, seed, [BudgetSchedule(one, MAX_EPOCHS) for one in (*earlier, budget)], top=0.15, margin=0.1)


def training(noise: float = 0.0, optimum: float = 0.03) -> Loss:
    """Curves that fall faster and lower the nearer lr is to its optimum; adagrad is much worse."""
    generator = np.random.default_rng(0)

    def loss(params: Params, epoch: int) -> float:
        away = abs(math.log10(float(params["lr"]) / optimum))
        level = 0.1 + 0.1 * away + 0.1 * float(params["dropout"]) + (params["optimizer"] == "adagrad")
        value = level + (1 - level) * math.exp(-0.5 * epoch * 10 ** (-0.5 * away))
        return value + noise * float(generator.standard_normal())

    return loss


def simulated(
    recipe: Recipe, loss: Loss | None = None, parallel: int = 1, history: History | None = None
) -> Simulation:
    return Simulation(recipe, loss or training(), epochs=MAX_EPOCHS, parallel=parallel, history=history).run()


def planned_rounds(simulation: Simulation) -> Sequence[PlannedRound]:
    assert isinstance(simulation.sampler, Recipe)
    return simulation.sampler.planned_rounds(simulation.history)[0]


class TestRounds:
    def test_many_short_trials_first_then_the_best_are_continued(self) -> None:
        simulation = simulated(searcher())
        first, second, third, *_ = planned_rounds(simulation)
        assert (first.rung.epochs, second.rung.epochs, third.rung.epochs) == (4, 10, 27)
        assert first.rung.new > second.rung.trials > third.rung.trials
        history = simulation.history
        losses = {number: training()(history[number].params, 4) for number in first.trials}
        assert list(second.survivors) == sorted(losses, key=losses.__getitem__)[: second.rung.survivors]

    def test_trials_in_the_worse_half_are_not_continued(self) -> None:
        simulation = simulated(searcher(1000))
        for plan in planned_rounds(simulation)[1:]:
            before = [simulation.history[number] for number in range(plan.first)]
            level = sorted(training()(trial.params, 4) for trial in before)[len(before) // 2]
            assert all(training()(simulation.history[n].params, 4) <= level for n in plan.survivors)

    def test_a_round_without_new_trials_has_no_reason_about_ranges(self) -> None:
        plans = [plan for budget in (100, 300, 400) for plan in planned_rounds(simulated(searcher(budget)))[1:]]
        assert {plan.rung.new == 0 for plan in plans} == {True, False}
        assert not [plan for plan in plans if plan.rung.new == 0 and "ranges" in plan.notes[1]]

    def test_no_epoch_is_trained_twice_and_none_beyond_the_budget(self) -> None:
        for budget in (40, 100, 300, 1000):
            history = simulated(searcher(budget), parallel=3).history
            assert history.epochs <= budget
            assert all([r.step for r in trial.curve] == list(range(1, trial.epoch + 1)) for trial in history)

    @pytest.mark.parametrize("budget", [100, 300, 1000])
    def test_without_checkpoints_what_is_trained_again_is_within_the_budget(self, budget: int) -> None:
        """Planned again from the recorded history, the rounds are the same."""
        history = simulated(searcher(budget), parallel=3, history=History(LOSS, restarts=True)).history
        plans, _ = searcher(budget).planned_rounds(history)
        assert sum(len(plan.trials) * plan.rung.epochs for plan in plans) <= budget
        assert any(plan.survivors for plan in plans)

    def test_the_ranges_become_narrower(self) -> None:
        widths = [
            math.log10(one.high / one.low)
            for plan in planned_rounds(simulated(searcher(1000)))
            for one in plan.ranges
            if one.name == "lr"
        ]
        assert widths == sorted(widths, reverse=True)
        assert widths[-1] < 0.3 * widths[0]

    def test_new_trials_are_within_their_search_ranges(self) -> None:
        simulation = simulated(searcher(1000))
        for plan in planned_rounds(simulation):
            for number in range(plan.first, min(plan.end, len(simulation.history))):
                for one in plan.ranges:
                    assert one.low <= float(simulation.history[number].params[one.name]) <= one.high

    def test_the_first_round_is_spread_more_evenly_than_chance(self) -> None:
        """Of 32 points of a scrambled Sobol sequence every interval of 1/32 holds one, on every axis."""
        space = Space((Float("x", 0.0, 1.0), Float("y", 0.0, 1.0)))
        recipe = Recipe(space, 0, [FixedSchedule([Round(trials=32, epochs=1)], 0.5)], 0.15, 0.1)
        points = [p.params for p in Simulation(recipe, flat, epochs=1).run().proposals if isinstance(p, New)]
        for name in ("x", "y"):
            assert sorted(int(32 * float(point[name])) for point in points) == list(range(32))

    def test_rounds_of_the_study_file(self) -> None:
        rounds = [Round(trials=12, epochs=2), Round(trials=6, epochs=5), Round(trials=2, epochs=9)]
        simulation = simulated(Recipe(SPACE, 0, [FixedSchedule(rounds, 0.5)], 0.15, 0.1))
        for number, round_ in enumerate(rounds, 1):
            own = [proposal for proposal in simulation.proposals if proposal.round == number]
            assert (len(own), {one.until for one in own}) == (round_.trials, {round_.epochs})
        assert simulation.end is not None
        assert simulation.end.numbers == {"rounds": 3}

    def test_a_value_that_ranks_worse_is_not_drawn_again(self) -> None:
        simulation = simulated(searcher(1500))
        at = next(one for one in planned_rounds(simulation) if not one.space.contains({**BEST, "optimizer": "adagrad"}))
        later = [simulation.history[n].params["optimizer"] for n in range(at.first, len(simulation.history))]
        assert later
        assert "adagrad" not in later

    def test_overfitting_trials_are_not_trained_longer(self) -> None:
        """All get worse from epoch 2 on: longer training does not help, other parameters may."""

        def overfits(params: Params, epoch: int) -> float:
            return 1 + float(params["dropout"]) - 0.5 * min(epoch, 2) + 0.2 * max(0, epoch - 2)

        def train(params: Params, epoch: int) -> float:
            return float(2 * 0.5**epoch)

        simulation = Simulation(searcher(), overfits, epochs=MAX_EPOCHS, train=train).run()
        first, second, *_ = planned_rounds(simulation)
        assert (first.rung.epochs, second.rung.epochs) == (4, 4)
        assert "longer training is not expected to help" in second.notes[1]
        assert Label.OVERFITTING in second.notes[1]


class TestSearchRanges:
    def narrow(self, expand: bool) -> Space:
        return Space((Float("lr", 1e-6, 1e-4, log=True, expand=expand), *SPACE.parameters[1:]))

    def test_a_range_that_is_two_decades_too_low_is_left_with_expand(self) -> None:
        history = simulated(searcher(space=self.narrow(expand=True))).history
        best = history.best()
        assert best is not None
        assert 0.003 < float(best.params["lr"]) < 0.3

    def test_a_range_that_is_two_decades_too_low_is_kept_without_expand(self) -> None:
        history = simulated(searcher(space=self.narrow(expand=False))).history
        assert all(float(trial.params["lr"]) <= 1e-4 for trial in history)

    def test_while_a_range_moves_the_rounds_stay_short_and_the_other_ranges_stay(self) -> None:
        simulation = simulated(searcher(space=self.narrow(expand=True)))
        _, second, *_ = planned_rounds(simulation)
        assert (second.rung.epochs, second.rung.survivors) == (4, 0)
        before, after = full_ranges(self.narrow(expand=True)), second.ranges
        assert after[0].low > before[0].low
        assert after[0].high > before[0].high
        assert (after[1].low, after[1].high) == (before[1].low, before[1].high)
        assert "because a part of the new range of lr was never searched" in second.notes[1]

    def test_some_trials_are_complete_although_the_range_keeps_moving(self) -> None:
        """The optimum lies ten decades away, which no budget reaches."""
        space = Space((Float("lr", 1e-9, 1e-8, log=True, expand=True), *SPACE.parameters[1:]))
        for budget in (100, 200, 400):
            history = simulated(searcher(budget, space=space), training(optimum=10.0)).history
            assert any(trial.state is State.COMPLETE for trial in history)


class TestTheEnd:
    def test_the_budget(self) -> None:
        simulation = simulated(searcher(300))
        assert simulation.end is not None
        assert (simulation.end.cause, simulation.end.numbers["budget"]) == (Cause.LIMIT, 300)

    def test_noise(self) -> None:
        """Only noise: the best parameters are trained with two other seeds, and no round improves by more than that."""
        generator = np.random.default_rng(1)

        def luck(params: Params, epoch: int) -> float:
            return 0.5 + 0.01 * float(generator.standard_normal()) - 0.001 * epoch

        simulation = simulated(searcher(6000), luck)
        repeated = next(plan for plan in planned_rounds(simulation) if plan.repeats is not None)
        again = [simulation.history[number] for number in range(repeated.first, repeated.end)]
        assert len(again) == 2
        assert all(trial.params == repeated.repeats for trial in again)
        assert simulation.end is not None
        assert simulation.end.numbers["noise"] > 0
        assert simulation.history.epochs < 6000

    def test_a_larger_budget_extends_the_search_without_changes(self) -> None:
        small = simulated(searcher(300))
        before = list(small.proposals)
        large = simulated(searcher(600, earlier=[300]), history=small.history)
        assert large.proposals
        assert large.history.epochs <= 600
        whole_search = simulated(searcher(600, earlier=[300]))
        assert whole_search.proposals == [*before, *large.proposals]

    def test_a_larger_budget_is_used_though_the_last_round_was_noise(self) -> None:
        generator = np.random.default_rng(1)

        def luck(params: Params, epoch: int) -> float:
            return 0.5 + 0.01 * float(generator.standard_normal())

        first = simulated(searcher(6000), luck)
        assert first.end is not None
        assert "noise" in first.end.numbers
        assert simulated(searcher(9000, earlier=[6000]), luck, history=first.history).proposals

    @pytest.mark.parametrize("loss", [diverges, fails])
    def test_without_any_result_it_ends_after_the_first_round(self, loss: Loss) -> None:
        simulation = simulated(searcher(), loss)
        assert simulation.end is not None
        assert simulation.end.numbers == {"trials": len(simulation.history)}
        assert len(planned_rounds(simulation)) == 1


class TestReplay:
    @pytest.mark.parametrize("parallel", [1, 3])
    def test_the_plans_do_not_depend_on_the_time_of_the_call(self, parallel: int) -> None:
        simulation = Simulation(searcher(), training(), epochs=MAX_EPOCHS, parallel=parallel)
        seen: dict[int, PlannedRound] = {}
        while simulation.end is None:
            simulation.run(turns=1)
            for plan in searcher().planned_rounds(History(LOSS, list(simulation.history)))[0]:
                assert seen.setdefault(plan.number, plan) == plan

    def test_the_notes_of_a_round_come_once_with_its_first_proposal(self) -> None:
        simulation = simulated(searcher(), parallel=2)
        for plan in planned_rounds(simulation):
            own = [proposal for proposal in simulation.proposals if proposal.round == plan.number]
            assert [proposal.notes for proposal in own] == [plan.notes, *[()] * (len(own) - 1)]


def test_a_trial_that_ended_by_itself_is_not_continued() -> None:
    simulation = Simulation(searcher(), training(), epochs=MAX_EPOCHS, prune=lambda number: number % 3 == 0).run()
    continued = {proposal.number for proposal in simulation.proposals if isinstance(proposal, Resume)}
    assert continued
    assert not any(number % 3 == 0 for number in continued)


@pytest.mark.parametrize(
    "schedules",
    [
        lambda: BudgetSchedule(200, 9),
        lambda: FixedSchedule([Round(trials=9, epochs=1), Round(trials=5, epochs=3)], 0.4),
    ],
)
def test_a_small_discrete_space(schedules: Callable[[], Schedule]) -> None:
    """Everything is tried before anything is tried twice."""
    space = Space((Int("layers", 1, 3), Choice("norm", (True, False))))
    simulation = Simulation(Recipe(space, 0, [schedules()], 0.15, 0.1), flat, epochs=9).run()
    points = [tuple(trial.params.values()) for trial in simulation.history]
    assert len(set(points[:6])) == 6
    assert all(trial.state is not State.FAILED for trial in simulation.history)


def test_a_range_four_decades_below_the_optimum_is_left_where_it_may_expand() -> None:
    """(log10 lr + 2)^2 + (d - 0.3)^2 + 1 / epochs: by a full sweep 0.1 is the least after 10 epochs, and 4.1 in the
    range of the file."""

    def loss(params: Params, epoch: int) -> float:
        return (math.log10(float(params["lr"])) + 2) ** 2 + (float(params["d"]) - 0.3) ** 2 + 1 / epoch

    space = Space((Float("lr", 1e-6, 1e-4, log=True, expand=True), Float("d", 0.0, 1.0)))
    recipe = Recipe(space, 0, [BudgetSchedule(300, 10)], top=0.15, margin=0.1)
    simulation = Simulation(recipe, loss, epochs=10).run()
    assert LOSS.loss(LOSS.ranked(simulation.history)[0]) < 0.2
