import math
from dataclasses import replace

import numpy as np
import pytest

from hpsearch.core.decisions import New, Resume
from hpsearch.core.errors import Infeasible
from hpsearch.core.history import History
from hpsearch.core.seeds import stream
from hpsearch.core.trial import Params, State
from hpsearch.samplers.freeze_thaw.curve_process import rank_correlation
from hpsearch.samplers.freeze_thaw.freezing import FreezeThaw
from hpsearch.samplers.random import draw
from hpsearch.study.space import Choice, Float, Space
from hpsearch.testing.sampler_contract import CONDITIONAL, varied_loss
from hpsearch.testing.simulation import LOSS, Loss, Simulation

EPOCHS = 27
SQUARE = Space((Float("x", 0.0, 1.0), Float("y", 0.0, 1.0)))


def valley(params: Params, epoch: int) -> float:
    """Falls to its value at the end, which is best at (0.3, 0.7)."""
    return float((params["x"] - 0.3) ** 2 + (params["y"] - 0.7) ** 2) + 0.3 / epoch


def search(
    loss: Loss = valley,
    space: Space = SQUARE,
    trials: int = 27,
    epochs: int = EPOCHS,
    parallel: int = 1,
    history: History | None = None,
) -> Simulation:
    sampler = FreezeThaw(space, 0, trials, epochs, 6)
    return Simulation(sampler, loss, epochs=epochs, parallel=parallel, history=history).run()


def test_most_trials_are_paused_and_a_third_of_each_rung_continues() -> None:
    history = search().history
    assert [sum(one.epoch >= rung for one in history) for rung in (1, 3, 9, 27)] == [27, 9, 3, 1]
    assert {one.state for one in history} == {State.PAUSED, State.COMPLETE}


def test_new_trials_come_closer_to_the_optimum() -> None:
    losses = [valley(trial.params, EPOCHS) for trial in search().history]
    assert sorted(losses[6:])[10] < sorted(losses[:6])[2]
    assert min(losses) < 0.03


def test_every_second_promotion_goes_to_the_best_value() -> None:
    simulation = search()
    resumed = [one for one in simulation.proposals if isinstance(one, Resume)]
    assert {one.until for one in resumed} == {3, 9, 27}
    assert len({one.reason.split(",")[-1] for one in resumed}) > 1


@pytest.mark.parametrize(("left", "running", "finishes"), [(6, 0, True), (9, 0, True), (18, 0, False), (18, 1, True)])
def test_the_last_epochs_of_a_limited_study_train_the_best_paused_trial_to_the_end(
    left: int, running: int, finishes: bool
) -> None:
    history = search(epochs=9).history
    trials = [replace(one, state=State.RUNNING) if one.number < running else one for one in history]
    history = History(LOSS, trials)
    paused = [trial for trial in history if trial.state is State.PAUSED]
    best = min(paused, key=lambda trial: valley(trial.params, trial.epoch)).number
    asked = FreezeThaw(SQUARE, 0, 100, 9, 6, budget=history.epochs + left).ask(history)
    reason = f"the best value of {len(paused)} paused, trained to the end: {left} epochs left"
    assert (asked == Resume(best, 9, reason)) is finishes


def test_in_a_table_the_model_proposes_rows_without_a_trial() -> None:
    rows = [SQUARE.from_unit(point) for point in stream(0, 0).random((60, 2)).tolist()]
    simulation = search(space=replace(SQUARE, rows=tuple(rows)))
    modelled = [one for one in simulation.proposals if isinstance(one, New) and "improvement" in one.reason]
    nearest = [
        min((math.dist(one.params.values(), row.values()), place) for place, row in enumerate(rows)) for one in modelled
    ]
    assert max(distance for distance, _ in nearest) < 1e-9
    assert len({place for _, place in nearest}) == len(modelled) > 5


@pytest.mark.parametrize("parallel", [4, 12])
def test_several_workers_start_different_trials(parallel: int) -> None:
    simulation = search(parallel=parallel)
    points = [tuple(one.params.values()) for one in simulation.proposals if isinstance(one, New)]
    assert len(set(points)) == len(points) == 27


def test_without_checkpoints_every_trial_trains_to_the_end() -> None:
    history = search(trials=9, history=History(LOSS, restarts=True)).history
    assert [one.epoch for one in history] == [EPOCHS] * 9


def test_a_trial_that_trains_one_epoch_is_complete() -> None:
    assert {one.state for one in search(trials=9, epochs=1).history} == {State.COMPLETE}


def test_few_trials_still_train_one_to_the_end() -> None:
    assert sorted(one.epoch for one in search(trials=2).history) == [1, EPOCHS]


def test_a_trainer_with_a_schedule_gets_longer_first_looks_and_random_trials_that_continue() -> None:
    history = History(LOSS)
    simulation = Simulation(FreezeThaw(SQUARE, 0, 40, EPOCHS, 6), valley, epochs=EPOCHS, history=history)
    for _ in range(200):
        simulation.run(1)
        history.put(replace(history[0], reads_epochs=True))
    looks = [one.until for one in simulation.proposals if isinstance(one, New)]
    assert looks[0] == 1
    assert looks[-1] == 3
    new = [one.reason for one in simulation.proposals if isinstance(one, New)]
    assert all("one in 4" in reason for reason in new[7::4])
    assert {one.until for one in simulation.proposals if "random trials" in one.reason} >= {3, 9}


def gaps(params: Params, epoch: int) -> float:
    if params["x"] > 0.8:
        raise ArithmeticError
    if params["y"] < 0.2:
        raise Infeasible("not allowed")
    return math.nan if params["x"] < 0.1 and epoch == 2 else valley(params, epoch)


def rising(params: Params, epoch: int) -> float:
    return valley(params, 1) * epoch


def huge(params: Params, epoch: int) -> float:
    return 10.0 ** (300 * params["x"]) / epoch


@pytest.mark.parametrize("loss", [gaps, rising, huge])
def test_curves_of_any_kind(loss: Loss) -> None:
    simulation = search(loss, parallel=2)
    assert len(simulation.history) == 27
    assert sum(one.state is State.COMPLETE for one in simulation.history) >= 1


def test_a_space_of_one_point_is_exhausted_after_it() -> None:
    simulation = search(lambda _, epoch: 1 / epoch, space=Space((Choice("x", ("a",)),)))
    assert [one.epoch for one in simulation.history] == [EPOCHS]
    assert simulation.end is not None


def test_trials_of_the_study_that_it_was_forked_from_are_known_to_the_model() -> None:
    before = search().history
    fork = Simulation(
        FreezeThaw(SQUARE, 1, 6, EPOCHS, 6), valley, epochs=EPOCHS, history=History(LOSS, (), list(before))
    )
    fork.run()
    assert all("startup" not in one.reason for one in fork.proposals[3:])
    assert min(valley(one.params, EPOCHS) for one in fork.history) < 0.03


def test_a_resumed_search_has_the_same_model() -> None:
    """The kernel is fitted to what was reported before a trial was proposed, whenever the fit is made."""
    simulation = search(varied_loss, CONDITIONAL)
    trials = [
        replace(
            trial,
            proposed_at=100 * trial.number,
            ended_at=100 * trial.number + 50,
            curve=tuple(replace(report, at=100 * trial.number + report.step) for report in trial.curve),
        )
        for trial in simulation.history
    ]
    unbroken = FreezeThaw(CONDITIONAL, 0, 40, EPOCHS, 6)
    history = History(LOSS)
    for trial in trials:
        history.put(trial)
        unbroken.ask(history)
    assert FreezeThaw(CONDITIONAL, 0, 40, EPOCHS, 6).ask(History(LOSS, trials)) == unbroken.ask(history)


def noise(params: Params, _epoch: int) -> float:
    """The parameters say nothing about it."""
    return math.sin(1e6 * params["x"]) + math.sin(1e6 * params["y"])


def plateau(params: Params, _epoch: int) -> float:
    """Equal for all that are better than a bound."""
    return max(valley(params, 1), 0.35)


@pytest.mark.parametrize(("loss", "most"), [(noise, True), (plateau, True), (valley, False)])
def test_every_second_new_trial_is_random_where_the_model_is_of_no_use(loss: Loss, most: bool) -> None:
    history = search(loss).history
    drawn = [draw(SQUARE, stream(0, one.number), set()) == one.params for one in history if one.number % 2]
    assert (sum(drawn[4:]) > 5) == most
    modelled = [draw(SQUARE, stream(0, one.number), set()) == one.params for one in history if one.number % 2 == 0]
    assert sum(modelled) < 3  # the model may propose a point that is known


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        ([1, 2, 3], [10, 20, 90], 1.0),
        ([1, 2, 3], [3, 2, 1], -1.0),
        ([1, 1, 1], [1, 2, 3], 0.0),
        ([2, 2, 5], [1, 1, 9], 1),
    ],
)
def test_rank_correlation(one: list[float], other: list[float], found: float) -> None:
    assert rank_correlation(np.array(one), np.array(other)) == pytest.approx(found)
